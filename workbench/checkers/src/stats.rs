//! Stats: how operations completed. A kind of operation that never succeeds makes a test worthless.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::{CheckerResult, Validity};
use history::edn::{self, Edn};
use history::{History, Kind};

/// Kafka operations that cannot succeed: a client crash, and a look at the internals of a node.
const EXEMPT: [&str; 2] = ["crash", "debug-topic-partitions"];

/// Completions, overall and by operation name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// All operations.
    pub all: Counts,
    /// Operations by name.
    pub by_f: BTreeMap<String, Counts>,
}

/// How many operations completed in each way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// They took effect.
    pub ok: usize,
    /// They certainly took no effect.
    pub fail: usize,
    /// They may have taken effect.
    pub info: usize,
}

/// Counts completions, overall and by operation name: invalid if no operation of some name was
/// `ok`.
pub fn stats(history: &History) -> Stats {
    let mut stats = Stats::default();
    for op in history.ops.iter().filter(|op| op.is_completion()) {
        stats.all.add(op.kind);
        match stats.by_f.get_mut(&*op.f) {
            Some(counts) => counts.add(op.kind),
            None => stats.by_f.entry(op.f.to_string()).or_default().add(op.kind),
        }
    }
    stats
}

impl Stats {
    /// Names of which no operation was `ok`.
    fn never_ok(&self) -> impl Iterator<Item = (&str, Counts)> {
        let is_never_ok = |(f, counts): &(&str, Counts)| counts.ok == 0 && !EXEMPT.contains(f);
        let by_f = self.by_f.iter().map(|(f, counts)| (&**f, *counts));
        by_f.filter(is_never_ok)
    }
}

impl CheckerResult for Stats {
    fn validity(&self) -> Validity {
        Validity::of(self.never_ok().next().is_none())
    }

    fn findings(&self) -> Vec<Finding<'_>> {
        let never_ok = self.never_ok();
        never_ok
            .map(|(f, counts)| Finding::NeverOk(f, counts))
            .collect()
    }

    fn to_edn(&self) -> Edn {
        let by_f = self.by_f.iter();
        let by_f =
            by_f.map(|(f, counts)| (edn::keyword_or_string(f), counts.to_edn(counts.ok > 0)));
        let mut map = self.all.to_edn(self.validity() == Validity::Valid);
        edn::insert(&mut map, "by-f", edn::map_of(by_f.collect()));
        map
    }
}

impl Counts {
    /// The number of completions.
    pub fn total(self) -> usize {
        self.ok + self.fail + self.info
    }

    fn add(&mut self, kind: Kind) {
        match kind {
            Kind::Invoke => {}
            Kind::Ok => self.ok += 1,
            Kind::Fail => self.fail += 1,
            Kind::Info => self.info += 1,
        }
    }

    fn to_edn(self, is_valid: bool) -> Edn {
        edn::map([
            ("valid?", Edn::Bool(is_valid)),
            ("count", edn::count(self.total())),
            ("ok-count", edn::count(self.ok)),
            ("fail-count", edn::count(self.fail)),
            ("info-count", edn::count(self.info)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::stats;
    use crate::{CheckerResult as _, Validity};
    use history::History;
    use history::edn::{compact, get};

    fn check(ends: &[(&str, &str)], valid: Validity, by_f: &str, findings: &[&str]) {
        let line = |(index, (kind, f)): (usize, &(&str, &str))| {
            let begun = format!("{{:type :invoke, :process {index}, :f :{f}}}\n");
            let ended = format!("{{:type :{kind}, :process {index}, :f :{f}}}\n");
            begun + if *kind == "invoke" { "" } else { &ended }
        };
        let edn: String = ends.iter().enumerate().map(line).collect();
        let verdict = stats(&History::read_edn(edn.as_bytes()).unwrap());
        assert_eq!(verdict.validity(), valid);
        assert_eq!(get(&verdict.to_edn(), &["valid?"]), Some(&valid.to_edn()));
        assert_eq!(compact(get(&verdict.to_edn(), &["by-f"]).unwrap()), by_f);
        assert_eq!(verdict.sentences(), findings);
    }

    #[test]
    fn one_ok_of_each_kind_is_valid() {
        check(
            &[
                ("ok", "read"),
                ("fail", "read"),
                ("info", "cas"),
                ("ok", "cas"),
                ("invoke", "read"),
            ],
            Validity::Valid,
            "{:cas {:count 2, :fail-count 0, :info-count 1, :ok-count 1, :valid? true}, \
             :read {:count 2, :fail-count 1, :info-count 0, :ok-count 1, :valid? true}}",
            &[],
        );
    }

    #[test]
    fn no_operation_at_all_is_valid() {
        check(&[], Validity::Valid, "{}", &[]);
        check(&[("invoke", "read")], Validity::Valid, "{}", &[]);
    }

    #[test]
    fn an_operation_that_never_succeeds_is_invalid() {
        check(
            &[
                ("ok", "read"),
                ("fail", "cas"),
                ("fail", "cas"),
                ("info", "cas"),
            ],
            Validity::Invalid,
            "{:cas {:count 3, :fail-count 2, :info-count 1, :ok-count 0, :valid? false}, \
             :read {:count 1, :fail-count 0, :info-count 0, :ok-count 1, :valid? true}}",
            &["no cas succeeded: 2 failed, 1 indeterminate"],
        );
    }

    #[test]
    fn a_crash_need_not_succeed() {
        check(
            &[("info", "crash")],
            Validity::Valid,
            "{:crash {:count 1, :fail-count 0, :info-count 1, :ok-count 0, :valid? false}}",
            &[],
        );
    }
}
