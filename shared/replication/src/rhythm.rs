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
//! A node learns the lead from its parent's batches: each says how early the node's last packet,
//! whatever was in it, arrived for the parent's next batch, or at an inner node for what that sends
//! to its own parent. All such times recur each period, so they are computed modulo the period.
//!
//! Nothing depends on the rhythm but the time at which items leave. A node that does not know it
//! (after a restart, or since a packet was lost or came late, or while there is little to say)
//! sends at once, or after a shortest gap. Such a packet waits at the parent for less than a period;
//! the parent's next two batches bring the rhythm back.

use std::time::Duration;

/// A lead that was too long becomes shorter by this part of the difference with each batch.
const DECAY: i64 = 8;

/// The times of a node's batches. Those that recur are in milliseconds modulo the period.
#[derive(Debug)]
pub(crate) struct Rhythm {
    period: Duration,
    slack: Duration,
    /// When the last batch of the parent arrived, and the time since the one before.
    batch_at: Option<Duration>,
    gap: Option<Duration>,
    /// How long before a batch of the parent arrives items must leave to be in it.
    lead: Option<i64>,
    /// How soon after a batch to the parent another may follow.
    min_gap: Duration,
    /// When items last left for the parent, and for children.
    sent_up: Option<Duration>,
    sent_down: Option<Duration>,
}

impl Rhythm {
    /// A rhythm of this period, at least a millisecond. Batches arrive at the parent `slack` before
    /// they are needed. Without a rhythm there is a `min_gap` between batches to the parent.
    pub(crate) fn new(period: Duration, slack: Duration, min_gap: Duration) -> Self {
        Rhythm {
            period,
            slack,
            batch_at: None,
            gap: None,
            lead: None,
            sent_up: None,
            min_gap,
            sent_down: None,
        }
    }

    /// Handles the arrival of the parent's batch; `echo` is [`Packet::echo`](crate::Packet). A
    /// longer lead counts at once and is forgotten slowly, since a packet that comes too late waits
    /// for a period.
    pub(crate) fn on_batch(&mut self, now: Duration, echo: Option<(u64, u64)>) {
        self.gap = self.batch_at.map(|before| now.saturating_sub(before));
        self.batch_at = Some(now);
        if let Some((sent, early)) = echo {
            let lead = self.recurring(now) - self.reduced(sent) - self.reduced(early);
            let known = self.lead.unwrap_or(lead);
            let half = self.period_ms() / 2;
            let longer = (lead - known + half).rem_euclid(self.period_ms()) - half;
            let change = if longer > 0 { longer } else { longer / DECAY };
            self.lead = Some((known + change).rem_euclid(self.period_ms()));
        }
    }

    /// Records that items leave for the parent.
    pub(crate) fn on_sent_up(&mut self, now: Duration) {
        self.sent_up = Some(now);
    }

    /// Records that items leave for children.
    pub(crate) fn on_sent_down(&mut self, now: Duration) {
        self.sent_down = Some(now);
    }

    /// When an item of now leaves for the parent: just in time for its next batch, or at once if it
    /// is too late for that. But while one batch follows the other, just in time for the one after.
    pub(crate) fn up(&self, now: Duration) -> Duration {
        let soon = self
            .sent_up
            .map_or(now, |sent| now.max(sent + self.min_gap));
        let next = match (self.last_due(), self.batch_at) {
            (Some(due), _) => due + self.period,
            // Early enough, unless a round trip takes more than three quarters of a period.
            (None, Some(batch_at)) => batch_at + self.period / 4,
            (None, None) => soon,
        };
        match self.lead {
            _ if now <= next => next,
            Some(_) if self.is_busy(now) => next + self.period,
            _ => soon,
        }
    }

    /// When items were due for the parent before its last batch arrived, if that is known.
    pub(crate) fn last_due(&self) -> Option<Duration> {
        let lead = Duration::from_millis(self.lead?.unsigned_abs());
        self.batch_at?.checked_sub(lead + self.slack)
    }

