//! Convergence after a storm: a wrapper that adds a final phase and its requirements to any
//! workload. Maelstrom has no such requirements. Every node must answer again; and where nodes must
//! converge, all final reads must agree and include everything that was acknowledged.

use shared::NodeId;

use super::{FinalStep, Invocation, OnceEach, Session, Turn, Workload};
use crate::options::Concurrency;
use crate::rng::SeededRng;
use crate::rpc::{ClientRequest, Rpc};
use checkers::{Convergence, WorkloadVerdict};
use history::{History, Kind, Op, Pair, Value};

/// A workload that always has a final phase.
pub(super) struct WithConvergence {
    inner: Box<dyn Workload>,
    final_operations: OnceEach,
}

impl WithConvergence {
    pub(super) fn new(inner: Box<dyn Workload>) -> Self {
        WithConvergence {
            inner,
            final_operations: OnceEach::default(),
        }
    }

    fn findings(&self, history: &History) -> Vec<String> {
        let pairs = history.pairs();
        let finals = pairs.iter().filter(|pair| pair.invocation.meta.is_final);
        let finals: Vec<&Pair<'_>> = finals.collect();
        let mut findings: Vec<String> = finals
            .iter()
            .filter_map(|pair| failed_operation(pair))
            .collect();
        let reads: Vec<&Op> = finals
            .iter()
            .filter_map(|pair| pair.completion)
            .filter(|op| op.kind == Kind::Ok)
            .collect();
        findings.extend(self.inner.unconverged(history, &reads));
        findings
    }
}

/// A finding about an operation of the final phase that was not completed as `ok`.
fn failed_operation(pair: &Pair<'_>) -> Option<String> {
    let Op {
        f, process, time, ..
    } = pair.invocation;
    let at = *time as f64 / 1e9;
    match pair.completion.map(|op| (op.kind, &op.error)) {
        Some((Kind::Ok, _)) => None,
        Some((_, error)) => Some(format!(
            "after recovery, {f} of process {process} at {at:.3} s did not succeed: {error:?}"
        )),
        None => Some(format!(
            "after recovery, {f} of process {process} at {at:.3} s was not answered"
        )),
    }
}

impl Workload for WithConvergence {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn operations(&self) -> &'static [&'static str] {
        self.inner.operations()
    }

    fn check_workers(&self, nodes: usize, workers: usize) -> Result<(), String> {
        self.inner.check_workers(nodes, workers)
    }

    fn choose_worker(
        &self,
        workers: usize,
        nodes: usize,
        is_free: &dyn Fn(usize) -> bool,
        rng: &mut SeededRng,
    ) -> Option<usize> {
        self.inner.choose_worker(workers, nodes, is_free, rng)
    }

    fn next(&mut self, turn: Turn, rng: &mut SeededRng) -> Invocation {
        self.inner.next(turn, rng)
    }

    fn observe(&mut self, worker: usize, f: &'static str, kind: Kind, value: &Value) {
        self.inner.observe(worker, f, kind, value);
    }

    fn requests(&self) -> Vec<&'static Rpc> {
        self.inner.requests()
    }

    fn session(&self) -> Box<dyn Session> {
        self.inner.session()
    }

    fn has_final_phase(&self) -> bool {
        true
    }

    fn next_final(&mut self, turn: Turn, rng: &mut SeededRng) -> FinalStep {
        if self.inner.has_final_phase() {
            let mut step = self.inner.next_final(turn, rng);
            // Maelstrom marks the final reads of some workloads, and not those of g-set.
            if let FinalStep::Invoke(invocation) = &mut step {
                invocation.meta.is_final |= invocation.f == "read";
            }
            return step;
        }
        let mut operation = self.inner.recovery_operation(turn, rng);
        operation.meta.is_final = true;
        self.final_operations.next(turn, || operation.clone())
    }

    fn set_up(&self, nodes: &[NodeId]) -> Option<ClientRequest> {
        self.inner.set_up(nodes)
    }

    fn keeps_clients(&self) -> bool {
        self.inner.keeps_clients()
    }

    fn is_read_only(&self, f: &str) -> bool {
        self.inner.is_read_only(f)
    }

    fn interprets_errors(&self) -> bool {
        self.inner.interprets_errors()
    }

    fn required_concurrency(&self) -> Option<Concurrency> {
        self.inner.required_concurrency()
    }

    fn check(&self, history: &History) -> WorkloadVerdict {
        let WorkloadVerdict { result, .. } = self.inner.check(history);
        let convergence = Convergence {
            is_vacuous: self.inner.is_vacuous(history, &result),
            violations: self.findings(history),
        };
        WorkloadVerdict {
            result,
            convergence: Some(convergence),
        }
    }
}

