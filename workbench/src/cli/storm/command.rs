//! A campaign and its runs as command lines.

use super::Campaign;
use crate::cli::again::bench;
use crate::cli::{command_line, program};
use crate::flags::{FaultList, to_flags};
use simulator::options::{Options, PartialOptions};
use simulator::storm::StormRun;

impl Campaign<'_> {
    /// The flags that this campaign differs by from one of the same seeds without flags.
    pub(super) fn campaign_flags(&self, pinned: &PartialOptions, fixed: bool) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(bin) = &self.arguments.bin {
            words.extend(["--bin".to_owned(), bin.display().to_string()]);
            if let Some(FaultList(faults)) = &self.arguments.faults {
                let names: Vec<&str> = faults.iter().map(|fault| fault.name()).collect();
                words.extend(["--faults".to_owned(), names.join(",")]);
            }
            if self.arguments.threads == program::Threads::InOrder {
                words.extend(["--threads", "in-order"].map(str::to_owned));
            }
        }
        if self.arguments.durable {
            words.push("--durable".to_owned());
        }
        if let Some(flags) = self.arguments.node_flags.given() {
            words.push(format!("--node-flags={}", command_line(flags)));
        }
        if fixed {
            words.push("--fixed".to_owned());
        }
        words.extend(to_flags(pinned));
        words
    }

    /// The options of a run that differ from the defaults, as flags of `workbench test`.
    pub(super) fn options(&self, run: &StormRun) -> String {
        let mut options = to_flags(&run.options.changes_from(&Options::default()));
        let workload = self.scenario.workload.to_string();
        options.extend(["--workload".to_owned(), workload]);
        options.join(" ")
    }

    /// The command that runs one seed with these options.
    pub(super) fn command(&self, seed: u64, pinned: &PartialOptions, fixed: bool) -> String {
        let mut words = bench();
        words.push("storm".to_owned());
        words.extend(self.scenario.challenge.is_none().then(|| "-w".to_owned()));
        words.extend([self.scenario.name, "--seeds"].map(str::to_owned));
        words.push(seed.to_string());
        words.extend(self.campaign_flags(pinned, fixed));
        command_line(&words)
    }
}
