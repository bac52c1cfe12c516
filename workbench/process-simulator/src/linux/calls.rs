//! What is done at the entrance of each call that stops.

use nix::errno::Errno;
use nix::libc;
use nix::unistd::Pid;

use super::arch::{Registers, legacy};
use super::clock::Ns;
use super::filter;
use super::memory::failed;
use super::node::Node;
use super::thread::{After, Wait};

/// How a thread goes on at the entrance of a call.
#[derive(Debug)]
pub enum Next {
    /// It makes the call.
    Call,
    /// It makes the call, and then something is done.
    CallThen(After),
    /// The call is skipped and returns this.
    Return(i64),
    /// It waits, until the deadline if there is one.
    Wait(Wait, Option<Ns>),
    /// The call is skipped and returns 0, after the threads that are ready have run.
    Yield,
    /// It is ready already, or has ended.
    Gone,
}

/// The result of a call that this kernel does not have.
const MISSING: Next = Next::Return(-(libc::ENOSYS as i64));

impl Node {
    /// # Errors
    /// What the call returns, such as `EFAULT` for a bad pointer.
    pub(super) fn on_call(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        match at.call() {
            libc::SYS_clock_gettime => self.on_clock_gettime(id, at),
            libc::SYS_gettimeofday => self.on_gettimeofday(id, at),
            legacy::TIME => self.on_time(id, at),
            libc::SYS_getrusage => self.on_getrusage(id, at),
            libc::SYS_times => self.on_times(id, at),
            libc::SYS_sysinfo => self.on_sysinfo(id, at),
            // A node must not change the machine's clock.
            libc::SYS_clock_settime
            | libc::SYS_settimeofday
            | libc::SYS_adjtimex
            | libc::SYS_clock_adjtime => fail(Errno::EPERM),

            libc::SYS_nanosleep | libc::SYS_clock_nanosleep => self.on_sleep(id, at),
            libc::SYS_sched_yield => {
                self.clock.tick();
                Ok(Next::Yield)
            }
            legacy::ALARM => self.on_alarm(id, at),
            libc::SYS_setitimer => self.on_setitimer(id, at),
            libc::SYS_getitimer => self.on_getitimer(id, at),
            libc::SYS_timer_create => self.on_timer_create(id, at),
            libc::SYS_timer_settime => self.on_timer_settime(id, at),
            libc::SYS_timer_gettime => self.on_timer_gettime(id, at),
            libc::SYS_timer_delete => self.on_timer_delete(id, at),
            libc::SYS_timerfd_create => Ok(Next::CallThen(After::TimerFile)),
            libc::SYS_timerfd_settime => self.on_timerfd_settime(id, at),
            libc::SYS_timerfd_gettime => self.on_timerfd_gettime(id, at),

            libc::SYS_read | libc::SYS_readv => self.on_read(id, at),
            libc::SYS_write | libc::SYS_writev => self.on_write(id, at),
            legacy::POLL
            | libc::SYS_ppoll
            | legacy::SELECT
            | libc::SYS_pselect6
            | legacy::EPOLL_WAIT
            | libc::SYS_epoll_pwait
            | libc::SYS_epoll_pwait2 => self.on_poll(id, at),

            libc::SYS_connect
            | libc::SYS_bind
            | libc::SYS_listen
            | libc::SYS_accept
            | libc::SYS_accept4
            | libc::SYS_recvfrom
            | libc::SYS_recvmsg
            | libc::SYS_sendto
            | libc::SYS_sendmsg => self.on_socket(id, at),

            libc::SYS_futex => self.on_futex(id, at),
            // Programs do without these where they are missing.
            libc::SYS_io_uring_setup
            | libc::SYS_futex_waitv
            | filter::FUTEX_WAKE
            | filter::FUTEX_WAIT
            | filter::FUTEX_REQUEUE
            | libc::SYS_rseq => Ok(MISSING),

            libc::SYS_clone | libc::SYS_clone3 => self.on_clone(id, at),
            // The time-stamp counter stays virtual.
            libc::SYS_prctl => Ok(Next::Return(0)),
            libc::SYS_prlimit64
            | libc::SYS_sched_getparam
            | libc::SYS_sched_setparam
            | libc::SYS_sched_getscheduler
            | libc::SYS_sched_setscheduler => self.on_thread_call(id, at, 0),
            libc::SYS_getpriority | libc::SYS_setpriority => self.on_thread_call(id, at, 1),

            libc::SYS_exit => {
                if let Some(thread) = self.threads.get_mut(&id) {
                    thread.is_ending = true;
                }
                Ok(Next::Call)
            }
            libc::SYS_execve | libc::SYS_execveat => self.on_execute(id),
            libc::SYS_wait4 | libc::SYS_waitid => self.on_wait(id, at),
            libc::SYS_getpid
            | libc::SYS_getppid
            | libc::SYS_gettid
            | libc::SYS_getpgid
            | legacy::GETPGRP
            | libc::SYS_getsid
            | libc::SYS_setpgid
            | libc::SYS_setsid => self.on_id(id, at),
            libc::SYS_pidfd_open => self.on_pidfd_open(id, at),

            libc::SYS_kill
            | libc::SYS_tkill
            | libc::SYS_tgkill
            | libc::SYS_rt_sigqueueinfo
            | libc::SYS_rt_tgsigqueueinfo
            | libc::SYS_pidfd_send_signal => self.on_kill(id, at),
            legacy::PAUSE | libc::SYS_rt_sigsuspend | libc::SYS_rt_sigtimedwait => {
                self.on_signal_wait(id, at)
            }
            legacy::SIGNALFD | libc::SYS_signalfd4 => {
                self.note("signalfd is used, which is not virtual");
                Ok(Next::Call)
            }

            libc::SYS_getrandom => self.on_getrandom(id, at),
            libc::SYS_getcpu => self.on_getcpu(id, at),
            libc::SYS_sched_getaffinity => self.on_getaffinity(id, at),
            libc::SYS_sched_setaffinity => Ok(Next::Return(0)),

            libc::SYS_close | legacy::DUP2 | libc::SYS_dup3 | libc::SYS_close_range => {
                self.on_standard_file(id, at);
                Ok(Next::Call)
            }
            _ => Ok(Next::Call),
        }
    }
}

/// The result of a call that fails.
pub fn fail(error: Errno) -> nix::Result<Next> {
    Ok(Next::Return(failed(error)))
}
