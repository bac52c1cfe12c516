//! Sets: does what was added show up in reads, and does it stay?
//!
//! Only three operations matter to an element: the one that first proved it to be there (*known*),
//! the latest-invoked read that shows it (*last present*) and the latest-invoked read that lacks it
//! (*last absent*). A read may be taken for any moment while it ran, so reads count by their
//! invocation. What is known and later absent for good is lost; what is absent only for a while is
//! stale, which is no error.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;

use crate::element::Element;
use crate::finding::{Finding, first};
use crate::{CheckerResult, OpRef, Unjudged, Validity, quantiles};
use history::edn::{self, Edn};
use history::{History, Kind, Op, Pair};

/// How many stale elements a result describes.
const WORST: usize = 8;

/// What became of the elements of a set.
#[derive(Debug, Clone)]
pub struct SetResult {
    /// Elements that clients tried to add.
    pub attempted: usize,
    /// Those that were there to stay, with their latencies, in the order of the elements.
    pub stable: Vec<StableLatency>,
    /// Those that were known to be there, and are gone.
    pub lost: Vec<LostElement>,
    /// Those that no read shows and that need not be there.
    pub never_read: Vec<Element>,
    /// The elements that were missing from a read after they were known, in their order. They were
    /// visible later, so this is no error.
    pub stale: Vec<Element>,
    /// A few that were missing for the longest time, the worst first.
    pub worst_stale: Vec<StaleElement>,
}

/// When an element was known to be there, and how long it took until it was visible in every read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StableLatency {
    /// When it was acknowledged or first read, in nanoseconds since time zero.
    pub known_ns: u64,
    /// From then until the last read that lacks it, in milliseconds.
    pub latency_ms: u64,
}

/// An element that was missing from a read after it was known to be there.
#[derive(Debug, Clone)]
pub struct StaleElement {
    /// The element.
    pub element: Element,
    /// Until it was visible in every read, in milliseconds.
    pub latency_ms: u64,
    /// The operation that proved it to be there.
    pub known: Option<Op>,
    /// The last read that lacks it.
    pub last_absent: Option<Op>,
}

/// An element that was known to be there, and is gone.
#[derive(Debug, Clone)]
pub struct LostElement {
    /// The element.
    pub element: Element,
    /// From when it was known to be there until it was last seen, in milliseconds.
    pub latency_ms: u64,
    /// The invocation that adds it.
    pub added: OpRef,
    /// The operation that proved it to be there: its acknowledgement, or the first read of it.
    pub known: Option<OpRef>,
    /// The last read that shows it.
    pub last_present: Option<OpRef>,
    /// The last read that lacks it.
    pub last_absent: Option<OpRef>,
}

/// Judges a set that only grows: invalid if an element is lost, unknown if none is stable.
///
/// Reads the operation that is named by `add`, whose value is one element of any type, and `read`,
/// whose result is a list of elements. An element in a read that was never added, or that occurs in
/// it twice, is not an error.
///
/// # Errors
/// When a read is no list.
pub fn set_full(history: &History, add: &str) -> Result<SetResult, Unjudged> {
    let mut elements = Elements::attempted(history, add);
    elements.learn_acknowledged(history, add);
    elements.learn_read(history).map_err(|(op, error)| {
        Unjudged::new(format!(
            "the read of process {} at {:.3} s returned no list: {error}",
            op.process,
            op.seconds()
        ))
    })?;
    Ok(elements.judge())
}

impl CheckerResult for SetResult {
    fn validity(&self) -> Validity {
        match (self.lost.len(), self.stable.len()) {
            (0, 0) => Validity::Unknown,
            (0, _) => Validity::Valid,
            _ => Validity::Invalid,
        }
    }

    fn findings(&self) -> Vec<Finding<'_>> {
        match self.validity() {
            Validity::Valid => Vec::new(),
            Validity::Unknown => vec![Finding::NothingStable(self.attempted)],
            Validity::Invalid => first(self.lost.len(), self.lost.iter().map(Finding::LostElement)),
        }
    }

    fn to_edn(&self) -> Edn {
        let list = |elements: &[Element]| Edn::List(elements.iter().map(Element::to_edn).collect());
        let lost = self.lost.iter().map(|it| it.element.to_edn());
        let worst = self.worst_stale.iter().map(StaleElement::to_edn);
        let mut map = edn::map([
            ("attempt-count", edn::count(self.attempted)),
            ("stable-count", edn::count(self.stable.len())),
            ("lost-count", edn::count(self.lost.len())),
            ("lost", Edn::List(lost.collect())),
            ("never-read-count", edn::count(self.never_read.len())),
            ("never-read", list(&self.never_read)),
            ("stale-count", edn::count(self.stale.len())),
            ("stale", list(&self.stale)),
            ("worst-stale", Edn::List(worst.collect())),
            ("duplicated-count", edn::count(0)),
            ("duplicated", edn::map([])),
            ("valid?", self.validity().to_edn()),
        ]);
        let stable = self.stable.iter().map(|it| it.latency_ms).collect();
        let lost = self.lost.iter().map(|it| it.latency_ms).collect();
        for (name, latencies) in [("stable-latencies", stable), ("lost-latencies", lost)] {
            if let Some(latencies) = quantiles(latencies) {
                edn::insert(&mut map, name, latencies);
            }
        }
        map
    }
}

