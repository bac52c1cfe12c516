//! A whole test: a run, live or simulated, its judgement, and what is kept of it.

use std::path::Path;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::challenge::Trial;
use crate::child::{Launch, working_folder};
use crate::live::{Watcher, moment, run_live, timestamp};
use crate::log::{Level, Log, Notation};
use crate::store::{Folder, Store};
use checkers::{CheckerResult as _, Verdict};
use history::Kind;
use history::edn;
use pages::budget::{Bar, Measurements};
use pages::outcome::Outcome;
use pages::page::Subject;
use pages::report::{self, Figure, Figures, Score};
use simulator::judge::judge;
use simulator::nemesis::Fault;
use simulator::network::NetLog;
use simulator::options::Options;
use simulator::run::{Record, Run, Settings};
use simulator::simulation::{Factory, simulate};
use simulator::workload::{Name, workload};

/// Where the nodes are.
pub enum Stage<'a> {
    /// Processes of this program, on the wall clock.
    Live {
        /// The program.
        program: &'a Path,
        /// Its arguments.
        arguments: &'a [String],
        /// What is told as it comes.
        telling: Telling,
        /// Whether nodes may end early, and are left alone at the end.
        leave_running: bool,
    },
    /// In this process, on the virtual clock.
    Simulated(&'a Factory),
}

/// What a person wants to see of a live run as it comes, and how the log that keeps it is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Telling {
    /// What nodes write to stderr.
    pub stderr: bool,
    /// Messages.
    pub network: NetLog,
    /// The log.
    pub notation: Notation,
}

impl Stage<'_> {
    /// Its name: `live` or `simulated`.
    pub fn name(&self) -> &'static str {
        match self {
            Stage::Live { .. } => "live",
            Stage::Simulated(_) => "simulated",
        }
    }

    /// The nodes' program and its arguments; what is simulated has none.
    fn program(&self) -> Option<Vec<String>> {
        match self {
            Stage::Live {
                program, arguments, ..
            } => {
                let program = program.to_string_lossy().into_owned();
                Some([&[program][..], arguments].concat())
            }
            Stage::Simulated(_) => None,
        }
    }
}

/// A test that is to be done.
pub struct Test<'a> {
    /// What clients do.
    pub workload: Name,
    /// How.
    pub options: &'a Options,
    /// What its rng start from.
    pub seed: u64,
    /// Where the nodes are.
    pub stage: Stage<'a>,
    /// The command that does the same again.
    pub command: String,
    /// The challenge that it is part of, if it is.
    pub held: Option<Held>,
}

/// What a run is held to beside its verdict.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    /// The challenge's name.
    pub challenge: &'static str,
    /// The test of it.
    pub trial: &'static Trial,
    /// Whose bounds count.
    pub bar: Bar,
}

