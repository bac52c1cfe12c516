//! Random numbers, and what a program learns about the machine.

use nix::errno::Errno;
use nix::libc;
use nix::unistd::Pid;

use super::arch::Registers;
use super::calls::{Next, fail};
use super::clock::{MICROSECOND, SECOND};
use super::memory::Memory;
use super::node::Node;

/// The largest number of random bytes that one call returns, as in Linux.
const MAX_RANDOM: u64 = 33_554_431;

impl Node {
    pub(super) fn on_getrandom(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        let [address, len, ..] = at.arguments();
        self.write_random(id, address, len)
    }

    /// Writes random bytes of the seed into the program's memory.
    pub(super) fn write_random(&mut self, id: Pid, address: u64, len: u64) -> nix::Result<Next> {
        let bytes = self.random_bytes(len.min(MAX_RANDOM) as usize);
        Memory(id).write(address, &bytes)?;
        Ok(Next::Return(bytes.len() as i64))
    }

    /// The program has read some bytes of the kernel's random UUID, which become the seed's.
    pub(super) fn write_uuid(&mut self, id: Pid, address: u64, read: i64) -> nix::Result<()> {
        let bytes = self.random_bytes(16);
        let digits: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
        // Version 4, variant 1.
        let text = format!(
            "{}-{}-4{}-8{}-{}\n",
            &digits[..8],
            &digits[8..12],
            &digits[13..16],
            &digits[17..20],
            &digits[20..]
        );
        let len = usize::try_from(read).unwrap_or(0).min(text.len());
        Memory(id).write(address, &text.as_bytes()[..len])
    }

    /// The program runs on one processor, whose number is 0.
    pub(super) fn on_getcpu(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        let [cpu, node, ..] = at.arguments();
        for address in [cpu, node].into_iter().filter(|it| *it != 0) {
            Memory(id).write(address, &[0; 4])?;
        }
        Ok(Next::Return(0))
    }

    pub(super) fn on_getaffinity(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        const FIRST_CPU: u64 = 1;
        let [_, len, address, ..] = at.arguments();
        if len < 8 || len % 8 != 0 {
            return fail(Errno::EINVAL);
        }
        Memory(id).write_words(address, &[FIRST_CPU])?;
        Ok(Next::Return(8))
    }

    pub(super) fn on_getrusage(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        const BYTES: usize = 144;
        let [who, address, ..] = at.arguments();
        self.clock.tick();
        Memory(id).write(address, &[0; BYTES])?;
        if who as i32 != libc::RUSAGE_CHILDREN {
            Memory(id).write_duration(address, self.clock.cpu, MICROSECOND)?;
        }
        Ok(Next::Return(0))
    }

    pub(super) fn on_times(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        /// There are a hundred ticks in a second.
        const TICK: u64 = SECOND / 100;
        let [address, ..] = at.arguments();
        self.clock.tick();
        if address != 0 {
            Memory(id).write_words(address, &[self.clock.cpu / TICK, 0, 0, 0])?;
        }
        Ok(Next::Return((self.clock.uptime() / TICK) as i64))
    }

    /// The machine's memory is real; its load and its free memory are not.
    pub(super) fn on_sysinfo(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        let [address, ..] = at.arguments();
        self.clock.tick();
        let info = rustix::system::sysinfo();
        let unit = u64::from(info.mem_unit.max(1));
        let total = info.totalram as u64 * unit;
        let uptime = self.clock.uptime() / SECOND;
        // Uptime, three loads, total, free, shared, buffered memory, total and free swap.
        let words = [uptime, 0, 0, 0, total, total / 2, 0, 0, 0, 0];
        Memory(id).write_words(address, &words)?;
        // Processes, high memory, and the unit of memory.
        Memory(id).write_words(address + 80, &[1, 0, 0])?;
        Memory(id).write(address + 104, &1_u32.to_le_bytes())?;
        Ok(Next::Return(0))
    }
}