impl StaleElement {
    fn to_edn(&self) -> Edn {
        edn::map([
            ("element", self.element.to_edn()),
            ("outcome", edn::key("stable")),
            ("stable-latency", edn::integer(self.latency_ms)),
            ("lost-latency", Edn::Nil),
            ("known", op(self.known.as_ref())),
            ("last-absent", op(self.last_absent.as_ref())),
        ])
    }
}

impl fmt::Display for LostElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = |op: &OpRef| format!("process {} at {:.3} s", op.process, op.seconds());
        let known = match &self.known {
            Some(known) if known.f == self.added.f => format!("acknowledged to {}", moment(known)),
            Some(known) => format!("first read by {}", moment(known)),
            None => "never acknowledged".to_owned(),
        };
        let present = match &self.last_present {
            Some(read) => format!("last seen by the read of {}", moment(read)),
            None => "never seen by any read".to_owned(),
        };
        let absent = self.last_absent.as_ref().map_or_else(String::new, moment);
        let element = &self.element;
        write!(
            f,
            "value {element} is lost: {known}, {present}, missing from the read of {absent}"
        )
    }
}

/// Every element that somebody tried to add, in the order of the attempts.
struct Elements<'a> {
    records: Vec<Record<'a>>,
    positions: HashMap<Element, usize>,
}

/// What the history tells about one element.
struct Record<'a> {
    element: Element,
    /// Its addition; whatever was before does not count, not even an earlier addition.
    attempt: &'a Op,
    known: Option<&'a Op>,
    last_present: Option<&'a Op>,
    last_absent: Option<&'a Op>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Stable,
    Lost,
    NeverRead,
}

impl<'a> Elements<'a> {
    fn attempted(history: &'a History, add: &str) -> Self {
        let mut attempts: HashMap<Element, &Op> = HashMap::new();
        for op in history
            .ops
            .iter()
            .filter(|op| op.is_invocation() && op.f == add)
        {
            attempts.insert(Element::of(op), op);
        }
        let mut attempts: Vec<_> = attempts.into_iter().collect();
        attempts.sort_unstable_by_key(|(_, attempt)| attempt.index);
        let positions = attempts.iter().enumerate();
        Elements {
            positions: positions
                .map(|(at, (element, _))| (element.clone(), at))
                .collect(),
            records: attempts
                .into_iter()
                .map(|(element, op)| Record::new(element, op))
                .collect(),
        }
    }

    /// Where an element is. `guess` is looked at first: what a read lists is more or less in the order
    /// in which it was added.
    fn position(&self, element: &Element, guess: usize) -> Option<usize> {
        let guessed = self.records.get(guess);
        match guessed.filter(|record| record.element == *element) {
            Some(_) => Some(guess),
            None => self.positions.get(element).copied(),
        }
    }

    fn learn_acknowledged(&mut self, history: &'a History, add: &str) {
        for op in history
            .ops
            .iter()
            .filter(|op| op.is_completion() && op.f == add)
        {
            if op.kind == Kind::Ok
                && let Some(at) = self.positions.get(&Element::of(op))
            {
                self.records[*at].learn_known(op);
            }
        }
    }

