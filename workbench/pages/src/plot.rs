//! Plots as SVG, in the colours of the pages, for light and dark colour schemes.
//!
//! Plots are drawn in the light colours, which every viewer supports; a style sheet replaces them
//! where the reader prefers a dark scheme.

mod chart;
mod draw;
mod marks;
mod palette;
mod picture;
mod ticks;

pub use chart::{Axis, Band, Chart, ReferenceLine, Series, SeriesStyle, Shade};
pub use palette::{Color, dark_style};
pub use picture::{NARROW, Picture, WIDE, chart_in, escaped, stack};
