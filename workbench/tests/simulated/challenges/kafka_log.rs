//! kafka-log: nothing lost, nothing skipped, nobody refused. What is skipped or goes back the checker
//! finds; that all was read in the end it demands as well.

use simulator::options::Concurrency;
use simulator::workload::Name;
use workbench::solutions::Solution;

use super::scene::{Scene, assert_available, challenge, scene};

fn kafka_log(nodes: u32, rate: f64) -> Scene {
    let mut scene = scene(Name::Kafka, Solution::KafkaLog, nodes, rate);
    scene.options.concurrency = Concurrency::PerNode(2);
    scene
}

#[test]
fn kafka_log_is_valid_and_available_under_partitions_on_2_nodes_in_200_of_200_runs() {
    kafka_log(2, 100.0)
        .with_partitions(5.0)
        .each_seed(200, assert_available);
}

#[test]
fn kafka_log_is_valid_and_available_under_partitions_on_3_nodes_in_200_of_200_runs() {
    kafka_log(3, 100.0)
        .with_partitions(5.0)
        .each_seed(200, assert_available);
}

#[test]
fn kafka_log_is_valid_and_available_under_partitions_on_5_nodes_in_200_of_200_runs() {
    kafka_log(5, 100.0)
        .with_partitions(5.0)
        .each_seed(200, assert_available);
}

#[test]
fn kafka_log_is_valid_on_clusters_of_other_sizes_with_slow_messages() {
    for nodes in [1, 4, 6, 7] {
        let mut scene = kafka_log(nodes, 60.0).with_partitions(4.0);
        scene.options.latency = 80;
        scene.each_seed(20, assert_available);
    }
}

#[test]
fn kafka_5b_and_5c_keep_their_budgets_at_full_rate() {
    for trial in challenge("kafka-5c").trials {
        let mut scene = kafka_log(2, 1000.0);
        if trial.flags.contains(&"--nemesis") {
            scene = scene.with_partitions(10.0);
        }
        scene.each_seed(4, |seed, record| {
            scene.assert_budgets(trial.budgets, seed, record);
        });
    }
}
