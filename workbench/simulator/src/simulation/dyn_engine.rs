//! A node's engine without the node's type.

use std::time::Duration;

use shared::{Engine, Node, Outbox};

/// The methods of [`Engine`] that a simulation calls, whatever the node's type.
pub trait DynEngine: Send {
    /// Receives one line of input.
    fn receive(&mut self, now: Duration, line: &str);
    /// Runs everything that is due by `now`.
    fn wake(&mut self, now: Duration);
    /// The time of the next wake.
    fn deadline(&self) -> Option<Duration>;
    /// Moves the output since the last call into `outbox`.
    fn drain(&mut self, outbox: &mut Outbox);
}

impl<N: Node> DynEngine for Engine<N> {
    fn receive(&mut self, now: Duration, line: &str) {
        Engine::receive(self, now, line);
    }

    fn wake(&mut self, now: Duration) {
        Engine::wake(self, now);
    }

    fn deadline(&self) -> Option<Duration> {
        Engine::deadline(self)
    }

    fn drain(&mut self, outbox: &mut Outbox) {
        Engine::drain(self, outbox);
    }
}
