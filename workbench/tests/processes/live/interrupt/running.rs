//! The bench as a process that receives signals.

use std::fs::{self, File};
use std::io::PipeWriter;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::live::bench::{clean_env, node, python};
use crate::live::processes::{ends, signal};

/// Programs that are started in the background may inherit ignored signals.
const WITH_DEFAULT_SIGNALS: &str = "\
import os, signal, sys
for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT:
    signal.signal(number, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
";

/// The bench, while it runs.
pub struct Bench {
    pub process: Child,
    pub folder: TempDir,
}

impl Bench {
    /// Starts the bench with a store of its own; none if there is no Python.
    pub fn start(words: &[&str]) -> Option<Self> {
        Self::start_with(words, None)
    }

    /// Starts the bench with a store of its own; its stderr is a file unless another one is given.
    pub fn start_with(words: &[&str], other_stderr: Option<PipeWriter>) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let [stdout, stderr] =
            ["stdout", "stderr"].map(|name| File::create(folder.path().join(name)).unwrap());
        let stderr = other_stderr.map_or(Stdio::from(stderr), Stdio::from);
        let (command, rest) = words.split_first().unwrap();
        let mut bench = clean_env(Command::new(python()?));
        bench.args(["-c", WITH_DEFAULT_SIGNALS, env!("CARGO_BIN_EXE_workbench")]);
        bench
            .arg(command)
            .arg("--store")
            .arg(folder.path().join("store"))
            .args(rest);
        let process = bench.stdout(stdout).stderr(stderr).spawn().unwrap();
        Some(Bench { process, folder })
    }

    /// Starts a test of a node, and waits until it has answered several requests.
    pub fn in_test(name: &str, flags: &str, steps: &[&str]) -> Option<Self> {
        let program = node(name);
        let mut words = vec!["test", "--bin", program.to_str().unwrap()];
        words.extend(flags.split_whitespace());
        words.push("--");
        words.extend(steps);
        let bench = Bench::start(&words)?;
        bench.wait_for("working", || bench.log().matches("working").count() > 2);
        Some(bench)
    }

    /// What it has printed.
    pub fn text(&self) -> String {
        let files = ["stdout", "stderr"].map(|name| self.folder.path().join(name));
        files.map(|file| fs::read_to_string(file).unwrap()).concat()
    }

    pub fn run(&self) -> PathBuf {
        self.folder.path().join("store/latest")
    }

    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.run().join(file)).unwrap()
    }

    /// The first node's log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.run().join("node-logs/n0.log")).unwrap_or_default()
    }

    #[track_caller]
    pub fn wait_for(&self, what: &str, is_met: impl Fn() -> bool) {
        let start = Instant::now();
        while !is_met() {
            let is_late = start.elapsed() > Duration::from_secs(60);
            assert!(!is_late, "not met: {what}\n{}\n{}", self.text(), self.log());
            sleep(Duration::from_millis(10));
        }
    }

    pub fn signal(&self, name: &str) {
        signal(self.process.id(), name);
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{}", self.text());
            sleep(Duration::from_millis(10));
        }
    }

    /// Sends a signal and waits for the end; returns the exit status and what was printed.
    #[track_caller]
    pub fn end(&mut self, name: &str) -> (Option<i32>, String) {
        self.signal(name);
        let status = self.wait();
        (status.code(), self.text())
    }

    #[track_caller]
    pub fn assert_nothing_is_left(&self, ids: &[u32]) {
        for id in ids {
            assert!(ends(*id), "process {id} is left\n{}", self.text());
        }
    }
}
