//! Adapts a linear or logarithmic axis to the drawing library.

use std::ops::Range;

use plotters::coord::ranged1d::{
    KeyPointHint, NoDefaultFormatting, Ranged, ReversibleRanged, ValueFormatter,
};
use plotters::coord::types::RangedCoordf64;

use super::chart::Axis;

/// Below this number of decades there are tick marks between the powers of ten, too.
const FEW_DECADES: f64 = 2.999;

/// Maps values to pixels along an axis and places its tick marks.
#[derive(Clone)]
pub(super) struct Scale {
    range: Range<f64>,
    is_logarithmic: bool,
    /// Linear mapping of the exponents, or of the values.
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

    fn logarithmic_ticks(&self) -> Vec<f64> {
        let first = self.range.start.log10().floor() as i32;
        let last = self.range.end.log10().floor() as i32;
        let decades = (self.range.end / self.range.start).log10();
        let factors: &[f64] = if decades < FEW_DECADES {
            &[1.0, 2.0, 5.0]
        } else {
            &[1.0]
        };
        let ticks = (first..=last).flat_map(|exponent| {
            let power = 10_f64.powi(exponent);
            factors.iter().map(move |factor| factor * power)
        });
        ticks
            .filter(|tick| *tick >= self.range.start * 0.999_999)
            .filter(|tick| *tick <= self.range.end * 1.000_001)
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
            self.logarithmic_ticks()
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
        // Ticks of the library are inexact: 0.30000000000000004.
        let rounded = (value * 1e6).round() / 1e6;
        format!("{rounded}")
    }
}
