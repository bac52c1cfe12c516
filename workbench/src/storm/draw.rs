//! What a storm is: a seed draws the size of the cluster, the pace, the latencies and the faults.

use rand::RngExt;
use rand::seq::IndexedRandom;

use crate::flags::Words;
use simulator::dice::{Dice, branch};
use simulator::nemesis::{Fault, Target};

/// Draws the flags of a test, but for those that are pinned.
///
/// Everything is drawn in any case, so that pinning one flag leaves the others as they were.
pub(super) fn draw(seed: u64, faults: &[Fault], pinned: &Words) -> Words {
    let mut dice = branch(seed, "storm");
    let mut drawn = Words::default();
    let node_count = dice.random_range(1..=7_u32);
    // Who names the nodes has counted them.
    if ["--node", "--nodes", "--nodes-file"]
        .iter()
        .all(|flag| pinned.value(flag).is_none())
    {
        drawn.set("--node-count", node_count);
    }
    drawn.set("--concurrency", pick(&["1n", "1n", "2n"], &mut dice));
    drawn.set("--rate", pick(&[2, 5, 10, 20, 50], &mut dice));
    draw_latency(&mut drawn, &mut dice, pinned);
    let chosen = faults.iter().filter(|_| dice.random::<bool>());
    let chosen: Vec<&str> = chosen.map(|fault| fault.name()).collect();
    let chosen = if chosen.is_empty() {
        "none".to_owned()
    } else {
        chosen.join(",")
    };
    drawn.set("--nemesis", chosen);
    let tenths =
        |least: u32, most: u32, dice: &mut Dice| f64::from(dice.random_range(least..=most)) / 10.0;
    drawn.set("--nemesis-interval", tenths(2, 50, &mut dice));
    let shapes = Target::ALL.iter().filter(|_| dice.random::<bool>());
    let shapes: Vec<&str> = shapes.map(|target| target.name()).collect();
    let all = Target::ALL.map(Target::name);
    let shapes = if shapes.is_empty() {
        &all[..]
    } else {
        &shapes[..]
    };
    drawn.set("--partition-shapes", shapes.join(","));
    drawn.set("--loss", tenths(1, 6, &mut dice));
    drawn.set("--duplicate", tenths(1, 6, &mut dice));
    drawn.set("--delay", pick(&[20, 100, 500, 1000, 3000], &mut dice));
    drawn.set("--skew", pick(&[0, 10, 500, 5000], &mut dice));
    drawn.set("--drift", tenths(0, 5, &mut dice));
    let all = drawn.and(pinned);
    without_idle(&all).and(pinned)
}

/// A latency of nothing can only be constant.
fn draw_latency(drawn: &mut Words, dice: &mut Dice, pinned: &Words) {
    let spreads = pinned
        .value("--latency-dist")
        .is_some_and(|it| it != "constant");
    let latency = pick(&[0, 0, 1, 10, 50, 100, 200], dice).max(u32::from(spreads));
    let distribution = pick(&["constant", "uniform", "exponential"], dice);
    drawn.set("--latency", latency);
    let mean = drawn.and(pinned);
    if mean.value("--latency") != Some("0") {
        drawn.set("--latency-dist", distribution);
    }
}

/// Nobody wants to read how bad the faults are that do not happen.
pub(super) fn without_idle(all: &Words) -> Words {
    let mut words = all.clone();
    let happens = |fault: Fault| {
        let list = all.value("--nemesis").unwrap_or_default();
        list.split(',').any(|name| name.trim() == fault.name())
    };
    for (flag, fault) in [
        ("--partition-shapes", Fault::Partition),
        ("--loss", Fault::Loss),
        ("--duplicate", Fault::Duplicate),
        ("--delay", Fault::Delay),
        ("--skew", Fault::Skew),
        ("--drift", Fault::Skew),
    ] {
        if !happens(fault) {
            words.remove(flag);
        }
    }
    if !Fault::ALL.into_iter().any(happens) {
        words.remove("--nemesis-interval");
    }
    words
}

fn pick<T: Copy>(values: &[T], dice: &mut Dice) -> T {
    *values.choose(dice).expect("the lists above are not empty")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Words {
        Words::read(text.split_whitespace()).unwrap()
    }

    #[test]
    fn every_seed_draws_flags_that_a_test_takes_and_all_faults_come_up() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..300 {
            let drawn = draw(seed, &Fault::ALL, &words("-w echo"));
            let flags = drawn.flags().unwrap();
            assert!(flags.settings(seed).is_ok(), "{drawn}");
            seen.extend(flags.faults.faults().kinds());
        }
        assert_eq!(seen.len(), Fault::ALL.len());
    }

    #[test]
    fn a_pinned_flag_stays_and_leaves_the_others_as_they_were() {
        let pinned = words("-w echo --latency 0 --node-count 9");
        for seed in 0..100 {
            let free = draw(seed, &Fault::ALL, &Words::default());
            let bound = draw(seed, &Fault::ALL, &pinned);
            assert_eq!(
                (bound.value("--latency"), bound.value("--node-count")),
                (Some("0"), Some("9"))
            );
            assert!(bound.flags().unwrap().settings(seed).is_ok(), "{bound}");
            assert_eq!(bound.value("--nemesis"), free.value("--nemesis"));
            assert_eq!(bound.value("--delay"), free.value("--delay"));
        }
    }

    #[test]
    fn every_pinned_flag_finds_others_that_it_agrees_with() {
        for pinned in [
            "--latency-dist exponential",
            "--latency-dist constant",
            "--nodes a,b",
        ] {
            for seed in 0..100 {
                let pinned = words(pinned).and(&words("-w echo"));
                let drawn = draw(seed, &Fault::ALL, &pinned);
                let settings = drawn.flags().unwrap().settings(seed);
                assert!(settings.is_ok(), "{drawn}");
                let names = settings.unwrap().nodes;
                assert!(pinned.value("--nodes").is_none() || names == ["a".into(), "b".into()]);
            }
        }
    }
}
