//! Message counts in steady use, without use and during a partition.

use std::time::Duration;

use g_counter::{Flags, GCounter};
use shared::{Rng, read_flags};
use simulator::latency::Latency;
use simulator::testing::{Conditions, TestCluster, for_each_seed};

use crate::storms::{add, counters, read};

fn flags() -> Flags {
    read_flags("g-counter", &[]).unwrap()
}

/// Runs the bench's mix of operations for so many seconds and returns their number: a hundred a
/// second in all, two reads for each addition of 0 to 4.
fn run_operations(cluster: &mut TestCluster<GCounter>, rng: &mut Rng, seconds: u64) -> u64 {
    let end = cluster.now + Duration::from_secs(seconds);
    let mut operations = 0;
    while cluster.now < end {
        let node = cluster.random_node(rng);
        if rng.below(3) == 0 {
            add(cluster, &node, rng.below(5));
        } else {
            read(cluster, &node);
        }
        operations += 1;
        cluster.advance(Duration::from_micros(rng.below(20_000)));
    }
    operations
}

#[test]
fn three_nodes_exchange_eight_messages_for_a_hundred_operations() {
    for_each_seed(0..20, |rng| {
        let latency = Latency::uniform(rng.below(2) as u32 * 50);
        let calm = Conditions::reliable(latency);
        let mut cluster = counters(3, rng.next_u64(), calm, &flags());
        let operations = run_operations(&mut cluster, rng, 20);
        cluster.advance(Duration::from_secs(10));
        let per_operation = cluster.messages() as f64 / operations as f64;
        assert!(
            per_operation <= 0.08,
            "{} for {operations}",
            cluster.messages()
        );
    });
}

#[test]
fn an_unused_cluster_exchanges_greetings_and_then_sends_nothing() {
    let mut cluster = counters(3, 1, Conditions::reliable(Latency::constant(100)), &flags());
    cluster.advance(Duration::from_secs(3));
    assert!(cluster.is_idle());
    assert_eq!(
        cluster.messages(),
        8,
        "a greeting and an answer each way, on two edges"
    );
}

/// Counted from the second resend on: at the first one earlier packets may still be under way.
#[test]
fn an_unreachable_neighbour_costs_one_packet_per_resend_and_direction() {
    for_each_seed(0..20, |rng| {
        let mut cluster = counters(
            2,
            rng.next_u64(),
            Conditions::reliable(Latency::uniform(50)),
            &flags(),
        );
        run_operations(&mut cluster, rng, 2);
        // Cuts one direction or both.
        let ways = 1 + rng.below(3);
        for (way, src, dest) in [(1, "n0", "n1"), (2, "n1", "n0")] {
            if ways & way != 0 {
                cluster.cut_one_way(src, dest);
            }
        }
        run_operations(&mut cluster, rng, 3);
        let before = cluster.messages();
        run_operations(&mut cluster, rng, 60);
        let messages = cluster.messages() - before;
        assert!(messages <= 2 * 61, "{messages} in a minute, ways {ways}");
    });
}
