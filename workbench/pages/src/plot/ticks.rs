//! Tick marks of an axis.

use super::chart::Axis;

/// Below this number of decades there are tick marks between the powers of ten, too.
const FEW_DECADES: f64 = 2.999;

/// The smallest number is above this power of ten.
const MIN_DECADE: f64 = -324.0;

/// Most tick marks, however many are asked for.
const MAX_TICKS: usize = 30;

impl Axis {
    /// Round values on the axis, at most about `count`, with their texts.
    pub(super) fn ticks(&self, count: usize) -> Vec<(f64, String)> {
        let ticks = if self.is_logarithmic {
            self.logarithmic_ticks(count)
        } else {
            self.linear_ticks(count)
        };
        ticks.into_iter().map(|it| (it, format_tick(it))).collect()
    }

    fn linear_ticks(&self, count: usize) -> Vec<f64> {
        let (start, end) = (self.range.start, self.range.end);
        let least = (end - start) / count.max(1) as f64;
        let power = 10_f64.powf(least.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|it| it * power);
        let step = step.into_iter().find(|it| *it >= least * 0.999);
        let step = step.unwrap_or(end - start);
        let first = (start / step - 1e-9).ceil();
        let ticks = (0..MAX_TICKS).map(|tick| (first + tick as f64) * step);
        ticks.take_while(|it| *it <= end + step * 1e-9).collect()
    }

    fn logarithmic_ticks(&self, count: usize) -> Vec<f64> {
        // An axis that was read may have any range: the logarithm of 0 would begin 2^31 steps.
        let decade = |value: f64| value.log10().floor().max(MIN_DECADE) as i32;
        let [first, last] = [self.range.start, self.range.end].map(decade);
        let decades = (self.range.end / self.range.start).log10();
        let factors: &[f64] = if decades < FEW_DECADES {
            &[1.0, 2.0, 5.0]
        } else {
            &[1.0]
        };
        // So many decades have one tick mark.
        let every = (decades / count.max(1) as f64).ceil().max(1.0) as usize;
        let ticks = (first..=last).step_by(every).flat_map(|exponent| {
            let power = 10_f64.powi(exponent);
            factors.iter().map(move |factor| factor * power)
        });
        ticks
            .filter(|tick| *tick >= self.range.start * 0.999_999)
            .filter(|tick| *tick <= self.range.end * 1.000_001)
            .take(MAX_TICKS)
            .collect()
    }
}

/// Formats a tick without the inexact digits of its calculation: 0.30000000000000004.
fn format_tick(value: f64) -> String {
    let rounded = (value * 1e6).round() / 1e6;
    if rounded.abs() >= 1e9 {
        return format!("{rounded:e}");
    }
    let text = format!("{rounded}");
    // Groups of three digits.
    let digits = text.find('.').unwrap_or(text.len());
    let start = usize::from(text.starts_with('-'));
    let mut grouped = String::new();
    for (index, c) in text.char_indices() {
        if index > start && index < digits && (digits - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(c);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::{Axis, format_tick};

    fn texts(axis: &Axis, count: usize) -> String {
        let texts = axis.ticks(count).into_iter().map(|(_, text)| text);
        texts.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ticks_are_round_and_few() {
        let check = |range, count, expected: &str| {
            assert_eq!(texts(&Axis::linear("", range), count), expected);
        };
        check(0.0..30.1, 8, "0 5 10 15 20 25 30");
        check(0.0..1.0, 5, "0 0.2 0.4 0.6 0.8 1");
        check(-12.0..30.0, 5, "-10 0 10 20 30");
        check(0.0..24_000.0, 5, "0 5,000 10,000 15,000 20,000");
        let check = |min, max, count, expected: &str| {
            assert_eq!(texts(&Axis::logarithmic("", min, max), count), expected);
        };
        check(200.0, 700.0, 8, "100 200 500 1,000");
        check(0.01, 9_000.0, 4, "0.01 1 100 10,000");
    }

    #[test]
    fn extreme_axes_have_few_ticks() {
        for range in [0.0..1e300, -1e300..1e300, 1e15..1e15 + 2.0, 0.0..1e-300] {
            assert!(Axis::linear("", range).ticks(8).len() <= 30);
        }
        assert!(Axis::logarithmic("", 1e-9, 1e300).ticks(8).len() <= 30);
        for range in [0.0..-1.0, 0.0..1.0, -1.0..1.0, 5e-324..f64::MAX, 1.0..0.0] {
            let axis = Axis {
                range,
                ..Axis::logarithmic("", 1.0, 1.0)
            };
            assert!(axis.ticks(8).len() <= 30);
        }
        assert_eq!(format_tick(-1234567.0), "-1,234,567");
    }
}
