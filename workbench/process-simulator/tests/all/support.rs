//! Builds and runs programs, and records what they print.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use process_simulator::{Program, Threads, factory};
use simulator::shared::Outbox;
use simulator::simulation::Incarnation;

/// Where the sources of the programs are.
pub fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all")
}

/// A folder for programs that are built.
pub fn built() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs");
        fs::create_dir_all(&folder).unwrap();
        folder
    })
}

/// Whether a tool is here; if it is missing, says that the test is skipped.
pub fn has(tool: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {tool}")])
        .output()
        .unwrap();
    if !found.status.success() {
        eprintln!("skipped: {tool} is not installed");
    }
    found.status.success()
}

/// Runs a tool and asserts that it succeeds.
pub fn run(tool: &str, arguments: &[&str]) {
    let output = Command::new(tool).args(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} {arguments:?}: {stderr}");
}

/// Builds a C program.
pub fn compile(source: &Path) -> PathBuf {
    let program = built().join(source.file_stem().unwrap());
    let (source, output) = (source.to_str().unwrap(), program.to_str().unwrap());
    run("cc", &["-O1", "-pthread", "-o", output, source]);
    program
}

/// The longest line of a transcript.
const MAX_LINE: usize = 200;

/// Runs a program until it ends, or for ten virtual minutes, with lines of input at certain
/// milliseconds. Returns what it printed and when, and how it ended.
pub fn transcript(path: &Path, seed: u64, threads: Threads, input: &[(u64, &str)]) -> String {
    let program = Program {
        path: path.to_owned(),
        arguments: Vec::new(),
        folder: std::env::temp_dir(),
    };
    let incarnation = Incarnation {
        node: 0,
        number: 0,
        seed,
    };
    let mut host = factory(program, threads)(incarnation).unwrap();
    let mut text = String::new();
    let mut outbox = Outbox::default();
    let mut input = input.iter().peekable();
    let mut now = Duration::ZERO;
    while now < Duration::from_secs(600) {
        let next_input = input.peek().map(|(ms, _)| Duration::from_millis(*ms));
        let next_wake = host.deadline();
        let Some(next) = next_input.into_iter().chain(next_wake).min() else {
            text.push_str("it waits for ever\n");
            break;
        };
        now = now.max(next);
        match input.next_if(|_| Some(next) == next_input) {
            Some((_, line)) => host.receive(now, line),
            None => host.wake(now),
        }
        outbox.clear();
        host.drain(&mut outbox);
        let at = now.as_millis();
        for line in String::from_utf8_lossy(&outbox.lines).lines() {
            let line = match line.len() {
                len @ MAX_LINE.. => format!("({len} bytes)"),
                _ => line.to_owned(),
            };
            text.push_str(&format!("{at:>5} ms: {line}\n"));
        }
        for line in &outbox.log {
            text.push_str(&format!("{at:>5} ms: stderr: {line}\n"));
        }
        for what in host.take_nondeterminism() {
            text.push_str(&format!("{at:>5} ms: may not repeat: {what}\n"));
        }
        if let Some(end) = host.failure() {
            text.push_str(&format!("{at:>5} ms: {end}\n"));
            break;
        }
    }
    text
}
