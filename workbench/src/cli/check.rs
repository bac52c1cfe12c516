//! `workbench check`: the verdict on a stored history.

mod report;

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::again::OwnCommand;
use super::reporter::{Output, Reporter};
use super::{code, exit_code, misuse, paint, progress, write_stdout};
use crate::flags;
use crate::live::{Observer, Stopwatch};
use checkers::{
    Assumptions, CheckerResult as _, Models, Target, Unjudged, Verdict, WorkloadVerdict,
};
use history::edn;
use history::{History, Kind};
use pages::budget::Bar;
use pages::outcome::Outcome;
use pages::page::Subject;
use pages::report::TestReport;
use pages::story::Story;
use pages::text::{counted, grouped};
use simulator::options::Options;
use simulator::run::Record;
use simulator::workload;

use self::report::Report;

/// Arguments of `check`.
#[derive(Args)]
pub(super) struct Arguments {
    /// The history: JSON lines, or a history.edn of Maelstrom or Jepsen, gzipped or not; the folder
    /// of a run; or - for stdin.
    #[arg(value_name = "HISTORY")]
    history: PathBuf,

    /// What to check it as: a workload, or one of Knossos' registers. Not needed for the folder of
    /// a run of this bench.
    #[arg(short, long, value_name = "NAME", value_enum)]
    workload: Option<Model>,

    /// The consistency models that transactions must satisfy, separated by commas. Without it those
    /// of the run's folder, or else strict-serializable.
    #[arg(long, value_name = "LIST")]
    consistency_models: Option<String>,

    /// The fraction of operations that must have succeeded: "total", or a number from 0 to 1.
    #[arg(long, value_name = "X", value_parser = flags::parse_availability)]
    availability: Option<Target>,

    /// Assumptions about the keys of txn-rw-register, separated by commas, as Elle's options of
    /// these names: wfr-keys, sequential-keys, linearizable-keys. Without it wfr-keys, as in
    /// Maelstrom.
    #[arg(long, value_name = "LIST")]
    assume: Option<Assumptions>,

    /// Writes a report page, plots and results into a folder, like those of a run.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,

    /// Prints one JSON object: valid, workload, operations, findings, results.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    output: Output,
}

/// Names of the history file in a run's folder.
const HISTORY_FILES: [&str; 4] = [
    "history.jsonl",
    "history.edn",
    "history.jsonl.gz",
    "history.edn.gz",
];

/// Checks the history; returns the exit status.
pub(super) fn run(arguments: &Arguments, own: &OwnCommand) -> anyhow::Result<u8> {
    let mut reporter = Reporter::new(own, &arguments.output, arguments.json)?;
    let done = run_check(arguments, &mut reporter);
    reporter.finish(done)
}

fn run_check(arguments: &Arguments, reporter: &mut Reporter) -> anyhow::Result<u8> {
    let start = Stopwatch::start();
    let mut line = progress::Line::new("check", reporter.is_quiet);
    line.show(format!("reading {}", arguments.history.display()));
    let (history, known) = open(&arguments.history)?;
    let model = model(arguments, &known)?;
    require_operations(&history, model, &arguments.history)?;
    let operations = history.count(Kind::Invoke);
    line.on_check(operations);
    let verdict = judge(arguments, &known, &history, model.workload());
    line.finish();
    let valid = verdict.validity();
    let status = exit_code(valid);
    let command = reporter.command.clone();
    let counts = counts(&history, operations);
    let settings = report::settings(&known, &history);
    let record = Record {
        history,
        zero: Some(Duration::ZERO),
        interrupted_at: known["interrupted-at"]
            .as_f64()
            .and_then(|at| Duration::try_from_secs_f64(at).ok()),
        ..Record::default()
    };
    let outcome = Outcome {
        command: command.clone(),
        stage: Subject::KEPT,
        story: Story::of(&settings, &record, Some(&verdict)),
        took: start.elapsed(),
        validity: Some(valid),
        findings: verdict.sentences(),
        counts,
        ..Outcome::default()
    };
    if arguments.json {
        let document = document(model, operations, &verdict, &outcome);
        write_stdout(format_args!("{document:#}\n"))?;
    } else {
        if status != code::VALID || !reporter.is_quiet {
            reporter.print(outcome.summary(reporter.max_problems));
        }
        reporter.print(format_args!("{model}: {}", paint::verdict(valid)));
    }
    if let Some(folder) = &arguments.report {
        let page = Report {
            source: &arguments.history,
            known: &known,
            title: &model.to_string(),
            command: &command,
            settings: &settings,
            record: &record,
            verdict: &verdict,
            story: &outcome.story,
        };
        page.write(folder)?;
        reporter.print_unless_quiet(format_args!(
            "report: {}",
            folder.join("report.html").display()
        ));
    }
    reporter.report_test(&TestReport {
        challenge: None,
        part: (1, 1),
        workload: model.to_string(),
        flags: arguments.history.display().to_string(),
        bar: Bar::Official,
        outcomes: vec![outcome],
        budgets: Vec::new(),
        status,
        command,
    });
    Ok(status)
}

/// What the history is checked as: what the command or the run's folder says.
///
/// # Errors
/// When none of them does, or there are assumptions about another workload.
fn model(arguments: &Arguments, known: &Value) -> anyhow::Result<Model> {
    let known = || Model::from_str(known["workload"].as_str()?, false).ok();
    let Some(model) = arguments.workload.or_else(known) else {
        return Err(misuse(
            "the history does not say of which workload it is: give -w NAME",
        ));
    };
    if arguments.assume.is_some() && model.workload() != workload::Name::TxnRwRegister {
        return Err(misuse("--assume is for txn-rw-register only"));
    }
    Ok(model)
}

