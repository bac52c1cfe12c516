//! A campaign and its runs as command lines.

use std::ops::Range;

use super::{Campaign, story};
use crate::cli::again::bench;
use crate::cli::shard::Shard;
use crate::cli::{command_line, program};
use crate::flags::{FaultList, to_flags};
use simulator::options::{Options, PartialOptions};
use simulator::storm::StormRun;
use simulator::storm::campaign::{self, CampaignReport, Described};

/// Flags that the command to go on omits: it has the seeds that are left, and would overwrite the
/// JUnit file.
const OMITTED: [&str; 3] = ["seeds", "shard", "junit"];

impl Campaign<'_> {
    /// The seeds that this machine runs.
    pub(super) fn seeds(&self) -> Range<u64> {
        let seeds = self.arguments.seeds.clone();
        match self.arguments.shard {
            Some(Shard { part, of, .. }) => campaign::shard(seeds, part, of),
            None => seeds,
        }
    }

    /// The command that goes on where an interrupted campaign has ended.
    pub(super) fn rest_of(&self, report: &CampaignReport) -> Option<String> {
        let next = report.seeds.last().map_or(0, |(_, end)| *end);
        let was_to_end = !self.arguments.keep_going && !report.totals.failures.is_empty();
        let has_rest = self.interrupt.is_set() && !was_to_end && next < self.seeds().end;
        has_rest.then(|| self.command_from(next))
    }

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

    /// A run that is not valid, repeated with these options.
    pub(super) fn describe(
        &self,
        run: &StormRun,
        pinned: &PartialOptions,
        fixed: bool,
    ) -> Described {
        let story = story(run);
        Described {
            options: self.options(run),
            kind: story.kind(),
            story: story.lines(),
            command: self.command(run.seed, pinned, fixed),
        }
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
        let mut words = self.words(seed.to_string());
        if self.scenario.challenge.is_none() {
            words.extend(["-w", self.scenario.name].map(str::to_owned));
        }
        words.extend(self.campaign_flags(pinned, fixed));
        command_line(&words)
    }

    /// The command that runs the seeds of this campaign from this one on.
    pub(super) fn command_from(&self, seed: u64) -> String {
        let mut words = self.words(format!("{seed}..{}", self.seeds().end));
        words.extend(self.own.flags_without(&OMITTED));
        command_line(&words)
    }

    /// The command with these seeds, without other flags.
    fn words(&self, seeds: String) -> Vec<String> {
        let mut words = bench();
        words.push("storm".to_owned());
        words.extend(self.scenario.challenge.map(|it| it.name.to_owned()));
        words.extend(["--seeds".to_owned(), seeds]);
        words
    }
}