    /// Goes through the reads from the last-invoked to the first, so that the first time an element
    /// is found present, or absent, settles the matter. What is yet to be found absent is a set of
    /// bits: a read then costs what it lists, and one step for 64 elements.
    fn learn_read(&mut self, history: &'a History) -> Result<(), (&'a Op, serde_json::Error)> {
        let mut reads: Vec<_> = history.pairs().into_iter().filter_map(read).collect();
        reads.sort_unstable_by_key(|(invocation, _)| Reverse(invocation.index));
        let mut never_absent = vec![u64::MAX; self.records.len().div_ceil(64)];
        let mut present = vec![0; never_absent.len()];

        for (invocation, completion) in reads {
            let elements = Element::list_of(completion).map_err(|error| (completion, error))?;
            let attempted = |record: &Record<'_>| record.attempt.index < completion.index;
            let attempted = self.records.partition_point(attempted);
            present.fill(0);
            let mut next = 0;
            for element in &elements {
                let Some(at) = self.position(element, next) else {
                    continue;
                };
                next = at + 1;
                if at < attempted {
                    present[at / 64] |= 1 << (at % 64);
                    self.records[at].last_present.get_or_insert(invocation);
                    self.records[at].learn_known(completion);
                }
            }
            for (word, never_absent) in never_absent[..attempted.div_ceil(64)]
                .iter_mut()
                .enumerate()
            {
                let mut absent = *never_absent & !present[word] & first_bits(attempted - word * 64);
                *never_absent &= !absent;
                while absent != 0 {
                    let at = word * 64 + absent.trailing_zeros() as usize;
                    self.records[at].last_absent = Some(invocation);
                    absent &= absent - 1;
                }
            }
        }
        Ok(())
    }

    fn judge(mut self) -> SetResult {
        self.records
            .sort_unstable_by(|a, b| a.element.cmp(&b.element));
        let of = |outcome| {
            let records = self.records.iter();
            records.filter(move |record| record.outcome() == outcome)
        };
        let mut stale: Vec<_> = of(Outcome::Stable)
            .filter(|record| record.stable_latency() > 0)
            .collect();
        let elements = stale.iter().map(|record| record.element.clone()).collect();
        stale.sort_by_key(|record| record.stable_latency());
        SetResult {
            attempted: self.records.len(),
            stable: of(Outcome::Stable).map(Record::to_stable).collect(),
            lost: of(Outcome::Lost).map(Record::to_lost).collect(),
            never_read: of(Outcome::NeverRead)
                .map(|record| record.element.clone())
                .collect(),
            stale: elements,
            worst_stale: stale
                .into_iter()
                .rev()
                .take(WORST)
                .map(Record::to_stale)
                .collect(),
        }
    }
}

impl<'a> Record<'a> {
    fn new(element: Element, attempt: &'a Op) -> Self {
        Record {
            element,
            attempt,
            known: None,
            last_present: None,
            last_absent: None,
        }
    }

    /// The first proof since the attempt counts.
    fn learn_known(&mut self, proof: &'a Op) {
        let is_first = self.known.is_none_or(|known| proof.index < known.index);
        if proof.index > self.attempt.index && is_first {
            self.known = Some(proof);
        }
    }

    fn outcome(&self) -> Outcome {
        let index = |op: Option<&Op>| op.map(|op| op.index);
        let (present, absent) = (index(self.last_present), index(self.last_absent));
        if absent < present {
            Outcome::Stable
        } else if self.known.is_some() && present < absent && index(self.known) < absent {
            Outcome::Lost
        } else {
            Outcome::NeverRead
        }
    }

    /// Milliseconds from the first proof until the element was there to stay.
    fn stable_latency(&self) -> u64 {
        self.since_known(self.last_absent)
    }

    /// Milliseconds from the first proof until the element was gone for good.
    fn lost_latency(&self) -> u64 {
        self.since_known(self.last_present)
    }

    /// Up to the moment after an operation; if there is none, that moment is the beginning of time.
    fn since_known(&self, last: Option<&Op>) -> u64 {
        let end = last.map_or(0, |op| op.time.saturating_add(1));
        let known = self.known.map_or(0, |op| op.time);
        end.saturating_sub(known) / 1_000_000
    }

    fn to_stable(&self) -> StableLatency {
        StableLatency {
            known_ns: self.known.map_or(0, |op| op.time),
            latency_ms: self.stable_latency(),
        }
    }

    fn to_stale(&self) -> StaleElement {
        StaleElement {
            element: self.element.clone(),
            latency_ms: self.stable_latency(),
            known: self.known.cloned(),
            last_absent: self.last_absent.cloned(),
        }
    }

    fn to_lost(&self) -> LostElement {
        LostElement {
            element: self.element.clone(),
            latency_ms: self.lost_latency(),
            added: OpRef::from(self.attempt),
            known: self.known.map(OpRef::from),
            last_present: self.last_present.map(OpRef::from),
            last_absent: self.last_absent.map(OpRef::from),
        }
    }
}

/// A read that succeeded: its invocation and its completion.
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

/// Whatever the workload calls it, Jepsen's result speaks of `:add`.
fn op(op: Option<&Op>) -> Edn {
    let Some(op) = op else { return Edn::Nil };
    let mut map = op.to_edn();
    if op.f != "read" {
        edn::insert(&mut map, "f", edn::key("add"));
    }
    map
}
