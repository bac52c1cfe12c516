//! Assumptions about registers, from which more of the order of their versions follows.

use std::str::FromStr;

use history::text::unknown_name;

/// Assumptions about each single key, as Elle's options of these names. A wrong assumption shows as
/// cyclic versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assumptions {
    /// `wfr-keys`: a transaction that reads a key and writes it replaces the version that it read.
    pub wfr_keys: bool,
    /// `sequential-keys`: each key is sequentially consistent, so a process never goes back to an
    /// earlier version.
    pub sequential_keys: bool,
    /// `linearizable-keys`: each key is linearizable, so no transaction that begins after another
    /// ended sees an earlier version.
    pub linearizable_keys: bool,
}

/// The source of a part of the version order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    InitialState,
    WfrKeys,
    SequentialKeys,
    LinearizableKeys,
}

/// Maelstrom's assumption: `wfr-keys` only.
impl Default for Assumptions {
    fn default() -> Self {
        Assumptions {
            wfr_keys: true,
            ..Assumptions::NONE
        }
    }
}

impl Assumptions {
    /// No assumption except that registers are unset at first.
    pub const NONE: Assumptions = Assumptions {
        wfr_keys: false,
        sequential_keys: false,
        linearizable_keys: false,
    };
}

/// Parsed from a list of names separated by commas.
impl FromStr for Assumptions {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, String> {
        let mut assumptions = Assumptions::NONE;
        for name in list
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            match name.trim_start_matches(':').trim_end_matches('?') {
                "wfr-keys" => assumptions.wfr_keys = true,
                "sequential-keys" => assumptions.sequential_keys = true,
                "linearizable-keys" => assumptions.linearizable_keys = true,
                _ => {
                    let known = ["wfr-keys", "sequential-keys", "linearizable-keys"];
                    return Err(unknown_name("assumption", name, &known));
                }
            }
        }
        Ok(assumptions)
    }
}

impl Source {
    /// The keyword in results.
    pub(super) fn name(self) -> &'static str {
        match self {
            Source::InitialState => "initial-state",
            Source::WfrKeys => "wfr-keys",
            Source::SequentialKeys => "sequential-keys",
            Source::LinearizableKeys => "linearizable-keys",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Assumptions;

    #[test]
    fn assumptions_are_parsed_by_the_names_of_elle() {
        let check = |list: &str, expected: [bool; 3]| {
            let [wfr_keys, sequential_keys, linearizable_keys] = expected;
            let assumptions = Assumptions {
                wfr_keys,
                sequential_keys,
                linearizable_keys,
            };
            assert_eq!(list.parse(), Ok(assumptions), "{list}");
        };
        check("", [false, false, false]);
        check("wfr-keys", [true, false, false]);
        check(":sequential-keys?", [false, true, false]);
        check(" linearizable-keys , wfr-keys,", [true, false, true]);
        let error = "linear-keys".parse::<Assumptions>().unwrap_err();
        assert!(error.contains("\"linear-keys\""), "{error}");
    }
}
