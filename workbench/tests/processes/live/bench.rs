//! Runs the bench on a node, and checks what every run must meet whatever its node does.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::thread;

use history::History;
use history::edn::{self, Edn};
use serde_json::Value;
use tempfile::TempDir;

/// The first flags of every run; of a repeated flag the last one counts.
const FLAGS: &str = "--rate 50 --time-limit 1";

/// A node, the flags of a run, and the expected result.
#[derive(Clone)]
pub struct Case {
    node: &'static str,
    flags: String,
    steps: Vec<String>,
    exit: i32,
    prints: Vec<String>,
}

/// One scripted node in the echo workload, expected to be valid.
pub fn echo() -> Case {
    Case {
        node: "scripted.py",
        flags: "-w echo --node-count 1".to_owned(),
        steps: Vec::new(),
        exit: 0,
        prints: Vec::new(),
    }
}

impl Case {
    /// Uses another node of `tests/processes/nodes`.
    pub fn node(self, node: &'static str) -> Self {
        Case { node, ..self }
    }

    /// Adds flags; of a repeated flag the last one counts.
    pub fn flags(self, flags: &str) -> Self {
        let flags = format!("{} {flags}", self.flags);
        Case { flags, ..self }
    }

    /// Replaces all flags.
    pub fn only_flags(self, flags: &str) -> Self {
        let flags = flags.to_owned();
        Case { flags, ..self }
    }

    /// Sets the node's arguments.
    pub fn steps<S: Into<String>>(self, steps: impl IntoIterator<Item = S>) -> Self {
        let steps = steps.into_iter().map(Into::into).collect();
        Case { steps, ..self }
    }

    /// Sets the expected exit status.
    pub fn exits(self, exit: i32) -> Self {
        Case { exit, ..self }
    }

    /// Adds texts that the output must contain.
    pub fn prints<S: Into<String>>(mut self, texts: impl IntoIterator<Item = S>) -> Self {
        self.prints.extend(texts.into_iter().map(Into::into));
        self
    }
}

/// The result of a case.
pub struct Run {
    /// The exit status; none if a signal ended the bench.
    pub code: Option<i32>,
    /// What it printed to stdout and stderr.
    pub text: String,
    /// The command that repeats it.
    command: String,
    store: TempDir,
}

/// Runs all cases in parallel and checks each. Returns the runs, or none if there is no Python.
pub fn check(cases: impl IntoIterator<Item = Case>) -> Vec<Run> {
    let cases: Vec<Case> = cases.into_iter().collect();
    let runs = run(&cases);
    let failures = runs.iter().zip(&cases).filter_map(|(run, case)| {
        let problems = run.problems(case);
        (!problems.is_empty()).then(|| run.describe(&problems.join("\n")))
    });
    let failures: Vec<String> = failures.collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    runs
}

/// Runs all cases in parallel without checking them.
pub fn run(cases: &[Case]) -> Vec<Run> {
    if python().is_none() {
        return Vec::new();
    }
    thread::scope(|scope| {
        let start = |case| scope.spawn(move || run_one(case));
        let started: Vec<_> = cases.iter().map(start).collect();
        started.into_iter().map(|it| it.join().unwrap()).collect()
    })
}

/// Checks one case; none if there is no Python.
pub fn check_one(case: Case) -> Option<Run> {
    check([case]).pop()
}

/// The path of one of the nodes.
pub fn node(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/processes/nodes")
        .join(name)
}

/// Environment variables that affect output or seeds. Tests must not depend on them, nor write to the
/// summary of the CI step that they run in.
const VARIABLES: [&str; 11] = [
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "GITHUB_ACTIONS",
    "GITHUB_STEP_SUMMARY",
    "WORKBENCH_SHARD_INDEX",
    "SLURM_ARRAY_TASK_ID",
    "CI_NODE_INDEX",
    "BUILDKITE_PARALLEL_JOB",
    "CIRCLE_NODE_INDEX",
    "JOB_COMPLETION_INDEX",
];

/// Removes these variables from a command's environment.
pub fn clean_env(mut command: Command) -> Command {
    VARIABLES.iter().for_each(|name| {
        command.env_remove(name);
    });
    command
}

/// Runs the bench with these arguments.
pub fn workbench<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Output {
    workbench_with_env(&[], arguments)
}

/// Runs the bench with these environment variables and arguments.
pub fn workbench_with_env<S: AsRef<std::ffi::OsStr>>(
    env_vars: &[(&str, &str)],
    arguments: &[S],
) -> Output {
    let mut command = clean_env(Command::new(env!("CARGO_BIN_EXE_workbench")));
    command.envs(env_vars.iter().copied());
    if let Some(python) = python() {
        // The interpreter itself comes first on PATH, since wrappers of its name start slowly.
        let folders = env::var_os("PATH").unwrap_or_default();
        let folders = python
            .parent()
            .map(Path::to_owned)
            .into_iter()
            .chain(env::split_paths(&folders));
        command.env("PATH", env::join_paths(folders).unwrap());
    }
    command.args(arguments).output().unwrap()
}

/// What it printed to stdout and stderr.
pub fn text(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// The interpreter, if there is one.
pub fn python() -> Option<&'static Path> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        let mut command = Command::new("python3");
        let output = command
            .args(["-c", "import sys; print(sys.executable)"])
            .output()
            .ok()?;
        let path = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| PathBuf::from(path.trim()))
    };
    let look = || {
        let found = find();
        if found.is_none() {
            // Not by `eprintln`, whose output is shown only if a test fails.
            let _ = writeln!(
                io::stderr(),
                "skipped tests with nodes: there is no python3"
            );
        }
        found
    };
    PYTHON.get_or_init(look).as_deref()
}

