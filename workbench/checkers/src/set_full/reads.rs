//! What reads show and lack, as sets of bits, one for each element in the order of the attempts.
//!
//! Most elements are in a read if they were in the one before it. So the reads are gone through in
//! the order of their invocations, and only changes are noted: an element that a read shows no more
//! was last present in the read before. And most reads begin with the text that their process has
//! read before, which is not parsed again. A read then costs little more than its new elements.

use super::{ElementOps, Elements};
use crate::element::{Element, integers, members};
use history::{History, Kind, Op, Pair};

/// The number of parsed reads that are kept, those of processes with different remainders.
const MAX_PARSED: usize = 64;

/// A read that a later one of its process may begin with.
#[derive(Default, Clone)]
struct ParsedRead<'a> {
    /// Its list without the closing bracket; empty if there is none.
    text: &'a str,
    /// The elements that it shows.
    shown: Vec<u64>,
}

/// The elements of the last read, and of all reads so far.
struct Reads<'a> {
    /// The invocation of the last read.
    last: Option<&'a Op>,
    /// Shown by the last read.
    present: Vec<u64>,
    /// Attempted, and not shown by it.
    absent: Vec<u64>,
    /// Elements of which a read to come may be the first proof.
    unsettled: Vec<u64>,
}

impl<'a> Elements<'a> {
    /// Learns from all reads which elements they show and lack.
    ///
    /// # Errors
    /// When the result of a read is not a list: the last-invoked such read.
    pub(super) fn learn_read(
        &mut self,
        history: &'a History,
    ) -> Result<(), (&'a Op, serde_json::Error)> {
        let words = self.all.len().div_ceil(64);
        let mut parsed = vec![ParsedRead::default(); MAX_PARSED];
        let mut reads = Reads {
            last: None,
            present: vec![0; words],
            absent: vec![0; words],
            unsettled: vec![u64::MAX; words],
        };
        let mut unreadable = Ok(());
        for (invocation, completion) in history.pairs().into_iter().filter_map(read) {
            let process = completion.process.client().unwrap_or_default();
            let parsed = &mut parsed[process as usize % MAX_PARSED];
            match self.parse(completion, parsed) {
                Ok(()) => self.learn_next(&mut reads, &parsed.shown, invocation, completion),
                Err(error) => unreadable = Err((completion, error)),
            }
        }
        self.learn_last(&reads);
        unreadable
    }

    /// Parses a read after an earlier one of its process, and replaces that.
    fn parse(&self, read: &'a Op, parsed: &mut ParsedRead<'a>) -> serde_json::Result<()> {
        let ParsedRead { text, shown } = parsed;
        let json = members(read);
        let before = std::mem::take(text);
        let more = json.strip_prefix(before).filter(|_| !before.is_empty());
        let is_done = more.is_some_and(|more| {
            let items = more.strip_prefix(',').and_then(|it| it.strip_suffix(']'));
            let mut next = 0;
            let mark = |number| self.mark(&Element::Int(number), &mut next, shown);
            more == "]" || items.and_then(|items| integers(items, mark)).is_some()
        });
        if !is_done {
            shown.clear();
            shown.resize(self.all.len().div_ceil(64), 0);
            let mut next = 0;
            for element in &Element::list(json)? {
                self.mark(element, &mut next, shown);
            }
        }
        *text = json.strip_suffix(']').unwrap_or_default();
        Ok(())
    }

    /// Sets the bit of an element, whose index may be `next`.
    fn mark(&self, element: &Element, next: &mut usize, shown: &mut [u64]) {
        if let Some(at) = self.index_of(element, *next) {
            *next = at + 1;
            shown[at / 64] |= 1 << (at % 64);
        }
    }

    fn learn_next(
        &mut self,
        reads: &mut Reads<'a>,
        shown: &[u64],
        invocation: &'a Op,
        completion: &'a Op,
    ) {
        let is_attempted = |it: &ElementOps<'_>| it.attempt.index < completion.index;
        let attempted = self.all.partition_point(is_attempted);
        for (word, shown) in shown.iter().enumerate() {
            let attempted = first_bits(attempted.saturating_sub(word * 64));
            let (present, absent) = (shown & attempted, !shown & attempted);
            for at in bits(word, reads.present[word] & !present) {
                self.all[at].last_present = reads.last;
            }
            for at in bits(word, reads.absent[word] & !absent) {
                self.all[at].last_absent = reads.last;
            }
            for at in bits(word, reads.unsettled[word] & present) {
                let element = &mut self.all[at];
                element.learn_known(completion);
                // A read that is invoked after the first proof is none.
                if element.known.is_some_and(|it| it.index < invocation.index) {
                    reads.unsettled[word] &= !(1 << (at % 64));
                }
            }
            (reads.present[word], reads.absent[word]) = (present, absent);
        }
        reads.last = Some(invocation);
    }

    fn learn_last(&mut self, reads: &Reads<'a>) {
        for (word, (present, absent)) in reads.present.iter().zip(&reads.absent).enumerate() {
            for at in bits(word, *present) {
                self.all[at].last_present = reads.last;
            }
            for at in bits(word, *absent) {
                self.all[at].last_absent = reads.last;
            }
        }
    }
}

/// The invocation and the completion of a read that succeeded.
fn read<'a>(pair: Pair<'a>) -> Option<(&'a Op, &'a Op)> {
    let completion = pair
        .completion
        .filter(|op| op.kind == Kind::Ok && op.f == "read")?;
    (pair.invocation.f == "read").then_some((pair.invocation, completion))
}

/// A word whose first `count` bits are set.
fn first_bits(count: usize) -> u64 {
    if count < 64 {
        (1 << count) - 1
    } else {
        u64::MAX
    }
}

/// The indices of the bits that are set in this word.
fn bits(word: usize, mut set: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = (set != 0).then(|| word * 64 + set.trailing_zeros() as usize)?;
        set &= set - 1;
        Some(at)
    })
}
