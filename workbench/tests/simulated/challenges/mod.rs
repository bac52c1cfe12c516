//! The challenges on the virtual clock, over many seeds.

mod broadcast;
mod g_counter;
mod kafka_log;
mod scenario;
mod txn;

use simulator::workload::Name;
use workbench::solutions::Solution;

use broadcast::broadcast;
use scenario::{assert_available, scenario};

#[test]
fn echo_and_unique_ids_are_valid_and_unique_ids_sends_no_message_between_nodes() {
    scenario(Name::Echo, Solution::Echo, 3, 50.0).each_seed(20, assert_available);
    let ids = scenario(Name::UniqueIds, Solution::UniqueIds, 3, 300.0).with_partitions(5.0);
    ids.each_seed(20, |seed, record| {
        assert_eq!(record.statistics.servers().sent, 0);
        assert_available(seed, record);
    });
}

#[test]
fn the_same_seed_gives_the_same_history_byte_for_byte() {
    let scenario = broadcast(5, 100.0, 50).with_partitions(2.0);
    let text = |seed| {
        let mut out = Vec::new();
        scenario
            .run(seed)
            .history
            .write_json_lines(&mut out)
            .unwrap();
        String::from_utf8(out).unwrap()
    };
    assert_eq!(text(7), text(7));
    assert_ne!(text(7), text(8));
}
