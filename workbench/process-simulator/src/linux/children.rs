//! Waits for the ends of child processes.
//!
//! The call is made only for a child process that has ended, so it never waits.

use nix::errno::Errno;
use nix::libc;
use nix::unistd::Pid;

use super::arch::Registers;
use super::calls::{Next, fail};
use super::memory::Memory;
use super::node::Node;
use super::thread::{After, Children, Resume, Wait};

/// Where a `siginfo_t` has the process's id.
pub const SIGINFO_PID: u64 = 16;

impl Node {
    /// The child processes that are meant: their number, and the first one that has ended.
    fn ended_child(&self, process: Pid, which: Children) -> (usize, Option<Pid>) {
        let children = self.processes.get(&process).map(|it| &it.children);
        let meant = children.into_iter().flatten().filter(|(id, child)| {
            let group = self.processes.get(id).map_or(child.group, |it| it.group);
            match which {
                Children::Any => true,
                Children::One(it) => it == **id,
                Children::Group(it) => it == group,
            }
        });
        let meant: Vec<_> = meant.collect();
        let ended = meant.iter().filter(|(_, child)| child.has_ended);
        let first = ended.min_by_key(|(_, child)| child.number);
        (meant.len(), first.map(|(id, _)| **id))
    }

    /// Whether a wait for child processes is over.
    pub(super) fn has_ended_child(&self, id: Pid, which: Children) -> bool {
        let (meant, ended) = self.ended_child(self.threads[&id].process, which);
        meant == 0 || ended.is_some()
    }

    /// `wait4` and `waitid`.
    pub(super) fn on_wait(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        let [first, second, info, fourth, ..] = at.arguments();
        let is_wait4 = at.call() == libc::SYS_wait4;
        let process = self.threads[&id].process;
        let own_group = self.processes.get(&process).map_or(0, |it| it.group);
        let group = |number: i64| Children::Group(if number == 0 { own_group } else { number });
        let (which, options) = if is_wait4 {
            let which = match i64::from(first as i32) {
                -1 => Children::Any,
                number @ 1.. => self.child_named(process, number),
                number => group(-number),
            };
            (which, info)
        } else {
            let which = match first as u32 {
                libc::P_PID => self.child_named(process, i64::from(second as i32)),
                libc::P_PGID => group(i64::from(second as i32)),
                libc::P_PIDFD => match Self::process_of_file(process, second as i32) {
                    Some(child) => Children::One(child),
                    None => return fail(Errno::EBADF),
                },
                _ => Children::Any,
            };
            (which, fourth)
        };
        let has_time = options & libc::WNOHANG as u64 == 0;
        match self.ended_child(process, which) {
            (0, _) => fail(Errno::ECHILD),
            (_, Some(child)) => self.wait_for(id, at, child),
            (_, None) if has_time => Ok(Next::Wait(Wait::Child(which), None)),
            (_, None) => {
                self.clock.tick();
                if !is_wait4 && info != 0 {
                    Memory(id).write(info, &[0; 24])?;
                }
                Ok(Next::Return(0))
            }
        }
    }

    fn child_named(&self, process: Pid, number: i64) -> Children {
        let children = self.processes.get(&process).map(|it| &it.children);
        let mut children = children.into_iter().flatten();
        let child = children.find(|(_, child)| child.number == number);
        // No process has this id.
        Children::One(child.map_or(Pid::from_raw(0), |(id, _)| *id))
    }

    /// Makes the call for one child process.
    fn wait_for(&mut self, id: Pid, at: &Registers, child: Pid) -> nix::Result<Next> {
        let arguments = at.arguments();
        let mut changed = arguments;
        if at.call() == libc::SYS_waitid {
            changed[0] = u64::from(libc::P_PID);
            changed[1] = child.as_raw() as u64;
        } else {
            changed[0] = child.as_raw() as u64;
        }
        let mut registers = *at;
        registers.set_arguments(changed);
        registers.write(id)?;
        Ok(Next::CallThen(After::Wait { arguments, child }))
    }

    /// A signal interrupts a thread that waits for child processes: the kernel decides whether its call
    /// is made again.
    pub(super) fn interrupt_wait(&mut self, id: Pid) -> nix::Result<Resume> {
        let at = self.threads[&id].at;
        let process = self.threads[&id].process;
        let children = self.processes.get(&process).map(|it| &it.children);
        let child = children.and_then(|it| it.keys().next()).copied();
        if let Some(child) = child
            && let Next::CallThen(after) = self.wait_for(id, &at, child)?
            && let Some(thread) = self.threads.get_mut(&id)
        {
            thread.after = Some(after);
        }
        Ok(Resume::Call)
    }

    /// The call for a child process has returned.
    pub(super) fn on_wait_return(
        &mut self,
        id: Pid,
        registers: &mut Registers,
        arguments: [u64; 6],
        child: Pid,
    ) -> nix::Result<()> {
        let is_wait4 = self.threads[&id].at.call() == libc::SYS_wait4;
        registers.restore_arguments(arguments);
        let [_, _, info, options, ..] = arguments;
        let process = self.threads[&id].process;
        let Some(parent) = self.processes.get_mut(&process) else {
            return Ok(());
        };
        let has_ended = parent.children.get(&child).is_some_and(|it| it.has_ended);
        match registers.result() {
            // It ended without a trace, as its parent ignores the ends of its children.
            error if error == -i64::from(libc::ECHILD) && has_ended => {
                parent.children.remove(&child);
                let call = self.threads[&id].at.call();
                registers.call_again(call, arguments);
            }
            0.. if has_ended => {
                let keeps = !is_wait4 && options & libc::WNOWAIT as u64 != 0;
                let number = parent.children.get(&child).map_or(0, |it| it.number);
                if !keeps {
                    parent.children.remove(&child);
                }
                if is_wait4 {
                    registers.set_result(number);
                    if arguments[3] != 0 {
                        Memory(id).write(arguments[3], &[0; 144])?;
                    }
                } else if info != 0 {
                    Memory(id).write(info + SIGINFO_PID, &(number as u32).to_le_bytes())?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}
