//! Message latencies.

use std::time::Duration;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::rng::SeededRng;

/// The latency of messages between nodes, and between nodes and services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// The mean, in whole milliseconds.
    pub mean_ms: u32,
    /// The distribution around the mean.
    pub distribution: Distribution,
}

/// A distribution of latencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// Always the mean.
    #[default]
    Constant,
    /// Whole milliseconds from zero to just below twice the mean, all equally likely.
    Uniform,
    /// Mostly short, sometimes very long.
    Exponential,
}

impl Distribution {
    /// All of them.
    pub const ALL: [Distribution; 3] = [
        Distribution::Constant,
        Distribution::Uniform,
        Distribution::Exponential,
    ];

    /// Its name in Maelstrom.
    pub fn name(self) -> &'static str {
        match self {
            Distribution::Constant => "constant",
            Distribution::Uniform => "uniform",
            Distribution::Exponential => "exponential",
        }
    }

    /// What it is, in a sentence.
    pub fn about(self) -> &'static str {
        match self {
            Distribution::Constant => "Always the mean",
            Distribution::Uniform => {
                "Whole milliseconds from zero to just below twice the mean, all equally likely"
            }
            Distribution::Exponential => "Mostly short, sometimes very long",
        }
    }
}

impl Latency {
    /// Always this latency.
    pub const fn constant(mean_ms: u32) -> Self {
        Latency {
            mean_ms,
            distribution: Distribution::Constant,
        }
    }

    /// Whole milliseconds from 0 to `2 * mean_ms - 1`, all equally likely.
    pub const fn uniform(mean_ms: u32) -> Self {
        Latency {
            mean_ms,
            distribution: Distribution::Uniform,
        }
    }

    /// Draws the latency of one message.
    pub fn draw(self, rng: &mut SeededRng) -> Duration {
        let mean = u64::from(self.mean_ms);
        let ms = match self.distribution {
            _ if mean == 0 => 0,
            Distribution::Constant => mean,
            Distribution::Uniform => rng.random_range(0..2 * mean),
            // 1 − U lies in (0, 1], where the logarithm is finite. The standard library's logarithm
            // is the platform's and may differ in its last bit; here it must be the same
            // everywhere.
            Distribution::Exponential => {
                (-libm::log(1.0 - rng.random::<f64>()) * mean as f64).trunc() as u64
            }
        };
        Duration::from_millis(ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::seeded;

    #[test]
    fn latencies_have_the_configured_mean() {
        for distribution in [Distribution::Uniform, Distribution::Exponential] {
            let mut rng = seeded(3);
            let latency = Latency {
                mean_ms: 50,
                distribution,
            };
            let sum: Duration = (0..20_000).map(|_| latency.draw(&mut rng)).sum();
            let mean = sum.as_secs_f64() * 1000.0 / 20_000.0;
            assert!((mean - 49.5).abs() < 1.5, "{distribution:?}: {mean}");
        }
    }
}
