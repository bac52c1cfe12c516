//! The bench as a person runs it, and what holds for every run, whatever its node does.

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

/// Every run begins with these; of a flag that stands twice the last one counts.
const FLAGS: &str = "--rate 50 --time-limit 1";

/// A node, and what the bench is to make of it.
#[derive(Clone)]
pub struct Case {
    node: &'static str,
    flags: String,
    steps: Vec<String>,
    exit: i32,
    says: Vec<String>,
}

/// One node that does as its steps say, in the echo workload; it is to be found valid.
pub fn echo() -> Case {
    Case {
        node: "scripted.py",
        flags: "-w echo --node-count 1".to_owned(),
        steps: Vec::new(),
        exit: 0,
        says: Vec::new(),
    }
}

impl Case {
    /// Another node, from `tests/processes/nodes`.
    pub fn node(self, node: &'static str) -> Self {
        Case { node, ..self }
    }

    /// More flags of the bench; of one that stands twice the last counts.
    pub fn flags(self, flags: &str) -> Self {
        let flags = format!("{} {flags}", self.flags);
        Case { flags, ..self }
    }

    /// These flags of the bench and no others.
    pub fn only_flags(self, flags: &str) -> Self {
        let flags = flags.to_owned();
        Case { flags, ..self }
    }

    /// The node's arguments.
    pub fn steps<S: Into<String>>(self, steps: impl IntoIterator<Item = S>) -> Self {
        let steps = steps.into_iter().map(Into::into).collect();
        Case { steps, ..self }
    }

    /// The exit status that is expected.
    pub fn exits(self, exit: i32) -> Self {
        Case { exit, ..self }
    }

    /// What else must stand in the output.
    pub fn says<S: Into<String>>(mut self, says: impl IntoIterator<Item = S>) -> Self {
        self.says.extend(says.into_iter().map(Into::into));
        self
    }
}

/// What came of a case.
pub struct Run {
    /// The exit status; nothing if a signal ended the bench.
    pub code: Option<i32>,
    /// All that it printed.
    pub text: String,
    /// How to repeat it.
    command: String,
    store: TempDir,
}

/// Runs all cases at once and checks each; what came of them, which is nothing without Python.
pub fn check(cases: impl IntoIterator<Item = Case>) -> Vec<Run> {
    let cases: Vec<Case> = cases.into_iter().collect();
    let runs = run(&cases);
    let told = runs.iter().zip(&cases).filter_map(|(run, case)| {
        let flaws = run.flaws(case);
        (!flaws.is_empty()).then(|| run.tell(&flaws.join("\n")))
    });
    let told: Vec<String> = told.collect();
    assert!(told.is_empty(), "{}", told.join("\n\n"));
    runs
}

/// Runs all cases at once without checking them.
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

/// Checks one case; nothing without Python.
pub fn check_one(case: Case) -> Option<Run> {
    check([case]).pop()
}

/// The path of one of the nodes.
pub fn node(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/processes/nodes")
        .join(name)
}

/// What a person's or a server's surroundings may say about output: no test is to depend on it, or
/// to write to the summary of the very step that it runs in.
const SURROUNDINGS: [&str; 5] = [
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "GITHUB_ACTIONS",
    "GITHUB_STEP_SUMMARY",
];

/// Takes away what its surroundings say to the bench, or to a shell that starts it.
pub fn alone(mut command: Command) -> Command {
    SURROUNDINGS.iter().for_each(|name| {
        command.env_remove(name);
    });
    command
}

/// The bench, with these arguments.
pub fn workbench<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Output {
    workbench_amid(&[], arguments)
}

/// The bench in surroundings that say this, with these arguments.
pub fn workbench_amid<S: AsRef<std::ffi::OsStr>>(
    surroundings: &[(&str, &str)],
    arguments: &[S],
) -> Output {
    let mut command = alone(Command::new(env!("CARGO_BIN_EXE_workbench")));
    command.envs(surroundings.iter().copied());
    if let Some(python) = python() {
        // The interpreter itself ahead of any wrapper of its name, which would start it slowly.
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

/// Everything that it printed.
pub fn text(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

fn python() -> Option<&'static Path> {
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
            // Not by `eprintln`, which is heard only when a test fails.
            let _ = writeln!(
                io::stderr(),
                "skipped what needs nodes: there is no python3"
            );
        }
        found
    };
    PYTHON.get_or_init(look).as_deref()
}

