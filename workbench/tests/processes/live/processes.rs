//! Processes, by the numbers that nodes write into their logs.

use std::process::{Command, Stdio};

use super::bench::Run;

/// The numbers in a node's log that stand behind these words, each on a line of its own.
pub fn numbers_in_log(run: &Run, node: &str, before: &str) -> Vec<u32> {
    let log = run.read(&format!("node-logs/{node}.log"));
    let numbers = log
        .lines()
        .filter_map(|line| line.strip_prefix(before)?.parse().ok());
    numbers.collect()
}

/// Whether a process is there.
pub fn is_alive(process: u32) -> bool {
    signal(process, "0")
}

/// Whether the process was there to get the signal.
pub fn signal(process: u32, signal: &str) -> bool {
    let script = format!("kill -{signal} {process}");
    let status = Command::new("sh")
        .args(["-c", &script])
        .stderr(Stdio::null())
        .status();
    status.unwrap().success()
}
