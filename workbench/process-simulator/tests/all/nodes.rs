//! Nodes in several languages: each runs on the virtual clock, unmodified, and repeats by its seed.

use std::path::Path;
use std::time::Duration;

use process_simulator::Threads;
use simulator::checkers::{CheckerResult, Validity};
use simulator::judge::judge;
use simulator::nemesis::Fault;
use simulator::options::{Nodes, Options, PartialOptions};
use simulator::run::Record;
use simulator::simulation::simulate;
use simulator::workload::{Name, workload};

use crate::languages::{Node, c, erlang, go, java, program, script};

/// The example of this package, which cargo builds with the tests.
fn tokio() -> Option<Node> {
    let tests = std::env::current_exe().unwrap();
    let folder = tests.ancestors().nth(2).map(Path::to_owned).unwrap();
    Some(program(folder.join("examples/tokio_node"), &[]))
}

/// Simulates three nodes for some seconds, with these faults.
fn simulated(node: &Node, threads: Threads, seconds: u64, faults: &[Fault]) -> (Record, Options) {
    let options = Options::default().with(&PartialOptions {
        nodes: Some(Nodes::Count(3)),
        rate: Some(10.0),
        time_limit: Some(Duration::from_secs(seconds)),
        latency: Some(10),
        nemesis: Some(faults.iter().copied().collect()),
        nemesis_interval: Some(Duration::from_secs(2)),
        ..PartialOptions::default()
    });
    let workload = workload(Name::Broadcast, &options);
    let settings = options.settings(&*workload, 7).unwrap();
    let record = simulate(&settings, workload, &node.factory(threads));
    (record, options)
}

fn history(record: &Record) -> String {
    let ops = record.history.ops.iter();
    ops.map(|op| format!("{op:?}\n")).collect()
}

/// Runs a node twice with each order of threads, and asserts that the runs are equal and valid.
#[track_caller]
fn check(node: Option<Node>, seconds: u64) {
    let Some(node) = node else { return };
    for threads in [Threads::InOrder, Threads::Seeded] {
        let (record, options) = simulated(&node, threads, seconds, &[]);
        let Record {
            logs, incidents, ..
        } = &record;
        assert_eq!(record.abort_reason, None, "{incidents:?} {logs:?}");
        assert_eq!(record.nondeterminism, [""; 0]);
        let verdict = judge(&record, &*workload(Name::Broadcast, &options), None);
        let problems = (verdict.sentences(), incidents);
        assert_eq!(verdict.validity(), Validity::Valid, "{problems:?}");
        let (again, _) = simulated(&node, threads, seconds, &[]);
        assert_eq!(history(&record), history(&again), "{threads:?}");
        assert_eq!(logs, &again.logs, "{threads:?}");
    }
}

#[test]
fn a_c_node_with_poll_repeats() {
    check(c("nodes/node.c"), 5);
}

#[test]
fn a_python_node_with_threads_repeats() {
    check(script("nodes/threads.py", "python3"), 5);
}

#[test]
fn a_python_node_with_asyncio_repeats() {
    check(script("nodes/asynchronous.py", "python3"), 5);
}

#[test]
fn a_node_that_a_version_manager_starts_repeats() {
    check(script("nodes/shim.sh", "python3"), 5);
}

#[test]
fn a_javascript_node_repeats() {
    check(script("nodes/node.js", "node"), 5);
}

#[test]
fn a_go_node_repeats() {
    check(go("nodes/node.go"), 5);
}

#[test]
fn a_ruby_node_repeats() {
    check(script("nodes/node.rb", "ruby"), 5);
}

#[test]
fn a_perl_node_repeats() {
    check(script("nodes/node.pl", "perl"), 5);
}

#[test]
fn a_java_node_repeats() {
    check(java("nodes", "Node"), 3);
}

#[test]
fn an_erlang_node_repeats() {
    check(erlang("nodes/node.erl"), 3);
}

#[test]
fn a_rust_node_with_tokio_repeats() {
    check(tokio(), 5);
}

#[test]
fn a_bash_node_that_forks_repeats() {
    check(script("nodes/node.sh", "bash"), 1);
}

#[test]
fn killed_and_paused_nodes_with_wrong_clocks_repeat() {
    let faults = [Fault::Kill, Fault::Pause, Fault::Skew];
    let nodes = [go("nodes/node.go"), script("nodes/threads.py", "python3")];
    for node in nodes.into_iter().flatten() {
        let run = || simulated(&node, Threads::Seeded, 20, &faults).0;
        let record = run();
        let Record {
            logs, incidents, ..
        } = &record;
        assert_eq!(record.abort_reason, None, "{incidents:?}");
        let mut lines = logs.iter().flatten();
        assert!(lines.any(|line| line.ends_with("(killed)")), "{logs:?}");
        assert_eq!(history(&record), history(&run()));
    }
}
