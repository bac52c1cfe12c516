//! Storm, then calm: a seed draws a link's patience, the weather and what happens in it; then the
//! weather clears, and within a stated time everything must have arrived and silence must fall.

use std::time::Duration;

use replication::Timing;
use shared::Rng;
use simulator::testing::for_each_seed;

use super::pair::{Pair, Weather};

/// The longest a packet travels in the calm, in milliseconds.
const CALM_LATENCY: u64 = 50;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Any patience, sensible or not: what resends too early is wasteful, but must not be wrong.
fn timing(rng: &mut Rng) -> Timing {
    Timing {
        window: ms(rng.below(2) * rng.below(400)),
        ack_delay: ms(rng.below(1000)),
        resend: ms(1 + rng.below(2000)),
    }
}

fn weather(rng: &mut Rng, longest: u64) -> Weather {
    Weather {
        loss: rng.below(2) * rng.below(80),
        doubled: rng.below(2) * rng.below(50),
        latency: 1 + rng.below(longest),
        cut: [rng.below(5) == 0, rng.below(5) == 0],
    }
}

/// From the calm until everything has arrived: a window ends or a resend falls due, and the packet
/// is under way; if there is too much for one, an acknowledgement comes back and the rest follows.
fn arrival_bound(timing: Timing) -> Duration {
    timing.window.max(timing.resend) + 3 * ms(CALM_LATENCY)
}

/// From there until silence: the last acknowledgement, and the answer to a last resend.
fn silence_bound(timing: Timing) -> Duration {
    arrival_bound(timing) + timing.ack_delay + 3 * ms(CALM_LATENCY)
}

#[test]
fn every_item_arrives_once_and_in_order_whatever_the_network_did() {
    for_each_seed(0..10_000, |rng| {
        let timing = timing(rng);
        let mut pair = Pair::new(rng.next_u64(), timing, weather(rng, 1500));
        for _ in 0..rng.below(60) {
            match rng.below(8) {
                0 => pair.weather = weather(rng, 1500),
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
fn a_peer_that_restarts_is_told_everything_the_other_side_knows() {
    for_each_seed(0..15_000, |rng| {
        let timing = timing(rng);
        // Packets travel longer than many a life, so the words of the dead are heard late.
        let mut pair = Pair::new(rng.next_u64(), timing, weather(rng, 4000));
        for _ in 0..rng.below(40) {
            match rng.below(10) {
                0 => pair.restart(rng.below(2) as usize),
                1 => pair.weather = weather(rng, 4000),
                2 => pair.run_until(pair.now + ms(rng.below(3000))),
                3 | 4 => pair.run_until(pair.now + ms(rng.below(200))),
                5.. => pair.push(rng.below(2) as usize),
            }
        }
        pair.calm_down(CALM_LATENCY);
        let calm = pair.now;
        // A link without anything to say keeps silent, so a newcomer is noticed at the next word
        // that one says to the other.
        let speaker = rng.below(2) as usize;
        pair.push(speaker);
        let all = &pair.sides[0].known | &pair.sides[1].known;
        pair.run_until(calm + 3 * silence_bound(timing));
        assert_eq!(pair.sides[0].known, pair.sides[1].known, "{timing:?}");
        assert!(pair.sides[0].known.is_superset(&all), "{timing:?}");
        assert!(pair.is_silent(), "{timing:?}");
    });
}

#[test]
fn more_than_a_packet_carries_arrives_as_fast() {
    for_each_seed(0..20, |rng| {
        let timing = timing(rng);
        let mut pair = Pair::new(rng.next_u64(), timing, weather(rng, 1500));
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

/// A patience that fits the calm: whoever is there has answered before a resend falls due.
fn sensible_timing(rng: &mut Rng) -> Timing {
    let ack_delay = ms(rng.below(300));
    Timing {
        window: ms(rng.below(200)),
        ack_delay,
        resend: ack_delay + 2 * ms(CALM_LATENCY) + ms(1 + rng.below(1000)),
    }
}

#[test]
fn in_the_calm_nothing_is_sent_twice_and_half_of_the_packets_carry_items() {
    for_each_seed(0..2_000, |rng| {
        let timing = sensible_timing(rng);
        let mut pair = Pair::new(rng.next_u64(), timing, Weather::calm(CALM_LATENCY));
        for _ in 0..50 {
            pair.push(rng.below(2) as usize);
            pair.run_until(pair.now + ms(rng.below(2) * rng.below(300)));
        }
        pair.run_until(pair.now + silence_bound(timing));
        assert!(pair.is_silent());
        assert_eq!(pair.tally.again, 0);
        assert!(pair.tally.all <= 2 * pair.tally.laden, "{:?}", pair.tally);
    });
}

#[test]
fn a_silent_peer_costs_one_packet_a_resend() {
    for_each_seed(0..200, |rng| {
        let timing = sensible_timing(rng);
        let mut pair = Pair::new(rng.next_u64(), timing, Weather::calm(CALM_LATENCY));
        pair.weather.cut = [true; 2];
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
