//! The bench itself, live: how many messages it moves, how soon it begins, how much memory it
//! takes.
//!
//! `cargo bench -p workbench --bench live -- --runs 3`
//!
//! It is run as a person runs it, with processes of our own solutions as nodes.

#[expect(dead_code, reason = "nothing is compared with a smallest program")]
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

/// How long each run under load lasts, in seconds.
const LOAD: u32 = 5;

fn main() -> anyhow::Result<()> {
    let Some(flags) = Flags::wanted() else {
        return Ok(());
    };
    let echo = Solution::Echo.build()?;
    let broadcast = Solution::Broadcast.build()?;
    let mut figures = Figures::new(&flags);
    for (nodes, workers) in [(1, 100), (5, 10), (5, 100), (25, 100)] {
        let rates = repeated(&flags, || throughput(&echo, nodes, workers))?;
        let what = format!("echo, {nodes} nodes, {workers} workers: messages/s");
        figures.add(&what, [Some(rates), None], 0, "≥ 100,000");
    }
    let start = repeated(&flags, || first_operation(&echo))?;
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

fn repeated(flags: &Flags, measure: impl Fn() -> anyhow::Result<f64>) -> anyhow::Result<f64> {
    let figures: anyhow::Result<Vec<f64>> = (0..flags.runs).map(|_| measure()).collect();
    figures.map(median)
}

/// A test of the compiled bench, under way.
fn start(program: &Path, store: &Path, words: &str) -> anyhow::Result<Child> {
    Command::new(env!("CARGO_BIN_EXE_workbench"))
        .args(["test", "--store"])
        .arg(store)
        .arg("--bin")
        .arg(program)
        .args(words.split(' '))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start the bench")
}

/// All messages of a run in which workers do nothing but ask, divided by its time.
fn throughput(program: &Path, nodes: u32, workers: u32) -> anyhow::Result<f64> {
    let store = TempDir::new()?;
    let words = format!(
        "-w echo --node-count {nodes} --concurrency {workers} --rate 10000000 --time-limit {LOAD}"
    );
    let output = start(program, store.path(), &words)?.wait_with_output()?;
    ensure!(output.status.success(), "the run is not valid");
    let results = std::fs::read_to_string(store.path().join("latest/results.edn"))?;
    let results = edn::read(&results)?;
    let count = edn::get(&results, &["net", "all", "msg-count"]).and_then(edn::number);
    Ok(count.context("the results count no messages")? / f64::from(LOAD))
}

/// How long it takes until the first operation's request is sent, in milliseconds.
fn first_operation(program: &Path) -> anyhow::Result<f64> {
    let store = TempDir::new()?;
    let begun = Instant::now();
    let words = "-w echo --node-count 5 --rate 10 --time-limit 1 --log-net-send";
    let mut child = start(program, store.path(), words)?;
    let mut lines = BufReader::new(child.stderr.take().context("no stderr")?).lines();
    let is_request = |line: &str| line.starts_with("send ") && line.contains("\"type\":\"echo\"");
    let found = lines.find(|line| line.as_ref().is_ok_and(|line| is_request(line)));
    let took = begun.elapsed();
    found.context("no request was sent")??;
    // The rest is read, so that the bench does not wait for us.
    lines.for_each(drop);
    child.wait()?;
    Ok(took.as_secs_f64() * 1e3)
}

/// The most memory that the bench ever held in the largest challenge, in MiB; not known but on
/// Linux.
fn largest_memory(program: &Path) -> anyhow::Result<Option<f64>> {
    const STEP: Duration = Duration::from_millis(50);
    let store = TempDir::new()?;
    let words = "-w broadcast --node-count 25 --time-limit 20 --rate 100 --latency 100";
    let mut child = start(program, store.path(), words)?;
    let mut peak = None;
    while child.try_wait()?.is_none() {
        peak = peak_memory(child.id()).or(peak);
        thread::sleep(STEP);
    }
    Ok(peak)
}
