//! What it costs: messages in steady use, in silence and around a partition.

use std::time::Duration;

use g_counter::{Flags, GCounter};
use shared::network::{Network, Weather};
use shared::seeds::for_each_seed;
use shared::{Rng, read_flags};

use crate::storms::{add, counters, read};

fn flags() -> Flags {
    read_flags("g-counter", &[]).unwrap()
}

/// Clients ask as the bench's do for so many seconds: a hundred operations a second in all, two
/// reads for each addition of 0 to 4. How many they were.
fn operate(network: &mut Network<GCounter>, rng: &mut Rng, seconds: u64) -> u64 {
    let end = network.now + Duration::from_secs(seconds);
    let mut operations = 0;
    while network.now < end {
        let node = network.any_node(rng);
        if rng.below(3) == 0 {
            add(network, &node, rng.below(5));
        } else {
            read(network, &node);
        }
        operations += 1;
        network.pass(Duration::from_micros(rng.below(20_000)));
    }
    operations
}

#[test]
fn three_nodes_exchange_eight_messages_for_a_hundred_operations() {
    for_each_seed(0..20, |rng| {
        let longest = rng.below(2) * 100;
        let weather = Weather::calm((0, longest));
        let mut network = counters(3, rng.next_u64(), weather, &flags());
        let operations = operate(&mut network, rng, 20);
        network.pass(Duration::from_secs(10));
        let per_operation = network.messages as f64 / operations as f64;
        assert!(
            per_operation <= 0.08,
            "{} for {operations}",
            network.messages
        );
    });
}

#[test]
fn a_cluster_that_nobody_uses_greets_and_falls_silent() {
    let mut network = counters(3, 1, Weather::calm((100, 100)), &flags());
    network.pass(Duration::from_secs(3));
    assert!(network.is_silent());
    assert_eq!(
        network.messages, 8,
        "a greeting and an answer each way, on two edges"
    );
}

/// From the second retry on: the first may still find packets under way.
#[test]
fn a_neighbour_that_is_cut_off_costs_one_packet_per_retry_and_direction() {
    for_each_seed(0..20, |rng| {
        let mut network = counters(2, rng.next_u64(), Weather::calm((0, 100)), &flags());
        operate(&mut network, rng, 2);
        // Both ways, or one.
        let ways = 1 + rng.below(3);
        for (way, src, dest) in [(1, "n0", "n1"), (2, "n1", "n0")] {
            if ways & way != 0 {
                network.cuts.insert((src.to_owned(), dest.to_owned()));
            }
        }
        operate(&mut network, rng, 3);
        let before = network.messages;
        operate(&mut network, rng, 60);
        let messages = network.messages - before;
        assert!(messages <= 2 * 61, "{messages} in a minute, ways {ways}");
    });
}
