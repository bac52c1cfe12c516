//! The slot of a node in a simulation: its host, while it is alive, and its clock.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use shared::Outbox;

use super::host::Host;
use crate::nemesis::Skew;

/// A node that can be paused, killed and restarted, and whose clock may be wrong.
#[derive(Default)]
pub(super) struct NodeSlot {
    /// `None` while the node is dead.
    host: Option<Box<dyn Host>>,
    is_paused: bool,
    /// The number of incarnations so far.
    incarnations: u32,
    clock: Clock,
    /// Log lines of all incarnations.
    pub(super) log: Vec<String>,
    /// The last lines of input, each after its time, if they are kept.
    input: VecDeque<String>,
}

/// How many of the last lines of input are kept.
const RECENT: usize = 5;

impl NodeSlot {
    fn awake(&mut self) -> Option<&mut Box<dyn Host>> {
        let is_paused = self.is_paused;
        self.host.as_mut().filter(|_| !is_paused)
    }

    /// Keeps a line of input to be shown.
    pub(super) fn keep_input(&mut self, line: String) {
        if self.input.len() == RECENT {
            self.input.pop_front();
        }
        self.input.push_back(line);
    }

    pub(super) fn receive(&mut self, now: Duration, line: &str) {
        let time = self.clock.time(now);
        if let Some(host) = self.awake() {
            host.receive(time, line);
        }
    }

    pub(super) fn wake(&mut self, now: Duration) {
        let time = self.clock.time(now);
        if let Some(host) = self.awake() {
            host.wake(time);
        }
    }

    /// The time of the next wake, in true time.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let host = self.host.as_ref().filter(|_| !self.is_paused)?;
        host.deadline().map(|time| self.clock.moment(time))
    }

    /// Moves the node's output into `outbox`. Returns its host, unless it is dead.
    pub(super) fn drain(&mut self, outbox: &mut Outbox) -> Option<&mut dyn Host> {
        outbox.clear();
        let host = self.host.as_mut()?;
        host.drain(outbox);
        Some(&mut **host)
    }

    /// The state of its host, if it is alive.
    pub(super) fn describe(&self) -> Option<String> {
        self.host.as_ref().map(|host| host.describe())
    }

    pub(super) fn dump(&self, folder: &Path, name: &str) -> io::Result<Vec<PathBuf>> {
        let host = self.host.as_ref();
        host.map_or_else(|| Ok(Vec::new()), |host| host.dump(folder, name))
    }

    pub(super) fn release(&self) -> io::Result<Vec<u32>> {
        let host = self.host.as_ref();
        host.map_or_else(|| Ok(Vec::new()), |host| host.release())
    }

    /// The last lines of input, each after its time.
    pub(super) fn recent_input(&self) -> impl Iterator<Item = &str> {
        self.input.iter().map(String::as_str)
    }

    pub(super) fn pause(&mut self) {
        self.is_paused = true;
    }

    pub(super) fn resume(&mut self) {
        self.is_paused = false;
    }

    pub(super) fn kill(&mut self) {
        self.host = None;
        self.is_paused = false;
    }

    /// The number of the next incarnation, counted from 0.
    pub(super) fn next_incarnation(&self) -> u32 {
        self.incarnations
    }

    pub(super) fn start(&mut self, host: Box<dyn Host>) {
        self.incarnations += 1;
        self.host = Some(host);
    }

    pub(super) fn skew(&mut self, now: Duration, skew: Skew) {
        self.clock.skew(now, skew);
    }
}

/// A clock that never goes back, but may jump ahead and run too fast or too slow.
#[derive(Debug, Clone, Copy)]
struct Clock {
    /// The true time of the last change.
    moment: Duration,
    /// What the clock showed then.
    time: Duration,
    /// Its speed since then, in millionths of true time.
    speed_millionths: u32,
}

const TRUE_SPEED: u32 = 1_000_000;

impl Default for Clock {
    fn default() -> Self {
        Clock {
            moment: Duration::ZERO,
            time: Duration::ZERO,
            speed_millionths: TRUE_SPEED,
        }
    }
}

impl Clock {
    /// What the clock shows at a moment.
    fn time(&self, moment: Duration) -> Duration {
        let passed = moment.saturating_sub(self.moment).as_nanos();
        self.time + nanos(passed * u128::from(self.speed_millionths) / u128::from(TRUE_SPEED))
    }

    /// The first moment at which the clock shows at least this time.
    fn moment(&self, time: Duration) -> Duration {
        let passes = time.saturating_sub(self.time).as_nanos() * u128::from(TRUE_SPEED);
        self.moment + nanos(passes.div_ceil(u128::from(self.speed_millionths.max(1))))
    }

    fn skew(&mut self, moment: Duration, skew: Skew) {
        self.time = self.time(moment) + skew.ahead;
        self.moment = moment;
        self.speed_millionths = skew.speed_millionths.max(1);
    }
}

fn nanos(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_clock_jumps_and_drifts_and_never_goes_back() {
        let mut clock = Clock::default();
        assert_eq!(clock.time(ms(70)), ms(70));
        let fast = Skew {
            ahead: ms(500),
            speed_millionths: 1_100_000,
        };
        clock.skew(ms(100), fast);
        assert_eq!(
            (clock.time(ms(100)), clock.time(ms(200))),
            (ms(600), ms(710))
        );
        let slow = Skew {
            ahead: ms(0),
            speed_millionths: 900_000,
        };
        clock.skew(ms(200), slow);
        assert_eq!(
            (clock.time(ms(200)), clock.time(ms(300))),
            (ms(710), ms(800))
        );
    }

    #[test]
    fn a_wake_is_at_the_first_moment_at_which_the_clock_shows_its_time() {
        for speed_millionths in [1, 333_333, 999_999, 1_000_000, 1_000_001, 1_777_777] {
            let mut clock = Clock::default();
            let skew = Skew {
                ahead: ms(3),
                speed_millionths,
            };
            clock.skew(ms(5), skew);
            for wanted in (1..1000).map(|i| Duration::from_nanos(8_000_000 + i * 7919)) {
                let moment = clock.moment(wanted);
                assert!(clock.time(moment) >= wanted);
                assert!(clock.time(moment - Duration::from_nanos(1)) < wanted);
            }
        }
    }
}
