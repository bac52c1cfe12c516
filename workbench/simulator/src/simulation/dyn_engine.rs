//! What a simulation asks of a node.

use std::time::Duration;

use shared::{Engine, Node, Outbox};

/// One who hosts a node: what an [`Engine`] can do, whatever the node's type.
pub trait DynEngine: Send {
    /// Takes in one line of input.
    fn receive(&mut self, now: Duration, line: &str);
    /// Lets everything happen that is due by `now`.
    fn wake(&mut self, now: Duration);
    /// When it wants to be woken next.
    fn deadline(&self) -> Option<Duration>;
    /// Hands over what was said since the last time.
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
