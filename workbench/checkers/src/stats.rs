//! Stats: how the operations ended. What never once succeeds makes a test worthless.

use std::collections::BTreeMap;

use super::{Validity, Verdict};
use history::edn::{self, Edn};
use history::{History, Kind};

/// Kafka's operations that cannot succeed: a client that crashes, and a look behind the scenes.
const EXEMPT: [&str; 2] = ["crash", "debug-topic-partitions"];

/// Counts completions, overall and by the operation's name: invalid if those of some name were
/// never
/// `ok`.
pub fn stats(history: &History) -> Verdict {
    let mut all = Counts::default();
    let mut by_f: BTreeMap<&str, Counts> = BTreeMap::new();
    for op in history.ops.iter().filter(|op| op.is_completion()) {
        all.add(op.kind);
        by_f.entry(&op.f).or_default().add(op.kind);
    }

    let futile = |f: &str, counts: &Counts| counts.ok == 0 && !EXEMPT.contains(&f);
    let futile: Vec<_> = by_f
        .iter()
        .filter(|(f, counts)| futile(f, counts))
        .collect();
    let mut verdict = Verdict::new(Validity::of(futile.is_empty()), []);
    verdict.findings = futile
        .into_iter()
        .map(|(f, counts)| counts.tell(f))
        .collect();
    all.insert_into(&mut verdict.results);
    let by_f = by_f
        .into_iter()
        .map(|(f, counts)| (edn::word(f), counts.to_edn()));
    edn::insert(&mut verdict.results, "by-f", edn::map_of(by_f.collect()));
    verdict
}

#[derive(Debug, Default)]
struct Counts {
    ok: usize,
    fail: usize,
    info: usize,
}

impl Counts {
    fn add(&mut self, kind: Kind) {
        match kind {
            Kind::Invoke => {}
            Kind::Ok => self.ok += 1,
            Kind::Fail => self.fail += 1,
            Kind::Info => self.info += 1,
        }
    }

    fn to_edn(&self) -> Edn {
        let mut map = edn::map([("valid?", Edn::Bool(self.ok > 0))]);
        self.insert_into(&mut map);
        map
    }

    fn insert_into(&self, map: &mut Edn) {
        edn::insert(map, "count", edn::count(self.ok + self.fail + self.info));
        edn::insert(map, "ok-count", edn::count(self.ok));
        edn::insert(map, "fail-count", edn::count(self.fail));
        edn::insert(map, "info-count", edn::count(self.info));
    }

    fn tell(&self, f: &str) -> String {
        format!(
            "no {f} was ever ok: {} failed, {} ended in doubt",
            self.fail, self.info
        )
    }
}

#[cfg(test)]
mod tests {
    use super::stats;
    use crate::Validity;
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
        assert_eq!(verdict.valid, valid);
        assert_eq!(get(&verdict.results, &["valid?"]), Some(&valid.to_edn()));
        assert_eq!(compact(get(&verdict.results, &["by-f"]).unwrap()), by_f);
        assert_eq!(verdict.findings, findings);
    }

    #[test]
    fn one_ok_of_each_kind_is_ok() {
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
    fn no_operation_at_all_is_ok() {
        check(&[], Validity::Valid, "{}", &[]);
        check(&[("invoke", "read")], Validity::Valid, "{}", &[]);
    }

    #[test]
    fn an_operation_that_never_succeeds_is_bad() {
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
            &["no cas was ever ok: 2 failed, 1 ended in doubt"],
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
