//! txn: which consistency models an available design satisfies, and which it cannot.

use std::collections::BTreeSet;

use checkers::{CheckerResult as _, Validity, WorkloadResult};
use simulator::options::Concurrency;
use simulator::workload::Name;
use workbench::solutions::Solution;

use super::scenario::{Scenario, assert_available, challenge, repeat_command, scenario};

/// With the models they imply, all models that the checker knows an anomaly of and that allow lost
/// updates, which no available design can prevent. (For `prefix` the checker looks for no more than
/// for `causal-cerone`; two nodes may see two concurrent writes in different orders.)
const SATISFIED: &str = "prefix, monotonic-view, monotonic-snapshot-read, strong-read-committed";

fn txn(nodes: u32, rate: f64, models: &str) -> Scenario {
    let mut scenario = scenario(Name::TxnRwRegister, Solution::Txn, nodes, rate);
    scenario.options.concurrency = Concurrency::PerNode(2);
    scenario.options.consistency_models = models.parse().unwrap();
    scenario
}

#[test]
fn txn_satisfies_all_models_that_an_available_design_can_on_2_nodes_in_200_of_200_runs() {
    txn(2, 100.0, SATISFIED)
        .with_partitions(5.0)
        .each_seed(200, assert_available);
}

#[test]
fn txn_satisfies_them_on_clusters_of_all_sizes_with_slow_messages() {
    for nodes in [1, 3, 4, 5, 6, 7] {
        let mut scenario = txn(nodes, 100.0, SATISFIED).with_partitions(4.0);
        scenario.options.latency = 80;
        scenario.each_seed(25, assert_available);
    }
}

/// With causal order a transaction sees the writes of all transactions that causally precede it, so
/// no cycle has a single anti-dependency: what remains are lost updates, write skew and long forks.
#[test]
fn txn_has_no_anomaly_with_a_single_anti_dependency() {
    let mut found = BTreeSet::new();
    for (nodes, mean_ms) in [(2, 0), (3, 50), (5, 80)] {
        let mut scenario = txn(nodes, 200.0, "serializable").with_partitions(5.0);
        scenario.options.latency = mean_ms;
        for seed in 0..20 {
            let verdict = scenario.judge(&scenario.run(seed));
            let WorkloadResult::Transactions(result) = verdict.workload.result else {
                panic!("no transactions; {}", repeat_command(seed))
            };
            found.extend(result.anomalies.iter().map(|it| it.name));
        }
    }
    let known = ["G-nonadjacent-item", "G2-item", "lost-update"];
    assert_eq!(found, BTreeSet::from(known));
}

#[test]
fn txn_violates_models_that_forbid_lost_updates_and_a_single_node_satisfies_all() {
    for model in ["cursor-stability", "update-atomic", "consistent-view"] {
        let scenario = txn(2, 200.0, model).with_partitions(5.0);
        let verdict = scenario.judge(&scenario.run(1));
        assert_eq!(verdict.validity(), Validity::Invalid, "{model}");
    }
    txn(1, 200.0, "strict-serializable").each_seed(20, assert_available);
}

#[test]
fn txn_6b_and_6c_meet_their_budgets_at_full_rate() {
    let trials = ["txn-6b", "txn-6c"].map(challenge).map(|it| it.trials);
    for trial in trials.into_iter().flatten() {
        let mut scenario = txn(2, 1000.0, "read-committed");
        if trial.flags.contains(&"--nemesis") {
            scenario = scenario.with_partitions(10.0);
        }
        scenario.each_seed(4, |seed, record| {
            scenario.assert_budgets(trial.budgets, seed, record);
            let ok = checkers::availability(&record.history, Some(checkers::Target::Total));
            assert_eq!(ok.validity(), Validity::Valid);
        });
    }
}
