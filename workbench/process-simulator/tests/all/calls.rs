//! What programs see of time, files, threads, signals and chance: a transcript each, beside the program.
//! `REWRITE=1` rewrites them.

use process_simulator::Threads;

use crate::support::{compile, has, sources};
use crate::transcript::transcript;

#[track_caller]
fn check(name: &str, input: &[(u64, &str)]) {
    if !has("cc") {
        return;
    }
    let folder = sources().join("calls");
    let program = compile(&folder.join(format!("{name}.c")));
    let run = || transcript(&program, 1, Threads::InOrder, input);
    let seen = run();
    let expected = folder.join(format!("{name}.txt"));
    if std::env::var_os("REWRITE").is_some() {
        std::fs::write(&expected, &seen).unwrap();
    }
    let expected = std::fs::read_to_string(&expected).unwrap_or_default();
    assert_eq!(seen, expected, "{name} saw something else:\n{seen}");
    assert_eq!(run(), seen, "{name}, the second time");
}

#[test]
fn clocks_move_by_a_microsecond_a_look() {
    check("clocks", &[]);
}

#[test]
fn sleeps_take_their_time_and_at_least_a_millisecond() {
    check("sleeps", &[]);
}

#[test]
fn waits_for_files_end_in_time_or_with_the_line() {
    check("waits", &[(1000, "a line"), (3000, "another")]);
}

#[test]
fn pipes_between_threads_never_block_the_program() {
    check("pipes", &[]);
}

#[test]
fn much_output_at_once_arrives_in_order() {
    check("output", &[(2000, "a line")]);
}

#[test]
fn locks_pass_from_thread_to_thread_and_from_process_to_process() {
    check("locks", &[]);
}

#[test]
fn timers_expire_on_the_virtual_clock() {
    check("timers", &[]);
}

#[test]
fn signals_reach_threads_that_wait() {
    check("signals", &[]);
}

#[test]
fn processes_know_each_other_by_virtual_ids() {
    check("processes", &[]);
}

#[test]
fn random_numbers_come_from_the_seed() {
    check("random", &[]);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_time_stamp_counter_is_virtual() {
    check("counter", &[]);
}

#[test]
fn a_program_that_looks_again_and_again_lets_time_pass() {
    check("spins", &[(500, "a line")]);
}

#[test]
fn a_crash_is_seen_after_the_first_thread_has_left() {
    check("leaving", &[]);
}

#[test]
fn connections_are_reported() {
    check("sockets", &[]);
}

/// What a program prints that the watchdog interrupts, which is not the same each time.
fn interrupted(name: &str) -> Option<String> {
    has("cc").then(|| {
        let program = compile(&sources().join(format!("calls/{name}.c")));
        transcript(&program, 1, Threads::InOrder, &[])
    })
}

#[track_caller]
fn assert_has(seen: &str, texts: &[&str]) {
    for text in texts {
        assert!(seen.contains(text), "no {text:?} in:\n{seen}");
    }
}

#[test]
fn a_program_that_waits_by_reading_memory_goes_on_and_is_reported() {
    if let Some(seen) = interrupted("memory") {
        let reason = "may not repeat: a thread computed for long without a call that stops it";
        assert_has(&seen, &["a thread has run", "a thread has slept", reason]);
        assert_has(&seen, &["it was interrupted 50 times"]);
    }
}

#[test]
fn a_call_that_waits_in_the_kernel_is_reported_by_name() {
    if let Some(seen) = interrupted("flock") {
        assert_has(
            &seen,
            &["may not repeat: a thread waited in flock()", "flock: ok"],
        );
    }
}

#[test]
fn signals_interrupt_what_a_thread_waits_for() {
    check("interrupts", &[]);
}

#[test]
fn ends_of_child_processes_are_received_as_asked_for() {
    check("children", &[]);
}

#[test]
fn ends_of_threads_and_processes_release_those_that_wait() {
    check("ends", &[]);
}

#[test]
fn files_of_all_kinds_make_only_their_readers_wait() {
    check("files", &[]);
}

#[test]
fn real_time_signals_reach_their_handlers() {
    check("realtime", &[]);
}
