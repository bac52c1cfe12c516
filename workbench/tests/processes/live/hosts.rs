//! Nodes on hosts: over a real ssh, on hosts that are namespaces of this machine, and through programs
//! that stand in for the other ways.

mod own;
mod ssh;

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::bench::{clean_env, node, text};

/// A store, in which commands run the bench.
struct Bench {
    folder: TempDir,
}

/// A node that replies to everything, with what it needs beside it.
const SCRIPTED: &str = "scripted.py";

impl Bench {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        Bench { folder }
    }

    /// `workbench test -w echo` with this node and these flags, quoted as in a shell.
    fn command(&self, bin: &Path, flags: &str) -> Command {
        let mut command = clean_env(Command::new(env!("CARGO_BIN_EXE_workbench")));
        command.args(["test", "-w", "echo", "--rate", "50", "--time-limit", "1"]);
        command.arg("--bin").arg(bin);
        command.arg("--store").arg(self.folder.path().join("store"));
        command.args(shlex::split(flags).unwrap());
        command
    }

    /// Runs it; the output must contain these texts.
    #[track_caller]
    fn check(&self, bin: &str, flags: &str, exit: i32, prints: &[&str]) -> Output {
        let output = self.command(&node(bin), flags).output().unwrap();
        assert_output(&output, exit, prints);
        output
    }

    /// A file of the newest run.
    fn read(&self, file: &str) -> String {
        let file = self.folder.path().join("store/latest").join(file);
        std::fs::read_to_string(file).unwrap()
    }
}

#[track_caller]
fn assert_output(output: &Output, exit: i32, prints: &[&str]) {
    let text = text(output);
    assert_eq!(output.status.code(), Some(exit), "{text}");
    for expected in prints {
        assert!(text.contains(expected), "no {expected:?} in {text}");
    }
}
