//! Exit statuses, and the help on them.

use crate::interrupt::Interrupt;
use checkers::Validity;
use pages::outcome::Outcome;

/// Exit statuses, as Maelstrom has them.
pub(super) mod code {
    pub(in crate::cli) const VALID: u8 = 0;
    pub(in crate::cli) const INVALID: u8 = 1;
    pub(in crate::cli) const UNKNOWN: u8 = 2;
    pub(in crate::cli) const USAGE: u8 = 254;
    pub(in crate::cli) const CRASH: u8 = 255;
}

/// Help on signals, for commands that run something long.
macro_rules! on_interrupt {
    () => {
        "\nCtrl-C, SIGTERM or SIGHUP ends the load, and what was done until then is judged, \
         without recovery and final reads: what only they could show is unknown. Nothing is left \
         running. The exit status is then 130, 143 or 129, or 1 if it is already invalid. A second \
         one ends everything at once."
    };
}

/// Help on the exit status of commands that run tests.
pub(super) const EXIT_STATUS: &str = concat!(
    "Exit status: 0 valid, 1 invalid, 2 unknown, 254 bad usage, 255 a run was aborted or not kept.",
    on_interrupt!()
);

/// Help on the exit status of `storm`, in which an aborted run is invalid.
#[cfg(feature = "simulate")]
pub(super) const EXIT_STATUS_OF_STORM: &str = "\
     Exit status: 0 valid, 1 invalid or aborted, 2 unknown, 254 bad usage, 255 nothing can be run.\n\
     At Ctrl-C, SIGTERM or SIGHUP no more seeds begin, and the summary so far is printed, with the \
     command that goes on from there. The exit status is then 130, 143 or 129, or 1 if a run was invalid. \
     A second one ends everything at once.";

/// Help on the exit status of `merge`.
#[cfg(feature = "simulate")]
pub(super) const EXIT_STATUS_OF_MERGE: &str =
    "Exit status: 0 valid, 1 invalid, 2 unknown, 254 bad usage, 255 the files cannot be merged.";

/// Help on the exit status of `check`.
pub(super) const EXIT_STATUS_OF_CHECK: &str =
    "Exit status: 0 valid, 1 invalid, 2 unknown, 254 bad usage, 255 the history cannot be read.";

/// Help on the exit status of runs with budgets.
pub(super) const EXIT_STATUS_OF_CHALLENGE: &str = concat!(
    "Exit status: 0 valid, 1 invalid or a budget missed, 2 unknown, 254 bad usage, 255 the run was \
     aborted or not kept.",
    on_interrupt!()
);

/// Help on the exit status of `sweep`, which misses budgets on purpose.
#[cfg(feature = "simulate")]
pub(super) const EXIT_STATUS_OF_SWEEP: &str = "\
     Exit status: 0 valid, within the budgets or not, 1 invalid, 2 unknown, 254 bad usage, \
     255 a run was aborted, 130, 143 or 129 interrupted by Ctrl-C, SIGTERM or SIGHUP.";

/// The exit status of a verdict.
pub(super) fn exit_code(valid: Validity) -> u8 {
    match valid {
        Validity::Valid => code::VALID,
        Validity::Invalid => code::INVALID,
        Validity::Unknown => code::UNKNOWN,
    }
}

/// The exit status of a run. One of which not all was kept is only worth its error, if there is one.
pub(super) fn outcome_code(outcome: &Outcome) -> u8 {
    match (outcome.validity, outcome.interrupted) {
        (Some(valid), _) if outcome.unkept.is_some() && valid != Validity::Invalid => code::CRASH,
        (Some(valid), _) => exit_code(valid),
        (None, Some(_)) => code::UNKNOWN,
        (None, None) => code::CRASH,
    }
}

/// The exit status of a command: that of the signal that has interrupted it, unless what was done is
/// already invalid or was aborted.
pub(super) fn code_after(status: u8, interrupt: &Interrupt) -> u8 {
    match (status, interrupt.exit_status()) {
        (code::VALID | code::UNKNOWN, Some(signal)) => signal,
        _ => status,
    }
}