    /// How many milliseconds before a time that recurs each period another time is.
    pub(crate) fn early(&self, time: Duration, recurring: Duration) -> u64 {
        let early = self.recurring(recurring) - self.recurring(time);
        early.rem_euclid(self.period_ms()).unsigned_abs()
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

    fn period_ms(&self) -> i64 {
        i64::try_from(self.period.as_millis()).unwrap_or(i64::MAX / 2)
    }

    fn recurring(&self, time: Duration) -> i64 {
        self.reduced(u64::try_from(time.as_millis()).unwrap_or_default())
    }

    fn reduced(&self, milliseconds: u64) -> i64 {
        let period = self.period_ms().unsigned_abs().max(1);
        i64::try_from(milliseconds % period).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A rhythm of 400 ms with a slack of 20 and a gap of 50.
    fn rhythm() -> Rhythm {
        Rhythm::new(ms(400), ms(20), ms(50))
    }

    /// The same after batches of the parent at 1,000 and 1,400 ms. The node's packet, sent at 1,150,
    /// arrived 50 ms early, so one that is sent at 1,200 or 1,600 is in time.
    fn steady() -> Rhythm {
        let mut rhythm = rhythm();
        rhythm.on_batch(ms(1000), None);
        rhythm.on_batch(ms(1400), Some((1150, 50)));
        rhythm
    }

    #[test]
    fn without_a_rhythm_items_leave_at_once_but_not_before_a_gap() {
        let mut rhythm = rhythm();
        assert_eq!((rhythm.up(ms(7)), rhythm.down(ms(7))), (ms(7), ms(7)));
        rhythm.on_sent_up(ms(7));
        rhythm.on_sent_down(ms(7));
        assert_eq!([30, 60].map(|now| rhythm.up(ms(now))), [57, 60].map(ms));
        assert_eq!(
            [30, 500].map(|now| rhythm.down(ms(now))),
            [407, 500].map(ms)
        );
    }

    #[test]
    fn items_leave_the_slack_before_they_must_be_on_their_way() {
        let rhythm = steady();
        assert_eq!(rhythm.last_due(), Some(ms(1180)));
        assert_eq!(rhythm.up(ms(1450)), ms(1580));
        assert_eq!(rhythm.up(ms(1580)), ms(1580));
        assert_eq!(
            rhythm.up(ms(1581)),
            ms(1980),
            "for the batch after the next"
        );
        assert_eq!(
            rhythm.down(ms(1450)),
            ms(1820),
            "with the parent's next batch"
        );
    }

    #[test]
    fn a_parent_that_falls_silent_ends_the_rhythm() {
        let rhythm = steady();
        assert_eq!(
            (rhythm.up(ms(1900)), rhythm.down(ms(1900))),
            (ms(1900), ms(1900))
        );
    }

    #[test]
    fn a_longer_lead_counts_at_once_and_is_forgotten_slowly() {
        let mut rhythm = steady();
        assert_eq!(rhythm.lead, Some(200));
        rhythm.on_batch(ms(1800), Some((1560, 0)));
        assert_eq!(rhythm.lead, Some(240));
        rhythm.on_batch(ms(2200), Some((1900, 100)));
        assert_eq!(rhythm.lead, Some(235));
        rhythm.on_batch(ms(3000), Some((2195, 395)));
        assert_eq!(rhythm.lead, Some(10), "410 modulo the period");
    }

    #[test]
    fn times_count_modulo_the_period() {
        let rhythm = rhythm();
        let early = [0, 1, 399, 400, 810].map(|time| rhythm.early(ms(time), ms(800)));
        assert_eq!(early, [0, 399, 1, 0, 390]);
    }

    #[test]
    fn items_leave_a_quarter_of_a_period_after_a_batch_while_the_lead_is_unknown() {
        let mut rhythm = rhythm();
        rhythm.on_batch(ms(1000), None);
        let up = [1050, 1100, 1101].map(|now| rhythm.up(ms(now)));
        assert_eq!(up, [1100, 1100, 1101].map(ms));
    }

    #[test]
    fn a_rhythm_has_batches_less_than_two_periods_apart() {
        let down = [1799, 1800].map(|second| {
            let mut rhythm = rhythm();
            rhythm.on_batch(ms(1000), None);
            rhythm.on_batch(ms(second), None);
            rhythm.down(ms(1810))
        });
        assert_eq!(down, [2219, 1810].map(ms));
    }
}
