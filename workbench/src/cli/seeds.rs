//! Seeds on the command line.

use super::misuse;

/// Parses seeds: a range, or a single seed.
#[cfg(feature = "simulate")]
pub(super) fn parse_seeds(text: &str) -> Result<std::ops::Range<u64>, String> {
    let range = match text.split_once("..") {
        Some((start, end)) => start.trim().parse().ok().zip(end.trim().parse().ok()),
        None => text
            .trim()
            .parse()
            .ok()
            .and_then(|seed: u64| Some((seed, seed.checked_add(1)?))),
    };
    match range {
        Some((start, end)) if start < end => Ok(start..end),
        Some(_) | None => Err("expected seeds as 0..10000, or one number".to_owned()),
    }
}

/// The last of `count` seeds.
///
/// # Errors
/// When it does not fit in 64 bits.
pub(super) fn last_seed(first: u64, count: u32) -> anyhow::Result<u64> {
    let last = first.checked_add(u64::from(count.saturating_sub(1)));
    let overflow = || misuse(format_args!("there are no {count} seeds from {first} on"));
    last.ok_or_else(overflow)
}

#[cfg(test)]
mod tests {
    use super::{last_seed, parse_seeds};

    #[test]
    fn seeds_are_a_range_or_a_number() {
        assert_eq!(parse_seeds("0..10000"), Ok(0..10_000));
        assert_eq!(parse_seeds("17"), Ok(17..18));
        for bad in [
            "",
            "..",
            "5..5",
            "7..3",
            "a..b",
            "-1",
            "18446744073709551615",
        ] {
            assert!(parse_seeds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn seeds_do_not_wrap_around() {
        assert_eq!(last_seed(u64::MAX - 1, 2).ok(), Some(u64::MAX));
        assert!(last_seed(u64::MAX - 1, 3).is_err());
    }
}
