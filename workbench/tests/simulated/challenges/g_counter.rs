//! g-counter: sums that are exact everywhere soon after the network is whole again.

use std::time::Duration;

use history::Kind;
use simulator::run::Record;
use simulator::workload::Name;
use workbench::solutions::Solution;

use super::scene::{Scene, again, assert_available, challenge, scene};

fn g_counter(nodes: u32) -> Scene {
    scene(Name::GCounter, Solution::GCounter, nodes, 100.0)
}

/// Every node's last read is the sum of all that was added. (All adds are acknowledged, so this is
/// what the checker says, too; but it would be content with a cluster that nobody asks.)
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
        again(seed)
    );
}

#[test]
fn g_counter_is_exact_three_seconds_after_the_partitions_end_in_200_of_200_runs() {
    let mut scene = g_counter(3).with_partitions(10.0);
    scene.recovery = Duration::from_secs(3);
    scene.each_seed(200, |seed, record| {
        assert_exact(seed, record);
        assert_available(seed, record);
    });
}

#[test]
fn g_counter_keeps_its_budgets_with_every_seed() {
    let scene = g_counter(3).with_partitions(10.0);
    let budgets = challenge("g-counter").trials[0].budgets;
    scene.each_seed(40, |seed, record| {
        scene.assert_budgets(budgets, seed, record);
    });
}

#[test]
fn g_counter_is_exact_on_clusters_of_all_sizes_with_slow_messages() {
    for nodes in [1, 2, 4, 5, 6, 7] {
        let mut scene = g_counter(nodes).with_partitions(3.0);
        scene.options.latency = 50;
        scene.recovery = Duration::from_secs(3);
        scene.each_seed(20, |seed, record| {
            assert_exact(seed, record);
            assert_available(seed, record);
        });
    }
}
