//! Lets debuggers attach to a node's processes, which then are not controlled any more.

use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::node::Node;
use super::thread::{Resume, State, Thread, Wait};
use super::wait::wait_for_state;

impl Node {
    /// Stops its processes as a job is stopped, and detaches from them. Returns them. Calls that are
    /// virtual fail without the supervisor, so the processes must not go on.
    ///
    /// # Errors
    /// When a process has ended meanwhile.
    pub fn release(&self) -> nix::Result<Vec<Pid>> {
        for process in self.processes.keys() {
            kill(*process, Signal::SIGSTOP)?;
        }
        for (id, thread) in &self.threads {
            if !thread.is_stopped() {
                continue;
            }
            thread.leave_call(*id)?;
            ptrace::detach(*id, None)?;
        }
        let processes: Vec<Pid> = self.processes.keys().copied().collect();
        wait_for_state(&processes, 'T');
        Ok(processes)
    }
}

impl Thread {
    /// At a call's entrance: puts the thread just before the call, where no tracer is needed.
    fn leave_call(&self, id: Pid) -> nix::Result<()> {
        let mut registers = self.at;
        let resume = match &self.state {
            State::Ready(resume) | State::Waiting(Wait::Turn(resume)) => *resume,
            State::Waiting(_) => Resume::Call,
        };
        match resume {
            Resume::Continue(_) => return Ok(()),
            Resume::Return(_) | Resume::Call | Resume::Decide(_) => registers.leave_call(),
        }
        registers.write(id)
    }
}
