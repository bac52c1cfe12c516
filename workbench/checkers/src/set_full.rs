//! Sets: does what was added show up in reads, and does it stay?
//!
//! Only three operations matter to an element: the one that first proved it to be there (*known*),
//! the latest-invoked read that shows it (*last present*) and the latest-invoked read that lacks it
//! (*last absent*). A read may be taken for any moment while it ran, so reads count by their
//! invocation. What is known and later absent for good is lost; what is absent only for a while is
//! stale, which is no error.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::element::Element;
use super::{Validity, Verdict, quantiles, told};
use history::edn::{self, Edn};
use history::{History, Kind, Op, Pair};

/// How many stale elements a result shows in detail.
const WORST: usize = 8;

/// Judges a set that only grows: invalid if an element is lost, unknown if none is stable.
///
/// Reads the operation that is named by `add`, whose value is one element of any type, and `read`,
/// whose result is a list of elements. An element in a read that was never added, or that occurs in
/// it twice, is not an error.
pub fn set_full(history: &History, add: &str) -> Verdict {
    let mut elements = Elements::attempted(history, add);
    elements.learn_acknowledged(history, add);
    match elements.learn_read(history) {
        Ok(()) => elements.judge(add),
        Err((op, error)) => Verdict::unknown(format!(
            "the read of process {} at {:.3} s returned no list: {error}",
            op.process,
            op.seconds()
        )),
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

    fn judge(mut self, add: &str) -> Verdict {
        self.records
            .sort_unstable_by(|a, b| a.element.cmp(&b.element));
        let of = |outcome| {
            self.records
                .iter()
                .filter(move |record| record.outcome() == outcome)
        };
        let stable: Vec<_> = of(Outcome::Stable).collect();
        let lost: Vec<_> = of(Outcome::Lost).collect();
        let never_read: Vec<_> = of(Outcome::NeverRead).collect();
        let stale = stable
            .iter()
            .copied()
            .filter(|record| record.stable_latency() > 0);
        let stale: Vec<_> = stale.collect();

        let valid = match (lost.len(), stable.len()) {
            (0, 0) => Validity::Unknown,
            (0, _) => Validity::Valid,
            _ => Validity::Invalid,
        };
        let sample = |record: &&Record<'_>| {
            let known = record.known.map_or(0, |op| op.time);
            (known, record.stable_latency())
        };
        let samples: Vec<_> = stable.iter().map(sample).collect();
        let mut verdict = Verdict::new(
            valid,
            [
                ("attempt-count", edn::count(self.records.len())),
                ("stable-count", edn::count(stable.len())),
                ("lost-count", edn::count(lost.len())),
                ("lost", list(&lost)),
                ("never-read-count", edn::count(never_read.len())),
                ("never-read", list(&never_read)),
                ("stale-count", edn::count(stale.len())),
                ("stale", list(&stale)),
                ("worst-stale", worst(&stale)),
                ("duplicated-count", edn::count(0)),
                ("duplicated", edn::map([])),
            ],
        );
        verdict.samples = samples;
        let mut latencies = |name, latencies| {
            if let Some(latencies) = quantiles(latencies) {
                edn::insert(&mut verdict.results, name, latencies);
            }
        };
        latencies(
            "stable-latencies",
            stable.iter().map(|it| it.stable_latency()).collect(),
        );
        latencies(
            "lost-latencies",
            lost.iter().map(|it| it.lost_latency()).collect(),
        );
        verdict.findings = match valid {
            Validity::Valid => Vec::new(),
            Validity::Unknown => {
                vec![format!(
                    "no read ever showed any of {} attempted values",
                    self.records.len()
                )]
            }
            Validity::Invalid => told(lost.len(), lost.iter().map(|it| it.tell_lost(add))),
        };
        verdict
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

    fn tell_lost(&self, add: &str) -> String {
        let moment = |op: &Op| format!("process {} at {:.3} s", op.process, op.seconds());
        let known = match self.known {
            Some(known) if known.f == add => format!("acknowledged to {}", moment(known)),
            Some(known) => format!("first read by {}", moment(known)),
            None => "never acknowledged".to_owned(),
        };
        let present = match self.last_present {
            Some(read) => format!("last seen by the read of {}", moment(read)),
            None => "never seen by any read".to_owned(),
        };
        let absent = self.last_absent.map_or_else(String::new, moment);
        format!(
            "value {} is lost: {known}, {present}, missing from the read of {absent}",
            self.element
        )
    }

    fn to_edn(&self) -> Edn {
        edn::map([
            ("element", self.element.to_edn()),
            ("outcome", edn::key("stable")),
            ("stable-latency", edn::integer(self.stable_latency())),
            ("lost-latency", Edn::Nil),
            ("known", op(self.known)),
            ("last-absent", op(self.last_absent)),
        ])
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

fn list(records: &[&Record<'_>]) -> Edn {
    Edn::List(
        records
            .iter()
            .map(|record| record.element.to_edn())
            .collect(),
    )
}

/// The stalest few, the worst first.
fn worst(stale: &[&Record<'_>]) -> Edn {
    let mut stale = stale.to_vec();
    stale.sort_by_key(|record| record.stable_latency());
    Edn::List(
        stale
            .into_iter()
            .rev()
            .take(WORST)
            .map(Record::to_edn)
            .collect(),
    )
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
