//! Schedules operations: when they begin, and on which worker.

use std::time::Duration;

use rand::RngExt;

use crate::rng::SeededRng;

/// A pace that is further behind its schedule does not catch up.
const MAX_CATCH_UP: Duration = Duration::from_millis(20);

/// A random pace: the gaps between operations are uniform between zero and twice the mean.
///
/// An operation that had to wait for a free worker shifts the schedule. One that is late only
/// because the clock is coarse does not, or the rate would fall below the configured one.
#[derive(Debug)]
pub struct Pace {
    mean: Duration,
    next_at: Duration,
    blocked: bool,
    rng: SeededRng,
}

impl Pace {
    /// A pace of `rate` operations per second on average, the first one at `start`.
    pub fn new(rate: f64, start: Duration, rng: SeededRng) -> Self {
        let mean = Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::MAX / 4);
        Pace {
            mean,
            next_at: start,
            blocked: false,
            rng,
        }
    }

    /// When the next operation is due.
    pub fn next_at(&self) -> Duration {
        self.next_at
    }

    /// The operation that is due cannot begin, since no worker is free.
    pub fn block(&mut self) {
        self.blocked = true;
    }

    /// The operation that was due begins `now`.
    pub fn begin(&mut self, now: Duration) {
        let late = self.blocked || now.saturating_sub(self.next_at) > MAX_CATCH_UP;
        let from = if late { now } else { self.next_at };
        let max = u64::try_from(self.mean.as_nanos().saturating_mul(2)).unwrap_or(u64::MAX);
        let gap = self.rng.random_range(0..max.max(1));
        self.next_at = from.saturating_add(Duration::from_nanos(gap));
        self.blocked = false;
    }
}

/// Round-robin over the workers. As in Maelstrom the nemesis has a turn, too, which is skipped
/// here: the order of workers is then Maelstrom's.
#[derive(Debug)]
pub struct RoundRobin {
    next: usize,
    count: usize,
}

impl RoundRobin {
    /// Turns for this many workers; the first worker is next.
    pub fn new(workers: usize) -> Self {
        RoundRobin {
            next: 0,
            count: workers + 1,
        }
    }

    /// The first free worker, starting at the one whose turn it is.
    pub fn choose(&self, is_free: impl Fn(usize) -> bool) -> Option<usize> {
        let workers = self.count - 1;
        (0..self.count)
            .map(|i| (self.next + i) % self.count)
            .find(|i| *i < workers && is_free(*i))
    }

    /// Moves on by one turn, after an operation has begun.
    pub fn advance(&mut self) {
        self.next = (self.next + 1) % self.count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::seeded;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_pace_keeps_its_mean_even_if_the_clock_is_coarse() {
        let mut pace = Pace::new(100.0, ms(0), seeded(1));
        let mut begun = 0;
        let mut now = Duration::ZERO;
        while now < Duration::from_secs(100) {
            now = now.max(pace.next_at()) + Duration::from_micros(300);
            pace.begin(now);
            begun += 1;
        }
        assert!((9_800..10_200).contains(&begun), "{begun}");
    }

    #[test]
    fn a_pace_that_was_blocked_does_not_catch_up() {
        let mut pace = Pace::new(100.0, ms(0), seeded(1));
        pace.block();
        pace.begin(ms(5_000));
        assert!(pace.next_at() >= ms(5_000));
        pace.begin(ms(9_000));
        assert!(
            pace.next_at() >= ms(9_000),
            "nor does one that was not called for seconds"
        );
    }

    #[test]
    fn turns_go_round_and_skip_busy_workers() {
        let mut turns = RoundRobin::new(3);
        let mut chosen = Vec::new();
        for _ in 0..8 {
            chosen.push(turns.choose(|worker| worker != 1).unwrap());
            turns.advance();
        }
        assert_eq!(chosen, [0, 2, 2, 0, 0, 2, 2, 0]);
        assert_eq!(turns.choose(|_| false), None);
    }
}
