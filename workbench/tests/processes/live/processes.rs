//! Processes, by the process ids in nodes' logs.

use std::process::{Command, Stdio};

use super::bench::Run;

/// The process ids on the lines of a node's log that begin with this prefix.
pub fn pids_in_log(run: &Run, node: &str, prefix: &str) -> Vec<u32> {
    let log = run.read(&format!("node-logs/{node}.log"));
    let pids = log
        .lines()
        .filter_map(|line| line.strip_prefix(prefix)?.parse().ok());
    pids.collect()
}

/// Whether a process is alive.
pub fn is_alive(pid: u32) -> bool {
    signal(pid, "0")
}

/// Sends a signal; whether the process was alive.
pub fn signal(pid: u32, signal: &str) -> bool {
    let script = format!("kill -{signal} {pid}");
    let status = Command::new("sh")
        .args(["-c", &script])
        .stderr(Stdio::null())
        .status();
    status.unwrap().success()
}
