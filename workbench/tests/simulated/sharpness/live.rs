//! Races of threads, which need a real clock: one Python node, three runs per case.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use tempfile::TempDir;

/// Runs of each case; the race must be found in all of them.
pub const RUNS: usize = 3;

/// A race and the flags of its test.
pub struct Race {
    pub mistake: &'static str,
    pub flags: &'static str,
}

pub static RACES: [Race; 4] = [
    Race {
        mistake: "threads: a cas compares first and stores up to 60 ms later",
        flags: "-w lin-kv --node-count 1 --concurrency 10 --time-limit 5 --rate 150",
    },
    Race {
        mistake: "threads: answers up to 5 ms later, from a variable that all share",
        flags: "-w echo --node-count 1 --concurrency 10 --time-limit 5 --rate 150",
    },
    Race {
        mistake: "threads: reads its counter up to 5 ms before it writes it",
        flags: "-w unique-ids --node-count 1 --concurrency 10 --time-limit 5 --rate 150",
    },
    Race {
        mistake: "threads: rests up to 5 ms between the steps of a transaction",
        flags: "-w txn-list-append --node-count 1 --concurrency 10 --time-limit 5 --rate 150",
    },
];

/// Runs all races in parallel, with their mistakes or without, and returns the exit statuses of
/// `workbench test` by race.
pub fn run_all(is_wrong: bool) -> Vec<Vec<Option<i32>>> {
    thread::scope(|scope| {
        let start = |race: &'static Race| [(); RUNS].map(|()| scope.spawn(|| race.run(is_wrong)));
        let started: Vec<_> = RACES.iter().map(start).collect();
        let statuses = |runs: [thread::ScopedJoinHandle<'_, _>; RUNS]| {
            runs.into_iter().map(|it| it.join().unwrap()).collect()
        };
        started.into_iter().map(statuses).collect()
    })
}

impl Race {
    fn run(&self, is_wrong: bool) -> Option<i32> {
        let store = TempDir::new().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_workbench"));
        command.arg("test").args(self.flags.split_whitespace());
        command
            .arg("--store")
            .arg(store.path())
            .arg("--bin")
            .arg(node());
        command.args(["--quiet", "--", if is_wrong { "wrong" } else { "right" }]);
        command.output().unwrap().status.code()
    }
}

fn node() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulated/sharpness/nodes/threaded.py")
}

/// Whether there is a python3. If not, prints that the test is skipped, even when it passes.
pub fn has_python() -> bool {
    let output = Command::new("python3").arg("--version").output();
    let has = output.is_ok_and(|it| it.status.success());
    if !has {
        // `eprintln` would be captured: its output is shown only when a test fails.
        let _ = writeln!(
            std::io::stderr(),
            "skipped races of threads: there is no python3"
        );
    }
    has
}
