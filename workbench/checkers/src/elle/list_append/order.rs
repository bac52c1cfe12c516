//! The order in which elements were appended, which is that of the longest list that was read of a
//! key.
//!
//! An element that was never read comes after all that were: the longest list would contain it
//! otherwise.

use smallvec::smallvec;

use super::{Case, Lists};
use crate::elle::anomalies::Anomalies;
use crate::elle::graph::Vertex;
use crate::elle::number_map::NumberMap;
use crate::elle::transactions::{NIL, Transactions, reads, writes};
use crate::elle::versions::Versions;
use history::Kind;

/// The order of all elements of each key.
pub(super) struct AppendOrder {
    /// By key: the elements in order, as far as it is known.
    elements: Vec<Vec<u32>>,
    /// By key and element: the one before it.
    before: NumberMap<(u32, u32), u32>,
    /// By key and element: the transaction that appended it, however that ended.
    writers: NumberMap<(u32, u32), usize>,
    /// All lists that were read and are not empty, by key and length.
    read: Vec<(u32, u32, u32)>,
}

impl AppendOrder {
    /// Infers the order from transactions that took effect or may have.
    ///
    /// # Errors
    /// When two operations requested to append the same element to one key.
    pub(super) fn of(transactions: &Transactions<'_, Lists>) -> Result<Self, String> {
        if let Some(twice) = transactions.values.requested_twice {
            return Err(describe_double_append(transactions, twice));
        }
        let read = lists_read(transactions);
        let mut order = AppendOrder {
            elements: vec![Vec::new(); transactions.keys.len()],
            before: NumberMap::default(),
            writers: writers(transactions),
            read,
        };
        let mut longest = vec![NIL; transactions.keys.len()];
        for (key, _, list) in &order.read {
            longest[*key as usize] = *list;
        }
        let only = only_appends(transactions);
        for (key, list) in (0..).zip(longest) {
            let elements = match only[key as usize] {
                Some(element) if list == NIL => vec![element],
                _ => transactions.values.elements(list),
            };
            order.add(key, elements);
        }
        Ok(order)
    }

    /// Adds the elements of a key; of equal ones the first counts.
    fn add(&mut self, key: u32, elements: Vec<u32>) {
        let mut last = NIL;
        let order = &mut self.elements[key as usize];
        for element in elements {
            let before = self.before.entry((key, element));
            before.or_insert_with(|| {
                order.push(element);
                std::mem::replace(&mut last, element)
            });
        }
    }

    /// Checks that every element of the order was appended.
    ///
    /// # Errors
    /// When one was not.
    pub(super) fn check_writers(
        &self,
        transactions: &Transactions<'_, Lists>,
    ) -> Result<(), String> {
        for (key, elements) in (0..).zip(&self.elements) {
            let has_writer = |element: &&u32| self.writers.contains_key(&(key, **element));
            if let Some(element) = elements.iter().find(|it| !has_writer(it)) {
                return Err(format!(
                    "{} is in the longest list read from key {}, but was never appended",
                    transactions.elements.element(*element),
                    transactions.keys.element(key)
                ));
            }
        }
        self.check_single_appends(transactions)
    }

    /// Checks that the only requested append to a key is in a completion. For Elle its element
    /// exists even if it was never read, and must have been appended by a transaction.
    fn check_single_appends(&self, transactions: &Transactions<'_, Lists>) -> Result<(), String> {
        let mut is_written = vec![false; transactions.keys.len()];
        for (key, _) in self.writers.keys() {
            is_written[*key as usize] = true;
        }
        let requested = transactions.values.only_requested(transactions.keys.len());
        for ((key, requested), is_written) in (0..).zip(requested).zip(is_written) {
            let is_unread = self.elements[key as usize].is_empty();
            if let Some((element, op)) = requested.filter(|_| is_unread && !is_written) {
                return Err(format!(
                    "the completion of op {op} lacks the only append to key {}, that of {}",
                    transactions.keys.element(key),
                    transactions.elements.element(element)
                ));
            }
        }
        Ok(())
    }

    /// The element before this one, `NIL` if it is the first.
    fn before(&self, key: u32, element: u32) -> u32 {
        let known = self.before.get(&(key, element)).copied();
        let last = || self.elements[key as usize].last().copied();
        known.or_else(last).unwrap_or(NIL)
    }

