//! Starts a program that stops at its first instruction, with a filter that stops it at calls.
//!
//! A shell is started that stops itself. Then calls are injected into it: those that set up the
//! filter, and the one that replaces it by the program. So whatever program uses this crate, no
//! program of its own is needed, and none of its code runs between `fork` and `exec`.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};

use anyhow::{Context, bail};
use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::arch::{COUNTER_MUST_TRAP, Registers};
use super::filter;
use super::memory::Memory;
use super::processes::reap;
use super::wait::{Stop, wait, wait_for_job};
use crate::Program;

/// A program that is stopped before its first instruction.
pub struct Launched {
    pub child: Child,
    pub pid: Pid,
    /// Whether its memory is where it is in every run.
    pub has_fixed_addresses: bool,
}

/// The standard files of a program.
pub struct StandardFiles {
    pub stdin: OwnedFd,
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
}

/// Starts a program and stops it before its first instruction.
///
/// # Errors
/// When it cannot be started, or the system does not allow to control it.
pub fn launch(program: &Program, files: StandardFiles) -> anyhow::Result<Launched> {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "kill -STOP $$"]);
    shell.current_dir(&program.folder).process_group(0);
    shell
        .stdin(files.stdin)
        .stdout(files.stdout)
        .stderr(files.stderr);
    let child = shell.spawn().context("cannot start /bin/sh")?;
    let pid = Pid::from_raw(child.id() as i32);
    let mut launched = Launched {
        child,
        pid,
        has_fixed_addresses: false,
    };
    match take_over(&mut launched, program) {
        Ok(()) => Ok(launched),
        Err(error) => {
            let _ = launched.child.kill();
            let _ = reap(pid);
            Err(error)
        }
    }
}

fn take_over(launched: &mut Launched, program: &Program) -> anyhow::Result<()> {
    let pid = launched.pid;
    wait_for_job(pid).context("waitpid")?;
    use ptrace::Options;
    let options = Options::PTRACE_O_TRACESECCOMP
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACEVFORKDONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_TRACEEXIT
        | Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_EXITKILL;
    ptrace::seize(pid, options).context("ptrace is not allowed here")?;
    kill(pid, Signal::SIGCONT).context("kill")?;
    loop {
        match wait(pid).context("waitpid")? {
            Stop::Signal(libc::SIGCONT) => break,
            Stop::Event(_) | Stop::Signal(_) | Stop::Job => ptrace::cont(pid, None)?,
            other => bail!("/bin/sh did not stop: {other:?}"),
        }
    }
    let shell = Shell::of(pid)?;
    shell.allow_filters()?;
    launched.has_fixed_addresses = shell.fix_addresses()?;
    shell.trap_counter()?;
    shell.set_filter()?;
    let words = [
        &[program.path.clone().into_os_string()],
        &program.arguments[..],
    ]
    .concat();
    match shell.execute(&words)? {
        Err(Errno::ENOEXEC) if is_text(&program.path) => {
            // A script without a `#!` line.
            let words = [&[OsString::from("/bin/sh")], &words[..]].concat();
            match shell.execute(&words)? {
                Ok(()) => Ok(()),
                Err(error) => Err(std::io::Error::from_raw_os_error(error as i32).into()),
            }
        }
        Err(error) => Err(std::io::Error::from_raw_os_error(error as i32).into()),
        Ok(()) => Ok(()),
    }
}

/// Whether an executable file may be a shell script without a `#!` line.
fn is_text(program: &Path) -> bool {
    let mut head = Vec::new();
    let file = File::open(program);
    file.is_ok_and(|file| file.take(512).read_to_end(&mut head).is_ok()) && !head.contains(&0)
}

/// The stopped shell, which makes the calls that it is given.
struct Shell {
    pid: Pid,
    /// Its registers just after a call.
    registers: Registers,
}

impl Shell {
    fn of(pid: Pid) -> anyhow::Result<Self> {
        let registers = Registers::read(pid)?;
        if !registers.are_after_call(Memory(pid)) {
            bail!("/bin/sh stopped elsewhere than after a call");
        }
        Ok(Shell { pid, registers })
    }

