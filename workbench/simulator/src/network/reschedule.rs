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

    /// Draws the latency of every message under way anew, from `now` on. Those that the weather
    /// holds back go on at once. To be called after [`Network::set_latency`].
    pub fn reschedule(&mut self, now: Duration) {
        let delayed = std::mem::take(&mut self.delayed).into_iter();
        let delayed = delayed.map(|((_, ticket), envelope)| (ticket, envelope));
        // In the order of tickets, since that of the inboxes differs from run to run.
        let mut under_way: Vec<(u64, Envelope)> = delayed.collect();
        for inbox in self.inboxes.values_mut() {
            let waiting = inbox.waiting.drain().map(|Reverse(waiting)| waiting);
            let waiting = waiting.chain(inbox.held.take());
            under_way.extend(waiting.map(|it| (it.ticket, it.envelope)));
        }
        under_way.sort_unstable_by_key(|(ticket, _)| *ticket);
        // All consumers are idle now.
        self.agenda.clear();
        for (ticket, envelope) in under_way {
            self.put_in(now, ticket, envelope);
        }
    }
}
