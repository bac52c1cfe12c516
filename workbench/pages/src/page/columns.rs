//! Data for the page's script: every operation and message, by column, compressed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde::Serialize;
use serde_json::Value;
use shared::NodeId;

use super::Subject;
use crate::faults::Episode;
use history::text::shortened;
use history::{Kind, Op, Pair};
use simulator::network::{Delivery, DeliveryStatus};
use simulator::service::Services;

/// Maximum length of an operation's value, in characters.
const MAX_VALUE_CHARS: usize = 160;

/// Maximum length of a message's body, in characters.
const MAX_BODY_CHARS: usize = 300;

/// `took` of a lost message.
const LOST: i64 = -1;

/// `took` of a message that was still in flight at the end.
const IN_FLIGHT: i64 = -2;

/// Data for the script; times are in microseconds since time zero.
#[derive(Serialize)]
pub(super) struct Data<'a> {
    end: i64,
    nodes: Vec<&'a str>,
    /// Services that sent or received a message.
    services: Vec<&'static str>,
    /// Senders and receivers, in the order of appearance; messages refer to them by index.
    names: Vec<&'a str>,
    /// Types of messages, by index.
    kinds: Vec<&'a str>,
    /// Functions of operations, by index.
    functions: Vec<&'a str>,
    messages: Messages<'a>,
    operations: Operations,
    shades: Vec<Shade<'a>>,
    /// Values of the plots, by the plot's name.
    plots: HashMap<&'static str, Value>,
}

#[derive(Default, Serialize)]
struct Messages<'a> {
    sent: Vec<i64>,
    took: Vec<i64>,
    src: Vec<usize>,
    dest: Vec<usize>,
    kind: Vec<usize>,
    body: Vec<Cow<'a, str>>,
}

#[derive(Default, Serialize)]
struct Operations {
    process: Vec<u64>,
    worker: Vec<usize>,
    node: Vec<usize>,
    start: Vec<i64>,
    /// −1 without a completion.
    end: Vec<i64>,
    f: Vec<usize>,
    /// Indices in the script's `OUTCOMES`: ok, failed, indeterminate, open.
    outcome: Vec<u8>,
    value: Vec<String>,
    /// Error or value of the completion; empty if it is the value of the invocation.
    result: Vec<String>,
}

#[derive(Serialize)]
struct Shade<'a> {
    from: i64,
    to: i64,
    label: &'a str,
}

/// Assigns indices to names, in the order of their first use.
#[derive(Default)]
struct Interner<'a> {
    indices: HashMap<&'a str, usize>,
    names: Vec<&'a str>,
}

impl<'a> Interner<'a> {
    fn index(&mut self, name: &'a str) -> usize {
        *self.indices.entry(name).or_insert_with(|| {
            self.names.push(name);
            self.names.len() - 1
        })
    }
}

impl<'a> Data<'a> {
    pub(super) fn of(
        subject: &Subject<'a>,
        pairs: &[Pair<'a>],
        episodes: &'a [Episode],
        plots: HashMap<&'static str, Value>,
    ) -> Self {
        let record = subject.record;
        let zero = micros(record.zero.unwrap_or_default());
        let deliveries = record
            .trace
            .as_ref()
            .map_or(&[][..], |trace| trace.deliveries());
        let mut names = Interner::default();
        let mut kinds = Interner::default();
        let mut messages = Messages::default();
        let mut end = record
            .history
            .ops
            .last()
            .map_or(0, |op| since_zero(op.time));
        for delivery in deliveries {
            let Delivery {
                src, dest, kind, ..
            } = delivery;
            let sent = micros(delivery.sent) - zero;
            let took = match delivery.status {
                DeliveryStatus::Arrived(at) => micros(at) - zero - sent,
                DeliveryStatus::Lost => LOST,
                DeliveryStatus::InFlight => IN_FLIGHT,
            };
            end = end.max(sent + took.max(0));
            messages.sent.push(sent);
            messages.took.push(took);
            messages.src.push(names.index(src.as_str()));
            messages.dest.push(names.index(dest.as_str()));
            messages.kind.push(kinds.index(kind));
            messages.body.push(body(delivery));
        }
        let mut functions = Interner::default();
        let mut operations = Operations::default();
        for pair in pairs {
            operations.add(subject, pair, &mut functions);
        }
        let is_used = |service: &&str| names.indices.contains_key(*service);
        Data {
            end: end + 1,
            nodes: subject.settings.nodes.iter().map(NodeId::as_str).collect(),
            services: Services::NAMES.into_iter().filter(is_used).collect(),
            names: names.names,
            kinds: kinds.names,
            functions: functions.names,
            messages,
            operations,
            shades: episodes.iter().map(Shade::of).collect(),
            plots,
        }
    }

    /// Encodes the data as JSON, compressed, in base64.
    pub(super) fn pack(&self) -> anyhow::Result<String> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        serde_json::to_writer(std::io::BufWriter::new(&mut encoder), self)?;
        encoder.flush()?;
        Ok(STANDARD.encode(encoder.finish()?))
    }
}

impl Operations {
    fn add<'a>(&mut self, subject: &Subject<'a>, pair: &Pair<'a>, functions: &mut Interner<'a>) {
        let Pair {
            invocation,
            completion,
        } = *pair;
        let Some(process) = invocation.process.client() else {
            return;
        };
        let settings = subject.settings;
        let worker = usize::try_from(process % settings.concurrency.max(1) as u64).unwrap_or(0);
        self.process.push(process);
        self.worker.push(worker);
        self.node.push(worker % settings.nodes.len().max(1));
        self.start.push(since_zero(invocation.time));
        self.end
            .push(completion.map_or(-1, |op| since_zero(op.time)));
        self.f.push(functions.index(&invocation.f));
        self.outcome.push(match completion.map(|op| op.kind) {
            Some(Kind::Ok) => 0,
            Some(Kind::Fail) => 1,
            Some(Kind::Info) => 2,
            Some(Kind::Invoke) | None => 3,
        });
        self.value
            .push(shortened(&invocation.value.plain(), MAX_VALUE_CHARS));
        self.result
            .push(completion.map_or(String::new(), |op| result(invocation, op)));
    }
}

fn body(delivery: &Delivery) -> Cow<'_, str> {
    // Most are shorter even in bytes.
    match delivery.body.len() {
        ..=MAX_BODY_CHARS => Cow::Borrowed(&delivery.body),
        _ => Cow::Owned(shortened(&delivery.body, MAX_BODY_CHARS)),
    }
}

/// Error or value of a completion; empty if it repeats the invocation.
fn result(invocation: &Op, completion: &Op) -> String {
    match &completion.error {
        Some(error) => shortened(
            &serde_json::to_string(error).unwrap_or_default(),
            MAX_VALUE_CHARS,
        ),
        None if completion.value.json() == invocation.value.json() => String::new(),
        None => shortened(&completion.value.plain(), MAX_VALUE_CHARS),
    }
}

impl<'a> Shade<'a> {
    fn of(episode: &'a Episode) -> Self {
        Shade {
            from: (episode.from * 1e6) as i64,
            to: (episode.to * 1e6) as i64,
            label: &episode.label,
        }
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 4)
}

/// Converts the time of an operation to microseconds.
fn since_zero(nanoseconds: u64) -> i64 {
    i64::try_from(nanoseconds / 1000).unwrap_or(i64::MAX / 4)
}
