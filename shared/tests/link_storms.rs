//! Storm, then calm: a seed draws a link's patience, the weather and what happens in it; then the
//! weather clears, and within a stated time everything must have arrived and silence must fall.
//!
//! A failure names its seed; `SEED=17 cargo test -p shared --test link_storms` repeats it alone.

mod pair;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use pair::{Pair, Weather};
use shared::{Rng, Timing};

/// The longest a packet travels in the calm, in milliseconds.
const CALM_LATENCY: u64 = 50;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Plays all seeds, or the one that the environment asks for.
fn for_each_seed(seeds: Range<u64>, storm: impl Fn(u64)) {
    let only = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    for seed in only.map_or(seeds, |seed| seed..seed + 1) {
        let played = catch_unwind(AssertUnwindSafe(|| storm(seed)));
        if let Err(panic) = played {
            eprintln!("to repeat: SEED={seed} cargo test -p shared --test link_storms");
            resume_unwind(panic);
        }
    }
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

/// From the calm until everything has arrived: a resend or a window comes due and is under way; if
/// there is too much for one packet, an acknowledgement comes back and the rest follows.
fn arrival_bound(timing: Timing) -> Duration {
    timing.resend.max(timing.window) + 3 * ms(CALM_LATENCY)
}

/// From there until silence: the last acknowledgement, and the answer to a last resend.
fn silence_bound(timing: Timing) -> Duration {
    arrival_bound(timing) + timing.ack_delay + 3 * ms(CALM_LATENCY)
}

#[test]
fn every_item_arrives_once_and_in_order_whatever_the_network_did() {
    for_each_seed(0..4000, |seed| {
        let mut rng = Rng::new(seed);
        let timing = timing(&mut rng);
        let mut pair = Pair::new(seed, timing, weather(&mut rng, 1500));
        let mut pushed = [Vec::new(), Vec::new()];
        for _ in 0..rng.below(60) {
            match rng.below(8) {
                0 => pair.weather = weather(&mut rng, 1500),
                1 => pair.run_until(pair.now + ms(rng.below(3000))),
                2 => pair.run_until(pair.now + ms(rng.below(100))),
                3.. => {
                    let side = rng.below(2) as usize;
                    for _ in 0..=rng.below(3) {
                        pushed[side].push(pair.push(side));
                    }
                }
            }
        }
        pair.calm_down(CALM_LATENCY);
        let calm = pair.now;
        pair.run_until(calm + arrival_bound(timing));
        for side in 0..2 {
            assert_eq!(pair.sides[side].delivered, pushed[1 - side], "at side {side}");
            assert_eq!(pair.sides[side].restarts_seen, 0);
        }
        pair.run_until(calm + silence_bound(timing));
        assert!(pair.is_silent(), "{timing:?}");
        assert!(pair.sides.iter().all(|side| side.link.unacknowledged() == 0));
    });
}

#[test]
fn a_peer_that_restarts_is_told_everything_the_other_side_knows() {
    for_each_seed(0..6000, |seed| {
        let mut rng = Rng::new(seed);
        let timing = timing(&mut rng);
        // Packets travel longer than many a life, so the words of the dead are heard late.
        let mut pair = Pair::new(seed, timing, weather(&mut rng, 4000));
        for _ in 0..rng.below(40) {
            match rng.below(10) {
                0 => pair.restart(rng.below(2) as usize),
                1 => pair.weather = weather(&mut rng, 4000),
                2 => pair.run_until(pair.now + ms(rng.below(3000))),
                3 | 4 => pair.run_until(pair.now + ms(rng.below(200))),
                5.. => _ = pair.push(rng.below(2) as usize),
            }
        }
        pair.calm_down(CALM_LATENCY);
        let calm = pair.now;
        // A link without anything to say keeps silent, so a newcomer is noticed at its first word.
        pair.push(0);
        pair.push(1);
        let all = &pair.sides[0].known | &pair.sides[1].known;
        pair.run_until(calm + 3 * silence_bound(timing));
        for side in &pair.sides {
            assert_eq!(side.known, all, "{timing:?}");
        }
        assert!(pair.is_silent(), "{timing:?}");
    });
}
