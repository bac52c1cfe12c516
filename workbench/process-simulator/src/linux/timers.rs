//! Sleeps and timers.
//!
//! A timer of the kernel stays one, but the supervisor alone arms it, at the moment at which it
//! expires: so the kernel makes its signal, or makes its file readable.

use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, Timespec as PollTime, poll};
use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};

use super::arch::Registers;
use super::calls::{Next, fail};
use super::clock::{MICROSECOND, MILLISECOND, Ns, SECOND};
use super::files::link;
use super::memory::{Memory, duration};
use super::node::Node;
use super::thread::Wait;

/// Sleeps take at least this long, as on a kernel whose clock ticks a thousand times a second. Go's
/// runtime and others sleep for microseconds while they have nothing to do.
const MIN_SLEEP: Ns = MILLISECOND;

/// A timer that sends a signal.
#[derive(Debug, Clone, Copy)]
pub struct Timer {
    /// When it expires.
    pub at: Ns,
    /// It expires again after this, unless that is 0.
    every: Ns,
}

/// A timer that makes a file readable.
pub struct FileTimer {
    timer: Option<Timer>,
    /// How often it has expired since it was read.
    expirations: u64,
}

impl FileTimer {
    /// When it expires.
    pub fn next(&self) -> Option<Ns> {
        self.timer.map(|timer| timer.at)
    }
}

impl Timer {
    /// Expires if it is due. Returns how often, and the timer that is left.
    fn expire(self, now: Ns) -> (u64, Option<Timer>) {
        match (now.checked_sub(self.at), self.every) {
            (None, _) => (0, Some(self)),
            (Some(_), 0) => (1, None),
            (Some(late), every) => {
                let times = 1 + late / every;
                let at = self.at.saturating_add(times.saturating_mul(every));
                (times, Some(Timer { at, every }))
            }
        }
    }

    /// The interval and the remaining time.
    fn left(timer: Option<Self>, now: Ns) -> (Ns, Ns) {
        timer.map_or((0, 0), |it| (it.every, it.at.saturating_sub(now).max(1)))
    }
}

impl Node {
    /// `nanosleep` and `clock_nanosleep`.
    pub(super) fn on_sleep(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        let [first, second, third, ..] = at.arguments();
        let (clock, flags, time) = match at.call() {
            libc::SYS_nanosleep => (libc::CLOCK_MONOTONIC, 0, first),
            _ => (first as i32, second as i32, third),
        };
        let time = Memory(id).read_duration(time, 1)?;
        let deadline = if flags & libc::TIMER_ABSTIME != 0 {
            self.clock.moment(clock, time)
        } else {
            self.clock.now.saturating_add(time.max(MIN_SLEEP))
        };
        Ok(Next::Wait(Wait::Sleep, Some(deadline)))
    }

    /// A sleep is interrupted: writes how much of it remains.
    pub(super) fn write_remaining(&self, id: Pid, at: &Registers) -> nix::Result<()> {
        let [_, second, _, fourth, ..] = at.arguments();
        let address = match at.call() {
            libc::SYS_nanosleep => second,
            _ if second as i32 & libc::TIMER_ABSTIME != 0 => 0,
            _ => fourth,
        };
        let deadline = self.threads[&id].deadline.unwrap_or(0);
        if address != 0 {
            let remaining = deadline.saturating_sub(self.clock.now);
            Memory(id).write_duration(address, remaining, 1)?;
        }
        Ok(())
    }

    pub(super) fn on_alarm(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        let [seconds, ..] = at.arguments();
        let now = self.clock.now;
        let first = u64::from(seconds as u32) * SECOND;
        let Some(process) = self.processes.get_mut(&self.threads[&id].process) else {
            return fail(Errno::ESRCH);
        };
        let (_, left) = Timer::left(process.alarm, now);
        process.alarm = (first > 0).then_some(Timer {
            at: now + first,
            every: 0,
        });
        Ok(Next::Return(left.div_ceil(SECOND) as i64))
    }

    pub(super) fn on_setitimer(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        let [which, new, old, ..] = at.arguments();
        if old != 0 {
            self.write_alarm(id, which, old)?;
        }
        let [seconds, micros, first_seconds, first_micros] = match new {
            0 => [0; 4],
            _ => Memory(id).read_words(new)?,
        };
        let every = duration(seconds, micros, MICROSECOND)?;
        let first = duration(first_seconds, first_micros, MICROSECOND)?;
        let now = self.clock.now;
        // Timers of processor time never expire: computing takes none.
        if which as i32 == libc::ITIMER_REAL
            && let Some(process) = self.processes.get_mut(&self.threads[&id].process)
        {
            let at = now.saturating_add(first);
            process.alarm = (first > 0).then_some(Timer { at, every });
        }
        Ok(Next::Return(0))
    }

