//! When the batches of a node in a tree leave: in step with those of its parent.
//!
//! The root sends to its children at most once per period, at once if it has not sent for longer.
//! A node passes what comes from its parent on to its children at once, and sends to its parent so
//! that the batch arrives just before the parent's own batch leaves. So while there is much to say,
//! each edge carries one packet per period and direction, and an item waits once on its way, not
//! once at every node: for less than a period, before it leaves its origin.
//!
//! ```text
//!   the root             a node                 time
//!     |--- batch ---------->| arrives                |
//!     |                     |    lead = round trip   |
//!     |<-------- batch -----| a period later, less   |
//!     |   slack             | the lead and the slack |
//!     |--- batch ---------->|                        v
//! ```
//!
//! The lead comes from the parent's packets: each says how early, before the parent's own batch was
//! complete, the packet that it acknowledges had arrived.
//!
//! Nothing depends on the rhythm but the time at which items leave. A node that does not know it
//! (after a restart, or since a packet was lost or came late, or while there is little to say)
//! sends at once what it has, but not twice within a period. Such a packet waits at the parent for
//! less than a period; the parent's next two batches bring the rhythm back.

use std::time::Duration;

/// A lead that was too long becomes shorter by this part of the difference with each batch.
const DECAY: u32 = 8;

/// The times of a node's batches.
#[derive(Debug)]
pub(crate) struct Rhythm {
    period: Duration,
    slack: Duration,
    /// When the last batch of the parent arrived, and the time since the one before.
    batch_at: Option<Duration>,
    gap: Option<Duration>,
    /// How long before a batch of the parent arrives items must leave to be in it.
    lead: Option<Duration>,
    /// When items last left for children.
    sent_down: Option<Duration>,
}

impl Rhythm {
    /// A rhythm of this period, which is not zero. Batches arrive at the parent `slack` before they are needed.
    pub(crate) fn new(period: Duration, slack: Duration) -> Self {
        Rhythm {
            period,
            slack,
            batch_at: None,
            gap: None,
            lead: None,
            sent_down: None,
        }
    }

    /// Handles the arrival of the parent's batch, with the lead that it shows. A longer lead counts
    /// at once and is forgotten slowly, since a packet that comes too late waits for a period.
    pub(crate) fn on_batch(&mut self, now: Duration, lead: Option<Duration>) {
        self.gap = self.batch_at.map(|before| now.saturating_sub(before));
        self.batch_at = Some(now);
        if let Some(lead) = lead {
            let known = self.lead.unwrap_or(lead);
            self.lead = Some(lead.max(known - known.saturating_sub(lead) / DECAY));
        }
    }

    /// Records that items leave for children.
    pub(crate) fn on_sent_down(&mut self, now: Duration) {
        self.sent_down = Some(now);
    }

    /// When an item of now leaves for the parent: just in time for its next batch, or at once if it
    /// is too late for that. But while one batch follows the other, just in time for the one after.
    pub(crate) fn up(&self, now: Duration) -> Duration {
        let Some(batch_at) = self.batch_at else {
            return now;
        };
        // Half a period, while nothing is known.
        let lead = self.lead.unwrap_or(self.period / 2);
        let in_time = (batch_at + self.period).checked_sub(lead + self.slack);
        match in_time {
            Some(in_time) if now <= in_time => in_time,
            Some(in_time) if self.lead.is_some() && self.is_busy(now) => {
                next_in_step(now, in_time, self.period)
            }
            _ => now,
        }
    }

    /// When an item of now leaves for children: with the parent's next batch, while one follows the
    /// other. The batch itself leaves at once.
    pub(crate) fn down(&self, now: Duration) -> Duration {
        match self.batch_at {
            Some(batch_at) if self.is_busy(now) => now.max(batch_at + self.period + self.slack),
            _ => self
                .sent_down
                .map_or(now, |sent| now.max(sent + self.period)),
        }
    }

    /// Whether the parent sends a batch in each period: the last two came in step, and the next is
    /// not late.
    fn is_busy(&self, now: Duration) -> bool {
        let late = self.period + self.period / 4;
        let is_late = self.batch_at.is_none_or(|batch_at| now >= batch_at + late);
        !is_late && self.gap.is_some_and(|gap| gap < 2 * self.period)
    }
}

/// The first time from `earliest` on that is in step with `time`.
fn next_in_step(earliest: Duration, time: Duration, period: Duration) -> Duration {
    let nanos = |time: Duration| time.as_nanos() as i128;
    let wait = (nanos(time) - nanos(earliest)).rem_euclid(nanos(period));
    earliest + Duration::from_nanos(wait as u64)
}
