//! `workbench check`: the verdict on a history that somebody kept.

mod report;

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context, bail};
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::audience::{Audience, Output};
use super::{code, exit_code, misuse, own_command, paint, print, progress};
use crate::flags;
use crate::live::{Stopwatch, Watcher};
use checkers::{
    Assumptions, CheckerResult as _, Models, Target, Unjudged, Verdict, WorkloadVerdict,
};
use history::edn;
use history::{History, Kind};
use pages::report::{self as told, Ending, Tested};
use simulator::options::Options;
use simulator::workload;

use self::report::Report;

/// What `check` takes.
#[derive(Args)]
pub(super) struct Arguments {
    /// The history: our JSON lines, or a history.edn of Maelstrom's or Jepsen's, gzipped or not;
    /// the folder of a run; or - for stdin.
    #[arg(value_name = "HISTORY")]
    history: PathBuf,

    /// What it is judged as: a workload, or a register as Knossos has them; a folder of ours knows
    /// it.
    #[arg(short, long, value_name = "NAME", value_enum)]
    workload: Option<Model>,

    /// What transactions are held to: consistency models, separated by commas. A folder of ours
    /// knows them; otherwise it is strict-serializable.
    #[arg(long, value_name = "LIST")]
    consistency_models: Option<String>,

    /// Which part of the operations must have succeeded: "total", or a number from 0 to 1.
    #[arg(long, value_name = "X", value_parser = flags::parse_availability)]
    availability: Option<Target>,

    /// What is taken for granted about the keys of txn-rw-register, separated by commas, as Elle's
    /// options of these names: wfr-keys, sequential-keys, linearizable-keys. Without it, as in
    /// Maelstrom, it is wfr-keys.
    #[arg(long, value_name = "LIST")]
    assume: Option<Assumptions>,

    /// Writes a page, plots and results into a folder, as a run of ours has them.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,

    /// Prints one JSON object: valid, workload, operations, findings, results.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    output: Output,
}

/// The names under which a folder may keep its history.
const NAMES: [&str; 4] = [
    "history.jsonl",
    "history.edn",
    "history.jsonl.gz",
    "history.edn.gz",
];

/// Judges the history; the exit status.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let mut audience = Audience::begin("check", &arguments.output, arguments.json)?;
    let done = run_check(arguments, &mut audience);
    audience.finish(done)
}

