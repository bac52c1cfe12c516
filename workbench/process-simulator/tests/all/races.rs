//! Races: nodes that lose an update between two calls. Storms find each by the order of its threads.

use std::time::Duration;

use process_simulator::Threads;
use simulator::checkers::CheckerResult as _;
use simulator::options::{Concurrency, Nodes, Options, PartialOptions};
use simulator::storm::Storm;
use simulator::storm::shrink::shrink;
use simulator::workload::Name;

use crate::languages::{Node, c, go, java, script};

/// The seeds within which a race must be found.
const MAX_SEEDS: u64 = 200;

/// Whether the run that shows a race is shrunk, too, which takes a few hundred runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Shrink,
    Stop,
}

/// Finds the race of a node.
#[track_caller]
fn check(node: Option<Node>, then: Then) {
    let Some(node) = node else { return };
    let base = Options::default().with(&PartialOptions {
        time_limit: Some(Duration::from_secs(20)),
        ..PartialOptions::default()
    });
    // A virtual machine takes a second to start, so there is one, with several clients.
    let pinned = match then {
        Then::Shrink => PartialOptions::default(),
        Then::Stop => PartialOptions {
            nodes: Some(Nodes::Count(1)),
            concurrency: Some(Concurrency::PerNode(3)),
            ..PartialOptions::default()
        },
    };
    let storm = Storm::with_factory(Name::UniqueIds, node.factory(Threads::Seeded), base);
    let storm = storm.with(&pinned);
    let storm = storm.drawing_from(&[]);
    let failing = (0..MAX_SEEDS).find_map(|seed| {
        let run = storm.run(seed).unwrap();
        (!run.is_valid()).then_some(run)
    });
    let failing = failing.expect("a storm finds the race");
    let finding = failing.verdict.sentences().join("; ");
    assert!(finding.contains("was returned"), "{finding}");
    if then == Then::Stop {
        return;
    }
    let smallest = shrink(&storm, failing, 400, || false, |_| ()).run;
    let invoked = smallest
        .record
        .history
        .count(simulator::history::Kind::Invoke);
    let nodes = smallest.settings.nodes.len();
    assert!(
        nodes <= 3 && invoked <= 10,
        "{nodes} nodes, {invoked} operations"
    );
}

#[test]
fn a_lost_update_in_c_is_found_and_shrunk() {
    check(c("races/race.c"), Then::Shrink);
}

#[test]
fn a_lost_update_in_python_is_found() {
    check(script("races/race.py", "python3"), Then::Stop);
}

#[test]
fn a_lost_update_in_go_is_found_and_shrunk() {
    check(go("races/race.go"), Then::Shrink);
}

#[test]
fn a_lost_update_in_javascript_is_found_and_shrunk() {
    check(script("races/race.js", "node"), Then::Shrink);
}

#[test]
fn a_lost_update_in_ruby_is_found() {
    check(script("races/race.rb", "ruby"), Then::Stop);
}

#[test]
fn a_lost_update_in_java_is_found() {
    check(java("races", "Race"), Then::Stop);
}
