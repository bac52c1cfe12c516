//! Availability: which part of the operations succeeded.

use std::fmt;

use crate::finding::Finding;
use crate::{CheckerResult, Validity};
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

/// How many operations were `ok`, and how many must be.
#[derive(Debug, Clone, PartialEq)]
pub struct Availability {
    /// The operations that clients invoked.
    pub invoked: usize,
    /// Those that completed as `ok`.
    pub ok: usize,
    /// What is demanded, if anything.
    pub target: Option<Target>,
}

/// Compares the fraction of invocations that completed as `ok` with a target: invalid if it is
/// lower. Without a target it is valid.
pub fn availability(history: &History, target: Option<Target>) -> Availability {
    Availability {
        invoked: history.count(Kind::Invoke),
        ok: history.count(Kind::Ok),
        target,
    }
}

impl Availability {
    /// The part that was `ok`, 0 to 1; of no operations it is 1.
    ///
    /// A 32-bit float, as Maelstrom's is, and this can be seen: 19 of 20 are 0.949999988, which is
    /// less than 0.95.
    pub fn fraction(&self) -> f32 {
        match self.invoked {
            0 => 1.0,
            invoked => (self.ok as f64 / invoked as f64) as f32,
        }
    }
}

impl CheckerResult for Availability {
    fn validity(&self) -> Validity {
        Validity::of(match self.target {
            None => true,
            Some(Target::Total) => self.fraction() == 1.0,
            Some(Target::AtLeast(min)) => min <= f64::from(self.fraction()),
        })
    }

    fn findings(&self) -> Vec<Finding<'_>> {
        match self.validity() {
            Validity::Valid => Vec::new(),
            Validity::Unknown | Validity::Invalid => vec![Finding::Unavailable(self)],
        }
    }

    fn to_edn(&self) -> Edn {
        // A fraction of nothing is the integer, in Maelstrom too.
        let fraction = match self.invoked {
            0 => Edn::Int(1),
            _ => edn::float32(self.fraction()),
        };
        let valid = self.validity().to_edn();
        edn::map([("ok-fraction", fraction), ("valid?", valid)])
    }
}

impl fmt::Display for Availability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ok, invoked, fraction) = (self.ok, self.invoked, self.fraction());
        write!(
            f,
            "{ok} of {invoked} operations were ok, a fraction of {fraction}; asked for was "
        )?;
        match self.target {
            None => f.write_str("nothing"),
            Some(Target::Total) => f.write_str("all of them"),
            Some(Target::AtLeast(min)) => write!(f, "a fraction of {min}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Target, availability};
    use crate::{CheckerResult as _, Validity};
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
        assert_eq!(verdict.validity(), valid, "{ok} of {invoked}, {target:?}");
        let printed = format!("{{:ok-fraction {fraction}, :valid? {}}}", valid.to_edn());
        assert_eq!(compact(&verdict.to_edn()), printed);
        assert_eq!(verdict.sentences().is_empty(), valid == Validity::Valid);
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
