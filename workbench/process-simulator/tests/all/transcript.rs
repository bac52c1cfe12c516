//! Runs a program and records what it prints, and when.

use std::path::Path;
use std::time::Duration;

use process_simulator::{Program, Threads, factory};
use simulator::shared::Outbox;
use simulator::simulation::Incarnation;

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