impl Test<'_> {
    /// Does it.
    ///
    /// # Errors
    /// When the test cannot begin, or what is to be kept cannot be written. A run that breaks off
    /// is no error but an outcome.
    pub fn perform(&self, store: &Store, watcher: &mut dyn Watcher) -> anyhow::Result<Outcome> {
        let make = || workload(self.workload, self.options);
        let subject = make();
        let settings = Settings {
            keeps_trace: true,
            ..self.options.settings(&*subject, self.seed)?
        };
        if matches!(self.stage, Stage::Live { .. }) {
            check_live(self.options)?;
        }
        let folder = store.begin(subject.name(), &timestamp())?;
        let facts = facts(
            self.options,
            &settings,
            json!({
                "command": self.command,
                "challenge": self.held.map(|held| held.challenge),
                "seed": self.seed,
                "stage": self.stage.name(),
                "program": self.stage.program(),
                "workload": subject.name(),
            }),
        );
        folder.keep_test(&facts)?;
        let mut log = None;
        let record = match &self.stage {
            Stage::Live {
                program,
                arguments,
                telling,
                leave_running,
            } => {
                let logs = folder.logs();
                let (working, note) = working_folder()?;
                let launch = Launch {
                    program,
                    arguments,
                    folder: &working,
                    logs: &logs,
                    pass_stderr: telling.stderr,
                    leave_running: *leave_running,
                };
                let mut scribe = Scribe::begin(&folder, telling.notation, watcher)?;
                scribe.write(Level::Info, &format!("test: {}", self.command));
                note.iter().for_each(|note| scribe.say(note));
                let net_log = Settings {
                    net_log: telling.network,
                    ..settings.clone()
                };
                let record = run_live(net_log, make(), &launch, &mut scribe)?;
                log = Some(scribe.log);
                record
            }
            Stage::Simulated(factory) => {
                let simulated = simulate(&settings, make(), factory);
                for (node, log) in settings.nodes.iter().zip(&simulated.logs) {
                    folder.keep_log(node.as_str(), log)?;
                }
                simulated.record
            }
        };
        folder.keep_history(&record)?;
        let verdict = record.crash.is_none().then(|| {
            watcher.check(record.history.count(Kind::Invoke));
            judge(&record, &*subject, self.options.availability)
        });
        let budgets = self.budgets(verdict.as_ref());
        if let Some(verdict) = &verdict {
            folder.keep_results(&record, verdict, &budgets)?;
        }
        let page = Subject {
            title: self.held.map_or(subject.name(), |held| held.challenge),
            command: &self.command,
            stage: self.stage.name(),
            facts: &facts,
            settings: &settings,
            record: &record,
            verdict: verdict.as_ref(),
            budgets: &budgets,
        };
        // The verdict stands without it.
        if let Err(error) = page.page().and_then(|page| folder.keep_page(&page)) {
            watcher.say(&format!("there is no report: {error:#}"));
        }
        if let Some(mut log) = log {
            let (level, last) = last_words(&record, verdict.as_ref());
            log.write(&moment(), level, &last);
            if let Some(error) = log.failure() {
                watcher.say(&format!("jepsen.log is incomplete: {error}"));
            }
        }
        Ok(Outcome {
            settings,
            record,
            verdict,
            folder: folder.path().to_owned(),
        })
    }
}

impl Test<'_> {
    /// What the run is held to, measured.
    fn budgets(&self, verdict: Option<&Verdict>) -> Vec<Figure> {
        let (Some(held), Some(verdict)) = (self.held, verdict) else {
            return Vec::new();
        };
        let score = Score::new(
            verdict.validity(),
            held.trial.budgets,
            &Measurements::of(verdict),
        );
        Figures::new(held.trial.budgets, &[score], held.bar).budgets
    }
}

/// Everything that a run was made of, by name: these facts, and all options.
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
/// When there is a fault among these options that only a simulation can bring about.
fn check_live(options: &Options) -> anyhow::Result<()> {
    if options.nemesis.contains(&Fault::Skew) {
        bail!("--nemesis skew is for simulations: processes look at the system's clock");
    }
    if cfg!(not(unix)) && options.nemesis.contains(&Fault::Pause) {
        bail!("--nemesis pause needs a Unix system, or a simulation");
    }
    Ok(())
}

/// What stands at the end of a log.
fn last_words(record: &Record, verdict: Option<&Verdict>) -> (Level, String) {
    match (verdict, &record.crash) {
        (Some(verdict), _) => {
            let results = edn::pretty(&verdict.to_edn());
            let closing = report::closing(verdict.validity());
            (Level::Info, format!("{results}\n\n{closing}"))
        }
        (None, Some(crash)) => (Level::Warn, format!("the run broke off: {crash}")),
        (None, None) => (Level::Warn, "the run broke off".to_owned()),
    }
}

/// One who looks on and writes everything down.
struct Scribe<'a> {
    log: Log,
    /// How many incidents are written.
    incidents: usize,
    watcher: &'a mut dyn Watcher,
}

impl<'a> Scribe<'a> {
    fn begin(
        folder: &Folder,
        notation: Notation,
        watcher: &'a mut dyn Watcher,
    ) -> anyhow::Result<Self> {
        let path = folder.path().join("jepsen.log");
        let log = Log::create(&path, notation);
        Ok(Scribe {
            log: log.with_context(|| format!("cannot create {}", path.display()))?,
            incidents: 0,
            watcher,
        })
    }

    fn write(&mut self, level: Level, message: &str) {
        self.log.write(&moment(), level, message);
    }
}

impl Watcher for Scribe<'_> {
    fn look(&mut self, run: &Run) {
        for incident in &run.incidents()[self.incidents..] {
            self.write(Level::Warn, &incident.to_string());
        }
        self.incidents = run.incidents().len();
        self.watcher.look(run);
    }

    fn say(&mut self, line: &str) {
        self.write(Level::Info, line);
        self.watcher.say(line);
    }
}
