//! Calls that a waiting thread makes for the supervisor.

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::memory::Memory;
use super::node::Node;
use super::thread::{Resume, State};

impl Node {
    /// Arms one of the kernel's timers so that it expires at once, and waits for its signal.
    pub(super) fn arm_posix_timer(&mut self, id: Pid, timer: i32) -> nix::Result<()> {
        // Below the stack pointer, and the 128 bytes that a function may use there.
        let address = self.threads[&id].at.stack() - 512;
        let memory = Memory(id);
        let saved = memory.read_words::<4>(address)?;
        memory.write_words(address, &[0, 0, 0, 1])?;
        let before = pending(id);
        let arguments = [timer as u64, 0, address, 0, 0, 0];
        let armed = self.inject(id, libc::SYS_timer_settime, arguments);
        memory.write_words(address, &saved)?;
        armed?;
        // The clock's interrupt may come a little later.
        for _ in 0..1000 {
            let after = pending(id) & !before;
            if after != 0 {
                let process = self.threads[&id].process;
                let signal = after.trailing_zeros() as i32 + 1;
                return self.signal_process(process, signal);
            }
            std::thread::sleep(std::time::Duration::from_micros(100));
        }
        Ok(())
    }

    /// Makes a call in a thread that waits at the entrance of another one, and brings it back there.
    fn inject(&mut self, id: Pid, call: i64, arguments: [u64; 6]) -> nix::Result<i64> {
        let Some(State::Waiting(_)) = self.threads.get(&id).map(|it| &it.state) else {
            return Err(Errno::EBUSY);
        };
        let at = self.threads[&id].at;
        let mut registers = at;
        registers.replace_call(call, arguments);
        registers.write(id)?;
        ptrace::syscall(id, None)?;
        let status = waitpid(id, Some(WaitPidFlag::__WALL))?;
        if !matches!(status, WaitStatus::PtraceSyscall(_)) {
            return Err(Errno::ESRCH);
        }
        let mut registers = super::registers::Registers::read(id)?;
        let result = registers.result();
        registers.call_again(at.call(), at.arguments());
        registers.write(id)?;
        // A pending signal is taken before the call is made again, so it must not run yet.
        if let Some(thread) = self.threads.get_mut(&id) {
            thread.is_outside = true;
        }
        Ok(result)
    }

    /// A thread that was brought back before its call goes on.
    pub(super) fn resume_outside(&mut self, id: Pid, resume: Resume) -> nix::Result<bool> {
        let Some(thread) = self.threads.get_mut(&id) else {
            return Ok(false);
        };
        if !std::mem::take(&mut thread.is_outside) {
            return Ok(false);
        }
        if let Resume::Return(result) = resume {
            let mut registers = thread.at;
            registers.skip_call(result);
            registers.write(id)?;
        }
        ptrace::cont(id, None)?;
        Ok(true)
    }
}

/// The signals that are pending for a thread.
fn pending(id: Pid) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let sets = text.lines().filter_map(|line| {
        let set = line
            .strip_prefix("SigPnd:")
            .or(line.strip_prefix("ShdPnd:"))?;
        u64::from_str_radix(set.trim(), 16).ok()
    });
    sets.fold(0, |all, set| all | set)
}
