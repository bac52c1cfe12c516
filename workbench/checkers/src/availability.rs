//! Availability: which part of what the clients asked for was done.

use super::{Validity, Verdict};
use history::edn::{self, Edn};
use history::{History, Kind};

/// The part of all operations that must succeed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// All of them.
    Total,
    /// At least this fraction, 0 to 1.
    AtLeast(f64),
}

/// Compares the fraction of invocations that completed as `ok` with a target: invalid if it is
/// lower. Without a target it is valid, and the fraction stands in the results.
///
/// The fraction is a 32-bit float, as Maelstrom's is, and this can be seen: 19 of 20 are
/// 0.949999988, which is less than 0.95.
pub fn availability(history: &History, target: Option<Target>) -> Verdict {
    let invoked = history.count(Kind::Invoke);
    let ok = history.count(Kind::Ok);

    let fraction = if invoked == 0 {
        1.0
    } else {
        (ok as f64 / invoked as f64) as f32
    };
    let (is_met, asked) = match target {
        None => (true, String::new()),
        Some(Target::Total) => (fraction == 1.0, "all of them".to_owned()),
        Some(Target::AtLeast(least)) => (
            least <= f64::from(fraction),
            format!("a fraction of {least}"),
        ),
    };
    // A fraction of nothing is the integer, in Maelstrom too.
    let printed = if invoked == 0 {
        Edn::Int(1)
    } else {
        edn::float32(fraction)
    };
    let mut verdict = Verdict::new(Validity::of(is_met), [("ok-fraction", printed)]);
    if !is_met {
        verdict.findings.push(format!(
            "{ok} of {invoked} operations were ok, a fraction of {fraction}; asked for was {asked}"
        ));
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::{Target, availability};
    use crate::Validity;
    use history::History;
    use history::edn::compact;

    /// So many operations, of which the first few end `ok`, beside the nemesis.
    fn history(invoked: usize, ok: usize) -> History {
        let nemesis = r#"{:index 0, :time 0, :type :info, :process :nemesis, :f :stop-partition}"#;
        let mut lines = vec![nemesis.to_owned()];
        for operation in 0..invoked {
            let end = if operation < ok { "ok" } else { "info" };
            for kind in ["invoke", end] {
                let index = lines.len();
                lines.push(format!(
                    "{{:index {index}, :time 0, :type :{kind}, :process {operation}, :f :read}}"
                ));
            }
        }
        History::read_edn(lines.join("\n").as_bytes()).unwrap()
    }

    fn check(invoked: usize, ok: usize, target: Option<Target>, valid: Validity, fraction: &str) {
        let verdict = availability(&history(invoked, ok), target);
        assert_eq!(verdict.valid, valid, "{ok} of {invoked}, {target:?}");
        let printed = format!("{{:ok-fraction {fraction}, :valid? {}}}", valid.to_edn());
        assert_eq!(compact(&verdict.results), printed);
        assert_eq!(verdict.findings.is_empty(), valid == Validity::Valid);
    }

    #[test]
    fn without_a_target_anything_goes() {
        check(49, 47, None, Validity::Valid, "0.9591837");
        check(3, 1, None, Validity::Valid, "0.33333334");
        check(3, 0, None, Validity::Valid, "0.0");
        check(3, 3, None, Validity::Valid, "1.0");
        check(0, 0, None, Validity::Valid, "1");
    }

    #[test]
    fn total_means_every_single_one() {
        check(100, 100, Some(Target::Total), Validity::Valid, "1.0");
        check(100, 99, Some(Target::Total), Validity::Invalid, "0.99");
        check(0, 0, Some(Target::Total), Validity::Valid, "1");
    }

    #[test]
    fn a_fraction_is_met_or_exceeded() {
        check(4, 3, Some(Target::AtLeast(0.75)), Validity::Valid, "0.75");
        check(4, 2, Some(Target::AtLeast(0.75)), Validity::Invalid, "0.5");
        check(
            20,
            19,
            Some(Target::AtLeast(0.95)),
            Validity::Invalid,
            "0.95",
        );
        check(0, 0, Some(Target::AtLeast(1.0)), Validity::Valid, "1");
    }
}
