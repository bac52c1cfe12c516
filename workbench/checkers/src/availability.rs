//! Availability: the fraction of operations that succeeded.

use std::fmt;

use crate::finding::{Finding, counted};
use crate::{CheckerResult, Validity};
use history::edn::{self, Edn};
use history::{History, Kind};

/// The required fraction of operations that succeed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// All operations.
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
    /// The requirement, if any.
    pub target: Option<Target>,
}

/// Compares the fraction of invocations that completed as `ok` with a target: invalid if it is
/// lower. Valid without a target.
pub fn availability(history: &History, target: Option<Target>) -> Availability {
    Availability {
        invoked: history.count(Kind::Invoke),
        ok: history.count(Kind::Ok),
        target,
    }
}

impl Availability {
    /// The fraction that was `ok`, from 0 to 1; 1 if there are no operations.
    ///
    /// A 32-bit float as in Maelstrom, which makes a difference: 19 of 20 are 0.949999988, less
    /// than 0.95.
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
        // Without operations the fraction is an integer, as in Maelstrom.
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
        let (ok, fraction) = (self.ok, self.fraction());
        let invoked = counted(self.invoked, "operation");
        write!(
            f,
            "{ok} of {invoked} succeeded, a fraction of {fraction}; required: "
        )?;
        match self.target {
            None => f.write_str("none"),
            Some(Target::Total) => f.write_str("all"),
            Some(Target::AtLeast(min)) => write!(f, "at least {min}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Target, availability};
    use crate::{CheckerResult as _, Validity};
    use history::History;
    use history::edn::compact;

    /// A history of `invoked` operations, the first `ok` of them `ok`, and a nemesis operation.
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
    fn every_fraction_is_valid_without_a_target() {
        check(49, 47, None, Validity::Valid, "0.9591837");
        check(3, 1, None, Validity::Valid, "0.33333334");
        check(3, 0, None, Validity::Valid, "0.0");
        check(3, 3, None, Validity::Valid, "1.0");
        check(0, 0, None, Validity::Valid, "1");
    }

    #[test]
    fn total_requires_every_operation_to_be_ok() {
        check(100, 100, Some(Target::Total), Validity::Valid, "1.0");
        check(100, 99, Some(Target::Total), Validity::Invalid, "0.99");
        check(0, 0, Some(Target::Total), Validity::Valid, "1");
    }

    #[test]
    fn a_fraction_must_be_met_or_exceeded() {
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
