//! Judges a history: was what clients saw of a distributed system correct?
//!
//! A checker is a pure function of a [`History`](history::History), the list of operations that
//! clients invoked and how each of them ended. It returns a [`Verdict`]: valid, invalid or unknown,
//! with its findings in words and its evidence as data. The history may be one that Maelstrom or
//! Jepsen has recorded, or one that your own test has written:
//!
//! ```
//! use checkers::{Validity, history::History};
//!
//! // Each operation stands here twice: when it is invoked, and when it is completed as `ok`, as
//! // `fail` (it certainly did not take place) or as `info` (its outcome is unknown). JSON and EDN
//! // will do. Here a register holds 1, process 0 writes 2, and after that process 1 still reads 1.
//! let history = History::read(r#"
//!     {"process": 0, "type": "invoke", "f": "write", "value": 1}
//!     {"process": 0, "type": "ok",     "f": "write", "value": 1}
//!     {"process": 0, "type": "invoke", "f": "write", "value": 2}
//!     {"process": 0, "type": "ok",     "f": "write", "value": 2}
//!     {"process": 1, "type": "invoke", "f": "read",  "value": null}
//!     {"process": 1, "type": "ok",     "f": "read",  "value": 1}
//! "#.as_bytes())?;
//!
//! let verdict = checkers::register(&history);
//! assert_eq!(verdict.valid, Validity::Invalid);
//! println!("{}", verdict.findings.join("\n"));
//! # assert!(!verdict.findings.is_empty());
//!
//! // Sequential consistency would allow such a read, linearizability does not. Without it:
//! let writes = History { ops: history.ops[..4].to_vec() };
//! assert_eq!(checkers::register(&writes).valid, Validity::Valid);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | what is checked | by |
//! |---|---|
//! | registers that are read, written, and changed by compare-and-set | [`register`], [`lin_kv`] |
//! | any other object, by its sequential specification | [`linearizability`] |
//! | transactions over registers or lists, as Elle does | [`rw_register`], [`list_append`] |
//! | logs that are appended to and polled, as in Kafka | [`kafka`] |
//! | sets, counters, unique ids, echoes | [`set_full`], [`counter`], [`unique_ids`], [`echo`] |
//! | how operations end | [`stats`], [`availability`], [`exceptions`] |
//!
//! A checker's documentation says which operations and values it reads. [`overall`] makes one
//! verdict of several. Results have the keys and the values that Maelstrom's results have.

mod availability;
mod counter;
mod echo;
mod element;
mod elle;
mod exceptions;
mod kafka;
mod lin_kv;
pub mod linearizability;
mod set_full;
mod stats;
mod unique_ids;

use std::cmp::Reverse;
use std::fmt;

use history::edn::{self, Edn};

pub use availability::{Target, availability};
pub use counter::counter;
pub use echo::echo;
pub use element::{Element, pair};
pub use elle::{Assumptions, EMPTY_GRAPH, Models, UnknownModel, list_append, rw_register};
pub use exceptions::exceptions;
pub use history;
pub use kafka::kafka;
pub use lin_kv::{lin_kv, register};
pub use set_full::set_full;
pub use stats::stats;
pub use unique_ids::unique_ids;

/// How many findings of one kind are told in full.
const TOLD: usize = 10;

/// The points of a distribution that a result shows.
const QUANTILES: [f64; 5] = [0.0, 0.5, 0.95, 0.99, 1.0];

/// The answer of a checker, ordered from best to worst: the worst of several is their maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Validity {
    /// Nothing is wrong with the history.
    Valid,
    /// Nothing wrong was found, but something could not be judged: the findings say what.
    Unknown,
    /// Something is wrong: the findings say what.
    Invalid,
}

