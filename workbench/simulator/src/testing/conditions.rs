//! Network conditions as one value, and random ones for tests.

use std::time::Duration;

use shared::Rng;

use crate::latency::{Distribution, Latency};
use crate::network::MessageFaults;

/// Latency and message faults of a network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conditions {
    /// The latency of messages among nodes and services.
    pub latency: Latency,
    /// The faults of these messages.
    pub faults: MessageFaults,
}

impl Conditions {
    /// The worst of [`Conditions::draw`]: messages may be seconds late, and most are lost.
    pub const WORST: Conditions = Conditions {
        latency: Latency::constant(200),
        faults: MessageFaults {
            loss: 0.6,
            duplicate: 0.3,
            delay: Duration::from_secs(3),
        },
    };

    /// Every message arrives once, after this latency.
    pub fn reliable(latency: Latency) -> Self {
        let faults = MessageFaults::default();
        Conditions { latency, faults }
    }

    /// Draws conditions up to [`Conditions::WORST`].
    pub fn draw(rng: &mut Rng) -> Self {
        Conditions::draw_up_to(&Conditions::WORST, rng)
    }

    /// Draws a mean latency below that of `worst`, of any distribution; and each message fault,
    /// absent or up to that of `worst`, in any combination.
    pub fn draw_up_to(worst: &Conditions, rng: &mut Rng) -> Self {
        let mean_ms = rng.below(worst.latency.mean_ms.into());
        let distributions = Distribution::ALL;
        let latency = Latency {
            mean_ms: mean_ms.try_into().expect("it is below a u32"),
            distribution: distributions[rng.below(distributions.len() as u64) as usize],
        };
        let mut part = || (rng.below(2) * rng.below(1000)) as f64 / 1000.0;
        let faults = MessageFaults {
            loss: worst.faults.loss * part(),
            duplicate: worst.faults.duplicate * part(),
            delay: worst.faults.delay.mul_f64(part()),
        };
        Conditions { latency, faults }
    }
}
