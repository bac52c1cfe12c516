//! In which order elements were appended: the longest list that was read of a key tells.
//!
//! An element that nobody read comes after all that were: whoever read the longest list would have
//! seen it otherwise.

use std::collections::HashMap;

use smallvec::smallvec;

use super::{Case, Lists};
use crate::elle::anomalies::Anomalies;
use crate::elle::graph::Vertex;
use crate::elle::transactions::{NIL, Transactions, reads, writes};
use crate::elle::versions::Versions;
use history::Kind;

/// The order of all elements of each key.
pub(super) struct Order {
    /// By key: the elements, as far as they are known.
    elements: Vec<Vec<u32>>,
    /// By key and element: the one before it.
    before: HashMap<(u32, u32), u32>,
    /// By key and element: who appended it, however that ended.
    writers: HashMap<(u32, u32), usize>,
    /// All lists that were read and are not empty, by key and length.
    read: Vec<(u32, u32, u32)>,
}

impl Order {
    /// Learns the order from transactions that took effect or may have.
    ///
    /// # Errors
    /// When two operations asked to append the same element to one key.
    pub(super) fn of(transactions: &Transactions<'_, Lists>) -> Result<Self, String> {
        if let Some(twice) = transactions.values.asked_twice {
            return Err(appended_twice(transactions, twice));
        }
        let read = lists_read(transactions);
        let mut order = Order {
            elements: vec![Vec::new(); transactions.keys.len()],
            before: HashMap::new(),
            writers: writers(transactions),
            read,
        };
        let mut longest = vec![NIL; transactions.keys.len()];
        for (key, _, list) in &order.read {
            longest[*key as usize] = *list;
        }
        let only = appended_alone(transactions);
        for (key, list) in (0..).zip(longest) {
            let elements = match only[key as usize] {
                Some(element) if list == NIL => vec![element],
                _ => transactions.values.elements(list),
            };
            order.add(key, elements);
        }
        Ok(order)
    }

    /// Of equal elements the first counts.
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

    /// Demands that somebody appended whatever there is.
    ///
    /// # Errors
    /// When an element has its place in the order and nobody appended it.
    pub(super) fn demand_writers(
        &self,
        transactions: &Transactions<'_, Lists>,
    ) -> Result<(), String> {
        for (key, elements) in (0..).zip(&self.elements) {
            let has_writer = |element: &&u32| self.writers.contains_key(&(key, **element));
            if let Some(element) = elements.iter().find(|it| !has_writer(it)) {
                return Err(format!(
                    "{} is in the longest list that was read from key {}, and nobody appended it",
                    transactions.elements.element(*element),
                    transactions.keys.element(key)
                ));
            }
        }
        self.demand_answers(transactions)
    }

    /// Demands that an answer tells of the only append to a key. To Elle that one is there, even if
    /// nobody read it, and must have been appended by somebody.
    fn demand_answers(&self, transactions: &Transactions<'_, Lists>) -> Result<(), String> {
        let mut is_told = vec![false; transactions.keys.len()];
        for (key, _) in self.writers.keys() {
            is_told[*key as usize] = true;
        }
        let asked = transactions.values.asked_alone(transactions.keys.len());
        for ((key, asked), is_told) in (0..).zip(asked).zip(is_told) {
            let is_unread = self.elements[key as usize].is_empty();
            if let Some((element, op)) = asked.filter(|_| is_unread && !is_told) {
                return Err(format!(
                    "the answer to (op {op}) does not tell of the only append to key {}, that of {}",
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

    /// What transactions found and left behind.
    pub(super) fn versions(mut self, transactions: &Transactions<'_, Lists>) -> Versions {
        // Not needed any more, and as large as what is made here.
        self.writers = HashMap::new();
        self.read = Vec::new();
        let mut all = Versions::default();
        for transaction in transactions.possible() {
            let vertex = transaction as Vertex;
            let is_ok = transactions.completion(transaction).kind == Kind::Ok;
            let micro_ops = transactions.micro_ops(transaction);
            // What an operation of unknown end asked to read, it did not read.
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

    /// Adds pairs of lists neither of which is the beginning of the other, and failed appends that
    /// others built upon.
    pub(super) fn check(
        &self,
        transactions: &Transactions<'_, Lists>,
        anomalies: &mut Anomalies<Case>,
    ) {
        let mut last = None;
        for pair in self.read.windows(2) {
            let [(key, _, shorter), (other, _, longer)] = [pair[0], pair[1]];
            if key == other
                && last != Some(key)
                && !transactions.values.begins_with(longer, shorter)
            {
                last = Some(key);
                let lists = [shorter, longer];
                anomalies.add("incompatible-order", Case::IncompatibleOrder { key, lists });
            }
        }
        if transactions.that_are(Kind::Fail).next().is_some() {
            for (key, elements) in (0..).zip(&self.elements) {
                self.check_updates(transactions, key, elements, anomalies);
            }
        }
    }

    /// Adds failed appends that come before successful ones.
    fn check_updates(
        &self,
        transactions: &Transactions<'_, Lists>,
        key: u32,
        elements: &[u32],
        anomalies: &mut Anomalies<Case>,
    ) {
        // The first of the failed ones that were not followed by a successful one yet.
        let mut failed: Option<(usize, usize)> = None;
        for (place, element) in elements.iter().enumerate() {
            let Some(&writer) = self.writers.get(&(key, *element)) else {
                continue;
            };
            match transactions.completion(writer).kind {
                Kind::Fail => failed = failed.or(Some((place, writer))),
                Kind::Ok => {
                    if let Some((first, failed)) = failed.take() {
                        let case = Case::DirtyUpdate {
                            key,
                            elements: elements[first..=place].to_vec(),
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
    // Of lists of one length the one that was read first comes first.
    read.sort_by_key(|(key, length, _)| (*key, *length));
    read
}

/// By key and element: who appended it; of several, who ended last.
fn writers(transactions: &Transactions<'_, Lists>) -> HashMap<(u32, u32), usize> {
    let index = |transaction: usize| transactions.completion(transaction).index;
    let mut writers = HashMap::new();
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
fn appended_alone(transactions: &Transactions<'_, Lists>) -> Vec<Option<u32>> {
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

fn appended_twice(
    transactions: &Transactions<'_, Lists>,
    (key, element, [first, second]): (u32, u32, [usize; 2]),
) -> String {
    format!(
        "{} was to be appended to key {} twice, by (op {first}) and by (op {second})",
        transactions.elements.element(element),
        transactions.keys.element(key)
    )
}
