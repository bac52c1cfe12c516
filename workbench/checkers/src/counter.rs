//! Counters: every final read must return the sum of the acknowledged additions and of any subset
//! of the indeterminate ones. Reads before recovery may return anything.

use num_bigint::BigInt;

use crate::finding::{Finding, counted, first};
use crate::{CheckerResult, Unjudged, Validity};
use history::edn::{self, Edn};
use history::{History, Kind, Op};

/// The final reads of a counter, and the acceptable values.
#[derive(Debug, Clone)]
pub struct CounterResult {
    /// The sums of the acknowledged additions and each subset of the indeterminate ones.
    pub acceptable: Intervals,
    /// All final reads that are `ok`.
    pub final_reads: Vec<Op>,
    /// The final reads that returned any other value.
    pub wrong: Vec<Op>,
}

/// Judges a counter: every final read must return a sum that the additions allow.
///
/// Reads `add`, whose value is an integer, and `read` with the mark `final?` and its result; other
/// reads are not judged. Additions that are `ok` count, those that are `fail` do not, and each that
/// is `info` may count.
///
/// # Errors
/// When the value of an addition is not an integer.
pub fn counter(history: &History) -> Result<CounterResult, Unjudged> {
    let clients = || history.ops.iter().filter(|op| op.is_completion());
    let mut certain = BigInt::ZERO;
    let mut possible = Vec::new();
    for op in clients().filter(|op| op.f == "add") {
        match op.kind {
            Kind::Ok => certain += number(op).map_err(Unjudged::new)?,
            Kind::Info => possible.push(number(op).map_err(Unjudged::new)?),
            Kind::Invoke | Kind::Fail => {}
        }
    }
    let mut acceptable = Intervals::just(certain);
    for delta in &possible {
        acceptable = acceptable.with_shifted(delta);
    }
    let is_final = |op: &&Op| op.f == "read" && op.kind == Kind::Ok && op.meta.is_final;
    let final_reads: Vec<Op> = clients().filter(is_final).cloned().collect();
    // A node may return anything; a value that is not a number is not acceptable.
    let is_wrong = |op: &&Op| !number(op).is_ok_and(|value| acceptable.contains(&value));
    let wrong = final_reads.iter().filter(is_wrong).cloned().collect();
    Ok(CounterResult {
        acceptable,
        final_reads,
        wrong,
    })
}

impl CheckerResult for CounterResult {
    fn validity(&self) -> Validity {
        Validity::of(self.wrong.is_empty())
    }

    fn findings(&self) -> Vec<Finding<'_>> {
        let wrong = self.wrong.iter();
        let findings = wrong.map(|read| Finding::WrongTotal(read, &self.acceptable));
        first(self.wrong.len(), findings)
    }

    fn to_edn(&self) -> Edn {
        let errors = match &self.wrong[..] {
            [] => Edn::Nil,
            wrong => Edn::List(wrong.iter().map(Op::to_edn).collect()),
        };
        let values = self.final_reads.iter().map(value_to_edn);
        edn::map([
            ("errors", errors),
            ("final-reads", Edn::List(values.collect())),
            ("acceptable", self.acceptable.to_edn()),
            ("valid?", self.validity().to_edn()),
        ])
    }
}

fn number(op: &Op) -> Result<BigInt, String> {
    if let Ok(number) = op.value.json().parse::<i64>() {
        return Ok(number.into());
    }
    edn::number::big(&op.value.to_edn()).ok_or_else(|| {
        let Op {
            f,
            index,
            process,
            value,
            ..
        } = op;
        format!("the value of the {f} of process {process} (op {index}) is not an integer: {value}")
    })
}

fn value_to_edn(op: &Op) -> Edn {
    match number(op) {
        Ok(number) => Edn::from(number),
        Err(_) => edn::text(op.value.json()),
    }
}

/// A set of integers, as intervals that neither overlap nor touch: first and last, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intervals(Vec<(BigInt, BigInt)>);

impl Intervals {
    fn just(number: BigInt) -> Self {
        Intervals(vec![(number.clone(), number)])
    }

    /// Whether an integer is in the set.
    pub fn contains(&self, number: &BigInt) -> bool {
        let after = self.0.partition_point(|(first, _)| first <= number);
        after > 0 && *number <= self.0[after - 1].1
    }

    /// The first and the last integer of each interval that fit into 64 bits.
    pub fn bounds(&self) -> Vec<i64> {
        let bounds = self.0.iter().flat_map(|(first, last)| [first, last]);
        bounds.filter_map(|it| i64::try_from(it).ok()).collect()
    }

    /// The union of this set and this set shifted by `delta`.
    fn with_shifted(&self, delta: &BigInt) -> Self {
        let mut all = self.0.clone();
        all.extend(
            self.0
                .iter()
                .map(|(first, last)| (first + delta, last + delta)),
        );
        all.sort_unstable();
        let mut merged: Vec<(BigInt, BigInt)> = Vec::with_capacity(all.len());
        for (first, last) in all {
            match merged.last_mut() {
                Some((_, end)) if first <= &*end + 1 => {
                    if last > *end {
                        *end = last;
                    }
                }
                _ => merged.push((first, last)),
            }
        }
        Intervals(merged)
    }

    fn to_edn(&self) -> Edn {
        let number = |number: &BigInt| Edn::from(number.clone());
        let pair = |(first, last): &(_, _)| Edn::Vector(vec![number(first), number(last)]);
        Edn::List(self.0.iter().map(pair).collect())
    }
}

