//! An axis as the drawing library wants it: with equal steps, or with equal factors.

use std::ops::Range;

use plotters::coord::ranged1d::{
    KeyPointHint, NoDefaultFormatting, Ranged, ReversibleRanged, ValueFormatter,
};
use plotters::coord::types::RangedCoordf64;

use super::chart::Axis;

/// Fewer decades than this have marks between the powers of ten, too.
const FEW_DECADES: f64 = 2.999;

/// Where numbers are along an axis, and where its marks stand.
#[derive(Clone)]
pub(super) struct Scale {
    range: Range<f64>,
    is_logarithmic: bool,
    /// From exponent to exponent, or from number to number.
    steps: RangedCoordf64,
}

impl Scale {
    pub(super) fn of(axis: &Axis) -> Self {
        let Range { start, end } = axis.range;
        let steps = if axis.is_logarithmic {
            start.log10()..end.log10()
        } else {
            start..end
        };
        Scale {
            range: axis.range.clone(),
            is_logarithmic: axis.is_logarithmic,
            steps: steps.into(),
        }
    }

    fn powers(&self) -> Vec<f64> {
        let first = self.range.start.log10().floor() as i32;
        let last = self.range.end.log10().floor() as i32;
        let decades = (self.range.end / self.range.start).log10();
        let factors: &[f64] = if decades < FEW_DECADES {
            &[1.0, 2.0, 5.0]
        } else {
            &[1.0]
        };
        let powers = (first..=last).flat_map(|exponent| {
            let power = 10_f64.powi(exponent);
            factors.iter().map(move |factor| factor * power)
        });
        powers
            .filter(|mark| *mark >= self.range.start * 0.999_999)
            .filter(|mark| *mark <= self.range.end * 1.000_001)
            .collect()
    }
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        if self.is_logarithmic {
            self.steps.map(&value.max(f64::MIN_POSITIVE).log10(), limit)
        } else {
            self.steps.map(value, limit)
        }
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if self.is_logarithmic {
            self.powers()
        } else {
            self.steps.key_points(hint)
        }
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ReversibleRanged for Scale {
    fn unmap(&self, pixel: i32, limit: (i32, i32)) -> Option<f64> {
        let value = self.steps.unmap(pixel, limit)?;
        Some(if self.is_logarithmic {
            10_f64.powf(value)
        } else {
            value
        })
    }
}

impl ValueFormatter<f64> for Scale {
    fn format(value: &f64) -> String {
        // A step of the library's is not exact: 0.30000000000000004.
        let rounded = (value * 1e6).round() / 1e6;
        format!("{rounded}")
    }
}
