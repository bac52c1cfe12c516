//! Processes, by the process ids in nodes' logs.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

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

/// The state of a process, as `ps` shows it; empty if there is none.
pub fn state(pid: u32) -> String {
    let mut ps = Command::new("ps");
    let output = ps.args(["-o", "stat=", "-p", &pid.to_string()]).output();
    String::from_utf8_lossy(&output.unwrap().stdout)
        .trim()
        .to_owned()
}

/// Whether a process ends soon, or has ended. What has been killed may take a moment.
pub fn ends(pid: u32) -> bool {
    let start = Instant::now();
    while !matches!(state(pid).chars().next(), None | Some('Z')) {
        if start.elapsed() > Duration::from_secs(20) {
            return false;
        }
        sleep(Duration::from_millis(10));
    }
    true
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
