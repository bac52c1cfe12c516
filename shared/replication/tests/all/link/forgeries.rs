//! Fuzzing with forged packets: random and extreme numbers in all fields.
//!
//! Once a link knows its peer, a packet whose two boot numbers (48 random bits each) are both wrong
//! only causes a challenge. A forger that knows a boot number can disturb the link, but even one
//! that knows both cannot make it panic or send without end.

use std::time::Duration;

use replication::{Packet, Timing};
use shared::Rng;
use simulator::testing::for_each_seed;

use super::pair::{LinkFaults, Pair};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const TIMING: Timing = Timing {
    window: Duration::from_millis(30),
    ack_delay: Duration::from_millis(100),
    resend: Duration::from_millis(400),
};

const FAULTS: LinkFaults = LinkFaults {
    loss: 20,
    duplicated: 10,
    latency: 80,
    cut: [false; 2],
};

/// A number that is likely to reveal bugs: small, near a power of two, one of `known`, or any.
fn number(rng: &mut Rng, known: &[u64]) -> u64 {
    match rng.below(5) {
        0 => rng.below(6),
        1 => u64::MAX - rng.below(6),
        2 => (1 << rng.below(64)) - rng.below(2),
        3 => known[rng.below(known.len() as u64) as usize],
        _ => rng.next_u64(),
    }
}

/// A forged packet, parsed from JSON. Its items are at least [`FORGED`].
fn forge(rng: &mut Rng, known: &[u64]) -> Packet<u64> {
    let mut fields = Vec::new();
    for name in ["from", "to", "stream", "first", "ack", "ack_stream"] {
        if name == "from" || rng.below(4) > 0 {
            fields.push(format!("\"{name}\":{}", number(rng, known)));
        }
    }
    let items: Vec<String> = (0..rng.below(4))
        .map(|i| (FORGED + i).to_string())
        .collect();
    fields.push(format!("\"items\":[{}]", items.join(",")));
    fields.push(format!("\"again\":{}", rng.below(2) == 0));
    serde_json::from_str(&format!("{{{}}}", fields.join(","))).unwrap()
}

const FORGED: u64 = 1 << 40;

/// Two links that know each other's boot numbers.
fn connected_pair(seed: u64) -> Pair {
    let mut pair = Pair::new(seed, TIMING, LinkFaults::calm(50));
    pair.push(0);
    pair.push(1);
    pair.run_until(ms(1000));
    assert!(pair.is_silent());
    pair
}

#[test]
fn a_forger_without_the_boot_numbers_cannot_disturb_a_link_that_knows_its_peer() {
    for_each_seed(0..5_000, |rng| {
        let mut pair = connected_pair(rng.next_u64());
        pair.faults = FAULTS;
        for _ in 0..40 {
            let side = rng.below(2) as usize;
            match rng.below(4) {
                0 => pair.run_until(pair.now + ms(rng.below(200))),
                1 => pair.push(side),
                2.. => pair.receive(side, forge(rng, &[0, 1, 2])),
            }
        }
        pair.calm_down(50);
        pair.run_until(pair.now + TIMING.resend + TIMING.ack_delay + ms(300));
        for side in 0..2 {
            assert_eq!(pair.sides[side].delivered, pair.sides[1 - side].pushed);
            assert_eq!(pair.sides[side].restarts_seen, 0);
        }
        assert!(pair.is_silent());
    });
}

#[test]
fn the_peer_replaces_a_forger_that_was_first() {
    for_each_seed(0..5_000, |rng| {
        let mut pair = Pair::new(rng.next_u64(), TIMING, FAULTS);
        for _ in 0..20 {
            let side = rng.below(2) as usize;
            match rng.below(4) {
                0 => pair.run_until(pair.now + ms(rng.below(200))),
                1 => pair.push(side),
                2.. => pair.receive(side, forge(rng, &[0, 1, 2])),
            }
        }
        pair.push(0);
        pair.push(1);
        pair.calm_down(50);
        pair.run_until(pair.now + 3 * TIMING.resend);
        assert_eq!(pair.sides[0].known, pair.sides[1].known);
        for side in &pair.sides {
            let has_own_items = side
                .pushed
                .iter()
                .all(|item| pair.sides[0].known.contains(item));
            assert!(has_own_items);
        }
        assert!(pair.is_silent());
    });
}

#[test]
fn a_forger_with_the_boot_numbers_cannot_make_a_link_panic_or_send_without_end() {
    for_each_seed(0..5_000, |rng| {
        let mut pair = connected_pair(rng.next_u64());
        let boots = pair.sides.each_ref().map(|side| side.boot);
        for _ in 0..60 {
            let side = rng.below(2) as usize;
            match rng.below(6) {
                0 => pair.run_until(pair.now + ms(rng.below(200))),
                1 => pair.push(side),
                2.. => pair.receive(side, forge(rng, &boots)),
            }
        }
        // The links may never accept each other's packets again, but each resends once per timeout.
        let sent = pair.tally.all;
        pair.run_until(pair.now + 20 * TIMING.resend);
        assert!(
            pair.tally.all - sent < 200,
            "{} packets",
            pair.tally.all - sent
        );
    });
}

#[test]
fn json_that_is_not_a_packet_is_rejected() {
    for text in [
        "{}",
        "[]",
        "null",
        r#"{"from":-1}"#,
        r#"{"from":1.5}"#,
        r#"{"from":18446744073709551616}"#,
        r#"{"from":"5"}"#,
        r#"{"from":5,"from":6}"#,
        r#"{"from":5,"items":7}"#,
        r#"{"from":5,"items":[-7]}"#,
        r#"{"from":5,"ack":null}"#,
        r#"{"from":5,"again":1}"#,
    ] {
        assert!(serde_json::from_str::<Packet<u64>>(text).is_err(), "{text}");
    }
}
