//! Seeds and shards on the command line.

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

/// Parses a shard: the K-th of N.
#[cfg(feature = "simulate")]
pub(super) fn parse_shard(text: &str) -> Result<(u64, u64), String> {
    let parts = text.split_once('/');
    let parts = parts.and_then(|(part, of)| part.parse().ok().zip(of.parse().ok()));
    match parts {
        Some((part, of)) if (1..=of).contains(&part) => Ok((part, of)),
        Some(_) | None => Err("expected K/N with K from 1 to N, such as 3/8".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{last_seed, parse_seeds, parse_shard};

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

    #[test]
    fn a_shard_is_one_of_several() {
        assert_eq!(parse_shard("3/8"), Ok((3, 8)));
        for bad in ["0/8", "9/8", "3", "3/", "/8", "0/0"] {
            assert!(parse_shard(bad).is_err(), "{bad}");
        }
    }
}