    pub(super) fn on_getitimer(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        let [which, address, ..] = at.arguments();
        self.write_alarm(id, which, address)?;
        Ok(Next::Return(0))
    }

    fn write_alarm(&self, id: Pid, which: u64, address: u64) -> nix::Result<()> {
        let process = self.processes.get(&self.threads[&id].process);
        let timer = process.and_then(|it| it.alarm);
        let timer = timer.filter(|_| which as i32 == libc::ITIMER_REAL);
        let (every, left) = Timer::left(timer, self.clock.now);
        Memory(id).write_duration(address, every, MICROSECOND)?;
        Memory(id).write_duration(address + 16, left, MICROSECOND)
    }

    pub(super) fn on_timerfd_settime(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        let [file, flags, new, old, ..] = at.arguments();
        let file = file as i32;
        let process = self.threads[&id].process;
        let Some(copy) = self.duplicate(process, file) else {
            return Ok(Next::Call);
        };
        let [seconds, nanos, first_seconds, first_nanos] = Memory(id).read_words(new)?;
        let every = duration(seconds, nanos, 1)?;
        let first = duration(first_seconds, first_nanos, 1)?;
        if old != 0 {
            self.write_file_timer(id, file, old)?;
        }
        let clock = clock_of(self.holder(process), file);
        let due = if flags as i32 & libc::TFD_TIMER_ABSTIME != 0 {
            self.clock.moment(clock, first)
        } else {
            self.clock.now.saturating_add(first)
        };
        arm(&copy, 0);
        let timer = FileTimer {
            timer: (first > 0).then_some(Timer { at: due, every }),
            expirations: 0,
        };
        if let Some(process) = self.processes.get_mut(&process) {
            process.file_timers.insert(file, timer);
        }
        self.fire_timers()?;
        Ok(Next::Return(0))
    }

    pub(super) fn on_timerfd_gettime(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        let [file, address, ..] = at.arguments();
        self.write_file_timer(id, file as i32, address)?;
        Ok(Next::Return(0))
    }

    fn write_file_timer(&self, id: Pid, file: i32, address: u64) -> nix::Result<()> {
        let process = self.processes.get(&self.threads[&id].process);
        let timer = process.and_then(|it| it.file_timers.get(&file)?.timer);
        let (every, left) = Timer::left(timer, self.clock.now);
        Memory(id).write_duration(address, every, 1)?;
        Memory(id).write_duration(address + 16, left, 1)
    }

    /// A read of a timer's file, if that is known and the call should not be made.
    pub(super) fn read_file_timer(
        &mut self,
        id: Pid,
        file: i32,
        address: u64,
    ) -> nix::Result<Option<Next>> {
        let process = self.threads[&id].process;
        let never_waits = self.never_waits(process, file);
        let copy = self.duplicate(process, file);
        let processes = self.processes.get_mut(&process);
        let Some(timer) = processes.and_then(|it| it.file_timers.get_mut(&file)) else {
            return Ok(None);
        };
        if timer.expirations == 0 {
            return Ok(Some(match never_waits {
                true => fail(Errno::EAGAIN)?,
                false => Next::Wait(Wait::Readable(file), None),
            }));
        }
        Memory(id).write_words(address, &[timer.expirations])?;
        timer.expirations = 0;
        copy.iter().for_each(|copy| arm(copy, 0));
        Ok(Some(Next::Return(8)))
    }

    /// Lets the timers expire that are due.
    pub(super) fn fire_timers(&mut self) -> nix::Result<()> {
        let now = self.clock.now;
        let is_due =
            |process: &super::processes::Process| process.next_timer().is_some_and(|at| at <= now);
        for id in self.processes_by_number(|id| self.processes.get(&id).is_some_and(&is_due)) {
            self.fire_timers_of(id, now)?;
        }
        Ok(())
    }

    fn fire_timers_of(&mut self, id: Pid, now: Ns) -> nix::Result<()> {
        let Some(process) = self.processes.get_mut(&id) else {
            return Ok(());
        };
        let mut expired = Vec::new();
        for (file, it) in &mut process.file_timers {
            let Some(timer) = it.timer else { continue };
            let (times, timer) = timer.expire(now);
            it.timer = timer;
            it.expirations += times;
            expired.extend((times > 0).then_some(*file));
        }
        if let Some(alarm) = process.alarm {
            let (times, alarm) = alarm.expire(now);
            process.alarm = alarm;
            if times > 0 {
                kill(id, Signal::SIGALRM)?;
                self.signal_process(id, libc::SIGALRM)?;
            }
        }
        for file in expired {
            self.make_readable(id, file);
        }
        self.fire_posix_timers(id, now)
    }

