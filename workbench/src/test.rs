//! A whole test: a run, live or simulated, its verdict, and the files kept in the store.

mod logger;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use serde_json::{Value, json};

use crate::challenge::Trial;
use crate::child::{Launch, working_folder};
use crate::debugger::DebugFlags;
use crate::hosts::{Hosts, Plan};
use crate::interrupt::Interrupt;
use crate::keeper::Keeper;
use crate::live::{Observer, Stopwatch, log_time, run_live, timestamp};
use crate::log::{Level, Log, LogFormat};
use crate::repeat::first_difference;
use crate::store::{Folder, Store};
use checkers::{CheckerResult as _, Validity, Verdict};
use history::Kind;
use history::edn;
use logger::Logger;
use pages::budget::Bar;
use pages::outcome::Outcome;
use pages::page::Subject;
use pages::report::{self, BudgetResult, budget_results};
use pages::text::interrupted;
use simulator::judge::judge;
use simulator::nemesis::Fault;
use simulator::network::NetLog;
use simulator::options::Options;
use simulator::run::{Record, Settings};
use simulator::simulation::{Factory, Inspector, Moment, simulate_inspected};
use simulator::workload::{Name, workload};

/// Where nodes run.
pub enum Stage<'a> {
    /// As processes of a program, on the wall clock.
    Live {
        /// The program.
        program: &'a Path,
        /// Its arguments.
        arguments: &'a [String],
        /// What is logged.
        log: LogOptions,
        /// Whether nodes may exit early, and are not killed at the end.
        leave_running: bool,
        /// Kills the nodes if the bench is killed.
        keeper: Option<Arc<Keeper>>,
        /// Where nodes run, if not as processes of this machine.
        hosts: Option<&'a Plan>,
    },
    /// On the virtual clock.
    Simulated {
        /// Starts the nodes.
        factory: &'a Factory,
        /// The program that they run and its arguments, unless they are part of this process.
        program: Option<Vec<String>>,
        /// How often the seed is run, to compare the histories.
        repeats: u32,
        /// Where the first run stops, and what of it is watched.
        debug: &'a DebugFlags,
    },
}

/// What a live run logs, and in which format.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogOptions {
    /// The nodes' stderr.
    pub stderr: bool,
    /// Messages.
    pub network: NetLog,
    /// The format of `jepsen.log`.
    pub format: LogFormat,
}

impl Stage<'_> {
    /// Its name: `live` or `simulated`.
    pub fn name(&self) -> &'static str {
        match self {
            Stage::Live { .. } => "live",
            Stage::Simulated { .. } => "simulated",
        }
    }

    /// The nodes' program and its arguments, unless they are part of this process.
    fn program(&self) -> Option<Vec<String>> {
        match self {
            Stage::Live {
                program, arguments, ..
            } => {
                let program = program.to_string_lossy().into_owned();
                Some([&[program][..], arguments].concat())
            }
            Stage::Simulated { program, .. } => program.clone(),
        }
    }
}

/// A test to be run.
pub struct Test<'a> {
    /// The workload.
    pub workload: Name,
    /// The run's options.
    pub options: &'a Options,
    /// The seed of everything random.
    pub seed: u64,
    /// Where nodes run.
    pub stage: Stage<'a>,
    /// The command that repeats the test.
    pub command: String,
    /// The requirement of the challenge that it belongs to, if any.
    pub requirement: Option<Requirement>,
    /// Whether the user wants it to end early.
    pub interrupt: &'a Interrupt,
}

/// What a run must meet beside a valid verdict.
#[derive(Debug, Clone, Copy)]
pub struct Requirement {
    /// The challenge's name.
    pub challenge: &'static str,
    /// The challenge's test, with its budgets.
    pub trial: &'static Trial,
    /// Which bounds count.
    pub bar: Bar,
}

/// Shows how far a simulation is, and ends it early.
struct SimulationProgress<'a> {
    observer: &'a mut dyn Observer,
    interrupt: &'a Interrupt,
    /// The virtual second that was shown last.
    shown: Option<u64>,
}

impl Inspector for SimulationProgress<'_> {
    fn inspect(&mut self, moment: &Moment<'_>) -> ControlFlow<String> {
        let second = moment.since_zero().map(|it| it.as_secs());
        if second != self.shown {
            self.shown = second;
            self.observer.on_progress(moment.run());
        }
        ControlFlow::Continue(())
    }

    fn interrupts(&self) -> bool {
        self.interrupt.is_set()
    }
}

/// Ends a simulation early.
struct UntilInterrupted<'a>(&'a Interrupt);

impl Inspector for UntilInterrupted<'_> {
    fn inspect(&mut self, _: &Moment<'_>) -> ControlFlow<String> {
        ControlFlow::Continue(())
    }

    fn interrupts(&self) -> bool {
        self.0.is_set()
    }
}

