//! Sets: every acknowledged element must become visible in reads and stay visible.
//!
//! Three operations decide about an element: the first that proves its presence (*known*), and the
//! latest-invoked reads that show it (*last present*) and lack it (*last absent*). A read may take
//! effect at any moment while it runs, so reads count by their invocation. An element that is known
//! and later absent for good is lost; one that is absent for a while is stale, which is no error.

mod reads;

use std::collections::HashMap;
use std::fmt;

use crate::element::Element;
use crate::finding::{Finding, first};
use crate::{CheckerResult, OpRef, Unjudged, Validity, quantiles};
use history::edn::{self, Edn};
use history::{History, Kind, Op};

/// The number of stale elements that a result describes.
const MAX_WORST: usize = 8;

/// The outcomes of all elements of a set.
#[derive(Debug, Clone)]
pub struct SetResult {
    /// The number of elements that clients tried to add.
    pub attempted: usize,
    /// The latencies of stable elements, in the order of the elements.
    pub stable: Vec<StableLatency>,
    /// Elements that were known and are lost.
    pub lost: Vec<LostElement>,
    /// Elements that no read shows and that need not be visible.
    pub never_read: Vec<Element>,
    /// Elements that were absent from a read after they were known, in order. They became visible
    /// later, so this is no error.
    pub stale: Vec<Element>,
    /// The elements that were absent for the longest time, the worst first.
    pub worst_stale: Vec<StaleElement>,
}

/// The stable latency of an element: from when it was known until it was visible in every read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StableLatency {
    /// When it was first acknowledged or read, in nanoseconds since time zero.
    pub known_ns: u64,
    /// The time from then until the last read that lacks it, in milliseconds.
    pub latency_ms: u64,
}

/// An element that was absent from a read after it was known.
#[derive(Debug, Clone)]
pub struct StaleElement {
    /// The element.
    pub element: Element,
    /// The time until it was visible in every read, in milliseconds.
    pub latency_ms: u64,
    /// The operation that first proved its presence.
    pub known: Option<Op>,
    /// The last read that lacks it.
    pub last_absent: Option<Op>,
}

/// An element that was known and is lost.
#[derive(Debug, Clone)]
pub struct LostElement {
    /// The element.
    pub element: Element,
    /// The time from when it was known until it was last visible, in milliseconds.
    pub latency_ms: u64,
    /// The invocation that adds it.
    pub added: OpRef,
    /// The operation that first proved its presence: its acknowledgement, or the first read of it.
    pub known: Option<OpRef>,
    /// The last read that shows it.
    pub last_present: Option<OpRef>,
    /// The last read that lacks it.
    pub last_absent: Option<OpRef>,
}

/// Judges a set that only grows: invalid if an element is lost, unknown if none is stable.
///
/// Reads the operation `add`, whose value is one element of any type, and `read`, whose result is a
/// list of elements. An element in a read that was never added, or that occurs in it twice, is not
/// an error.
///
/// # Errors
/// When the result of a read is not a list.
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
            None => "not in any read".to_owned(),
        };
        let absent = self.last_absent.as_ref().map_or_else(String::new, moment);
        let element = &self.element;
        write!(
            f,
            "value {element} is lost: {known}, {present}, missing from the read of {absent}"
        )
    }
}

/// All elements that clients tried to add, in the order of the attempts.
struct Elements<'a> {
    all: Vec<ElementOps<'a>>,
    /// How many of the first elements are 0, 1, 2, …, their own indices, as workloads add them.
    own_indices: usize,
    /// The indices of the others.
    indices: HashMap<Element, usize>,
}

