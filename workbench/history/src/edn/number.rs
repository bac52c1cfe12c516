//! Numbers of Clojure that Rust lacks: `5N`, `2/3`, `1.50M`, and doubles with a total order.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use num_bigint::{BigInt, Sign};
use num_integer::Integer;

use super::Edn;

/// A 64-bit float with a total order: `-0.0` comes before `0.0`, and NaN equals itself.
#[derive(Debug, Clone, Copy)]
pub struct Double(pub f64);

/// A fraction in lowest terms with a denominator of at least 2.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ratio {
    numerator: BigInt,
    denominator: BigInt,
}

/// A decimal fraction: `digits · 10^-scale`. `1.5M` and `1.50M` differ in scale.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Decimal {
    digits: BigInt,
    scale: i64,
}

/// Maximum scale that prints with a decimal point; others print with an exponent.
const MAX_PLAIN_SCALE: i64 = 64;

impl PartialEq for Double {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Double {}

impl Ord for Double {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Double {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Double {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl Ratio {
    /// Divides two integers: a ratio, or an integer if there is no remainder. `None` if the
    /// denominator is zero.
    pub fn of(numerator: &BigInt, denominator: &BigInt) -> Option<Edn> {
        if denominator.sign() == Sign::NoSign {
            return None;
        }
        let divisor = numerator.gcd(denominator);
        let divisor = if denominator.sign() == Sign::Minus {
            -divisor
        } else {
            divisor
        };
        let (numerator, denominator) = (numerator / &divisor, denominator / &divisor);
        Some(if denominator == BigInt::from(1) {
            Edn::from(numerator)
        } else {
            Edn::Ratio(Box::new(Ratio {
                numerator,
                denominator,
            }))
        })
    }

    /// Parses `2/3`; the result is in lowest terms.
    pub fn parse(text: &str) -> Option<Edn> {
        let (numerator, denominator) = text.split_once('/')?;
        Ratio::of(&integer(numerator, 10)?, &unsigned(denominator)?)
    }

    fn cmp(&self, other: &Self) -> Ordering {
        (&self.numerator * &other.denominator).cmp(&(&other.numerator * &self.denominator))
    }

    fn to_f64(&self) -> f64 {
        quotient(&self.numerator, &self.denominator)
    }
}

impl Decimal {
    /// Parses `1.50` or `15e-1`, without a trailing `M`.
    pub fn parse(text: &str) -> Option<Decimal> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = integer(&format!("{whole}{fraction}"), 10)?;
        let scale = i64::try_from(fraction.len()).ok()? - i64::from(exponent);
        Some(Decimal { digits, scale })
    }

    /// The same number without trailing zeros, as Clojure hashes it.
    pub fn canonical(&self) -> Decimal {
        let digits = self.digits.to_string();
        let significant = digits.trim_end_matches('0');
        if significant.is_empty() {
            return Decimal {
                digits: BigInt::ZERO,
                scale: 0,
            };
        }
        let scale = self.scale - (digits.len() - significant.len()) as i64;
        Decimal {
            digits: significant.parse().unwrap_or_default(),
            scale,
        }
    }

    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (self.canonical(), other.canonical());
        let sign = |it: &Decimal| it.digits.sign();
        if sign(&a) != sign(&b) || sign(&a) == Sign::NoSign {
            return sign(&a).cmp(&sign(&b));
        }
        // Only numbers of equal magnitude are aligned, so that their digits bound the cost.
        let magnitude = |it: &Decimal| it.digits.magnitude().to_string().len() as i64 - it.scale;
        let order = magnitude(&a).cmp(&magnitude(&b));
        let order = order.then_with(|| {
            let scale = a.scale.max(b.scale);
            let aligned = |it: &Decimal| {
                let zeros = u32::try_from(scale - it.scale).unwrap_or(u32::MAX);
                it.digits.magnitude() * BigInt::from(10).pow(zeros).magnitude()
            };
            aligned(&a).cmp(&aligned(&b))
        });
        if sign(&a) == Sign::Minus {
            order.reverse()
        } else {
            order
        }
    }

    fn to_f64(&self) -> f64 {
        let (digits, exponent) = (&self.digits, -self.scale);
        format!("{digits}e{exponent}").parse().unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

/// Prints without a trailing `M`.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !(0..=MAX_PLAIN_SCALE).contains(&self.scale) {
            return write!(f, "{}E{}", self.digits, -self.scale);
        }
        let scale = usize::try_from(self.scale).unwrap_or(0);
        let sign = if self.digits.sign() == Sign::Minus {
            "-"
        } else {
            ""
        };
        let digits = format!("{:0>1$}", self.digits.magnitude(), scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let point = if scale == 0 { "" } else { "." };
        write!(f, "{sign}{whole}{point}{fraction}")
    }
}

/// Parses an integer with an optional sign, in a base from 2 to 36.
pub(super) fn integer(text: &str, base: u32) -> Option<BigInt> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_digit(base));
    let number = is_number.then(|| BigInt::parse_bytes(digits.as_bytes(), base))??;
    Some(if text.starts_with('-') {
        -number
    } else {
        number
    })
}

