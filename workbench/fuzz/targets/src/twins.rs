//! Checkers against the naive twins of their tests, on histories drawn from the input.

#![allow(
    dead_code,
    unused_imports,
    reason = "the tests in these files are built elsewhere"
)]

use rand::RngExt as _;

use crate::bytes::BytesRng;

#[path = "../../../checkers/tests/all/elle_twin/mod.rs"]
mod elle_twin;
#[path = "../../../checkers/tests/all/kafka_twin/mod.rs"]
mod kafka_twin;
#[path = "../../../checkers/tests/all/linearizability_twin.rs"]
mod linearizability_twin;
#[path = "../../../checkers/tests/all/set_full_twin.rs"]
mod set_full_twin;

use kafka_twin::Faults;

pub(crate) fn drive(input: &[u8]) {
    let rng = &mut BytesRng::new(input);
    match rng.random_range(0..6_u8) {
        0 | 1 => elle_twin::compare_random(rng),
        2 => set_full_twin::compare(&set_full_twin::random_history(rng)),
        3 => linearizability_twin::compare_random(rng),
        4 => drop(kafka_twin::compare_random(rng, Faults::Rare)),
        _ => drop(kafka_twin::compare_random(rng, Faults::Frequent)),
    }
}
