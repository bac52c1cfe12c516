//! A node's clock, and the calls that look at it.
//!
//! A look takes a microsecond: a program that waits for a moment by looking at the clock would
//! otherwise wait for ever. The looks of a program that does little else take longer and longer.

use nix::errno::Errno;
use nix::libc;

use super::arch::Registers;
use super::calls::{Next, fail};
use super::memory::Memory;
use super::node::Node;
use nix::unistd::Pid;

/// A time or a duration in nanoseconds.
pub type Ns = u64;

pub const SECOND: Ns = 1_000_000_000;
pub const MILLISECOND: Ns = 1_000_000;
pub const MICROSECOND: Ns = 1_000;

/// The date at the beginning of a run: 2026-01-01, in UTC.
const EPOCH: Ns = 1_767_225_600 * SECOND;

/// How long the machine has been up at the beginning of a run.
const UPTIME: Ns = 1_000 * SECOND;

/// The time of rest after which a look is forgotten.
const FORGOTTEN_AFTER: Ns = 10 * MICROSECOND;

/// The number of looks without a rest after which a look takes twice as long.
const PATIENCE: u32 = 1024;

/// The clock of a node.
#[derive(Debug, Default)]
pub struct Clock {
    /// The time since the beginning of the run.
    pub now: Ns,
    /// The processor time that the node has used: its looks.
    pub cpu: Ns,
    /// Looks that are not forgotten.
    looks: u32,
}

impl Clock {
    /// Passes the time of a look at the clock.
    pub fn tick(&mut self) {
        self.looks = self.looks.saturating_add(1);
        let tick = MICROSECOND << (self.looks / PATIENCE).min(10);
        self.now += tick;
        self.cpu += tick;
    }

    /// A read of the processor's time-stamp counter, which counts nanoseconds.
    pub fn counter(&mut self) -> Ns {
        self.now += 10;
        self.cpu += 10;
        UPTIME + self.now
    }

    /// Time has passed while all threads of the node waited, so its looks are forgotten one by one.
    pub fn pass(&mut self, now: Ns) {
        let rest = now.saturating_sub(self.now);
        let forgotten = u32::try_from(rest / FORGOTTEN_AFTER).unwrap_or(u32::MAX);
        self.looks = self.looks.saturating_sub(forgotten);
        self.now = self.now.max(now);
    }

    /// What one of Linux's clocks shows.
    pub fn show(&self, clock: i32) -> Ns {
        match clock {
            libc::CLOCK_REALTIME
            | libc::CLOCK_REALTIME_COARSE
            | libc::CLOCK_REALTIME_ALARM
            | libc::CLOCK_TAI => EPOCH + self.now,
            libc::CLOCK_MONOTONIC
            | libc::CLOCK_MONOTONIC_RAW
            | libc::CLOCK_MONOTONIC_COARSE
            | libc::CLOCK_BOOTTIME
            | libc::CLOCK_BOOTTIME_ALARM => UPTIME + self.now,
            // Clocks of processes and threads.
            _ => self.cpu,
        }
    }

    /// The moment at which one of Linux's clocks shows this.
    pub fn moment(&self, clock: i32, shown: Ns) -> Ns {
        let ahead = self.show(clock).saturating_sub(self.now);
        match clock {
            libc::CLOCK_PROCESS_CPUTIME_ID | libc::CLOCK_THREAD_CPUTIME_ID => shown,
            _ => shown.saturating_sub(ahead),
        }
    }

    /// How long the machine has been up.
    pub fn uptime(&self) -> Ns {
        UPTIME + self.now
    }
}

impl Node {
    /// `clock_gettime`, `gettimeofday` and `time`.
    pub(super) fn on_clock_gettime(&mut self, thread: Pid, at: &Registers) -> nix::Result<Next> {
        let [clock, address, ..] = at.arguments();
        // Numbers below zero are clocks of processes and threads.
        if clock as i32 > libc::CLOCK_TAI {
            return fail(Errno::EINVAL);
        }
        self.clock.tick();
        let time = self.clock.show(clock as i32);
        Memory(thread).write_duration(address, time, 1)?;
        Ok(Next::Return(0))
    }

    pub(super) fn on_gettimeofday(&mut self, thread: Pid, at: &Registers) -> nix::Result<Next> {
        let [time, zone, ..] = at.arguments();
        self.clock.tick();
        if time != 0 {
            let now = self.clock.show(libc::CLOCK_REALTIME);
            Memory(thread).write_duration(time, now, MICROSECOND)?;
        }
        if zone != 0 {
            Memory(thread).write(zone, &[0; 8])?;
        }
        Ok(Next::Return(0))
    }

    pub(super) fn on_time(&mut self, thread: Pid, at: &Registers) -> nix::Result<Next> {
        let [address, ..] = at.arguments();
        self.clock.tick();
        let seconds = self.clock.show(libc::CLOCK_REALTIME) / SECOND;
        if address != 0 {
            Memory(thread).write_words(address, &[seconds])?;
        }
        Ok(Next::Return(seconds as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_take_longer_and_longer_until_the_node_rests() {
        let mut clock = Clock::default();
        clock.tick();
        assert_eq!(clock.now, MICROSECOND);
        (0..20_000).for_each(|_| clock.tick());
        assert!(clock.now > SECOND, "{clock:?}");
        clock.pass(clock.now + SECOND);
        let before = clock.now;
        clock.tick();
        assert_eq!(clock.now - before, MICROSECOND);
    }

    #[test]
    fn what_a_clock_shows_and_its_moment_are_inverse() {
        let clock = Clock {
            now: 5 * SECOND,
            ..Clock::default()
        };
        for id in [libc::CLOCK_REALTIME, libc::CLOCK_MONOTONIC] {
            assert_eq!(clock.moment(id, clock.show(id) + 7), clock.now + 7);
        }
        assert_eq!(clock.moment(libc::CLOCK_REALTIME, 3), 0);
    }
}
