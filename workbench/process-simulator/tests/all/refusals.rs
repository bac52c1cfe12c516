//! Systems that do not allow what is needed, as containers do.

use std::collections::BTreeMap;
use std::thread;

use nix::libc;
use process_simulator::{Threads, check};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};

use crate::support::has;
use crate::transcript::transcript;

/// Does something in a thread in which a system call is not permitted.
fn without<T: Send + 'static>(call: i64, act: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = thread::spawn(move || {
        let filter = SeccompFilter::new(
            BTreeMap::from([(call, Vec::new())]),
            SeccompAction::Allow,
            SeccompAction::Errno(libc::EPERM as u32),
            TargetArch::try_from(std::env::consts::ARCH).unwrap(),
        );
        let program = BpfProgram::try_from(filter.unwrap()).unwrap();
        apply_filter(&program).unwrap();
        act()
    });
    thread.join().unwrap()
}

#[test]
fn a_system_without_ptrace_or_filters_is_refused_with_the_reason_and_what_helps() {
    check().unwrap();
    for (call, reason) in [
        (libc::SYS_ptrace, "ptrace is not allowed here"),
        (libc::SYS_seccomp, "(seccomp) are not allowed here"),
        (libc::SYS_pidfd_getfd, "pidfd_getfd() is not allowed"),
    ] {
        let error = without(call, || check().unwrap_err().to_string());
        for expected in [reason, "docker run --cap-add=SYS_PTRACE", "A live run"] {
            assert!(error.contains(expected), "no {expected:?} in {error}");
        }
    }
}

#[test]
fn random_addresses_are_reported_where_they_cannot_be_switched_off() {
    if !has("true") {
        return;
    }
    let run = || transcript("/bin/true".as_ref(), 1, Threads::InOrder, &[]);
    let seen = without(libc::SYS_personality, run);
    let note = "may not repeat: addresses differ from run to run";
    assert!(seen.contains(note), "{seen}");
}