    /// The versions that transactions read and wrote.
    pub(super) fn versions(mut self, transactions: &Transactions<'_, Lists>) -> Versions {
        // No longer needed, and as large as the versions.
        self.writers = NumberMap::default();
        self.read = Vec::new();
        let mut all = Versions::default();
        for transaction in transactions.possible() {
            let vertex = transaction as Vertex;
            let is_ok = transactions.completion(transaction).kind == Kind::Ok;
            let micro_ops = transactions.micro_ops(transaction);
            // An indeterminate operation did not perform a read that has no result.
            for read in reads(micro_ops).filter(|read| is_ok || read.value != NIL) {
                let last = transactions.values.list(read.value).last;
                let readers = &mut all.version(read.key, last).readers;
                if readers.last() != Some(&vertex) {
                    readers.push(vertex);
                }
            }
            for append in writes(micro_ops) {
                let (key, element) = (append.key, append.value);
                let updaters = &mut all.version(key, self.before(key, element)).updaters;
                if updaters.last().is_none_or(|(last, _)| *last != vertex) {
                    updaters.push((vertex, element));
                }
                let index = |vertex: Vertex| transactions.completion(vertex as usize).index;
                let writers = &mut all.version(key, element).writers;
                if writers.first().is_none_or(|it| index(*it) < index(vertex)) {
                    *writers = smallvec![vertex];
                }
            }
        }
        all
    }

    /// Adds pairs of lists neither of which is a prefix of the other, and failed appends that were
    /// built upon.
    pub(super) fn check(
        &self,
        transactions: &Transactions<'_, Lists>,
        anomalies: &mut Anomalies<Case>,
    ) {
        let mut last = None;
        for pair in self.read.windows(2) {
            let [(key, _, shorter), (other, _, extended)] = [pair[0], pair[1]];
            if key == other
                && last != Some(key)
                && !transactions.values.begins_with(extended, shorter)
            {
                last = Some(key);
                let lists = [shorter, extended];
                anomalies.add("incompatible-order", Case::IncompatibleOrder { key, lists });
            }
        }
        if transactions.completed_as(Kind::Fail).next().is_some() {
            for (key, elements) in (0..).zip(&self.elements) {
                self.check_updates(transactions, key, elements, anomalies);
            }
        }
    }

    /// Adds failed appends that precede successful ones.
    fn check_updates(
        &self,
        transactions: &Transactions<'_, Lists>,
        key: u32,
        elements: &[u32],
        anomalies: &mut Anomalies<Case>,
    ) {
        // The first failed append since the last successful one.
        let mut failed: Option<(usize, usize)> = None;
        for (position, element) in elements.iter().enumerate() {
            let Some(&writer) = self.writers.get(&(key, *element)) else {
                continue;
            };
            match transactions.completion(writer).kind {
                Kind::Fail => failed = failed.or(Some((position, writer))),
                Kind::Ok => {
                    if let Some((first, failed)) = failed.take() {
                        let case = Case::DirtyUpdate {
                            key,
                            elements: elements[first..=position].to_vec(),
                            failed,
                            writer,
                        };
                        anomalies.add("dirty-update", case);
                    }
                }
                Kind::Info | Kind::Invoke => {}
            }
        }
    }
}

/// The lists that were read and are not empty, each once, by key and length.
fn lists_read(transactions: &Transactions<'_, Lists>) -> Vec<(u32, u32, u32)> {
    let mut is_read = vec![false; transactions.values.len()];
    let mut read = Vec::new();
    for transaction in transactions.possible() {
        for micro_op in reads(transactions.micro_ops(transaction)) {
            let list = transactions.values.list(micro_op.value);
            let is_known = &mut is_read[micro_op.value as usize];
            if list.length > 0 && !std::mem::replace(is_known, true) {
                read.push((micro_op.key, list.length, micro_op.value));
            }
        }
    }
    // Stable: of lists of one length, the one that was read first comes first.
    read.sort_by_key(|(key, length, _)| (*key, *length));
    read
}

/// By key and element: the transaction that appended it; of several, the last to complete.
fn writers(transactions: &Transactions<'_, Lists>) -> NumberMap<(u32, u32), usize> {
    let index = |transaction: usize| transactions.completion(transaction).index;
    let mut writers = NumberMap::default();
    for transaction in 0..transactions.ops.len() {
        for append in writes(transactions.micro_ops(transaction)) {
            let writer = writers.entry((append.key, append.value));
            let writer = writer.or_insert(transaction);
            if index(*writer) < index(transaction) {
                *writer = transaction;
            }
        }
    }
    writers
}

/// By key: the element of the only append that took effect or may have.
fn only_appends(transactions: &Transactions<'_, Lists>) -> Vec<Option<u32>> {
    let mut alone = vec![None; transactions.keys.len()];
    let mut is_known = vec![false; transactions.keys.len()];
    for transaction in transactions.possible() {
        for append in writes(transactions.micro_ops(transaction)) {
            let key = append.key as usize;
            let is_first = !std::mem::replace(&mut is_known[key], true);
            alone[key] = is_first.then_some(append.value);
        }
    }
    alone
}

fn describe_double_append(
    transactions: &Transactions<'_, Lists>,
    (key, element, [first, second]): (u32, u32, [usize; 2]),
) -> String {
    format!(
        "{} was appended to key {} twice, by op {first} and by op {second}",
        transactions.elements.element(element),
        transactions.keys.element(key)
    )
}