/// The operations that decide about one element.
struct ElementOps<'a> {
    element: Element,
    /// Its latest addition; operations before it do not count.
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
        let invocations = history.ops.iter();
        let mut attempts: Vec<(Element, &Op)> = invocations
            .filter(|op| op.is_invocation() && op.f == add)
            .map(|op| (Element::of(op), op))
            .collect();
        // Stable, so that the latest of several attempts is the first, which is kept.
        attempts.reverse();
        attempts.sort_by(|(one, _), (other, _)| one.cmp(other));
        attempts.dedup_by(|(one, _), (other, _)| one == other);
        attempts.sort_unstable_by_key(|(_, attempt)| attempt.index);
        let own = |(at, element): (i64, &(Element, &Op))| element.0 == Element::Int(at);
        let own_indices = (0..).zip(&attempts).take_while(|it| own(*it)).count();
        let others = attempts.iter().enumerate().skip(own_indices);
        Elements {
            own_indices,
            indices: others
                .map(|(at, (element, _))| (element.clone(), at))
                .collect(),
            all: attempts
                .into_iter()
                .map(|(element, op)| ElementOps::new(element, op))
                .collect(),
        }
    }

    /// The index of an element. Where it is not the element itself, `next` is tried first: reads list
    /// elements roughly in the order in which they were added.
    fn index_of(&self, element: &Element, next: usize) -> Option<usize> {
        if let Element::Int(number) = element
            && let Ok(own) = usize::try_from(*number)
            && own < self.own_indices
        {
            return Some(own);
        }
        let is_next = self.all.get(next).is_some_and(|it| it.element == *element);
        is_next
            .then_some(next)
            .or_else(|| self.indices.get(element).copied())
    }

    fn learn_acknowledged(&mut self, history: &'a History, add: &str) {
        for op in history
            .ops
            .iter()
            .filter(|op| op.is_completion() && op.f == add)
        {
            if op.kind == Kind::Ok
                && let Some(at) = self.index_of(&Element::of(op), 0)
            {
                self.all[at].learn_known(op);
            }
        }
    }

    fn judge(mut self) -> SetResult {
        self.all.sort_unstable_by(|a, b| a.element.cmp(&b.element));
        let of = |outcome| {
            let all = self.all.iter();
            all.filter(move |element_ops| element_ops.outcome() == outcome)
        };
        let mut stale: Vec<_> = of(Outcome::Stable)
            .filter(|element_ops| element_ops.stable_latency() > 0)
            .collect();
        let elements = stale
            .iter()
            .map(|element_ops| element_ops.element.clone())
            .collect();
        stale.sort_by_key(|element_ops| element_ops.stable_latency());
        SetResult {
            attempted: self.all.len(),
            stable: of(Outcome::Stable).map(ElementOps::to_stable).collect(),
            lost: of(Outcome::Lost).map(ElementOps::to_lost).collect(),
            never_read: of(Outcome::NeverRead)
                .map(|element_ops| element_ops.element.clone())
                .collect(),
            stale: elements,
            worst_stale: stale
                .into_iter()
                .rev()
                .take(MAX_WORST)
                .map(ElementOps::to_stale)
                .collect(),
        }
    }
}

impl<'a> ElementOps<'a> {
    fn new(element: Element, attempt: &'a Op) -> Self {
        ElementOps {
            element,
            attempt,
            known: None,
            last_present: None,
            last_absent: None,
        }
    }

    /// Only the first proof since the attempt counts.
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

    /// Milliseconds from the first proof until the element was stable.
    fn stable_latency(&self) -> u64 {
        self.since_known(self.last_absent)
    }

    /// Milliseconds from the first proof until the element was lost.
    fn lost_latency(&self) -> u64 {
        self.since_known(self.last_present)
    }

    /// Milliseconds from the first proof until just after an operation, or until time zero if there
    /// is none.
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

/// Jepsen's results always say `:add`, whatever the workload's name for it is.
fn op(op: Option<&Op>) -> Edn {
    let Some(op) = op else { return Edn::Nil };
    let mut map = op.to_edn();
    if op.f != "read" {
        edn::insert(&mut map, "f", edn::key("add"));
    }
    map
}
