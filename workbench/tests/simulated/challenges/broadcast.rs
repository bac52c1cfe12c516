//! broadcast, with and without partitions.

use std::collections::BTreeSet;
use std::time::Duration;

use checkers::Verdict;
use history::{History, Kind};
use pages::budget::Measurements;
use simulator::latency::Distribution;
use simulator::workload::Name;
use workbench::solutions::Solution;

use super::scenario::{Scenario, challenge, repeat_command, scenario};

pub fn broadcast(nodes: u32, rate: f64, mean_ms: u32) -> Scenario {
    let mut scenario = scenario(Name::Broadcast, Solution::Broadcast, nodes, rate);
    scenario.options.latency = mean_ms;
    scenario
}

/// Asserts that every final read contains every acknowledged value. This is stronger than
/// Maelstrom's rule, which in most runs misses a value that only one node lacks.
fn assert_complete(seed: u64, history: &History) {
    let ok = |f: &'static str| {
        history
            .ops
            .iter()
            .filter(move |op| op.kind == Kind::Ok && op.f == f)
    };
    let acknowledged: BTreeSet<u64> = ok("broadcast")
        .map(|op| op.value.parse().expect("an integer"))
        .collect();
    assert!(!acknowledged.is_empty());
    let finals: Vec<_> = ok("read").filter(|op| op.meta.is_final).collect();
    assert!(!finals.is_empty());
    for read in finals {
        let values: Vec<u64> = read.value.parse().expect("integers");
        let unique: BTreeSet<u64> = values.iter().copied().collect();
        assert_eq!(
            values.len(),
            unique.len(),
            "a value is returned twice; {}",
            repeat_command(seed)
        );
        let missing: Vec<&u64> = acknowledged.difference(&unique).collect();
        assert!(
            missing.is_empty(),
            "{} lacks {missing:?}; {}",
            read.process,
            repeat_command(seed)
        );
    }
}

#[test]
fn broadcast_without_faults_is_complete_on_one_node_and_on_five() {
    for nodes in [1, 5] {
        broadcast(nodes, 10.0, 0).each_seed(30, |seed, record| {
            assert_complete(seed, &record.history);
        });
    }
}

#[test]
fn broadcast_3c_is_complete_five_seconds_after_the_partitions_end_in_200_of_200_runs() {
    let mut scenario = broadcast(5, 10.0, 0).with_partitions(10.0);
    scenario.recovery = Duration::from_secs(5);
    scenario.each_seed(200, |seed, record| {
        assert_complete(seed, &record.history);
    });
}

#[test]
fn broadcast_on_25_nodes_with_partitions_is_complete_five_seconds_after_in_200_of_200_runs() {
    let mut scenario = broadcast(25, 100.0, 100).with_partitions(5.0);
    scenario.recovery = Duration::from_secs(5);
    scenario.each_seed(200, |seed, record| {
        assert_complete(seed, &record.history);
    });
}

#[test]
fn broadcast_is_complete_though_latencies_reorder_messages() {
    for distribution in [Distribution::Uniform, Distribution::Exponential] {
        let mut scenario = broadcast(7, 50.0, 150).with_partitions(4.0);
        scenario.options.latency_dist = distribution;
        scenario.each_seed(40, |seed, record| {
            assert_complete(seed, &record.history);
        });
    }
}

#[test]
fn broadcast_3d_and_3e_meet_every_budget_on_every_seed() {
    for name in ["broadcast-3d", "broadcast-3e"] {
        let mut scenario = broadcast(25, 100.0, 100);
        scenario.node_flags = challenge(name).node_flags;
        let budgets = challenge(name).trials[0].budgets;
        scenario.each_seed(40, |seed, record| {
            assert_complete(seed, &record.history);
            scenario.assert_budgets(budgets, seed, record);
        });
    }
    // The default flags must meet 3e's official limits, too.
    broadcast(25, 100.0, 100).each_seed(5, |seed, record| {
        let result = checkers::set_full(&record.history, "broadcast");
        let measured = Measurements::of(&Verdict::judge(&record.history, result, None, None));
        for budget in challenge("broadcast-3e").trials[0].budgets {
            let official = budget.official.unwrap();
            let measured = measured.get(budget.metric);
            assert!(
                measured.is_none_or(|it| official.holds(it)),
                "{}",
                repeat_command(seed)
            );
        }
    });
}

#[test]
fn broadcast_is_complete_with_any_fan_out() {
    for flags in [&["--fan-out=1"], &["--fan-out=2"], &["--fan-out=4"]] {
        let mut scenario = broadcast(9, 20.0, 20).with_partitions(5.0);
        scenario.node_flags = flags;
        scenario.each_seed(10, |seed, record| assert_complete(seed, &record.history));
    }
}
