//! Plots as SVG, in the colours of the bench's pages and readable on light and dark paper.
//!
//! What is drawn are the light colours, so that any viewer shows a plot as it is meant; a style
//! sheet turns them over where the reader prefers dark ones.

mod chart;
mod draw;
mod palette;
mod picture;
mod scale;

pub use chart::{Axis, Band, Chart, HEIGHT, Level, Series, Shade, Shape, WIDTH};
pub use palette::{Color, dark_style};
pub use picture::{Picture, escaped, stack};
