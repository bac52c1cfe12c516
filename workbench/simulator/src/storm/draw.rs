//! Draws the options of a storm from a seed: cluster size, rate, latencies and faults.

use std::time::Duration;

use rand::RngExt;
use rand::seq::IndexedRandom;

use crate::latency::Distribution;
use crate::nemesis::{Fault, PartitionShape};
use crate::options::{Concurrency, Nodes, Options, PartialOptions};
use crate::rng::{SeededRng, substream};

/// Draws the options of a run, except pinned ones; those that are never drawn are as in `base`.
///
/// Pinned options are drawn, too, and discarded, so that pinning one does not change the others.
pub(super) fn draw(
    seed: u64,
    faults: &[Fault],
    base: &Options,
    pinned: &PartialOptions,
) -> Options {
    let mut rng = substream(seed, "storm");
    let mut drawn = PartialOptions {
        nodes: Some(Nodes::Count(rng.random_range(1..=7_u32))),
        ..PartialOptions::default()
    };
    let per_node = pick(&[1, 1, 2], &mut rng);
    drawn.concurrency = Some(Concurrency::PerNode(per_node));
    drawn.rate = Some(pick(&[2.0, 5.0, 10.0, 20.0, 50.0], &mut rng));
    draw_latency(&mut drawn, &mut rng, base, pinned);
    let chosen = faults.iter().filter(|_| rng.random::<bool>());
    drawn.nemesis = Some(chosen.copied().collect());
    drawn.nemesis_interval = Some(Duration::from_millis(100 * tenths(2, 50, &mut rng)));
    let shapes = PartitionShape::ALL.iter().filter(|_| rng.random::<bool>());
    let shapes: Vec<PartitionShape> = shapes.copied().collect();
    drawn.partition_shapes = Some(match shapes[..] {
        [] => PartitionShape::ALL.to_vec(),
        _ => shapes,
    });
    let share = |tenths| Some(tenths as f64 / 10.0);
    drawn.loss = share(tenths(1, 6, &mut rng));
    drawn.duplicate = share(tenths(1, 6, &mut rng));
    let ms = |ms| Some(Duration::from_millis(ms));
    drawn.delay = ms(pick(&[20, 100, 500, 1000, 3000], &mut rng));
    drawn.skew = ms(pick(&[0, 10, 500, 5000], &mut rng));
    drawn.drift = share(tenths(0, 5, &mut rng));
    let all = base.with(&drawn.and(pinned));
    all.without_unused(base).with(pinned)
}

/// Draws the latency and its distribution; a latency of zero can only be constant.
fn draw_latency(
    drawn: &mut PartialOptions,
    rng: &mut SeededRng,
    base: &Options,
    pinned: &PartialOptions,
) {
    let spreads = pinned
        .latency_dist
        .is_some_and(|it| it != Distribution::Constant);
    let latency = pick(&[0, 0, 1, 10, 50, 100, 200], rng).max(u32::from(spreads));
    let distribution = pick(&Distribution::ALL, rng);
    drawn.latency = Some(latency);
    if base.with(&drawn.and(pinned)).latency != 0 {
        drawn.latency_dist = Some(distribution);
    }
}

fn tenths(min: u32, max: u32, rng: &mut SeededRng) -> u64 {
    u64::from(rng.random_range(min..=max))
}

fn pick<T: Copy>(values: &[T], rng: &mut SeededRng) -> T {
    *values.choose(rng).expect("the lists above are not empty")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::workload::{Name, workload};

    #[track_caller]
    fn check(drawn: &Options, seed: u64) {
        let echo = workload(Name::Echo, drawn);
        assert!(drawn.settings(&*echo, seed).is_ok(), "{drawn:?}");
    }

    #[test]
    fn every_seed_draws_consistent_options_and_all_faults_occur() {
        let mut seen = BTreeSet::new();
        for seed in 0..300 {
            let drawn = draw(
                seed,
                &Fault::ALL,
                &Options::default(),
                &PartialOptions::default(),
            );
            check(&drawn, seed);
            assert!(!drawn.partition_shapes.is_empty(), "seed {seed}");
            seen.extend(drawn.nemesis);
        }
        assert_eq!(seen.len(), Fault::ALL.len());
    }

    #[test]
    fn pinning_an_option_does_not_change_the_others() {
        let pinned = PartialOptions {
            latency: Some(0),
            nodes: Some(Nodes::Count(9)),
            ..PartialOptions::default()
        };
        for seed in 0..100 {
            let base = Options::default();
            let free = draw(seed, &Fault::ALL, &base, &PartialOptions::default());
            let bound = draw(seed, &Fault::ALL, &base, &pinned);
            check(&bound, seed);
            assert_eq!((bound.latency, &bound.nodes), (0, &Nodes::Count(9)));
            assert_eq!(bound.nemesis, free.nemesis);
            assert_eq!(bound.delay, free.delay);
        }
    }

    #[test]
    fn drawn_options_are_consistent_with_a_pinned_distribution() {
        let distribution = |it| PartialOptions {
            latency_dist: Some(it),
            ..PartialOptions::default()
        };
        for pinned in Distribution::ALL.map(distribution) {
            for seed in 0..100 {
                check(&draw(seed, &Fault::ALL, &Options::default(), &pinned), seed);
            }
        }
    }
}
