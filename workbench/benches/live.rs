//! The bench itself, live: its message rate, start-up time and memory.
//!
//! `cargo bench -p workbench --bench live -- --runs 3`
//!
//! It runs as a user runs it, with processes of our own solutions as nodes.

#[expect(dead_code, reason = "there is no minimal program to compare with")]
mod common;
#[path = "common/memory.rs"]
mod memory;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use history::edn;
use tempfile::TempDir;
use workbench::solutions::Solution;

use common::{Figures, Flags, median};
use memory::peak_memory;

/// Duration of each run under load, in seconds.
const LOAD_S: u32 = 5;

fn main() -> anyhow::Result<()> {
    let Some(flags) = Flags::requested() else {
        return Ok(());
    };
    let echo = Solution::Echo.build()?;
    let broadcast = Solution::Broadcast.build()?;
    let mut figures = Figures::new(&flags);
    for (nodes, workers) in [(1, 100), (5, 10), (5, 100), (25, 100)] {
        let rates = median_of_runs(&flags, || throughput(&echo, nodes, workers))?;
        let what = format!("echo, {nodes} nodes, {workers} workers: messages/s");
        figures.add(&what, [Some(rates), None], 0, "≥ 100,000");
    }
    let start = median_of_runs(&flags, || first_operation(&echo))?;
    figures.add(
        "from start to first operation, 5 nodes, ms",
        [Some(start), None],
        1,
        "< 100",
    );
    let memory = largest_memory(&broadcast)?;
    figures.add(
        "peak memory, broadcast-3d (25 nodes), MiB",
        [memory, None],
        1,
        "< 100",
    );
    figures.print();
    Ok(())
}

fn median_of_runs(flags: &Flags, measure: impl Fn() -> anyhow::Result<f64>) -> anyhow::Result<f64> {
    let figures: anyhow::Result<Vec<f64>> = (0..flags.runs).map(|_| measure()).collect();
    figures.map(median)
}

/// Starts a test of the compiled bench.
fn start(program: &Path, store: &Path, flags: &str) -> anyhow::Result<Child> {
    Command::new(env!("CARGO_BIN_EXE_workbench"))
        .args(["test", "--store"])
        .arg(store)
        .arg("--bin")
        .arg(program)
        .args(flags.split(' '))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start the bench")
}

/// Messages per second of a run in which each worker sends its requests without a pause.
fn throughput(program: &Path, nodes: u32, workers: u32) -> anyhow::Result<f64> {
    let store = TempDir::new()?;
    let flags = format!(
        "-w echo --node-count {nodes} --concurrency {workers} --rate 10000000 --time-limit {LOAD_S}"
    );
    let output = start(program, store.path(), &flags)?.wait_with_output()?;
    ensure!(output.status.success(), "the run is not valid");
    let results = std::fs::read_to_string(store.path().join("latest/results.edn"))?;
    let results = edn::read(&results)?;
    let count = edn::get(&results, &["net", "all", "msg-count"]).and_then(edn::number);
    Ok(count.context("the results count no messages")? / f64::from(LOAD_S))
}

/// Time from the start to the first operation's request, in milliseconds.
fn first_operation(program: &Path) -> anyhow::Result<f64> {
    let store = TempDir::new()?;
    let start_time = Instant::now();
    let flags = "-w echo --node-count 5 --rate 10 --time-limit 1 --log-net-send";
    let mut child = start(program, store.path(), flags)?;
    let mut lines = BufReader::new(child.stderr.take().context("no stderr")?).lines();
    let is_request = |line: &str| line.starts_with("send ") && line.contains("\"type\":\"echo\"");
    let found = lines.find(|line| line.as_ref().is_ok_and(|line| is_request(line)));
    let elapsed = start_time.elapsed();
    found.context("no request was sent")??;
    // Read the rest, so that the bench does not block on a full pipe.
    lines.for_each(drop);
    child.wait()?;
    Ok(elapsed.as_secs_f64() * 1e3)
}

/// Peak memory of the bench in the largest challenge, in MiB; known only on Linux.
fn largest_memory(program: &Path) -> anyhow::Result<Option<f64>> {
    const STEP: Duration = Duration::from_millis(50);
    let store = TempDir::new()?;
    let flags = "-w broadcast --node-count 25 --time-limit 20 --rate 100 --latency 100";
    let mut child = start(program, store.path(), flags)?;
    let mut peak = None;
    while child.try_wait()?.is_none() {
        peak = peak_memory(child.id()).or(peak);
        thread::sleep(STEP);
    }
    Ok(peak)
}
