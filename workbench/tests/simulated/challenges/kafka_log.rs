//! kafka-log: no message is lost or skipped, and no request is rejected. The checker finds skipped
//! and reordered messages, and requires that all messages are read in the end.

use simulator::options::Concurrency;
use simulator::workload::Name;
use workbench::solutions::Solution;

use super::scenario::{Scenario, assert_available, challenge, scenario};

fn kafka_log(nodes: u32, rate: f64) -> Scenario {
    let mut scenario = scenario(Name::Kafka, Solution::KafkaLog, nodes, rate);
    scenario.options.concurrency = Concurrency::PerNode(2);
    scenario
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
        let mut scenario = kafka_log(nodes, 60.0).with_partitions(4.0);
        scenario.options.latency = 80;
        scenario.each_seed(20, assert_available);
    }
}

#[test]
fn kafka_5b_and_5c_meet_their_budgets_at_full_rate() {
    for trial in challenge("kafka-5c").trials {
        let mut scenario = kafka_log(2, 1000.0);
        if trial.flags.contains(&"--nemesis") {
            scenario = scenario.with_partitions(10.0);
        }
        scenario.each_seed(4, |seed, record| {
            scenario.assert_budgets(trial.budgets, seed, record);
        });
    }
}