fn run_one(case: &Case) -> Run {
    let store = TempDir::new().unwrap();
    let place = store.path().to_string_lossy();
    let program = node(case.node);
    let mut words = vec![
        "test",
        "--store",
        &place,
        "--bin",
        program.to_str().unwrap(),
    ];
    words.extend(FLAGS.split(' ').chain(case.flags.split_whitespace()));
    words.push("--");
    words.extend(case.steps.iter().map(String::as_str));
    let output = workbench(&words);
    Run {
        code: output.status.code(),
        text: text(&output),
        command: repetition(case),
        store,
    }
}

/// The command that does the same by hand.
fn repetition(case: &Case) -> String {
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
        folder.unwrap_or_else(|_| panic!("{}", self.tell("nothing was kept")))
    }

    /// The folder in which all runs are kept.
    pub fn store(&self) -> &Path {
        self.store.path()
    }

    /// A file of the newest run.
    pub fn read(&self, file: &str) -> String {
        let text = fs::read_to_string(self.folder().join(file));
        text.unwrap_or_else(|error| panic!("{}", self.tell(&format!("{file}: {error}"))))
    }

    /// What the newest run was.
    pub fn test(&self) -> Value {
        serde_json::from_str(&self.read("test.json")).unwrap()
    }

    /// The newest run's history.
    pub fn history(&self) -> History {
        History::read_json(self.read("history.jsonl").as_bytes()).unwrap()
    }

    /// Something that must hold of it.
    #[track_caller]
    pub fn demand(&self, holds: bool, what: &str) {
        assert!(holds, "{}", self.tell(&format!("not so: {what}")));
    }

    /// What is wrong, what the bench printed, and how to repeat it.
    fn tell(&self, flaw: &str) -> String {
        let (text, command) = (&self.text, &self.command);
        format!("{flaw}\nThe bench printed:\n{text}\nagain: {command}")
    }

    fn flaws(&self, case: &Case) -> Vec<String> {
        let mut flaws = Vec::new();
        if self.code != Some(case.exit) {
            flaws.push(format!(
                "the exit status is {:?}, not {}",
                self.code, case.exit
            ));
        }
        let missing = case.says.iter().filter(|words| !self.text.contains(*words));
        flaws.extend(missing.map(|words| format!("it does not say {words:?}")));
        if !self.text.starts_with("error:") {
            self.look_at_files(case.exit, &mut flaws);
        }
        flaws
    }

    /// Whatever a node does, what is kept can be read and says the same as the exit status, and the
    /// person learns where it is and how to repeat it.
    fn look_at_files(&self, exit: i32, flaws: &mut Vec<String>) {
        let mut demand = |holds: bool, what: &str| {
            if !holds {
                flaws.push(format!("not so: {what}"));
            }
        };
        let (folder, test) = (self.folder(), self.test());
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let workload = self.store.path().join(test["workload"].as_str().unwrap());
        let same = fs::canonicalize(workload.join("latest")).is_ok_and(|it| it == folder);
        demand(same, "both links point to the newest run");
        demand(
            self.text.contains(&format!("{name}\n")),
            "it says where the run is kept",
        );
        let seed = test["seed"].as_u64().unwrap();
        if exit != 0 {
            demand(
                self.text.contains(&format!("{name}/node-logs\n")),
                "it says where logs are",
            );
            demand(
                self.text.contains("\nagain: "),
                "it says how to repeat the run",
            );
            demand(
                self.text.contains(&format!("--seed {seed}")),
                "it names the seed",
            );
        }
        for node in test["nodes"].as_array().unwrap() {
            let log = format!("node-logs/{}.log", node.as_str().unwrap());
            demand(folder.join(&log).is_file(), &log);
        }
        let edn = History::read_edn(self.read("history.edn").as_bytes()).unwrap();
        demand(
            edn.ops.len() == self.history().ops.len(),
            "both histories are the same",
        );
        demand(folder.join("report.html").is_file(), "there is a report");
        let results = ["results.edn", "results.json", "summary.json"];
        let are_there = results.map(|it| folder.join(it).is_file());
        demand(
            are_there == [exit != 255; 3],
            "there are results unless the run broke off",
        );
        if are_there == [true; 3] {
            demand(
                self.verdicts() == [Some(exit); 2],
                "the results are those of the exit status",
            );
        }
    }

    /// The exit statuses for what stands in the two files of results.
    fn verdicts(&self) -> [Option<i32>; 2] {
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
