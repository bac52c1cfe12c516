//! A failing run of a storm: it is made smaller, shown and stored.

use serde_json::json;

use super::{Campaign, story};
use crate::cli::{print_error, progress};
use crate::live::timestamp;
use crate::store::Store;
use crate::test::facts;
use pages::hosts::Hosts;
use pages::page::Subject;
use pages::report;
use pages::text::{counted, grouped};
use simulator::storm::campaign::{FailedRun, Totals};
use simulator::storm::shrink::shrink;
use simulator::storm::{Storm, StormRun};

impl Campaign<'_> {
    /// Stores a failing run; with `--shrink` a smaller one, whose messages are shown.
    pub(super) fn examine(&self, storm: &Storm, failure: &FailedRun) -> anyhow::Result<()> {
        let options = storm.options(failure.seed);
        let mut run = storm.run_with(failure.seed, &options, true)?;
        if self.arguments.shrink && !self.interrupt.is_set() {
            let line = progress::Line::new(&self.title(), self.reporter.is_quiet);
            let max = self.arguments.shrink_runs;
            let is_interrupted = || self.interrupt.is_set();
            let shrunk = shrink(storm, run, max, is_interrupted, |tried| {
                let runs = counted(max, "run");
                line.show(format!("shrinking: {} of up to {runs}", grouped(tried)));
            });
            line.finish();
            run = storm.run_with(shrunk.run.seed, &shrunk.run.options, true)?;
            let smallest = Totals::of(&run, |run| self.describe(run, &run.differences, true));
            self.reporter.print(format_args!(
                "\nthe smallest of {} other runs that fails:",
                grouped(shrunk.tried)
            ));
            for failure in &smallest.failures {
                self.reporter
                    .print(report::failure(failure, self.reporter.max_problems));
            }
            if let Some(chart) = report::sequence(&run.record, &run.settings.nodes) {
                self.reporter.print(&chart);
            }
        }
        match self.store(&run) {
            Ok(folder) => self
                .reporter
                .print(format_args!("the run is stored in {folder}")),
            // The report and its command are enough to go on.
            Err(error) => print_error(format_args!("the run was not stored: {error:#}")),
        }
        Ok(())
    }

    fn store(&self, run: &StormRun) -> anyhow::Result<String> {
        let name = self.scenario.workload;
        let store = Store::new(&self.arguments.store);
        let folder = store.begin(name.name(), &timestamp())?;
        let command = self.command(run.seed, &run.differences, true);
        let facts = facts(
            &run.options,
            &run.settings,
            json!({
                "command": command,
                "challenge": self.scenario.challenge.map(|it| it.name),
                "program": self.bin.map(|it| it.display().to_string()),
                "seed": run.seed,
                "stage": "simulated",
                "workload": name.name(),
                "node-flags": self.node_flags(),
            }),
        );
        folder.write_test(&facts)?;
        folder.write_history(&run.record)?;
        for (node, log) in run.settings.nodes.iter().zip(&run.record.logs) {
            folder.write_log(node.as_str(), log)?;
        }
        folder.write_results(&run.record, &run.verdict, &story(run), &[])?;
        let subject = Subject {
            title: self.scenario.name,
            command: &command,
            stage: "simulated",
            facts: &facts,
            settings: &run.settings,
            record: &run.record,
            verdict: Some(&run.verdict),
            budgets: &[],
            hosts: &Hosts::default(),
        };
        // The run is stored without it.
        if let Err(error) = subject.page().and_then(|page| folder.write_page(&page)) {
            crate::cli::warn(format_args!(
                "warning: the report was not written: {error:#}"
            ));
        }
        Ok(folder.path().display().to_string())
    }
}
