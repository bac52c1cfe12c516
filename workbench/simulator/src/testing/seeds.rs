//! Seeded tests: a failure prints the command that repeats it.

use std::any::type_name_of_val;
use std::env;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use shared::Rng;

/// Runs a test once for each seed, or only for that in the environment variable `SEED`, with random
/// numbers of that seed. Prints a command that repeats it before it passes a panic on.
pub fn for_each_seed<F: Fn(&mut Rng)>(seeds: Range<u64>, test: F) {
    let only = env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    for seed in only.map_or(seeds, |seed: u64| seed..seed + 1) {
        let outcome = catch_unwind(AssertUnwindSafe(|| test(&mut Rng::new(seed))));
        if let Err(panic) = outcome {
            let package = env::var("CARGO_PKG_NAME").unwrap_or_default();
            let (target, name) = place_of(&test);
            eprintln!("to repeat: SEED={seed} cargo test -p {package} --test {target} {name}");
            resume_unwind(panic);
        }
    }
}

/// The test target and the test that contain a closure: both are part of its type's name.
fn place_of<F>(closure: &F) -> (&'static str, &'static str) {
    let path = type_name_of_val(closure);
    let test = path.strip_suffix("::{{closure}}").unwrap_or(path);
    test.split_once("::").unwrap_or(("", test))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closure_knows_the_test_it_stands_in() {
        let test = "testing::seeds::tests::a_closure_knows_the_test_it_stands_in";
        assert_eq!(place_of(&|| ()), ("simulator", test));
    }
}
