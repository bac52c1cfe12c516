//! Forged packets: random and extreme numbers in all fields.

use std::time::Duration;

use shared::{Rng, read_flags};
use simulator::latency::Latency;
use simulator::testing::{Conditions, for_each_seed};

use crate::storms::{add, counters};

fn number(rng: &mut Rng) -> u64 {
    match rng.below(3) {
        0 => rng.below(6),
        1 => u64::MAX - rng.below(6),
        _ => rng.next_u64(),
    }
}

fn forged_packet(rng: &mut Rng) -> String {
    let mut fields = vec![format!(r#""from":{}"#, number(rng))];
    for name in ["to", "version", "heard"] {
        if rng.below(4) > 0 {
            fields.push(format!(r#""{name}":{}"#, number(rng)));
        }
    }
    let totals = format!(r#"{{"n1@{}":{},"":1}}"#, rng.below(3), number(rng));
    fields.push(format!(r#""totals":{totals},"ask":{}"#, rng.below(2) == 0));
    format!(r#"{{"type":"merge","packet":{{{}}}}}"#, fields.join(","))
}

#[test]
fn forged_packets_cause_no_panic_and_no_endless_exchange() {
    for_each_seed(0..500, |rng| {
        let flags: g_counter::Flags = read_flags("g-counter", &[]).unwrap();
        let mut cluster = counters(
            3,
            rng.next_u64(),
            Conditions::reliable(Latency::uniform(50)),
            &flags,
        );
        for _ in 0..rng.below(40) {
            let (src, dest) = (cluster.random_node(rng), cluster.random_node(rng));
            cluster.deliver(&src, &dest, &forged_packet(rng));
            let adder = cluster.random_node(rng);
            add(&mut cluster, &adder, rng.below(3));
            cluster.advance(Duration::from_millis(rng.below(400)));
        }
        let before = cluster.messages();
        cluster.advance(Duration::from_secs(100));
        let messages = cluster.messages() - before;
        assert!(messages <= 4 * 101, "{messages} in a hundred seconds");
    });
}
