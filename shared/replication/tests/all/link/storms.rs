//! Storm, then calm: a seed draws a link's timing, the network's faults and the events. Then the
//! faults end, and within a stated time all items must arrive and the links must become silent.

use std::time::Duration;

use replication::Timing;
use shared::Rng;
use simulator::testing::for_each_seed;

use super::pair::{LinkFaults, Pair};

/// Maximum latency of a packet in the calm, in milliseconds.
const CALM_LATENCY: u64 = 50;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Any timing, sensible or not: an early resend is wasteful, but must be correct.
fn timing(rng: &mut Rng) -> Timing {
    Timing {
        window: ms(rng.below(2) * rng.below(400)),
        ack_delay: ms(rng.below(1000)),
        resend: ms(1 + rng.below(2000)),
    }
}

fn faults(rng: &mut Rng, max_latency: u64) -> LinkFaults {
    LinkFaults {
        loss: rng.below(2) * rng.below(80),
        duplicated: rng.below(2) * rng.below(50),
        latency: 1 + rng.below(max_latency),
        cut: [rng.below(5) == 0, rng.below(5) == 0],
    }
}

/// The time from the end of the faults until all items have arrived: a window or a resend timeout
/// ends, and the packet travels; if there are too many items for one, its acknowledgement travels
/// and the rest follows.
fn arrival_bound(timing: Timing) -> Duration {
    timing.window.max(timing.resend) + 3 * ms(CALM_LATENCY)
}

/// The time from the end of the faults until nothing more is sent: after the last items come the last
/// acknowledgement and the answer to a last resend.
fn silence_bound(timing: Timing) -> Duration {
    arrival_bound(timing) + timing.ack_delay + 3 * ms(CALM_LATENCY)
}

#[test]
fn every_item_arrives_once_and_in_order_whatever_the_network_did() {
    for_each_seed(0..10_000, |rng| {
        let timing = timing(rng);
        let mut pair = Pair::new(rng.next_u64(), timing, faults(rng, 1500));
        for _ in 0..rng.below(60) {
            match rng.below(8) {
                0 => pair.faults = faults(rng, 1500),
                1 => pair.run_until(pair.now + ms(rng.below(3000))),
                2 => pair.run_until(pair.now + ms(rng.below(100))),
                3.. => {
                    let side = rng.below(2) as usize;
                    (0..=rng.below(3)).for_each(|_| pair.push(side));
                }
            }
        }
        pair.calm_down(CALM_LATENCY);
        let calm = pair.now;
        pair.run_until(calm + arrival_bound(timing));
        for side in 0..2 {
            let pushed = &pair.sides[1 - side].pushed;
            assert_eq!(&pair.sides[side].delivered, pushed, "{timing:?}");
            assert_eq!(pair.sides[side].restarts_seen, 0);
        }
        pair.run_until(calm + silence_bound(timing));
        assert!(pair.is_silent(), "{timing:?}");
        assert!(
            pair.sides
                .iter()
                .all(|side| side.link.unacknowledged() == 0)
        );
    });
}

#[test]
fn a_restarted_peer_receives_all_that_the_other_side_knows() {
    for_each_seed(0..15_000, |rng| {
        let timing = timing(rng);
        // Latencies are often longer than an incarnation lives, so that its packets arrive after it.
        let mut pair = Pair::new(rng.next_u64(), timing, faults(rng, 4000));
        for _ in 0..rng.below(40) {
            match rng.below(10) {
                0 => pair.restart(rng.below(2) as usize),
                1 => pair.faults = faults(rng, 4000),
                2 => pair.run_until(pair.now + ms(rng.below(3000))),
                3 | 4 => pair.run_until(pair.now + ms(rng.below(200))),
                5.. => pair.push(rng.below(2) as usize),
            }
        }
        pair.calm_down(CALM_LATENCY);
        let calm = pair.now;
        // A link without items is silent, so a restart is detected at the next packet.
        let side = rng.below(2) as usize;
        pair.push(side);
        let all = &pair.sides[0].known | &pair.sides[1].known;
        pair.run_until(calm + 3 * silence_bound(timing));
        assert_eq!(pair.sides[0].known, pair.sides[1].known, "{timing:?}");
        assert!(pair.sides[0].known.is_superset(&all), "{timing:?}");
        assert!(pair.is_silent(), "{timing:?}");
    });
}

#[test]
fn more_items_than_a_packet_carries_arrive_within_the_same_time() {
    for_each_seed(0..20, |rng| {
        let timing = timing(rng);
        let mut pair = Pair::new(rng.next_u64(), timing, faults(rng, 1500));
        for _ in 0..4 {
            let side = rng.below(2) as usize;
            (0..rng.below(10_000)).for_each(|_| pair.push(side));
            pair.run_until(pair.now + ms(rng.below(3000)));
        }
        pair.calm_down(CALM_LATENCY);
        let calm = pair.now;
        pair.run_until(calm + arrival_bound(timing));
        for side in 0..2 {
            assert!(pair.sides[side].delivered == pair.sides[1 - side].pushed);
        }
        pair.run_until(calm + silence_bound(timing));
        assert!(pair.is_silent());
    });
}

/// A timing that fits the calm: an acknowledgement arrives before the resend timeout.
fn sensible_timing(rng: &mut Rng) -> Timing {
    let ack_delay = ms(rng.below(300));
    Timing {
        window: ms(rng.below(200)),
        ack_delay,
        resend: ack_delay + 2 * ms(CALM_LATENCY) + ms(1 + rng.below(1000)),
    }
}

#[test]
fn in_the_calm_nothing_is_resent_and_half_of_the_packets_carry_items() {
    for_each_seed(0..2_000, |rng| {
        let timing = sensible_timing(rng);
        let mut pair = Pair::new(rng.next_u64(), timing, LinkFaults::calm(CALM_LATENCY));
        for _ in 0..50 {
            pair.push(rng.below(2) as usize);
            pair.run_until(pair.now + ms(rng.below(2) * rng.below(300)));
        }
        pair.run_until(pair.now + silence_bound(timing));
        assert!(pair.is_silent());
        assert_eq!(pair.tally.again, 0);
        assert!(
            pair.tally.all <= 2 * pair.tally.with_items,
            "{:?}",
            pair.tally
        );
    });
}

#[test]
fn a_silent_peer_costs_one_packet_per_resend_timeout() {
    for_each_seed(0..200, |rng| {
        let timing = sensible_timing(rng);
        let mut pair = Pair::new(rng.next_u64(), timing, LinkFaults::calm(CALM_LATENCY));
        pair.faults.cut = [true; 2];
        pair.push(0);
        pair.run_until(timing.window + timing.resend);
        let before = pair.tally.all;
        for _ in 0..100 {
            pair.push(0);
            pair.run_until(pair.now + ms(rng.below(300)));
        }
        let silence = pair.now - timing.window - timing.resend;
        let packets = pair.tally.all - before;
        assert_eq!(
            u128::from(packets),
            silence.as_nanos() / timing.resend.as_nanos()
        );
    });
}
