//! Changes of the latency while messages are under way.

use std::cmp::Reverse;
use std::time::Duration;

use super::Network;
use crate::latency::Latency;
use crate::message::Envelope;

impl Network {
    /// Changes the latency of messages that are sent from now on.
    pub fn set_latency(&mut self, latency: Latency) {
        self.latency = latency;
    }

    /// Draws new latencies, from `now` on, for all messages under way; delayed ones are queued at
    /// once. To be called after [`Network::set_latency`].
    pub fn reschedule(&mut self, now: Duration) {
        let delayed = std::mem::take(&mut self.delayed).into_iter();
        let delayed = delayed.map(|((_, copy_id), envelope)| (copy_id, envelope));
        // In the order of copy ids, since the order of inboxes differs from run to run.
        let mut under_way: Vec<(u64, Envelope)> = delayed.collect();
        for inbox in self.inboxes.values_mut() {
            let waiting = inbox.queue.drain().map(|Reverse(waiting)| waiting);
            let waiting = waiting.chain(inbox.current.take());
            under_way.extend(waiting.map(|it| (it.copy_id, it.envelope)));
        }
        under_way.sort_unstable_by_key(|(copy_id, _)| *copy_id);
        // All consumers are idle now.
        self.wakeups.clear();
        for (copy_id, envelope) in under_way {
            self.enqueue(now, copy_id, envelope);
        }
    }
}
