//! Flags of simulated runs, for `test` and `challenge`.

use clap::Args;

use super::program::Threads;
use crate::debugger::DebugFlags;

/// How a simulation runs.
#[derive(Args)]
#[command(mut_arg("stop_at", |it| it.requires("simulate")))]
#[command(mut_arg("watch", |it| it.requires("simulate")))]
pub(super) struct SimulationFlags {
    /// With --simulate and --bin: which of the program's runnable threads goes on.
    #[arg(long, value_name = "ORDER", value_enum, default_value = "in-order",
          requires_all = ["simulate", "bin"])]
    pub(super) threads: Threads,

    /// With --simulate: runs each seed this many times, and compares the histories.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "simulate",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) repeat: u32,

    #[command(flatten)]
    pub(super) debug: DebugFlags,
}

impl SimulationFlags {
    /// The flags as words, to repeat a command.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = self.debug.words();
        if self.repeat > 1 {
            words.extend(["--repeat".to_owned(), self.repeat.to_string()]);
        }
        if self.threads == Threads::Seeded {
            words.extend(["--threads", "seeded"].map(str::to_owned));
        }
        words
    }
}