impl Test<'_> {
    /// Runs the test, checks its history and writes its files.
    ///
    /// # Errors
    /// When the test cannot begin, or its files cannot be written. An aborted run is an outcome,
    /// not an error.
    pub fn run(&self, store: &Store, observer: &mut dyn Observer) -> anyhow::Result<Outcome> {
        let start = Stopwatch::start();
        let subject = workload(self.workload, self.options);
        let settings = Settings {
            keeps_trace: true,
            ..self.options.settings(&*subject, self.seed)?
        };
        let hosts = match &self.stage {
            Stage::Live { hosts, keeper, .. } => {
                check_live(self.options, *hosts)?;
                let open = |plan: &Plan| {
                    observer.on_line(&format!("connecting to {}", plan.hosts.join(", ")));
                    // Nodes elsewhere are killed if the bench is.
                    let open = || Hosts::open(plan.clone(), &settings.nodes, keeper.as_ref());
                    self.interrupt.at_once(open)
                };
                hosts.map(open).transpose()?
            }
            Stage::Simulated { .. } => None,
        };
        let folder = store.begin(subject.name(), &timestamp())?;
        let mut facts = facts(
            self.options,
            &settings,
            json!({
                "command": self.command,
                "challenge": self.requirement.map(|it| it.challenge),
                "seed": self.seed,
                "stage": self.stage.name(),
                "program": self.stage.program(),
                "workload": subject.name(),
            }),
        );
        folder.write_test(&facts)?;
        let (record, log) = self.record(&settings, &folder, hosts.as_ref(), observer)?;
        let hosts = hosts.map_or_else(Vec::new, |it| it.report());
        let budgets = self.requirement.map_or(&[][..], |it| it.trial.budgets);
        let hosts = pages::hosts::Hosts::new(hosts, self.options.latency, budgets);
        if !hosts.list.is_empty() {
            let list = hosts.list.iter();
            facts["hosts"] = list.map(pages::hosts::Host::to_json).collect();
        }
        if let Some(at) = record.interrupted_at {
            facts["interrupted-at"] = json!(at.as_secs_f64());
        }
        // Before the verdict, as checkers may need more memory than there is.
        let kept = self.keep_record(&folder, &facts, &settings, &record);
        let verdict = record.abort_reason.is_none().then(|| {
            observer.on_check(record.history.count(Kind::Invoke));
            judge(&record, &*subject, self.options.availability)
        });
        let mut outcome = Outcome {
            command: self.command.clone(),
            seed: Some(self.seed),
            stage: self.stage.name(),
            folder: Some(folder.path().to_owned()),
            took: start.elapsed(),
            warnings: {
                let slow = log.as_ref().and_then(Log::warning);
                hosts.warning.iter().cloned().chain(slow).collect()
            },
            ..Outcome::of(&settings, &record, verdict.as_ref())
        };
        let budgets = self.budgets(&outcome);
        let page = Subject {
            title: self.requirement.map_or(subject.name(), |it| it.challenge),
            command: &self.command,
            stage: self.stage.name(),
            facts: &facts,
            settings: &settings,
            record: &record,
            verdict: verdict.as_ref(),
            budgets: &budgets,
            hosts: &hosts,
        };
        let kept = kept.and_then(|()| match &verdict {
            Some(verdict) => folder.write_results(&record, verdict, &outcome.story, &budgets),
            None => Ok(()),
        });
        let kept = kept.and_then(|()| match page.page() {
            Ok(page) => folder.write_page(&page),
            // Neither the verdict nor what was kept depends on the report.
            Err(error) => {
                observer.on_line(&format!("warning: the report was not written: {error:#}"));
                Ok(())
            }
        });
        let kept = kept.and_then(|()| match log {
            Some(mut log) => {
                let (level, last) = last_line(&record, verdict.as_ref());
                log.write(&log_time(), level, &last);
                log.finish()
            }
            None => Ok(()),
        });
        // A verdict that is known is not lost with the files.
        outcome.unkept = kept.err().map(|error| format!("{error:#}"));
        Ok(outcome)
    }

    /// Writes what the run was, except the logs of live nodes, which are there already.
    fn keep_record(
        &self,
        folder: &Folder,
        facts: &Value,
        settings: &Settings,
        record: &Record,
    ) -> anyhow::Result<()> {
        folder.write_test(facts)?;
        if let Stage::Simulated { .. } = self.stage {
            for (node, log) in settings.nodes.iter().zip(&record.logs) {
                folder.write_log(node.as_str(), log)?;
            }
        }
        folder.write_history(record)
    }

    /// Runs the nodes; returns `jepsen.log`, too, if there is one.
    fn record(
        &self,
        settings: &Settings,
        folder: &Folder,
        hosts: Option<&Hosts>,
        observer: &mut dyn Observer,
    ) -> anyhow::Result<(Record, Option<Log>)> {
        match &self.stage {
            Stage::Live {
                program,
                arguments,
                log: options,
                leave_running,
                keeper,
                hosts: _,
            } => {
                let logs = folder.logs();
                let (working, note) = working_folder()?;
                let launch = Launch {
                    program,
                    arguments,
                    folder: &working,
                    logs: &logs,
                    forward_stderr: options.stderr,
                    leave_running: *leave_running,
                    keeper: keeper.clone(),
                    hosts,
                };
                let mut logger = Logger::create(folder, options.format, observer)?;
                logger.write(Level::Info, &format!("test: {}", self.command));
                note.iter().for_each(|note| logger.on_line(note));
                let logged = Settings {
                    net_log: options.network,
                    ..settings.clone()
                };
                let workload = workload(self.workload, self.options);
                if let Some(hosts) = hosts {
                    let lines: Vec<String> = hosts
                        .report()
                        .iter()
                        .map(pages::hosts::Host::line)
                        .collect();
                    logger.on_line(&format!("round trips: {}", lines.join(", ")));
                }
                let record = run_live(logged, workload, &launch, self.interrupt, &mut logger);
                hosts.into_iter().for_each(|it| it.close(*leave_running));
                Ok((record?, Some(logger.log)))
            }
            Stage::Simulated {
                factory,
                repeats,
                debug,
                ..
            } => {
                let record = self.simulate(settings, factory, *repeats, debug, observer);
                Ok((record, None))
            }
        }
    }

    /// The budgets that the outcome must meet, with what was measured.
    fn budgets(&self, outcome: &Outcome) -> Vec<BudgetResult> {
        // What an interrupted run has cost so far is not what the whole one would have.
        let is_whole = outcome.validity.is_some() && outcome.interrupted.is_none();
        let requirement = self.requirement.filter(|_| is_whole);
        let mut budgets =
            requirement.map_or_else(Vec::new, |Requirement { trial, bar, .. }| {
                budget_results(trial.budgets, std::slice::from_ref(outcome), bar)
            });
        budgets.retain(BudgetResult::is_required);
        budgets
    }

    /// Simulates the run, and if it was not interrupted as often again as is asked for.
    fn simulate(
        &self,
        settings: &Settings,
        factory: &Factory,
        repeats: u32,
        debug: &DebugFlags,
        observer: &mut dyn Observer,
    ) -> Record {
        let make = || workload(self.workload, self.options);
        let mut debugger = debug.debugger(self.interrupt);
        let mut progress = SimulationProgress {
            observer,
            interrupt: self.interrupt,
            shown: None,
        };
        let inspector: &mut dyn Inspector = match &mut debugger {
            Some(debugger) => debugger,
            None => &mut progress,
        };
        let mut record = simulate_inspected(settings, make(), factory, Some(inspector));
        let again = || {
            let mut until = UntilInterrupted(self.interrupt);
            let record = simulate_inspected(settings, make(), factory, Some(&mut until));
            record.interrupted_at.is_none().then_some(record)
        };
        let repeats = if record.interrupted_at.is_some() {
            1
        } else {
            repeats
        };
        let on_run = |number| observer.on_repeat(number, repeats);
        let difference = first_difference(&record, repeats, again, on_run);
        record.nondeterminism.extend(difference);
        record
    }
}

