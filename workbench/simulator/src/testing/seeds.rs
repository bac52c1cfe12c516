//! Seeded tests: a failure prints the command that repeats it.

use std::any::type_name_of_val;
use std::env;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use shared::Rng;

/// Runs a test once for each seed, or only for that in the environment variable `SEED`, with random
/// numbers of that seed. If the test panics, prints a command that repeats it.
pub fn for_each_seed<F: Fn(&mut Rng)>(seeds: Range<u64>, test: F) {
    let only = env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    for seed in only.map_or(seeds, |seed: u64| seed..seed + 1) {
        let outcome = catch_unwind(AssertUnwindSafe(|| test(&mut Rng::new(seed))));
        if let Err(panic) = outcome {
            let package = env::var("CARGO_PKG_NAME").unwrap_or_default();
            let (target, name) = test_of(&test);
            eprintln!("to repeat: SEED={seed} cargo test -p {package} --test {target} {name}");
            resume_unwind(panic);
        }
    }
}

/// The test target and the test that contain a closure: both are part of its type's name.
fn test_of<F>(closure: &F) -> (&'static str, &'static str) {
    let path = type_name_of_val(closure);
    let test = path.strip_suffix("::{{closure}}").unwrap_or(path);
    test.split_once("::").unwrap_or(("", test))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_of_a_closure_is_found() {
        let test = "testing::seeds::tests::the_test_of_a_closure_is_found";
        assert_eq!(test_of(&|| ()), ("simulator", test));
    }
}