fn run_one(case: &Case) -> Run {
    let store = TempDir::new().unwrap();
    let store_path = store.path().to_string_lossy();
    let program = node(case.node);
    let mut args = vec![
        "test",
        "--store",
        &store_path,
        "--bin",
        program.to_str().unwrap(),
    ];
    args.extend(FLAGS.split(' ').chain(case.flags.split_whitespace()));
    // The sentences of all findings.
    if !case.flags.contains("--quiet") {
        args.push("--all");
    }
    args.push("--");
    args.extend(case.steps.iter().map(String::as_str));
    let output = workbench(&args);
    Run {
        code: output.status.code(),
        text: text(&output),
        command: command(case),
        store,
    }
}

/// The command that repeats a case.
fn command(case: &Case) -> String {
    let Case {
        node, flags, steps, ..
    } = case;
    let quoted = |step: &String| format!("'{}'", step.replace('\'', r"'\''"));
    let steps: Vec<String> = steps.iter().map(quoted).collect();
    let steps = steps.join(" ");
    format!(
        "cargo workbench test --bin workbench/tests/processes/nodes/{node} {FLAGS} {flags} -- {steps}"
    )
}

impl Run {
    /// The folder of the newest run.
    pub fn folder(&self) -> PathBuf {
        let folder = fs::canonicalize(self.store.path().join("latest"));
        folder.unwrap_or_else(|_| panic!("{}", self.describe("no run was saved")))
    }

    /// The folder with all runs.
    pub fn store(&self) -> &Path {
        self.store.path()
    }

    /// A file of the newest run.
    pub fn read(&self, file: &str) -> String {
        let text = fs::read_to_string(self.folder().join(file));
        text.unwrap_or_else(|error| panic!("{}", self.describe(&format!("{file}: {error}"))))
    }

    /// The `test.json` of the newest run.
    pub fn test(&self) -> Value {
        serde_json::from_str(&self.read("test.json")).unwrap()
    }

    /// The newest run's history.
    pub fn history(&self) -> History {
        History::read_json(self.read("history.jsonl").as_bytes()).unwrap()
    }

    /// Asserts a condition; if it is not met, shows the output and the command that repeats the
    /// run.
    #[track_caller]
    pub fn assert(&self, condition: bool, what: &str) {
        assert!(condition, "{}", self.describe(&format!("not met: {what}")));
    }

    /// A problem, the bench's output, and the command that repeats the run.
    fn describe(&self, problem: &str) -> String {
        let (text, command) = (&self.text, &self.command);
        format!("{problem}\nThe bench printed:\n{text}\nagain: {command}")
    }

    fn problems(&self, case: &Case) -> Vec<String> {
        let mut problems = Vec::new();
        if self.code != Some(case.exit) {
            problems.push(format!(
                "the exit status is {:?}, not {}",
                self.code, case.exit
            ));
        }
        let missing = case.prints.iter().filter(|text| !self.text.contains(*text));
        problems.extend(missing.map(|text| format!("it does not print {text:?}")));
        if !self.text.lines().any(|line| line.starts_with("error:")) {
            self.check_files(case.exit, &mut problems);
        }
        problems
    }

    /// Checks what every run must meet: its files can be read and agree with the exit status, and
    /// the output names its folder and the command that repeats it.
    fn check_files(&self, exit: i32, problems: &mut Vec<String>) {
        let mut require = |condition: bool, what: &str| {
            if !condition {
                problems.push(format!("not met: {what}"));
            }
        };
        let (folder, test) = (self.folder(), self.test());
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let workload = self.store.path().join(test["workload"].as_str().unwrap());
        let same = fs::canonicalize(workload.join("latest")).is_ok_and(|it| it == folder);
        require(same, "both links point to the newest run");
        require(
            self.text.contains(&format!("{name}\n")),
            "it prints the run's folder",
        );
        let seed = test["seed"].as_u64().unwrap();
        if exit != 0 {
            require(
                self.text.contains(&format!("{name}/node-logs\n")),
                "it prints the folder of the logs",
            );
            require(
                self.text.contains("\nagain: "),
                "it prints the command that repeats the run",
            );
            require(
                self.text.contains(&format!("--seed {seed}")),
                "the command has the seed",
            );
        }
        for node in test["nodes"].as_array().unwrap() {
            let log = format!("node-logs/{}.log", node.as_str().unwrap());
            require(folder.join(&log).is_file(), &log);
        }
        let edn = History::read_edn(self.read("history.edn").as_bytes()).unwrap();
        require(
            edn.ops.len() == self.history().ops.len(),
            "both histories have the same length",
        );
        require(folder.join("report.html").is_file(), "there is a report");
        let results = ["results.edn", "results.json", "summary.json"];
        let are_there = results.map(|it| folder.join(it).is_file());
        require(
            are_there == [exit != 255; 3],
            "there are results unless the run was aborted",
        );
        if are_there == [true; 3] {
            require(
                self.exit_statuses() == [Some(exit); 2],
                "the results agree with the exit status",
            );
        }
    }

    /// The exit statuses that correspond to the two files of results.
    fn exit_statuses(&self) -> [Option<i32>; 2] {
        let text = self.read("results.edn");
        let results = edn::read(&text).unwrap();
        let edn = match edn::get(&results, &["valid?"]) {
            Some(Edn::Bool(valid)) => Some(i32::from(!valid)),
            Some(Edn::Key(word)) if word == "unknown" => Some(2),
            Some(_) | None => None,
        };
        let results: Value = serde_json::from_str(&self.read("results.json")).unwrap();
        let json = match &results["valid?"] {
            Value::Bool(valid) => Some(i32::from(!valid)),
            Value::String(word) if word == "unknown" => Some(2),
            _ => None,
        };
        [edn, json]
    }
}
