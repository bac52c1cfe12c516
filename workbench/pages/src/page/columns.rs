//! What a page's script shows: every operation and message, column by column, packed.

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
use super::faults::Episode;
use history::text::shortened;
use history::{Kind, Op, Pair};
use simulator::network::{Delivery, DeliveryStatus};
use simulator::service::Services;

/// How much of an operation's value is kept, in characters.
const VALUE: usize = 160;

/// `took` of a message that was lost.
const LOST: i64 = -1;

/// `took` of a message that was still under way.
const UNDER_WAY: i64 = -2;

/// Everything that the script needs; times in microseconds since time zero.
#[derive(Serialize)]
pub(super) struct Data<'a> {
    end: i64,
    nodes: Vec<&'a str>,
    /// Services that somebody talks to.
    services: Vec<&'static str>,
    /// Everybody who sends or receives, in the order of appearance.
    names: Vec<&'a str>,
    /// Types of messages.
    kinds: Vec<&'a str>,
    /// Names of operations.
    functions: Vec<&'a str>,
    messages: Messages<'a>,
    operations: Operations,
    shades: Vec<Shade<'a>>,
    /// By the name of the plot.
    plots: HashMap<&'static str, Value>,
}

#[derive(Default, Serialize)]
struct Messages<'a> {
    sent: Vec<i64>,
    took: Vec<i64>,
    src: Vec<usize>,
    dest: Vec<usize>,
    kind: Vec<usize>,
    body: Vec<&'a str>,
}

#[derive(Default, Serialize)]
struct Operations {
    process: Vec<u64>,
    worker: Vec<usize>,
    node: Vec<usize>,
    start: Vec<i64>,
    /// −1 if there was none.
    end: Vec<i64>,
    f: Vec<usize>,
    /// Places in the script's list: ok, failed, unknown, open.
    outcome: Vec<u8>,
    value: Vec<String>,
    /// What came out of it, if that says more than the value.
    result: Vec<String>,
}

#[derive(Serialize)]
struct Shade<'a> {
    from: i64,
    to: i64,
    label: &'a str,
}

/// Numbers for names, in the order in which they are first asked for.
#[derive(Default)]
struct Numbers<'a> {
    known: HashMap<&'a str, usize>,
    names: Vec<&'a str>,
}

impl<'a> Numbers<'a> {
    fn of(&mut self, name: &'a str) -> usize {
        *self.known.entry(name).or_insert_with(|| {
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
        let mut names = Numbers::default();
        let mut kinds = Numbers::default();
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
                DeliveryStatus::InFlight => UNDER_WAY,
            };
            end = end.max(sent + took.max(0));
            messages.sent.push(sent);
            messages.took.push(took);
            messages.src.push(names.of(src.as_str()));
            messages.dest.push(names.of(dest.as_str()));
            messages.kind.push(kinds.of(kind));
            messages.body.push(&delivery.body);
        }
        let mut functions = Numbers::default();
        let mut operations = Operations::default();
        for pair in pairs {
            operations.add(subject, pair, &mut functions);
        }
        let talks = |service: &&str| names.known.contains_key(*service);
        Data {
            end: end + 1,
            nodes: subject.settings.nodes.iter().map(NodeId::as_str).collect(),
            services: Services::NAMES.into_iter().filter(talks).collect(),
            names: names.names,
            kinds: kinds.names,
            functions: functions.names,
            messages,
            operations,
            shades: episodes.iter().map(Shade::of).collect(),
            plots,
        }
    }

    /// JSON, deflated and in letters.
    pub(super) fn packed(&self) -> anyhow::Result<String> {
        let mut packer = ZlibEncoder::new(Vec::new(), Compression::fast());
        serde_json::to_writer(std::io::BufWriter::new(&mut packer), self)?;
        packer.flush()?;
        Ok(STANDARD.encode(packer.finish()?))
    }
}

impl Operations {
    fn add<'a>(&mut self, subject: &Subject<'a>, pair: &Pair<'a>, functions: &mut Numbers<'a>) {
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
        self.f.push(functions.of(&invocation.f));
        self.outcome.push(match completion.map(|op| op.kind) {
            Some(Kind::Ok) => 0,
            Some(Kind::Fail) => 1,
            Some(Kind::Info) => 2,
            Some(Kind::Invoke) | None => 3,
        });
        self.value.push(shortened(invocation.value.json(), VALUE));
        self.result
            .push(completion.map_or(String::new(), |op| result(invocation, op)));
    }
}

/// What a completion says beyond its invocation.
fn result(invocation: &Op, completion: &Op) -> String {
    match &completion.error {
        Some(error) => shortened(&serde_json::to_string(error).unwrap_or_default(), VALUE),
        None if completion.value.json() == invocation.value.json() => String::new(),
        None => shortened(completion.value.json(), VALUE),
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

/// Of an operation's time, which is in nanoseconds.
fn since_zero(nanoseconds: u64) -> i64 {
    i64::try_from(nanoseconds / 1000).unwrap_or(i64::MAX / 4)
}