    /// Makes a call and returns what it returned.
    fn call(&self, call: i64, arguments: [u64; 6]) -> anyhow::Result<Result<u64, Errno>> {
        let mut registers = self.registers;
        registers.call_again(call, arguments);
        registers.write(self.pid)?;
        let mut stops = 0;
        loop {
            ptrace::syscall(self.pid, None)?;
            match wait(self.pid)? {
                Stop::Call => stops += 1,
                Stop::Event(libc::PTRACE_EVENT_EXEC) => return Ok(Ok(0)),
                Stop::Event(_) | Stop::Job => {}
                other => bail!("/bin/sh did not make the call {call}: {other:?}"),
            }
            if stops == 2 {
                let result = Registers::read(self.pid)?.result();
                return Ok(match result {
                    -4095..0 => Err(Errno::from_raw(-result as i32)),
                    _ => Ok(result as u64),
                });
            }
        }
    }

    /// A filter needs the promise that no program gains privileges.
    fn allow_filters(&self) -> anyhow::Result<()> {
        let arguments = [libc::PR_SET_NO_NEW_PRIVS as u64, 1, 0, 0, 0, 0];
        self.call(libc::SYS_prctl, arguments)?
            .context("prctl(PR_SET_NO_NEW_PRIVS)")?;
        Ok(())
    }

    /// Switches off the randomisation of addresses. Returns whether that is allowed.
    fn fix_addresses(&self) -> anyhow::Result<bool> {
        const READ_ONLY: u64 = 0xffff_ffff;
        let personality = |value| self.call(libc::SYS_personality, [value, 0, 0, 0, 0, 0]);
        let Ok(now) = personality(READ_ONLY)? else {
            return Ok(false);
        };
        Ok(personality(now | libc::ADDR_NO_RANDOMIZE as u64)?.is_ok())
    }

    /// Makes reads of the time-stamp counter fail.
    fn trap_counter(&self) -> anyhow::Result<()> {
        let arguments = [
            libc::PR_SET_TSC as u64,
            libc::PR_TSC_SIGSEGV as u64,
            0,
            0,
            0,
            0,
        ];
        match self.call(libc::SYS_prctl, arguments)? {
            Err(error) if COUNTER_MUST_TRAP => Err(error).context("prctl(PR_SET_TSC)"),
            _ => Ok(()),
        }
    }

    fn set_filter(&self) -> anyhow::Result<()> {
        const SET_MODE_FILTER: u64 = 1;
        let program = filter::program()?;
        let bytes = filter::bytes(&program);
        let memory = self.allocate(16 + bytes.len())?;
        Memory(self.pid).write_words(memory, &[program.len() as u64, memory + 16])?;
        Memory(self.pid).write(memory + 16, &bytes)?;
        self.call(libc::SYS_seccomp, [SET_MODE_FILTER, 0, memory, 0, 0, 0])?
            .context("filters of system calls (seccomp) are not allowed here")?;
        Ok(())
    }

    /// Replaces the shell by a program.
    fn execute(&self, words: &[OsString]) -> anyhow::Result<Result<(), Errno>> {
        let environment = std::env::vars_os().map(|(name, value)| {
            let mut variable = name;
            variable.push("=");
            variable.push(value);
            variable
        });
        let environment: Vec<OsString> = environment.collect();
        let texts = || words.iter().chain(&environment);
        let pointers = words.len() + environment.len() + 2;
        let len: usize = texts().map(|text| text.len() + 1).sum();
        let memory = self.allocate(8 * pointers + len)?;
        let mut bytes = Vec::new();
        let mut addresses = Vec::new();
        for text in texts() {
            addresses.push(memory + (8 * pointers + bytes.len()) as u64);
            bytes.extend(text.as_bytes());
            bytes.push(0);
        }
        let program = addresses[0];
        addresses.insert(words.len(), 0);
        addresses.push(0);
        Memory(self.pid).write_words(memory, &addresses)?;
        Memory(self.pid).write(memory + 8 * pointers as u64, &bytes)?;
        let environment = memory + 8 * (words.len() as u64 + 1);
        let arguments = [program, memory, environment, 0, 0, 0];
        Ok(self.call(libc::SYS_execve, arguments)?.map(drop))
    }

    fn allocate(&self, len: usize) -> anyhow::Result<u64> {
        let protection = (libc::PROT_READ | libc::PROT_WRITE) as u64;
        let flags = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u64;
        let arguments = [0, len as u64, protection, flags, u64::MAX, 0];
        self.call(libc::SYS_mmap, arguments)?.context("mmap")
    }
}
