//! Runs of `keeper.py`, the node with the state of a workload, and what tests read from them.

use std::collections::{BTreeMap, BTreeSet};

use history::edn;
use history::{Kind, Op, OpError};
use serde_json::Value;

use super::bench::{Case, Run, echo};

/// One `keeper.py` with the state of a workload and these outcomes of requests, expected to be
/// valid.
pub fn keeper<const N: usize>(workload: &str, outcomes: [&str; N]) -> Case {
    let steps = [workload].into_iter().chain(outcomes);
    let flags = format!("-w {workload}");
    echo().node("keeper.py").flags(&flags).steps(steps)
}

/// The requests of clients, node by node: the client and the body.
pub fn requests(run: &Run) -> Vec<(String, Value)> {
    let nodes = run.test()["nodes"].clone();
    let nodes = nodes.as_array().unwrap().iter();
    let logs = nodes.map(|node| run.read(&format!("node-logs/{}.log", node.as_str().unwrap())));
    let request = |line: &str| {
        let (client, body) = line.split_once(' ').unwrap();
        (client.to_owned(), serde_json::from_str(body).unwrap())
    };
    logs.flat_map(|log| log.lines().map(request).collect::<Vec<_>>())
        .collect()
}

/// The number of exceptions by class, from the results.
pub fn exceptions(run: &Run) -> BTreeMap<String, usize> {
    let text = run.read("results.edn");
    let results = edn::read(&text).unwrap();
    let Some(classes) = edn::get(&results, &["exceptions", "exceptions"]) else {
        return BTreeMap::new();
    };
    let classes = edn::to_json(classes);
    let class = |it: &Value| {
        let count = it["count"].as_u64().unwrap() as usize;
        (it["class"].as_str().unwrap().to_owned(), count)
    };
    classes.as_array().unwrap().iter().map(class).collect()
}

/// The operations before and after the ten seconds in which the network recovers.
pub fn phases(run: &Run) -> [Vec<Op>; 2] {
    let mut main = run.history().ops;
    let pause = |ops: &[Op]| ops[1].time - ops[0].time > 9_500_000_000;
    let last = main.windows(2).position(pause);
    run.assert(last.is_some(), "there is a pause for recovery");
    let rest = main.split_off(last.unwrap() + 1);
    [main, rest]
}

/// The invocations of one worker, in order.
pub fn invoked_by(worker: u64, run: &Run, ops: &[Op]) -> Vec<Op> {
    let workers = run.test()["concurrency"].as_u64().unwrap();
    let is_own = |op: &&Op| op.process.client().unwrap() % workers == worker;
    let invocations = ops.iter().filter(|op| op.is_invocation());
    invocations.filter(is_own).cloned().collect()
}

/// The completions that are not ok, without the crashes of clients.
pub fn failures(run: &Run) -> Vec<Op> {
    let is_failure = |op: &Op| {
        op.is_completion() && op.kind != Kind::Ok && (op.f != "crash" || op.error.is_some())
    };
    run.history().ops.into_iter().filter(is_failure).collect()
}

/// Asserts that exactly one operation was not ok, and its kind and error.
pub fn assert_one_failure(run: &Run, f: &str, kind: Kind, error: &str) {
    let failures = failures(run);
    let found: Vec<(&str, Kind, String)> = failures
        .iter()
        .map(|op| (&*op.f, op.kind, describe(op.error.as_ref().unwrap())))
        .collect();
    let is_expected = matches!(&found[..], [(found_f, found_kind, why)]
        if *found_f == f && *found_kind == kind && why.contains(error));
    run.assert(
        is_expected,
        &format!("{f} ends {kind:?} of {error:?}: {found:?}"),
    );
    let malformed = matches!(
        failures[0].error.as_deref(),
        Some(OpError::Malformed { .. })
    );
    let expected = malformed.then(|| ("malformed-response".to_owned(), 1));
    assert_eq!(exceptions(run), expected.into_iter().collect());
    assert_successors(run);
}

/// Asserts that a process does nothing more after an indeterminate operation, and that its worker
/// goes on as the next process. Returns the number of processes.
pub fn assert_successors(run: &Run) -> usize {
    let workers = run.test()["concurrency"].as_u64().unwrap();
    // Each worker's process, and whether its last operation is indeterminate.
    let mut now: BTreeMap<u64, (u64, bool)> = (0..workers).map(|it| (it, (it, false))).collect();
    let mut seen = BTreeSet::new();
    for op in run.history().ops {
        let process = op.process.client().unwrap();
        let (current, is_indeterminate) = now.get_mut(&(process % workers)).unwrap();
        if *is_indeterminate {
            (*current, *is_indeterminate) = (*current + workers, false);
        }
        let at = format!("operation {} is process {current}'s", op.index);
        run.assert(process == *current, &at);
        *is_indeterminate = op.kind == Kind::Info;
        seen.insert(process);
    }
    seen.len()
}

fn describe(error: &OpError) -> String {
    match error {
        OpError::NetTimeout => "net-timeout".to_owned(),
        OpError::Rpc { name, text } => format!("{name}: {text}"),
        OpError::Malformed { text } => text.clone(),
        OpError::Thrown { class, text } => format!("{class}: {text}"),
        OpError::Other { value } => value.to_string(),
    }
}