#[cfg(test)]
mod tests {
    use checkers::{CheckerResult as _, Validity};

    use super::*;
    use crate::options::Options;
    use crate::workload::{Name, workload};

    /// Checks the findings on a history of `type process f value final?` lines.
    #[track_caller]
    fn check(name: Name, lines: &[&str], expected: &[&str]) {
        let line = |(index, line): (usize, &&str)| {
            let parts: Vec<&str> = line.splitn(5, ' ').collect();
            let [kind, process, f, value, phase] = parts[..] else {
                panic!("{line}");
            };
            format!(
                r#"{{"index":{index},"time":{index},"type":"{kind}","process":{process},"f":"{f}","value":{value},"final?":{}}}"#,
                phase == "final"
            )
        };
        let text: Vec<String> = lines.iter().enumerate().map(line).collect();
        let history = History::read_json(text.join("\n").as_bytes()).unwrap();
        let workload = WithConvergence::new(workload(name, &Options::default()));
        let findings = workload.findings(&history);
        assert_eq!(findings.len(), expected.len(), "{findings:#?}");
        for (finding, part) in findings.iter().zip(expected) {
            assert!(finding.contains(part), "{finding}");
        }
        let verdict = workload.check(&history);
        assert_eq!(
            verdict.validity() == Validity::Invalid,
            !expected.is_empty()
        );
    }

    #[test]
    fn final_reads_of_every_workload_are_marked() {
        for name in [Name::Broadcast, Name::GSet, Name::GCounter] {
            let mut workload = WithConvergence::new(workload(name, &Options::default()));
            let turn = Turn {
                worker: 0,
                workers: 1,
                nodes: 1,
                at: std::time::Duration::ZERO,
            };
            let step = workload.next_final(turn, &mut crate::rng::seeded(1));
            let is_marked = matches!(&step, FinalStep::Invoke(it) if it.meta.is_final);
            assert!(is_marked, "{name}: {step:?}");
        }
    }

    #[test]
    fn all_but_the_final_phase_is_as_in_the_workload() {
        let two_free = |worker: usize| worker > 1;
        for name in Name::ALL {
            let mut bare = workload(name, &Options::default());
            let mut whole = WithConvergence::new(workload(name, &Options::default()));
            let [mut rng, mut other_rng] = [(); 2].map(|()| crate::rng::seeded(1));
            assert_eq!(whole.name(), bare.name());
            assert_eq!(whole.operations(), bare.operations());
            assert_eq!(whole.requests(), bare.requests());
            assert_eq!(whole.required_concurrency(), bare.required_concurrency());
            assert_eq!(whole.keeps_clients(), bare.keeps_clients());
            assert_eq!(whole.interprets_errors(), bare.interprets_errors());
            assert_eq!(whole.check_workers(1, 3), bare.check_workers(1, 3));
            assert_eq!(
                whole.choose_worker(4, 2, &two_free, &mut rng),
                bare.choose_worker(4, 2, &two_free, &mut other_rng)
            );
            for f in bare.operations() {
                assert_eq!(whole.is_read_only(f), bare.is_read_only(f), "{name} {f}");
            }
            let nodes = ["n0".into()];
            let topology = |request: Option<ClientRequest>| request.map(|it| it.rpc);
            assert_eq!(
                topology(whole.set_up(&nodes)),
                topology(bare.set_up(&nodes))
            );
            let (kind, value) = (Kind::Info, Value::from_wire("2"));
            for at in 0..50 {
                let turn = Turn {
                    worker: at % 2,
                    workers: 2,
                    nodes: 1,
                    at: std::time::Duration::from_secs(at as u64),
                };
                let [one, other] = [whole.next(turn, &mut rng), bare.next(turn, &mut other_rng)];
                assert_eq!((one.f, one.value.get()), (other.f, other.value.get()));
                whole.observe(turn.worker, one.f, kind, &value);
                bare.observe(turn.worker, one.f, kind, &value);
            }
        }
    }