impl std::fmt::Display for Intervals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 8;
        let shown = self.0.iter().take(SHOWN).map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first} to {last}")
            }
        });
        let mut shown: Vec<_> = shown.collect();
        let more = self.0.len().saturating_sub(SHOWN);
        let last = match more {
            0 => shown.pop().unwrap_or_default(),
            more => counted(more, "more range"),
        };
        if !shown.is_empty() {
            write!(f, "{} or ", shown.join(", "))?;
        }
        f.write_str(&last)
    }
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;

    use super::{Intervals, counter};
    use crate::{CheckerResult as _, Validity};
    use history::History;
    use history::edn::{compact, get};

    /// Judges completions `(kind, f, value)`; a final read has the `f` `final`.
    fn check(ends: &[(&str, &str, &str)], valid: Validity, acceptable: &str, findings: &[&str]) {
        let line = |(index, (kind, f, value)): (usize, &(&str, &str, &str))| {
            let (f, mark) = match *f {
                "final" => ("read", r#","final?":true"#),
                f => (f, ""),
            };
            ["invoke", kind].map(|kind| {
                format!(
                    r#"{{"time":1500000000,"type":"{kind}","process":{index},"f":"{f}","value":{value}{mark}}}"#
                )
            })
        };
        let lines: Vec<_> = ends.iter().enumerate().flat_map(line).collect();
        let verdict = counter(&History::read_json(lines.join("\n").as_bytes()).unwrap());
        assert_eq!(verdict.validity(), valid);
        let found = get(&verdict.to_edn(), &["acceptable"]).map(compact);
        assert_eq!(found.unwrap_or_default(), acceptable);
        assert_eq!(verdict.sentences(), findings);
    }

    #[test]
    fn indeterminate_adds_widen_the_acceptable_values() {
        let adds = [
            ("ok", "add", "10"),
            ("info", "add", "5"),
            ("fail", "add", "100"),
            ("info", "add", "-1"),
            ("info", "add", "-1"),
        ];
        for read in ["8", "9", "10", "13", "14", "15"] {
            let reads = [&adds[..], &[("ok", "final", read)]].concat();
            check(&reads, Validity::Valid, "([8 10] [13 15])", &[]);
        }
        for read in ["7", "11", "12", "16"] {
            let reads = [&adds[..], &[("ok", "final", read)]].concat();
            let finding = format!(
                "the final read of process 5 at 1.500 s returned {read}, expected 8 to 10 or 13 to \
                 15"
            );
            check(&reads, Validity::Invalid, "([8 10] [13 15])", &[&finding]);
        }
    }

    #[test]
    fn only_final_reads_that_are_ok_are_judged() {
        let ends = [("ok", "read", "3"), ("info", "final", "null")];
        check(&ends, Validity::Valid, "([0 0])", &[]);
        check(&[], Validity::Valid, "([0 0])", &[]);
    }

    #[test]
    fn sums_beyond_64_bits_are_exact() {
        let max = "9223372036854775807";
        let adds = [
            ("ok", "add", max),
            ("ok", "add", max),
            ("ok", "final", "18446744073709551614"),
        ];
        let acceptable = "([18446744073709551614N 18446744073709551614N])";
        check(&adds, Validity::Valid, acceptable, &[]);
    }

    #[test]
    fn a_value_that_is_no_number_is_invalid_in_a_read_and_unjudged_in_an_add() {
        check(
            &[("ok", "final", "\"x\"")],
            Validity::Invalid,
            "([0 0])",
            &["the final read of process 0 at 1.500 s returned \"x\", expected 0"],
        );
        let finding = "the value of the add of process 0 (op 1) is not an integer: [1]";
        check(&[("ok", "add", "[1]")], Validity::Unknown, "", &[finding]);
    }

    #[test]
    fn sums_may_have_any_size() {
        let max = "9".repeat(60);
        let adds = [
            ("ok", "add", &*max),
            ("info", "add", "1"),
            ("ok", "final", &*max),
        ];
        let acceptable = format!("([{max}N 1{}N])", "0".repeat(60));
        check(&adds, Validity::Valid, &acceptable, &[]);
    }

    #[test]
    fn intervals_that_touch_or_overlap_become_one() {
        let sums = |deltas: &[i64]| {
            let start = Intervals::just(BigInt::ZERO);
            let widen = |it: Intervals, delta: &i64| it.with_shifted(&BigInt::from(*delta));
            compact(&deltas.iter().fold(start, widen).to_edn())
        };
        assert_eq!(sums(&[1]), "([0 1])");
        assert_eq!(sums(&[2]), "([0 0] [2 2])");
        assert_eq!(sums(&[2, 1]), "([0 3])");
        assert_eq!(sums(&[-3, 1, 0]), "([-3 -2] [0 1])");
    }

    #[test]
    fn the_intervals_are_the_sums_of_all_subsets() {
        use rand::{RngExt, SeedableRng};
        let mut rng = rand::rngs::ChaCha8Rng::seed_from_u64(3);
        for _ in 0..500 {
            let count = rng.random_range(0..8_u32);
            let deltas: Vec<BigInt> = (0..count)
                .map(|_| rng.random_range(-9..10_i64).into())
                .collect();
            let intervals = deltas
                .iter()
                .fold(Intervals::just(BigInt::ZERO), |it, delta| {
                    it.with_shifted(delta)
                });
            let sum = |selection: u32| -> BigInt {
                let chosen = deltas
                    .iter()
                    .enumerate()
                    .filter(|(i, _)| selection >> i & 1 == 1);
                chosen.map(|(_, delta)| delta).sum()
            };
            let sums: std::collections::BTreeSet<BigInt> = (0..1 << count).map(sum).collect();
            for number in (-80..80).map(BigInt::from) {
                assert_eq!(
                    intervals.contains(&number),
                    sums.contains(&number),
                    "{deltas:?}"
                );
            }
        }
    }
}