/// The contents of `test.json`: these facts, and all options.
pub fn facts(options: &Options, settings: &Settings, mut facts: Value) -> Value {
    if let (Some(facts), Ok(Value::Object(mut options))) =
        (facts.as_object_mut(), serde_json::to_value(options))
    {
        facts.append(&mut options);
        facts.insert("nodes".to_owned(), json!(settings.nodes));
        facts.insert("concurrency".to_owned(), json!(settings.concurrency));
    }
    facts
}

/// # Errors
/// When the options have a fault that only a simulation can cause.
fn check_live(options: &Options, hosts: Option<&Plan>) -> anyhow::Result<()> {
    let needs_signals = |it: &Fault| matches!(it, Fault::Kill | Fault::Pause);
    if hosts.is_some_and(|it| !it.launcher.has_signals())
        && options.nemesis.iter().any(needs_signals)
    {
        bail!(
            "--nemesis kill and pause need a way to signal nodes that are started by a --launch of your \
             own: --signal-command"
        );
    }
    if options.nemesis.contains(&Fault::Skew) {
        bail!("--nemesis skew is for simulations: processes read the system's clock");
    }
    if cfg!(not(unix)) && options.nemesis.contains(&Fault::Pause) {
        bail!("--nemesis pause needs a Unix system, or a simulation");
    }
    Ok(())
}

/// The last line of `jepsen.log`.
fn last_line(record: &Record, verdict: Option<&Verdict>) -> (Level, String) {
    match (verdict, &record.abort_reason) {
        (Some(verdict), _) => {
            let results = edn::pretty(&verdict.to_edn());
            let closing = match (verdict.validity(), record.interrupted_at) {
                (Validity::Valid | Validity::Unknown, Some(at)) => interrupted(at),
                (validity, _) => report::closing(validity).to_owned(),
            };
            (Level::Info, format!("{results}\n\n{closing}"))
        }
        (None, Some(crash)) => (Level::Warn, format!("the run was aborted: {crash}")),
        (None, None) => (Level::Warn, "the run was aborted".to_owned()),
    }
}
