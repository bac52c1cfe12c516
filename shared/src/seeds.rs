//! Tests that are played from seeds, and say how to repeat the one that failed.

use std::any::type_name_of_val;
use std::env;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::rng::Rng;

/// Plays all seeds, or the one that the environment's `SEED` asks for, each with dice of its own. A
/// failure says how to repeat it.
pub fn for_each_seed<F: Fn(&mut Rng)>(seeds: Range<u64>, play: F) {
    let only = env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    for seed in only.map_or(seeds, |seed: u64| seed..seed + 1) {
        let played = catch_unwind(AssertUnwindSafe(|| play(&mut Rng::new(seed))));
        if let Err(panic) = played {
            let package = env::var("CARGO_PKG_NAME").unwrap_or_default();
            let (target, test) = place_of(&play);
            eprintln!("to repeat: SEED={seed} cargo test -p {package} --test {target} {test}");
            resume_unwind(panic);
        }
    }
}

/// The test target and the test that a closure stands in: its type is named after both.
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
        let test = "seeds::tests::a_closure_knows_the_test_it_stands_in";
        assert_eq!(place_of(&|| ()), ("shared", test));
    }
}