    /// Makes a timer's file readable, unless it was closed.
    fn make_readable(&mut self, process: Pid, file: i32) {
        let copy = self.duplicate(process, file);
        let is_timer = link(self.holder(process), file) == "anon_inode:[timerfd]";
        let Some(copy) = copy.filter(|_| is_timer) else {
            if let Some(process) = self.processes.get_mut(&process) {
                process.file_timers.remove(&file);
            }
            return;
        };
        arm(&copy, 1);
        let mut file = [PollFd::new(&copy, PollFlags::IN)];
        let soon = PollTime {
            tv_sec: 1,
            tv_nsec: 0,
        };
        let _ = poll(&mut file, Some(&soon));
    }

    /// A timer of `timer_create` is set.
    pub(super) fn on_timer_settime(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        let [timer, flags, new, old, ..] = at.arguments();
        let timer = timer as i32;
        let [seconds, nanos, first_seconds, first_nanos] = Memory(id).read_words(new)?;
        let every = duration(seconds, nanos, 1)?;
        let first = duration(first_seconds, first_nanos, 1)?;
        if old != 0 {
            self.write_timer(id, timer, old)?;
        }
        // Which clock it has is not known: what is far in the past of one is a time of the other.
        let monotonic = self.clock.moment(libc::CLOCK_MONOTONIC, first);
        let at = match flags as i32 & libc::TIMER_ABSTIME {
            0 => self.clock.now.saturating_add(first),
            _ if first > self.clock.show(libc::CLOCK_REALTIME) / 2 => {
                self.clock.moment(libc::CLOCK_REALTIME, first)
            }
            _ => monotonic,
        };
        if let Some(process) = self.processes.get_mut(&self.threads[&id].process) {
            match first {
                0 => drop(process.timers.remove(&timer)),
                _ => drop(process.timers.insert(timer, Timer { at, every })),
            }
        }
        Ok(Next::Return(0))
    }

    pub(super) fn on_timer_gettime(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        let [timer, address, ..] = at.arguments();
        self.write_timer(id, timer as i32, address)?;
        Ok(Next::Return(0))
    }

    pub(super) fn on_timer_delete(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        let [timer, ..] = at.arguments();
        if let Some(process) = self.processes.get_mut(&self.threads[&id].process) {
            process.timers.remove(&(timer as i32));
        }
        Ok(Next::Call)
    }

    fn write_timer(&self, id: Pid, timer: i32, address: u64) -> nix::Result<()> {
        let process = self.processes.get(&self.threads[&id].process);
        let timer = process.and_then(|it| it.timers.get(&timer).copied());
        let (every, left) = Timer::left(timer, self.clock.now);
        Memory(id).write_duration(address, every, 1)?;
        Memory(id).write_duration(address + 16, left, 1)
    }

    /// Lets a thread of the process that is at a call arm the kernel's timers, which then make their signals.
    fn fire_posix_timers(&mut self, process: Pid, now: Ns) -> nix::Result<()> {
        let Some(it) = self.processes.get(&process) else {
            return Ok(());
        };
        let due: Vec<(i32, Timer)> = it.timers.iter().map(|(id, it)| (*id, *it)).collect();
        for (number, timer) in due.into_iter().filter(|(_, timer)| timer.at <= now) {
            // Without such a thread the timer stays due.
            let mut threads = self.order.iter().copied();
            let Some(id) = threads.find(|id| self.threads[id].is_at_call(process)) else {
                return Ok(());
            };
            let (_, next) = timer.expire(now);
            if let Some(it) = self.processes.get_mut(&process) {
                match next {
                    Some(next) => drop(it.timers.insert(number, next)),
                    None => drop(it.timers.remove(&number)),
                }
            }
            self.arm_posix_timer(id, number)?;
        }
        Ok(())
    }
}

/// Arms a timer's file to become readable after so many nanoseconds, or never if that is 0.
fn arm(file: &OwnedFd, nanos: i64) {
    let time = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
    let value = Itimerspec {
        it_interval: time(0),
        it_value: time(nanos),
    };
    let _ = timerfd_settime(file, TimerfdTimerFlags::empty(), &value);
}

/// The clock of a timer's file.
fn clock_of(process: Pid, file: i32) -> i32 {
    let info = std::fs::read_to_string(format!("/proc/{process}/fdinfo/{file}"));
    let info = info.unwrap_or_default();
    let clock = info.lines().find_map(|line| line.strip_prefix("clockid: "));
    clock
        .and_then(|it| it.trim().parse().ok())
        .unwrap_or(libc::CLOCK_MONOTONIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_expires_once_for_each_interval_that_has_passed() {
        let timer = Timer { at: 100, every: 10 };
        assert_eq!(timer.expire(99).0, 0);
        let (times, next) = timer.expire(125);
        assert_eq!((times, next.map(|it| it.at)), (3, Some(130)));
        let (times, next) = Timer { at: 100, every: 0 }.expire(125);
        assert!(times == 1 && next.is_none());
    }
}