/// # Errors
/// When the history has other operations than those of the model, or none.
fn require_operations(history: &History, model: Model, path: &Path) -> anyhow::Result<()> {
    if let Some(mismatch) = describe_mismatch(history, model.workload()) {
        return Err(misuse(mismatch));
    }
    // A run may have had no operation; any other file is probably the wrong one.
    if history.count(Kind::Invoke) == 0 && !path.is_dir() {
        let path = path.display();
        bail!("{path} has no operation of a client: is this the right file?");
    }
    Ok(())
}

/// The verdict on a history, with the options of the command, or else those of the run's folder.
fn judge(arguments: &Arguments, known: &Value, history: &History, name: workload::Name) -> Verdict {
    let availability = arguments.availability.or(match &known["availability"] {
        Value::Number(part) => part.as_f64().map(Target::AtLeast),
        Value::String(word) if word == "total" => Some(Target::Total),
        _ => None,
    });
    let models = arguments.consistency_models.as_deref();
    let models = models.or(known["consistency-models"].as_str());
    let verdict = match models.map(str::parse).transpose() {
        Ok(models) => {
            let models: Models = models.unwrap_or_default();
            let checked = check(history, name, models, arguments.assume);
            Verdict::judge(history, checked, availability, None)
        }
        // As in Maelstrom, an unknown model makes the verdict unknown.
        Err(unknown) => Verdict::judge(history, Unjudged::new(unknown), availability, None),
    };
    match known["interrupted-at"].is_number() {
        true => verdict.of_prefix(history),
        false => verdict,
    }
}

/// What a history is checked as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Model {
    /// One of Maelstrom's workloads.
    Workload(workload::Name),
    /// Knossos' `register` or `cas-register`: one register, or several if values are pairs of a key
    /// and a value.
    Register {
        /// Whether there are compare-and-set operations.
        cas: bool,
    },
}

impl Model {
    /// The workload with the right checker.
    fn workload(self) -> workload::Name {
        match self {
            Model::Workload(name) => name,
            Model::Register { .. } => workload::Name::LinKv,
        }
    }
}

impl ValueEnum for Model {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<Model>> = LazyLock::new(|| {
            let workloads = workload::Name::ALL.into_iter();
            let registers = [false, true].map(|cas| Model::Register { cas });
            workloads.map(Model::Workload).chain(registers).collect()
        });
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Model::Workload(name) => Some(PossibleValue::new(name.name()).help(name.about())),
            Model::Register { cas: false } => {
                Some(PossibleValue::new("register").help("Operations read and write a register"))
            }
            Model::Register { cas: true } => Some(
                PossibleValue::new("cas-register")
                    .help("Operations read, write, and compare and set a register"),
            ),
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", PossibleValue::get_name))
    }
}

fn check(
    history: &History,
    name: workload::Name,
    models: Models,
    assume: Option<Assumptions>,
) -> WorkloadVerdict {
    if let Some(assumptions) = assume {
        return checkers::rw_register(history, &models, assumptions).into();
    }
    let options = Options {
        consistency_models: models,
        ..Options::default()
    };
    workload::workload(name, &options).check(history)
}

/// Describes a history that has no operation of this workload: its verdict would mean nothing.
fn describe_mismatch(history: &History, name: workload::Name) -> Option<String> {
    let known = workload::workload(name, &Options::default()).operations();
    let begun = history.ops.iter().filter(|op| op.is_invocation());
    let names: BTreeSet<&str> = begun.map(|op| &*op.f).collect();
    let is_other = !names.is_empty() && names.iter().all(|name| !known.contains(name));
    let list = |names: &[&str]| names.join(", ");
    is_other.then(|| {
        let (names, known) = (list(&Vec::from_iter(names)), list(known));
        format!(
            "this is not a history of {name}: its operations are {names}, but {name} has {known}"
        )
    })
}

/// Reads a history and the `test.json` of the run's folder, which is `null` if there is none.
fn open(path: &Path) -> anyhow::Result<(History, Value)> {
    let read = |path: &Path| {
        let file: Box<dyn Read> = if path == Path::new("-") {
            Box::new(io::stdin().lock())
        } else {
            Box::new(File::open(path).with_context(|| format!("cannot open {}", path.display()))?)
        };
        History::read(file).with_context(|| path.display().to_string())
    };
    if !path.is_dir() {
        return Ok((read(path)?, Value::Null));
    }
    let mut candidates = HISTORY_FILES.iter().map(|name| path.join(name));
    let file = candidates.find(|path| path.exists());
    let file = file.with_context(|| {
        let names = HISTORY_FILES.join(", ");
        format!(
            "{} is not the folder of a run: it has none of {names}",
            path.display()
        )
    })?;
    let test = path.join("test.json");
    let known = match fs::read(&test) {
        Ok(text) => serde_json::from_slice(&text)
            .with_context(|| format!("cannot read {}", test.display()))?,
        Err(_) => Value::Null,
    };
    Ok((read(&file)?, known))
}

/// What `--json` prints.
fn document(model: Model, operations: usize, verdict: &Verdict, outcome: &Outcome) -> Value {
    json!({
        "valid": edn::to_json(&verdict.validity().to_edn()),
        "workload": model.to_string(),
        "operations": operations,
        "story": outcome.story.to_json(),
        "findings": outcome.findings,
        "results": edn::to_json(&verdict.to_edn()),
    })
}

fn counts(history: &History, operations: usize) -> String {
    let operations = counted(operations as u64, "operation");
    let [ok, failed, info] =
        [Kind::Ok, Kind::Fail, Kind::Info].map(|kind| grouped(history.count(kind) as u64));
    format!("{operations} ({ok} ok, {failed} failed, {info} indeterminate)")
}
