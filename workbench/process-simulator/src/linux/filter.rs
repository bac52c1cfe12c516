//! The calls at whose entrance a thread stops, as a seccomp filter.

use std::collections::BTreeMap;

use anyhow::Context;
use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use super::arch::legacy;
use super::node::FIRST_ID;

/// Calls that look at a clock, may wait, draw random numbers, show a number that differs from run to
/// run, or make what waits for another thread ready.
const STOPPING: &[i64] = &[
    // Clocks.
    libc::SYS_clock_gettime,
    libc::SYS_gettimeofday,
    legacy::TIME,
    libc::SYS_getrusage,
    libc::SYS_times,
    libc::SYS_sysinfo,
    libc::SYS_clock_settime,
    libc::SYS_settimeofday,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    // Sleeps and timers.
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_sched_yield,
    legacy::ALARM,
    libc::SYS_setitimer,
    libc::SYS_getitimer,
    libc::SYS_timer_create,
    libc::SYS_timer_settime,
    libc::SYS_timer_gettime,
    libc::SYS_timer_delete,
    libc::SYS_timerfd_create,
    libc::SYS_timerfd_settime,
    libc::SYS_timerfd_gettime,
    // Files.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    legacy::POLL,
    libc::SYS_ppoll,
    legacy::SELECT,
    libc::SYS_pselect6,
    legacy::EPOLL_WAIT,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    legacy::SIGNALFD,
    libc::SYS_signalfd4,
    libc::SYS_io_uring_setup,
    // Sockets.
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    // Locks.
    libc::SYS_futex,
    libc::SYS_futex_waitv,
    FUTEX_WAKE,
    FUTEX_WAIT,
    FUTEX_REQUEUE,
    // Processes and threads.
    libc::SYS_clone3,
    libc::SYS_exit,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_wait4,
    libc::SYS_waitid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_getpgid,
    legacy::GETPGRP,
    libc::SYS_getsid,
    libc::SYS_setpgid,
    libc::SYS_setsid,
    libc::SYS_pidfd_open,
    // Signals.
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_tgkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_send_signal,
    legacy::PAUSE,
    libc::SYS_rt_sigsuspend,
    libc::SYS_rt_sigtimedwait,
    // Random numbers, and the processor's.
    libc::SYS_getrandom,
    libc::SYS_getcpu,
    libc::SYS_rseq,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_setaffinity,
    // They may change what the numbers 0, 1 and 2 stand for.
    libc::SYS_close_range,
];

/// Newer calls on futexes, which libraries use only where they exist.
pub const FUTEX_WAKE: i64 = 454;
pub const FUTEX_WAIT: i64 = 455;
pub const FUTEX_REQUEUE: i64 = 456;

/// Calls that stop only if this argument fulfils this condition.
const ON_CONDITION: &[(i64, u8, SeccompCmpOp, u64)] = &[
    // Standard files.
    (libc::SYS_close, 0, SeccompCmpOp::Le, 2),
    (legacy::DUP2, 1, SeccompCmpOp::Le, 2),
    (libc::SYS_dup3, 1, SeccompCmpOp::Le, 2),
    // Processes that would not be controlled.
    (
        libc::SYS_clone,
        0,
        SeccompCmpOp::MaskedEq(libc::CLONE_UNTRACED as u64),
        libc::CLONE_UNTRACED as u64,
    ),
    // The time-stamp counter.
    (
        libc::SYS_prctl,
        0,
        SeccompCmpOp::Eq,
        libc::PR_SET_TSC as u64,
    ),
    // Virtual ids.
    (libc::SYS_prlimit64, 0, SeccompCmpOp::Ge, FIRST_ID as u64),
    (
        libc::SYS_sched_getparam,
        0,
        SeccompCmpOp::Ge,
        FIRST_ID as u64,
    ),
    (
        libc::SYS_sched_setparam,
        0,
        SeccompCmpOp::Ge,
        FIRST_ID as u64,
    ),
    (
        libc::SYS_sched_getscheduler,
        0,
        SeccompCmpOp::Ge,
        FIRST_ID as u64,
    ),
    (
        libc::SYS_sched_setscheduler,
        0,
        SeccompCmpOp::Ge,
        FIRST_ID as u64,
    ),
    (libc::SYS_getpriority, 1, SeccompCmpOp::Ge, FIRST_ID as u64),
    (libc::SYS_setpriority, 1, SeccompCmpOp::Ge, FIRST_ID as u64),
];

/// The filter, as a program for the kernel.
pub fn program() -> anyhow::Result<BpfProgram> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        STOPPING.iter().map(|call| (*call, Vec::new())).collect();
    // Numbers below zero are calls that this processor's Linux does not have.
    rules.retain(|call, _| *call >= 0);
    for (call, argument, operator, value) in ON_CONDITION.iter().filter(|it| it.0 >= 0) {
        let length = SeccompCmpArgLen::Dword;
        let condition = SeccompCondition::new(*argument, length, operator.clone(), *value)?;
        rules.insert(*call, vec![SeccompRule::new(vec![condition])?]);
    }
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Trace(0),
        TargetArch::try_from(std::env::consts::ARCH)?,
    );
    BpfProgram::try_from(filter?).context("the filter of calls does not compile")
}

/// The program as the bytes that the kernel reads.
pub fn bytes(program: &BpfProgram) -> Vec<u8> {
    let instructions = program.iter().flat_map(|it| {
        let [c0, c1] = it.code.to_le_bytes();
        let [k0, k1, k2, k3] = it.k.to_le_bytes();
        [c0, c1, it.jt, it.jf, k0, k1, k2, k3]
    });
    instructions.collect()
}
