//! g-counter: sums are exact on every node soon after the partitions end.

use std::time::Duration;

use history::Kind;
use simulator::run::Record;
use simulator::workload::Name;
use workbench::solutions::Solution;

use super::scenario::{Scenario, assert_available, challenge, repeat_command, scenario};

fn g_counter(nodes: u32) -> Scenario {
    scenario(Name::GCounter, Solution::GCounter, nodes, 100.0)
}

/// Asserts that every final read is the sum of all adds. (All adds are acknowledged, so the checker
/// requires this, too; but it would accept a history without final reads.)
fn assert_exact(seed: u64, record: &Record) {
    let ok = |f: &'static str| {
        let ops = record.history.ops.iter();
        ops.filter(move |op| op.kind == Kind::Ok && op.f == f)
    };
    let added: u64 = ok("add").map(|op| op.value.parse::<u64>().unwrap()).sum();
    let finals: Vec<u64> = ok("read")
        .filter(|op| op.meta.is_final)
        .map(|op| op.value.parse().unwrap())
        .collect();
    assert!(added > 0 && !finals.is_empty());
    assert!(
        finals.iter().all(|read| *read == added),
        "{finals:?} of {added}; {}",
        repeat_command(seed)
    );
}

#[test]
fn g_counter_is_exact_three_seconds_after_the_partitions_end_in_200_of_200_runs() {
    let mut scenario = g_counter(3).with_partitions(10.0);
    scenario.recovery = Duration::from_secs(3);
    scenario.each_seed(200, |seed, record| {
        assert_exact(seed, record);
        assert_available(seed, record);
    });
}

#[test]
fn g_counter_meets_its_budgets_on_every_seed() {
    let scenario = g_counter(3).with_partitions(10.0);
    let budgets = challenge("g-counter").trials[0].budgets;
    scenario.each_seed(40, |seed, record| {
        scenario.assert_budgets(budgets, seed, record);
    });
}

#[test]
fn g_counter_is_exact_on_clusters_of_all_sizes_with_slow_messages() {
    for nodes in [1, 2, 4, 5, 6, 7] {
        let mut scenario = g_counter(nodes).with_partitions(3.0);
        scenario.options.latency = 50;
        scenario.recovery = Duration::from_secs(3);
        scenario.each_seed(20, |seed, record| {
            assert_exact(seed, record);
            assert_available(seed, record);
        });
    }
}