fn unsigned(text: &str) -> Option<BigInt> {
    integer(text, 10).filter(|_| text.starts_with(|c: char| c.is_ascii_digit()))
}

/// Compares numbers as Clojure does: exact numbers of one kind exactly, others as doubles. `None`
/// if one is NaN or not a number.
pub fn compare(a: &Edn, b: &Edn) -> Option<Ordering> {
    match (a, b) {
        (Edn::Int(a), Edn::Int(b)) => Some(a.cmp(b)),
        (Edn::Ratio(a), Edn::Ratio(b)) => Some(Ratio::cmp(a, b)),
        (Edn::Decimal(a), Edn::Decimal(b)) => Some(Decimal::cmp(a, b)),
        _ => match (big(a), big(b)) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => to_f64(a)?.partial_cmp(&to_f64(b)?),
        },
    }
}

/// Converts an integer of any size; `None` for other values.
pub fn big(edn: &Edn) -> Option<BigInt> {
    match edn {
        Edn::Int(number) => Some(BigInt::from(*number)),
        Edn::Big(number) => Some((**number).clone()),
        _ => None,
    }
}

/// Converts a number of any kind to the nearest double; `None` for other values.
pub fn to_f64(edn: &Edn) -> Option<f64> {
    match edn {
        Edn::Int(number) => Some(*number as f64),
        Edn::Big(number) => number.to_string().parse().ok(),
        Edn::Ratio(ratio) => Some(ratio.to_f64()),
        Edn::Decimal(decimal) => Some(decimal.to_f64()),
        Edn::Double(double) => Some(double.0),
        _ => None,
    }
}

/// Divides to the nearest double, or a neighbour of it.
fn quotient(numerator: &BigInt, denominator: &BigInt) -> f64 {
    // The leading 1,000 bits of long numbers suffice and do not overflow.
    let bits = numerator.bits().max(denominator.bits());
    let excess = bits.saturating_sub(1000);
    let truncate = |number: &BigInt| {
        let number: BigInt = number >> excess;
        number.to_string().parse::<f64>().unwrap_or(f64::NAN)
    };
    truncate(numerator) / truncate(denominator)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::{Decimal, compare, to_f64};
    use crate::edn::read;

    #[test]
    fn numbers_compare_across_kinds() {
        let check = |a: &str, b: &str, order: Option<Ordering>| {
            let (a, b) = (read(a).unwrap(), read(b).unwrap());
            assert_eq!(compare(&a, &b), order, "{a:?} {b:?}");
            assert_eq!(compare(&b, &a), order.map(Ordering::reverse), "{b:?} {a:?}");
        };
        check("1", "2", Some(Ordering::Less));
        check("99999999999999999999", "1", Some(Ordering::Greater));
        check(
            "99999999999999999998N",
            "99999999999999999999N",
            Some(Ordering::Less),
        );
        check("1/3", "1/2", Some(Ordering::Less));
        check("-1/3", "-1/2", Some(Ordering::Greater));
        check("1.50M", "1.5M", Some(Ordering::Equal));
        check("1.5M", "1.49M", Some(Ordering::Greater));
        check("-1.5M", "-1.49M", Some(Ordering::Less));
        check("0M", "-1M", Some(Ordering::Greater));
        check("1e2000000000M", "1e-2000000000M", Some(Ordering::Greater));
        check("1", "1.0", Some(Ordering::Equal));
        check("1/2", "0.75", Some(Ordering::Less));
        check("##NaN", "1", None);
        check("1", "\"1\"", None);
    }

    #[test]
    fn decimals_keep_their_scale() {
        let check = |text: &str, printed: &str| {
            assert_eq!(Decimal::parse(text).unwrap().to_string(), printed);
            let again = Decimal::parse(printed).unwrap();
            assert_eq!(again, Decimal::parse(text).unwrap());
        };
        check("1.50", "1.50");
        check("-0.05", "-0.05");
        check("7", "7");
        check("1e3", "1E3");
        check("1.5e-100", "15E-101");
        assert!(Decimal::parse("1.5.0").is_none());
        assert!(Decimal::parse("1e99999999999").is_none());
    }

    #[test]
    fn ratios_are_in_lowest_terms() {
        let check =
            |text: &str, number: &str| assert_eq!(read(text).unwrap(), read(number).unwrap());
        check("4/6", "2/3");
        check("4/2", "2");
        check("-4/6", "-2/3");
        check("0/7", "0");
        assert!(read("1/0").is_err());
        let third = format!("1{0}/3{0}", "0".repeat(2_000));
        assert_eq!(to_f64(&read(&third).unwrap()), Some(1.0 / 3.0));
    }
}
