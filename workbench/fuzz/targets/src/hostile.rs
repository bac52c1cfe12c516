//! Our nodes behind a hostile layer, which edits what they print, or what other nodes and services send
//! them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use shared::Outbox;
use simulator::incident::Exit;
use simulator::simulation::{Factory, Host};

use crate::bytes::Bytes;
use crate::edit::edited;

/// Which messages are edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The lines that nodes print.
    Output,
    /// The messages to nodes that are not from clients.
    Input,
}

/// The bytes that decide what is edited, shared by all nodes of a run.
#[derive(Debug, Clone)]
struct Script(Arc<Mutex<(Vec<u8>, usize)>>);

impl Script {
    /// Calls `decide` with what is left of the script.
    fn read<T>(&self, decide: impl FnOnce(&mut Bytes<'_>) -> T) -> T {
        let mut script = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (text, at) = &mut *script;
        let mut bytes = Bytes::new(&text[*at..]);
        let decided = decide(&mut bytes);
        *at = text.len() - bytes.rest().len();
        decided
    }
}

/// A factory of these nodes, whose messages are edited as the script says; unchanged after its end.
pub(crate) fn hostile(inner: Factory, side: Side, script: &[u8]) -> Factory {
    let script = Script(Arc::new(Mutex::new((script.to_vec(), 0))));
    Box::new(move |incarnation| {
        Ok(Box::new(Hostile {
            inner: inner(incarnation)?,
            side,
            script: script.clone(),
            input: Vec::new(),
            is_partial: false,
            exit: None,
        }))
    })
}

/// The most messages that are kept to be replayed.
const MAX_KEPT: usize = 64;

struct Hostile {
    inner: Box<dyn Host>,
    side: Side,
    script: Script,
    /// Messages that the node has received, to be replayed.
    input: Vec<String>,
    is_partial: bool,
    exit: Option<Exit>,
}

impl Host for Hostile {
    fn receive(&mut self, now: Duration, line: &str) {
        self.input.truncate(MAX_KEPT - 1);
        self.input.push(line.to_owned());
        if self.side == Side::Output || is_from_client(line) {
            return self.inner.receive(now, line);
        }
        for line in self
            .script
            .read(|bytes| input_lines(line, &self.input, bytes))
        {
            self.inner.receive(now, &line);
        }
    }

    fn wake(&mut self, now: Duration) {
        self.inner.wake(now);
    }

    fn deadline(&self) -> Option<Duration> {
        self.inner.deadline()
    }

    fn drain(&mut self, outbox: &mut Outbox) {
        self.inner.drain(outbox);
        if self.side == Side::Input || outbox.lines.is_empty() {
            return;
        }
        let printed = std::mem::take(&mut outbox.lines);
        let last = self.input.last().map_or("", String::as_str);
        for line in String::from_utf8_lossy(&printed).lines() {
            self.script.read(|bytes| {
                let choice = bytes.byte();
                match choice % 32 {
                    31 => self.is_partial = true,
                    30 if choice > 200 => self.exit = Some(exit(line)),
                    _ => push_output(&mut outbox.lines, line, last, choice, bytes),
                }
            });
        }
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn has_partial_line(&self) -> bool {
        self.is_partial
    }

    fn failure(&mut self) -> Option<Exit> {
        self.exit.take()
    }
}

fn exit(line: &str) -> Exit {
    Exit {
        status: "exit status: 1".to_owned(),
        why: None,
        stderr: vec![line.to_owned()],
    }
}

fn is_from_client(line: &str) -> bool {
    let message: Value = serde_json::from_str(line).unwrap_or_default();
    message["src"]
        .as_str()
        .is_none_or(|src| src.starts_with('c'))
}

/// What a node receives in place of a message.
fn input_lines(line: &str, earlier: &[String], bytes: &mut Bytes<'_>) -> Vec<String> {
    match bytes.byte() % 8 {
        0 | 1 => vec![line.to_owned()],
        2 => Vec::new(),
        3 => vec![line.to_owned(), line.to_owned()],
        4 => vec![line.to_owned(), edited(line, bytes)],
        5 => vec![earlier[bytes.below(earlier.len())].clone(), line.to_owned()],
        _ => vec![edited(line, bytes)],
    }
}

/// Appends what a node prints in place of a line. `last` is its last line of input.
fn push_output(out: &mut Vec<u8>, line: &str, last: &str, choice: u8, bytes: &mut Bytes<'_>) {
    match choice % 8 {
        0 | 1 => out.extend(line.bytes()),
        2 => return,
        3 => {
            out.extend(line.bytes());
            out.push(b'\n');
            out.extend(line.bytes());
        }
        4 => out.extend(with_names(bytes.line(), last)),
        // Cut, with a byte that may be no text.
        5 => {
            out.extend(line.bytes().take(usize::from(bytes.byte())));
            out.push(bytes.byte());
        }
        _ => out.extend(edited(line, bytes).bytes()),
    }
    out.push(b'\n');
}

/// A line of the script, with the sender, receiver and number of the last message in place of `@s`, `@d`
/// and `@m`, so that it can be a reply.
fn with_names(line: &[u8], last: &str) -> Vec<u8> {
    let last: Value = serde_json::from_str(last).unwrap_or_default();
    let text = String::from_utf8_lossy(line);
    let part = |value: &Value| value.to_string();
    let text = text.replace("@s", &part(&last["src"]));
    let text = text.replace("@d", &part(&last["dest"]));
    text.replace("@m", &part(&last["body"]["msg_id"]))
        .into_bytes()
}