    #[test]
    fn every_operation_must_succeed_after_recovery() {
        let invoked = "invoke 0 generate null final";
        check(Name::UniqueIds, &[invoked, "ok 0 generate 7 final"], &[]);
        check(Name::UniqueIds, &[invoked], &["not answered"]);
        check(
            Name::UniqueIds,
            &[invoked, "info 0 generate null final"],
            &["did not succeed"],
        );
    }

    #[test]
    fn final_reads_must_contain_all_that_was_acknowledged_or_read() {
        for (name, add) in [(Name::Broadcast, "broadcast"), (Name::GSet, "add")] {
            let check = |kind: &str, reads: [&str; 2], expected: &[&str]| {
                let lines = [
                    format!("invoke 0 {add} 7 -"),
                    format!("{kind} 0 {add} 7 -"),
                    "invoke 0 read null final".to_owned(),
                    format!("ok 0 read {} final", reads[0]),
                    "invoke 1 read null final".to_owned(),
                    format!("ok 1 read {} final", reads[1]),
                ];
                check(name, &lines.each_ref().map(String::as_str), expected);
            };
            check("ok", ["[7]", "[7,7]"], &[]);
            check("ok", ["[7,8]", "[7]"], &["process 1 lacks 1"]);
            check("ok", ["[]", "[7]"], &["process 0 lacks 1"]);
            check("info", ["[]", "[]"], &[]);
        }
    }

    #[test]
    fn final_reads_must_agree() {
        let counters = |second: &'static str| {
            let first = ["invoke 0 read null final", "ok 0 read 3 final"];
            [first[0], first[1], "invoke 1 read null final", second]
        };
        for name in [Name::GCounter, Name::PnCounter] {
            // Nothing was added, so a value other than 0 is wrong in any case.
            let both = &["process 0 reads 3 and process 1 reads 4"];
            check(name, &counters("ok 1 read 4 final"), both);
        }
        let reads = |second: &'static str| {
            [
                r#"invoke 0 txn [["r",1,null]] final"#,
                r#"ok 0 txn [["r",1,null]] final"#,
                r#"invoke 1 txn [["r",1,null]] final"#,
                second,
            ]
        };
        let equal = r#"ok 1 txn [["r",1,null]] final"#;
        check(Name::TxnRwRegister, &reads(equal), &[]);
        let other = r#"ok 1 txn [["r",1,5]] final"#;
        check(Name::TxnRwRegister, &reads(other), &["process 1 reads"]);
    }

    #[test]
    fn a_key_that_was_written_must_have_a_value() {
        let write = |kind: &'static str| {
            [
                r#"invoke 0 txn [["w",1,5]] -"#,
                kind,
                r#"invoke 0 txn [["r",1,null]] final"#,
                r#"ok 0 txn [["r",1,null]] final"#,
            ]
        };
        let done = r#"ok 0 txn [["w",1,5]] -"#;
        check(
            Name::TxnRwRegister,
            &write(done),
            &["reads nothing from written keys"],
        );
        check(
            Name::TxnRwRegister,
            &write(r#"fail 0 txn [["w",1,5]] -"#),
            &[],
        );
    }

    #[test]
    fn final_lists_must_contain_all_that_was_appended() {
        let append = |list: &'static str| {
            [
                r#"invoke 0 txn [["append",1,5]] -"#,
                r#"ok 0 txn [["append",1,5]] -"#,
                r#"invoke 1 txn [["append",1,6]] -"#,
                r#"fail 1 txn [["append",1,6]] -"#,
                r#"invoke 0 txn [["r",1,null]] final"#,
                list,
            ]
        };
        let all = r#"ok 0 txn [["r",1,[5]]] final"#;
        check(Name::TxnListAppend, &append(all), &[]);
        let nothing = r#"ok 0 txn [["r",1,null]] final"#;
        let lost = ["does not read appended elements: 5 in key 1"];
        check(Name::TxnListAppend, &append(nothing), &lost);
    }
}