/// What a checker found: the answer, its reasons in words, and its evidence as data.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The answer.
    pub valid: Validity,
    /// The result map with Maelstrom's keys, `:valid?` among them.
    pub results: Edn,
    /// What is wrong, or could not be judged, in words for a person: one line each, the first ten
    /// or so of each kind.
    pub findings: Vec<String>,
    /// The measurements behind a distribution of the result map, to be plotted. [`set_full`] gives
    /// each element that is stable: when it was known, and its stable latency in milliseconds.
    /// [`kafka`] gives each poll: when it began, and its lag in nanoseconds. Times are in
    /// nanoseconds since time zero. Other checkers give none.
    pub samples: Vec<(u64, u64)>,
    /// Whether nothing can be said of the run at all, whatever other checkers say: the history
    /// contradicts itself where Elle asserts that it does not, which in Maelstrom ends the whole
    /// analysis.
    pub is_void: bool,
}

impl Verdict {
    /// A verdict whose result map is `:valid?` and the given entries, without findings.
    pub fn new<const N: usize>(valid: Validity, entries: [(&'static str, Edn); N]) -> Self {
        let mut results = edn::map(entries);
        edn::insert(&mut results, "valid?", valid.to_edn());
        Verdict {
            valid,
            results,
            findings: Vec::new(),
            samples: Vec::new(),
            is_void: false,
        }
    }

    /// The verdict of a checker that cannot read the history; `error` says why and is its finding.
    pub fn unknown(error: impl fmt::Display) -> Self {
        let error = error.to_string();
        let mut verdict = Verdict::new(Validity::Unknown, [("error", edn::text(&error))]);
        verdict.findings.push(error);
        verdict
    }

    /// The verdict of a checker for which the history contradicts itself, so that the verdicts of
    /// other checkers do not count, either: see [`Verdict::is_void`].
    pub fn void(error: impl fmt::Display) -> Self {
        Verdict {
            is_void: true,
            ..Verdict::unknown(error)
        }
    }
}

/// Makes one verdict of several: the worst of them, with their results under their names, and the
/// findings of the worst ones first. Maelstrom's order is exceptions, stats, availability, net,
/// workload. If one of them is void, the whole is unknown, and its results say why and no more.
///
/// The results have entries `perf` and `timeline`, too, as Maelstrom's do; there they judge only
/// whether a picture could be drawn, and here they are always valid.
pub fn overall(verdicts: Vec<(&'static str, Verdict)>) -> Verdict {
    let drawn = || edn::map([("valid?", Edn::Bool(true))]);
    let perf = edn::map([
        ("latency-graph", drawn()),
        ("rate-graph", drawn()),
        ("valid?", Edn::Bool(true)),
    ]);
    let mut all = Verdict::new(Validity::Valid, [("perf", perf), ("timeline", drawn())]);
    let mut void = None;
    let mut findings = Vec::new();
    for (name, verdict) in verdicts {
        all.valid = all.valid.max(verdict.valid);
        findings.push(((verdict.is_void, verdict.valid), verdict.findings));
        all.samples.extend(verdict.samples);
        if verdict.is_void {
            void = edn::get(&verdict.results, &["error"]).cloned();
        }
        edn::insert(&mut all.results, name, verdict.results);
    }
    findings.sort_by_key(|(weight, _)| Reverse(*weight));
    all.findings = findings.into_iter().flat_map(|(_, it)| it).collect();
    if let Some(error) = void {
        all.valid = Validity::Unknown;
        all.results = edn::map([("error", error)]);
    }
    edn::insert(&mut all.results, "valid?", all.valid.to_edn());
    all
}

/// The quantile of a sorted list at `point`, 0 to 1: the value at that position, never one between
/// two values. `None` if the list is empty.
pub fn quantile<T: Copy>(sorted: &[T], point: f64) -> Option<T> {
    let last = sorted.len().checked_sub(1)?;
    sorted
        .get(last.min((sorted.len() as f64 * point) as usize))
        .copied()
}

/// A map from the usual points to the values there; nothing if there are no values.
fn quantiles(mut values: Vec<u64>) -> Option<Edn> {
    values.sort_unstable();
    let whole = |point: f64| point == point.trunc();
    let key = |point| {
        if whole(point) {
            Edn::Int(point as i64)
        } else {
            edn::float(point)
        }
    };
    let entry = |point| Some((key(point), edn::integer(quantile(&values, point)?)));
    let entries: Option<_> = QUANTILES.into_iter().map(entry).collect();
    entries.map(edn::map_of)
}

/// The first few findings, and how many more there are.
fn told(total: usize, findings: impl Iterator<Item = String>) -> Vec<String> {
    let mut told: Vec<_> = findings.take(TOLD).collect();
    if total > told.len() {
        told.push(format!("... and {} more", total - told.len()));
    }
    told
}

impl Validity {
    /// `Valid` if something holds, `Invalid` if not.
    pub fn of(holds: bool) -> Self {
        if holds {
            Validity::Valid
        } else {
            Validity::Invalid
        }
    }

    /// The answer in a word: `valid`, `unknown` or `invalid`.
    pub fn name(self) -> &'static str {
        match self {
            Validity::Valid => "valid",
            Validity::Unknown => "unknown",
            Validity::Invalid => "invalid",
        }
    }

    /// The answer as Maelstrom's results have it: `true`, `:unknown` or `false`.
    pub fn to_edn(self) -> Edn {
        match self {
            Validity::Valid => Edn::Bool(true),
            Validity::Unknown => edn::key("unknown"),
            Validity::Invalid => Edn::Bool(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Validity, Verdict, overall, quantile, quantiles};
    use history::edn::{self, compact};

    #[test]
    fn the_worst_verdict_wins() {
        let check = |parts: &[Validity], worst: Validity| {
            let parts = parts
                .iter()
                .map(|valid| ("stats", Verdict::new(*valid, [])))
                .collect();
            let all = overall(parts);
            assert_eq!(all.valid, worst);
            assert_eq!(edn::get(&all.results, &["valid?"]), Some(&worst.to_edn()));
        };
        check(&[], Validity::Valid);
        check(&[Validity::Valid, Validity::Valid], Validity::Valid);
        check(&[Validity::Unknown, Validity::Valid], Validity::Unknown);
        check(
            &[Validity::Unknown, Validity::Invalid, Validity::Valid],
            Validity::Invalid,
        );
    }

    #[test]
    fn one_verdict_that_is_void_leaves_nothing_of_the_others() {
        let stats = Verdict::new(Validity::Invalid, []);
        let all = overall(vec![
            ("stats", stats),
            ("workload", Verdict::void("nonsense")),
        ]);
        let results = "{:error \"nonsense\", :valid? :unknown}";
        assert_eq!(compact(&all.results), results);
        assert_eq!(all.valid, Validity::Unknown);
        assert_eq!(all.findings, ["nonsense"]);
    }

    #[test]
    fn the_results_stand_under_their_names_in_the_order_of_maelstrom() {
        let net = Verdict::new(Validity::Valid, []);
        let all = overall(vec![
            ("net", net),
            ("workload", Verdict::unknown("no idea")),
        ]);
        assert_eq!(
            compact(&all.results),
            "{:perf {:latency-graph {:valid? true}, :rate-graph {:valid? true}, :valid? true}, \
             :timeline {:valid? true}, :net {:valid? true}, \
             :workload {:error \"no idea\", :valid? :unknown}, :valid? :unknown}"
        );
        assert_eq!(all.findings, ["no idea"]);
    }

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values = [10, 20, 30, 40];
        let check = |point, value| assert_eq!(quantile(&values, point), Some(value), "{point}");
        check(0.0, 10);
        check(0.24, 10);
        check(0.25, 20);
        check(0.5, 30);
        check(0.99, 40);
        check(1.0, 40);
        assert_eq!(quantile::<u64>(&[], 0.5), None);
        assert_eq!(
            compact(&quantiles(vec![7, 3]).unwrap()),
            "{0 3, 0.5 7, 0.95 7, 0.99 7, 1 7}"
        );
        assert_eq!(quantiles(vec![]), None);
    }
}
