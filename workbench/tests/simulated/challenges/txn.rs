//! txn: which consistency models hold on a design that refuses nobody, and which cannot.

use std::collections::BTreeSet;

use checkers::{CheckerResult as _, Validity, WorkloadResult};
use simulator::options::Concurrency;
use simulator::workload::Name;
use workbench::solutions::Solution;

use super::scene::{Scene, again, assert_available, challenge, scene};

/// With what they imply, all models in whose name the checker looks for something and which do not
/// forbid lost updates, as no available design can. (For `prefix` it looks no further than for
/// `causal-cerone`; two nodes may well see two concurrent writes in different orders.)
const HELD: &str = "prefix, monotonic-view, monotonic-snapshot-read, strong-read-committed";

fn txn(nodes: u32, rate: f64, models: &str) -> Scene {
    let mut scene = scene(Name::TxnRwRegister, Solution::Txn, nodes, rate);
    scene.options.concurrency = Concurrency::PerNode(2);
    scene.options.consistency_models = models.parse().unwrap();
    scene
}

#[test]
fn txn_holds_all_models_that_an_available_design_can_on_2_nodes_in_200_of_200_runs() {
    txn(2, 100.0, HELD)
        .with_partitions(5.0)
        .each_seed(200, assert_available);
}

#[test]
fn txn_holds_them_on_clusters_of_all_sizes_with_slow_messages() {
    for nodes in [1, 3, 4, 5, 6, 7] {
        let mut scene = txn(nodes, 100.0, HELD).with_partitions(4.0);
        scene.options.latency = 80;
        scene.each_seed(25, assert_available);
    }
}

/// With causal order a transaction that follows another one sees what that one wrote, so no cycle has
/// just one anti-dependency: what remains are lost updates, write skew and long forks.
#[test]
fn of_what_serializability_forbids_txn_shows_nothing_with_a_single_anti_dependency() {
    let mut seen = BTreeSet::new();
    for (nodes, mean_ms) in [(2, 0), (3, 50), (5, 80)] {
        let mut scene = txn(nodes, 200.0, "serializable").with_partitions(5.0);
        scene.options.latency = mean_ms;
        for seed in 0..20 {
            let verdict = scene.judge(&scene.run(seed));
            let WorkloadResult::Transactions(result) = verdict.workload.result else {
                panic!("no transactions; {}", again(seed))
            };
            seen.extend(result.anomalies.iter().map(|it| it.name));
        }
    }
    let known = ["G-nonadjacent-item", "G2-item", "lost-update"];
    assert_eq!(seen, BTreeSet::from(known));
}

#[test]
fn what_forbids_lost_updates_does_not_hold_and_a_single_node_holds_everything() {
    for model in ["cursor-stability", "update-atomic", "consistent-view"] {
        let scene = txn(2, 200.0, model).with_partitions(5.0);
        let verdict = scene.judge(&scene.run(1));
        assert_eq!(verdict.validity(), Validity::Invalid, "{model}");
    }
    txn(1, 200.0, "strict-serializable").each_seed(20, assert_available);
}

#[test]
fn txn_6b_and_6c_keep_their_budgets_at_full_rate() {
    let trials = ["txn-6b", "txn-6c"].map(challenge).map(|it| it.trials);
    for trial in trials.into_iter().flatten() {
        let mut scene = txn(2, 1000.0, "read-committed");
        if trial.flags.contains(&"--nemesis") {
            scene = scene.with_partitions(10.0);
        }
        scene.each_seed(4, |seed, record| {
            scene.assert_budgets(trial.budgets, seed, record);
            let ok = checkers::availability(&record.history, Some(checkers::Target::Total));
            assert_eq!(ok.validity(), Validity::Valid);
        });
    }
}
