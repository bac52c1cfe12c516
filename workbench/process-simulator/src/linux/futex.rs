//! Futexes: the waits and wakes of which locks, conditions and joins are made.
//!
//! One thread runs at a time, so a futex's word is compared with the expected value without a race.

use nix::errno::Errno;
use nix::libc;
use nix::unistd::Pid;

use super::arch::Registers;
use super::calls::{Next, fail};
use super::clock::Ns;
use super::memory::Memory;
use super::node::Node;
use super::thread::{FutexKey, Resume, State, Wait};

/// Bits of a lock's word: threads wait for it; its owner has died; and the owner's id.
const LOCK_WAITERS: u32 = 0x8000_0000;
const LOCK_OWNER_DIED: u32 = 0x4000_0000;
const LOCK_OWNER: u32 = 0x3fff_ffff;

impl Node {
    pub(super) fn on_futex(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        let [address, operation, value, time, address2, value3] = at.arguments();
        let (operation, value) = (operation as i32, value as u32);
        let is_private = operation & libc::FUTEX_PRIVATE_FLAG != 0;
        let memory = Memory(id);
        let process = self.threads[&id].process;
        let count = |count: usize| Ok(Next::Return(count as i64));
        match operation & libc::FUTEX_CMD_MASK {
            kind @ (libc::FUTEX_WAIT | libc::FUTEX_WAIT_BITSET) => {
                if memory.read_u32(address)? != value {
                    return fail(Errno::EAGAIN);
                }
                let is_bitset = kind == libc::FUTEX_WAIT_BITSET;
                let deadline = self.futex_deadline(id, operation, time, is_bitset)?;
                let bits = if is_bitset { value3 as u32 } else { u32::MAX };
                let key = Self::futex_key(process, address, is_private);
                Ok(Next::Wait(Wait::Futex { key, bits }, deadline))
            }
            libc::FUTEX_WAKE => {
                let key = Self::futex_key(process, address, is_private);
                count(self.wake_futex(key, value, u32::MAX))
            }
            libc::FUTEX_WAKE_BITSET => {
                let key = Self::futex_key(process, address, is_private);
                count(self.wake_futex(key, value, value3 as u32))
            }
            kind @ (libc::FUTEX_REQUEUE | libc::FUTEX_CMP_REQUEUE) => {
                if kind == libc::FUTEX_CMP_REQUEUE && memory.read_u32(address)? != value3 as u32 {
                    return fail(Errno::EAGAIN);
                }
                let from = Self::futex_key(process, address, is_private);
                let to = Self::futex_key(process, address2, is_private);
                let woken = self.wake_futex(from, value, u32::MAX);
                let moved = self.requeue_futex(from, to, time as u32);
                let moved = if kind == libc::FUTEX_REQUEUE {
                    0
                } else {
                    moved
                };
                count(woken + moved)
            }
            libc::FUTEX_WAKE_OP => {
                let old = memory.read_u32(address2)?;
                let (new, is_true) = wake_operation(value3 as u32, old)?;
                memory.write(address2, &new.to_le_bytes())?;
                let first = Self::futex_key(process, address, is_private);
                let second = Self::futex_key(process, address2, is_private);
                let woken = self.wake_futex(first, value, u32::MAX);
                let more = if is_true {
                    self.wake_futex(second, time as u32, u32::MAX)
                } else {
                    0
                };
                count(woken + more)
            }
            libc::FUTEX_LOCK_PI | LOCK_PI2 => {
                let key = Self::futex_key(process, address, is_private);
                if self.take_lock(id, address)? {
                    return count(0);
                }
                // The time is absolute, of the real-time clock in the older operation.
                let operation = match operation & libc::FUTEX_CMD_MASK {
                    libc::FUTEX_LOCK_PI => operation | libc::FUTEX_CLOCK_REALTIME,
                    _ => operation,
                };
                let deadline = self.futex_deadline(id, operation, time, true)?;
                Ok(Next::Wait(Wait::Lock { key }, deadline))
            }
            libc::FUTEX_TRYLOCK_PI => match self.take_lock(id, address)? {
                true => count(0),
                false => fail(Errno::EAGAIN),
            },
            libc::FUTEX_UNLOCK_PI => {
                let key = Self::futex_key(process, address, is_private);
                self.release_lock(id, address, key)?;
                count(0)
            }
            // Libraries do without the remaining ones.
            _ => fail(Errno::ENOSYS),
        }
    }

    /// When a wait ends: its time is absolute, or counted from now.
    fn futex_deadline(
        &self,
        id: Pid,
        operation: i32,
        time: u64,
        is_absolute: bool,
    ) -> nix::Result<Option<Ns>> {
        if time == 0 {
            return Ok(None);
        }
        let time = Memory(id).read_duration(time, 1)?;
        let clock = match operation & libc::FUTEX_CLOCK_REALTIME {
            0 => libc::CLOCK_MONOTONIC,
            _ => libc::CLOCK_REALTIME,
        };
        Ok(Some(if is_absolute {
            self.clock.moment(clock, time)
        } else {
            self.clock.now.saturating_add(time)
        }))
    }

    fn futex_key(process: Pid, address: u64, is_private: bool) -> FutexKey {
        let shared = (!is_private).then(|| shared_place(process, address));
        let private = FutexKey::Private { process, address };
        shared.flatten().unwrap_or(private)
    }

