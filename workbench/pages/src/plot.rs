//! Plots as SVG, in the colours of the pages, for light and dark colour schemes.
//!
//! Plots are drawn in the light colours, which every viewer supports; a style sheet replaces them
//! where the reader prefers a dark scheme.

mod chart;
mod draw;
mod palette;
mod picture;
mod scale;

pub use chart::{Axis, Band, Chart, HEIGHT, ReferenceLine, Series, SeriesStyle, Shade, WIDTH};
pub use palette::{Color, dark_style};
pub use picture::{Picture, escaped, stack};
