//! The ids by which the processes and threads of a node name each other.
//!
//! They are drawn from the seed, since programs make random numbers and names of files of them. A
//! process's id is that of its first thread.

use nix::errno::Errno;
use nix::libc;
use nix::unistd::Pid;

use super::arch::{Registers, legacy};
use super::calls::{Next, fail};
use super::memory::Memory;
use super::node::Node;

impl Node {
    /// The id of a process or thread, as the program sees it.
    fn number(&self, id: Pid) -> Option<i64> {
        self.threads.get(&id).map(|thread| thread.number)
    }

    /// Processes of which `is_meant` is true, in the order of their ids.
    pub(super) fn processes_by_number(&self, is_meant: impl Fn(Pid) -> bool) -> Vec<Pid> {
        let processes = self.processes.keys().copied().filter(|it| is_meant(*it));
        let mut processes: Vec<Pid> = processes.collect();
        processes.sort_by_key(|it| self.number(*it));
        processes
    }

    /// The process that a program means by an id.
    pub(super) fn process_named(&self, number: i64) -> Option<Pid> {
        let mut processes = self.processes.keys().copied();
        // The kernel writes its own ids into the program's memory, so those are known, too.
        let is_it = |it: &Pid| self.number(*it) == Some(number) || i64::from(it.as_raw()) == number;
        processes.find(is_it)
    }

    /// The processes that an argument of `kill` stands for.
    pub(super) fn processes_named(&self, number: i32, own: Pid) -> Vec<Pid> {
        let own_group = self.processes.get(&own).map(|it| it.group);
        let group_is =
            |process: Pid, group| self.processes.get(&process).map(|it| it.group) == group;
        match number {
            1.. => Vec::from_iter(self.process_named(i64::from(number))),
            0 => self.processes_by_number(|it| group_is(it, own_group)),
            -1 => self.processes_by_number(|it| it != own),
            _ => self.processes_by_number(|it| group_is(it, Some(-i64::from(number)))),
        }
    }

    /// The thread that a program means by an id.
    pub(super) fn thread_named(&self, number: i64) -> Option<Pid> {
        let mut threads = self.threads.iter();
        let named =
            threads.find(|(id, it)| it.number == number || i64::from(id.as_raw()) == number);
        named.map(|(id, _)| *id)
    }

    /// The process of a file that stands for one.
    pub(super) fn process_of_file(process: Pid, file: i32) -> Option<Pid> {
        let info = std::fs::read_to_string(format!("/proc/{process}/fdinfo/{file}")).ok()?;
        let id = info.lines().find_map(|line| line.strip_prefix("Pid:"))?;
        id.trim().parse().ok().map(Pid::from_raw)
    }

    /// The calls that return or set an id.
    pub(super) fn on_id(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        let [first, second, ..] = at.arguments();
        let process = self.threads[&id].process;
        // The process that has started the node: it has the id before the first one.
        let outside = self.first_id - 1;
        let own = self.number(process).unwrap_or(outside);
        let named = match at.call() {
            libc::SYS_getpgid | libc::SYS_getsid | libc::SYS_setpgid if first as i32 != 0 => {
                match self.process_named(i64::from(first as i32)) {
                    Some(named) => named,
                    None => return fail(Errno::ESRCH),
                }
            }
            _ => process,
        };
        let named_number = self.number(named).unwrap_or(outside);
        let parent = self.processes.get(&process).and_then(|it| it.parent);
        let Some(it) = self.processes.get_mut(&named) else {
            return fail(Errno::ESRCH);
        };
        Ok(Next::Return(match at.call() {
            libc::SYS_gettid => self.number(id).unwrap_or(outside),
            libc::SYS_getpid => own,
            libc::SYS_getppid => parent.and_then(|it| self.number(it)).unwrap_or(outside),
            libc::SYS_getpgid | legacy::GETPGRP => it.group,
            libc::SYS_getsid => it.session,
            libc::SYS_setsid => {
                (it.group, it.session) = (own, own);
                own
            }
            // setpgid
            _ => {
                it.group = match i64::from(second as i32) {
                    0 => named_number,
                    group => group,
                };
                0
            }
        }))
    }

    /// A call that names a thread in one of its arguments.
    pub(super) fn on_thread_call(
        &mut self,
        id: Pid,
        at: &Registers,
        index: usize,
    ) -> nix::Result<Next> {
        match self.thread_named(i64::from(at.arguments()[index] as i32)) {
            Some(thread) => self.call_with_ids(id, at, &[(index, thread)]),
            None => fail(Errno::ESRCH),
        }
    }

    /// `pidfd_open`.
    pub(super) fn on_pidfd_open(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        let [number, ..] = at.arguments();
        match self.process_named(i64::from(number as i32)) {
            Some(process) => self.call_with_ids(id, at, &[(0, process)]),
            None => fail(Errno::ESRCH),
        }
    }

    /// A timer is made: the thread that it signals, if there is one, is named by the system's id.
    pub(super) fn on_timer_create(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        const NOTIFY: u64 = 12;
        const THREAD: u64 = 16;
        let [_, event, ..] = at.arguments();
        if event != 0 && Memory(id).read_u32(event + NOTIFY)? as i32 == libc::SIGEV_THREAD_ID {
            let number = Memory(id).read_u32(event + THREAD)?;
            if let Some(thread) = self.thread_named(i64::from(number)) {
                Memory(id).write(event + THREAD, &thread.as_raw().to_le_bytes())?;
            }
        }
        Ok(Next::Call)
    }
}