fn run_check(arguments: &Arguments, audience: &mut Audience) -> anyhow::Result<u8> {
    let start = Stopwatch::start();
    let mut line = progress::Line::new("check", audience.is_quiet);
    line.show(format!("reading {}", arguments.history.display()));
    let (history, known) = open(&arguments.history)?;
    let told = |key: &str| known[key].as_str();
    let model = arguments.workload.map_or_else(
        || told("workload").and_then(|name| Model::from_str(name, false).ok()),
        Some,
    );
    let Some(model) = model else {
        return Err(misuse(
            "the history does not say which workload it is of: give -w NAME",
        ));
    };
    let name = model.workload();
    if arguments.assume.is_some() && name != workload::Name::TxnRwRegister {
        return Err(misuse("--assume is about txn-rw-register alone"));
    }
    let availability = arguments.availability.or(match &known["availability"] {
        Value::Number(part) => part.as_f64().map(Target::AtLeast),
        Value::String(word) if word == "total" => Some(Target::Total),
        _ => None,
    });
    let models = arguments.consistency_models.as_deref();
    let models = models.or(told("consistency-models")).map(str::parse);
    if let Some(stranger) = stranger(&history, name) {
        return Err(misuse(stranger));
    }
    let operations = history.count(Kind::Invoke);
    // A run in whose folder it lies may have had no operation; any other file is taken for another.
    if operations == 0 && !arguments.history.is_dir() {
        let path = arguments.history.display();
        bail!("{path} holds no operation of a client: is this the right file?");
    }
    line.check(operations);
    let verdict = match models.transpose() {
        Ok(models) => {
            let models: Models = models.unwrap_or_default();
            let checked = check(&history, name, models, arguments.assume);
            Verdict::judge(&history, checked, availability, None)
        }
        // Nothing can be said of what nobody knows; Maelstrom finds out at the same point.
        Err(unknown) => Verdict::judge(&history, Unjudged::new(unknown), availability, None),
    };
    line.finish();
    let valid = verdict.validity();
    let findings = verdict.sentences();
    let status = exit_code(valid);
    let summary = summary(&history, operations, &findings);
    if arguments.json {
        let document = json!({
            "valid": edn::to_json(&valid.to_edn()),
            "workload": model.to_string(),
            "operations": operations,
            "findings": findings,
            "results": edn::to_json(&verdict.to_edn()),
        });
        print(format_args!("{document:#}\n"))?;
    } else {
        if status != code::VALID || !audience.is_quiet {
            audience.say(&summary);
        }
        audience.say(format_args!("{model}: {}", paint::verdict(valid)));
    }
    let command = own_command(None);
    if let Some(folder) = &arguments.report {
        let report = Report {
            source: &arguments.history,
            known: &known,
            title: &model.to_string(),
            command: &command,
            verdict: &verdict,
        };
        report.write(history, folder)?;
        audience.remark(format_args!(
            "report: {}",
            folder.join("report.html").display()
        ));
    }
    audience.hear_test(&Tested {
        challenge: None,
        part: (1, 1),
        workload: model.to_string(),
        flags: arguments.history.display().to_string(),
        figures: None,
        endings: vec![Ending {
            command: command.clone(),
            seed: None,
            stage: "kept",
            folder: None,
            took: start.elapsed(),
            valid: Some(valid),
            results: Value::Null,
            evidence: told::told(&findings),
            findings,
            incidents: Value::Null,
            crash: None,
            summary,
        }],
        status,
        command,
    });
    Ok(status)
}

/// What a history is judged as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Model {
    /// A workload of Maelstrom's.
    Workload(workload::Name),
    /// One register, or several with tuples of a key and a value: Knossos' `register` and
    /// `cas-register`.
    Register {
        /// Whether it can be compared and set.
        cas: bool,
    },
}

impl Model {
    /// The workload whose checker judges it.
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

/// What a person should read, which fits a screen.
fn summary(history: &History, operations: usize, findings: &[String]) -> String {
    let mut lines = told::findings(findings);
    lines.push(counts(history, operations));
    lines.join("\n")
}

/// What is wrong with a history that is not of this workload: it would be judged by what it lacks.
fn stranger(history: &History, name: workload::Name) -> Option<String> {
    let known = workload::workload(name, &Options::default()).operations();
    let begun = history.ops.iter().filter(|op| op.is_invocation());
    let names: BTreeSet<&str> = begun.map(|op| &*op.f).collect();
    let is_strange = !names.is_empty() && names.iter().all(|name| !known.contains(name));
    let list = |names: &[&str]| names.join(", ");
    is_strange.then(|| {
        let (names, known) = (list(&Vec::from_iter(names)), list(known));
        format!("this is no history of {name}: it has {names}, and there should be {known}")
    })
}

/// A history, and what the run's folder says of it: `null` if there is none.
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
    let mut candidates = NAMES.iter().map(|name| path.join(name));
    let kept = candidates.find(|path| path.exists());
    let kept = kept.with_context(|| {
        let names = NAMES.join(", ");
        format!(
            "{} is no run's folder: it has none of {names}",
            path.display()
        )
    })?;
    let test = path.join("test.json");
    let known = match fs::read(&test) {
        Ok(text) => serde_json::from_slice(&text)
            .with_context(|| format!("cannot make sense of {}", test.display()))?,
        Err(_) => Value::Null,
    };
    Ok((read(&kept)?, known))
}

fn counts(history: &History, operations: usize) -> String {
    format!(
        "{operations} operations ({} ok, {} failed, {} unknown)",
        history.count(Kind::Ok),
        history.count(Kind::Fail),
        history.count(Kind::Info)
    )
}
