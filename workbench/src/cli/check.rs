//! `workbench check`: the verdict on a history that somebody kept.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::audience::{Audience, Output};
use super::{code, exit_code, misuse, own_command, paint, print, progress};
use crate::checker::{Models, Target, Verdict};
use crate::edn;
use crate::flags;
use crate::history::{History, Kind};
use crate::live::{Stopwatch, Watcher};
use crate::report::{self, Ending, Tested};
use crate::test::judge;
use crate::workload::{self, Options};

/// What `check` takes.
#[derive(Args)]
pub(super) struct Arguments {
    /// The history: our JSON lines, or a history.edn of Maelstrom's or Jepsen's, gzipped or not;
    /// the folder of a run; or - for stdin.
    #[arg(value_name = "HISTORY")]
    history: PathBuf,

    /// Which workload it is of; a folder of ours knows it.
    #[arg(short, long, value_name = "NAME", value_enum)]
    workload: Option<workload::Name>,

    /// What transactions are held to: consistency models, separated by commas. A folder of ours
    /// knows them; otherwise it is strict-serializable.
    #[arg(long, value_name = "LIST")]
    consistency_models: Option<String>,

    /// Which part of the operations must have succeeded: "total", or a number from 0 to 1.
    #[arg(long, value_name = "X", value_parser = flags::parse_availability)]
    availability: Option<Target>,

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
    let workload = arguments.workload.map_or_else(
        || told("workload").and_then(|name| workload::Name::from_str(name, false).ok()),
        Some,
    );
    let Some(name) = workload else {
        return Err(misuse(
            "the history does not say which workload it is of: give -w NAME",
        ));
    };
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
    let operations = history.ops.iter().filter(|op| op.is_invocation()).count();
    line.check(operations);
    let verdict = match models.transpose() {
        Ok(models) => {
            let models: Models = models.unwrap_or_default();
            let options = Options {
                models,
                ..Options::default()
            };
            let workload = workload::workload(name, &options);
            judge(&history, workload.check(&history), availability, None)
        }
        // Nothing can be said of what nobody knows; Maelstrom finds out at the same point.
        Err(unknown) => judge(&history, Verdict::unknown(unknown), availability, None),
    };
    line.finish();
    let status = exit_code(verdict.valid);
    let summary = summary(&history, operations, &verdict);
    if arguments.json {
        print(format_args!(
            "{:#}\n",
            json!({
                "valid": edn::to_json(&verdict.valid.to_edn()),
                "workload": name.to_string(),
                "operations": operations,
                "findings": verdict.findings,
                "results": edn::to_json(&verdict.results),
            })
        ));
    } else {
        if status != code::VALID || !audience.is_quiet {
            audience.say(&summary);
        }
        audience.say(format_args!("{name}: {}", paint::verdict(verdict.valid)));
    }
    let command = own_command(None);
    audience.hear_test(&Tested {
        challenge: None,
        part: (1, 1),
        workload: name.to_string(),
        flags: arguments.history.display().to_string(),
        figures: None,
        endings: vec![Ending {
            command: command.clone(),
            seed: None,
            stage: "kept",
            folder: None,
            took: start.elapsed(),
            valid: Some(verdict.valid),
            results: Value::Null,
            evidence: report::told(&verdict.findings),
            findings: verdict.findings,
            incidents: Value::Null,
            crash: None,
            summary,
        }],
        status,
        command,
    });
    Ok(status)
}

/// What a person should read, which fits a screen.
fn summary(history: &History, operations: usize, verdict: &Verdict) -> String {
    let mut lines = report::findings(&verdict.findings);
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
    let ended = |kind| {
        let ops = history.ops.iter();
        ops.filter(|op| op.is_completion() && op.kind == kind)
            .count()
    };
    format!(
        "{operations} operations ({} ok, {} failed, {} unknown)",
        ended(Kind::Ok),
        ended(Kind::Fail),
        ended(Kind::Info)
    )
}