    /// Wakes up to `max` threads. Returns how many.
    fn wake_futex(&mut self, meant: FutexKey, max: u32, meant_bits: u32) -> usize {
        let is_meant = |wait: &Wait| match wait {
            Wait::Futex { key, bits } => *key == meant && bits & meant_bits != 0,
            _ => false,
        };
        let mut woken = self.waiting(|_, wait| is_meant(wait));
        woken.truncate(max as usize);
        for id in &woken {
            self.make_ready(*id, Resume::Return(0));
        }
        woken.len()
    }

    /// Lets up to `max` threads wait for another futex. Returns how many.
    fn requeue_futex(&mut self, from: FutexKey, to: FutexKey, max: u32) -> usize {
        let is_meant = |wait: &Wait| matches!(wait, Wait::Futex { key, .. } if *key == from);
        let mut moved = self.waiting(|_, wait| is_meant(wait));
        moved.truncate(max as usize);
        for id in &moved {
            if let Some(thread) = self.threads.get_mut(id)
                && let State::Waiting(Wait::Futex { key, .. }) = &mut thread.state
            {
                *key = to;
            }
        }
        moved.len()
    }

    /// Wakes the threads that wait for a word to change which the kernel has changed, as a thread has
    /// ended.
    pub(super) fn recheck_futexes(&mut self) {
        let is_meant = |wait: &Wait| matches!(wait, Wait::Futex { .. } | Wait::Lock { .. });
        for id in self.waiting(|_, wait| is_meant(wait)) {
            let thread = &self.threads[&id];
            let [address, _, value, ..] = thread.at.arguments();
            let Ok(word) = Memory(id).read_u32(address) else {
                continue;
            };
            match thread.state {
                State::Waiting(Wait::Lock { .. }) if word & LOCK_OWNER == 0 => {
                    self.make_ready(id, Resume::Decide(thread.deadline));
                }
                State::Waiting(Wait::Futex { .. }) if word != value as u32 => {
                    self.make_ready(id, Resume::Return(0));
                }
                _ => {}
            }
        }
    }

    /// Makes a thread the owner of a lock, unless another one is. The owner's id is the system's.
    fn take_lock(&mut self, id: Pid, address: u64) -> nix::Result<bool> {
        let word = Memory(id).read_u32(address)?;
        let own = id.as_raw() as u32;
        match word & LOCK_OWNER {
            0 => {
                let flags = word & (LOCK_WAITERS | LOCK_OWNER_DIED);
                Memory(id).write(address, &(flags | own).to_le_bytes())?;
                Ok(true)
            }
            owner if owner == own => Err(Errno::EDEADLK),
            _ => {
                Memory(id).write(address, &(word | LOCK_WAITERS).to_le_bytes())?;
                Ok(false)
            }
        }
    }

    fn release_lock(&mut self, id: Pid, address: u64, meant: FutexKey) -> nix::Result<()> {
        if Memory(id).read_u32(address)? & LOCK_OWNER != id.as_raw() as u32 {
            return Err(Errno::EPERM);
        }
        let waiting = self.waiting(|_, wait| matches!(wait, Wait::Lock { key } if *key == meant));
        let word = match waiting[..] {
            [] => 0,
            [next] => next.as_raw() as u32,
            [next, ..] => next.as_raw() as u32 | LOCK_WAITERS,
        };
        Memory(id).write(address, &word.to_le_bytes())?;
        if let Some(next) = waiting.first() {
            self.make_ready(*next, Resume::Return(0));
        }
        Ok(())
    }
}

/// `FUTEX_LOCK_PI2`: as `FUTEX_LOCK_PI`, with the monotonic clock.
const LOCK_PI2: i32 = 13;

/// What `FUTEX_WAKE_OP` writes, and whether it wakes threads of the second futex.
fn wake_operation(code: u32, old: u32) -> nix::Result<(u32, bool)> {
    let operand = code >> 12 & 0xfff;
    let operand = if code >> 31 == 1 {
        1_u32.checked_shl(operand).ok_or(Errno::EINVAL)?
    } else {
        operand
    };
    let new = match code >> 28 & 7 {
        0 => operand,
        1 => old.wrapping_add(operand),
        2 => old | operand,
        3 => old & !operand,
        4 => old ^ operand,
        _ => return Err(Errno::ENOSYS),
    };
    let (old, other) = (old as i32, (code & 0xfff) as i32);
    let is_true = match code >> 24 & 15 {
        0 => old == other,
        1 => old != other,
        2 => old < other,
        3 => old <= other,
        4 => old > other,
        5 => old >= other,
        _ => return Err(Errno::ENOSYS),
    };
    Ok((new, is_true))
}

/// The place of an address in memory that processes share, if it is in such memory.
fn shared_place(process: Pid, address: u64) -> Option<FutexKey> {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).ok()?;
    maps.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let start = u64::from_str_radix(start, 16).ok()?;
        let end = u64::from_str_radix(end, 16).ok()?;
        let is_shared = fields.next()?.ends_with('s');
        let offset = u64::from_str_radix(fields.next()?, 16).ok()?;
        let (major, minor) = fields.next()?.split_once(':')?;
        let major = u64::from_str_radix(major, 16).ok()?;
        let minor = u64::from_str_radix(minor, 16).ok()?;
        let inode = fields.next()?.parse().ok()?;
        ((start..end).contains(&address) && is_shared).then(|| FutexKey::Shared {
            device: major << 32 | minor,
            inode,
            offset: offset + (address - start),
        })
    })
}
