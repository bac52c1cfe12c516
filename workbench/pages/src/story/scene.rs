//! The record of a run, seen from its nodes: who performed an operation, and which faults there were.

use std::fmt::Write as _;

use crate::faults::{Episode, episodes};
use crate::story::UNKNOWN_NODE;
use checkers::{CheckerResult, Verdict, exceptions};
use history::text::{self, quoted};
use history::{Kind, Op, OpError, Pair, Process};
use simulator::network::{Delivery, DeliveryStatus};
use simulator::run::{Record, Settings};

/// Maximum length of a value in a sentence, in characters.
const MAX_CHARS: usize = 80;

/// Maximum length of a sentence about an exception, in characters.
const MAX_EXCEPTION: usize = 400;

/// A run with its faults.
pub(crate) struct Scene<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) record: &'a Record,
    pub(crate) pairs: Vec<Pair<'a>>,
    pub(crate) episodes: Vec<Episode>,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(settings: &'a Settings, record: &'a Record) -> Self {
        Scene {
            settings,
            record,
            pairs: record.history.pairs(),
            episodes: episodes(&record.history),
        }
    }

    /// The node that a process works on, if it is known.
    pub(crate) fn node(&self, process: Process) -> Option<&'a str> {
        self.node_of(process.client()?)
    }

    fn node_of(&self, client: u64) -> Option<&'a str> {
        let settings: &'a Settings = self.settings;
        let node = settings.node_of(client).as_str();
        (node != UNKNOWN_NODE).then_some(node)
    }

    /// `process 3 on n1`.
    pub(crate) fn who(&self, process: Process) -> String {
        let node = self.node(process);
        let node = node.map_or_else(String::new, |node| format!(" on {node}"));
        format!("process {process}{node}")
    }

    /// Adds the node to each `process 3` of a sentence, except in quotes.
    pub(crate) fn with_nodes(&self, sentence: &str) -> String {
        const NOUN: &str = "process ";
        let mut named = String::with_capacity(sentence.len());
        let mut is_quoted = false;
        let mut rest = sentence;
        while let Some(c) = rest.chars().next() {
            if c == '\\' && is_quoted {
                let escaped = rest.chars().take(2).map(char::len_utf8).sum();
                named.push_str(&rest[..escaped]);
                rest = &rest[escaped..];
                continue;
            }
            is_quoted ^= c == '"';
            let number = rest.strip_prefix(NOUN).filter(|_| !is_quoted);
            let digits = number.map_or(0, |it| it.len() - it.trim_start_matches(is_digit).len());
            let taken = match digits {
                0 => c.len_utf8(),
                _ => NOUN.len() + digits,
            };
            named.push_str(&rest[..taken]);
            rest = &rest[taken..];
            let number = number.and_then(|it| it[..digits].parse().ok());
            if let Some(node) = number.and_then(|it| self.node_of(it))
                && !rest.starts_with(" on ")
            {
                let _ = write!(named, " on {node}");
            }
        }
        named
    }

    /// The checkers' findings, with the nodes of processes.
    pub(crate) fn findings(&self, verdict: Option<&Verdict>) -> Vec<String> {
        let sentences = verdict.map_or_else(Vec::new, CheckerResult::sentences);
        sentences.iter().map(|it| self.with_nodes(it)).collect()
    }

    /// The faults of a node at this time: ` while n3 was cut off from n0`, or nothing.
    pub(crate) fn meanwhile(&self, node: Option<&str>, seconds: f64) -> String {
        let Some(node) = node else {
            return String::new();
        };
        let on = || self.episodes.iter().filter(|it| it.is_on(seconds));
        let on_node: Vec<String> = on().filter_map(|it| it.on_node(node)).collect();
        let on_node = (!on_node.is_empty()).then(|| format!("{node} {}", on_node.join(" and ")));
        let on_messages = on().filter_map(Episode::on_messages).map(str::to_owned);
        let all: Vec<String> = on_node.into_iter().chain(on_messages).collect();
        match all.is_empty() {
            true => String::new(),
            false => format!(" while {}", all.join(" and ")),
        }
    }

    /// The first time that a node was killed since a time in nanoseconds: `n1 was killed at 4.317 s`.
    pub(crate) fn killed_since(&self, node: &str, since: u64) -> Option<String> {
        let mut kills = self.episodes.iter().filter(|it| it.kills(node));
        let kill = kills.find(|it| it.from * 1e9 >= since as f64)?;
        Some(format!("{node} was killed at {:.3} s", kill.from))
    }

    /// The number of operations of this name that got a reply.
    pub(crate) fn reply_count(&self, f: &str) -> usize {
        let replies = self.record.history.ops.iter();
        let replies = replies.filter(|op| op.is_completion() && op.kind != Kind::Info && op.f == f);
        replies.count()
    }

    /// The first operation of this name, or of any, that did not succeed: `; the first, of process 3 on
    /// n1, timed out at 4.210 s (op 12)`.
    pub(crate) fn first_failure(&self, f: Option<&str>) -> String {
        let mut failed = self.failures(f);
        let Some(op) = failed.next() else {
            return String::new();
        };
        let how = self.outcome(op);
        let (who, at) = (self.who(op.process), op.seconds());
        let what = if f.is_none() { &*op.f } else { "" };
        let of = if what.is_empty() { "of" } else { " of" };
        let meanwhile = self.meanwhile(self.node(op.process), at);
        let index = op.index;
        format!("; the first, {what}{of} {who}, {how} at {at:.3} s (op {index}){meanwhile}")
    }

    /// The completions of this name, or of any, that are not `ok`.
    pub(crate) fn failures<'b>(
        &self,
        f: Option<&'b str>,
    ) -> impl Iterator<Item = &'a Op> + use<'a, 'b> {
        let record: &'a Record = self.record;
        record.history.ops.iter().filter(move |op| {
            op.is_completion()
                && op.kind != Kind::Ok
                && op.error.as_deref() != Some(&OpError::interrupted())
                && f.is_none_or(|f| op.f == f)
        })
    }

    /// How an operation ended that did not succeed.
    pub(crate) fn outcome(&self, op: &Op) -> String {
        match op.error.as_deref() {
            Some(OpError::NetTimeout) => "timed out".to_owned(),
            Some(OpError::Rpc { name, text }) if text.is_empty() => {
                format!("got the error {name}")
            }
            Some(OpError::Rpc { name, text }) => {
                format!("got the error {name} ({})", self.short(text))
            }
            Some(OpError::Malformed { .. }) => "got a malformed reply".to_owned(),
            Some(OpError::Thrown { class, text }) => {
                let text = text.lines().next().unwrap_or_default();
                format!("ended with {class} ({})", self.short(text))
            }
            Some(OpError::Other { .. }) | None => "did not succeed".to_owned(),
        }
    }

    /// The first reply that a client could not interpret.
    pub(crate) fn first_exception(&self) -> Option<String> {
        let exceptions = exceptions(&self.record.history);
        let first = exceptions.classes.first()?;
        Some(self.with_nodes(&self.short_to(&first.to_string(), MAX_EXCEPTION)))
    }

    /// Cuts a value for a sentence.
    pub(crate) fn short(&self, text: &str) -> String {
        self.short_to(text, MAX_CHARS)
    }

    /// Cuts a text to its first characters, and makes it one line.
    pub(crate) fn short_to(&self, text: &str, max_chars: usize) -> String {
        quoted(&text::shortened(text, max_chars))
    }

    /// The recorded messages between nodes and services, each with its index in the trace.
    pub(crate) fn between_servers(&self) -> impl Iterator<Item = (usize, &'a Delivery)> {
        let trace = self.record.trace.as_ref();
        let deliveries = trace.map_or(&[][..], |it| it.deliveries());
        let is_client = |name: &str| name.starts_with('c');
        let all = deliveries.iter().enumerate();
        all.filter(move |(_, it)| !is_client(it.src.as_str()) && !is_client(it.dest.as_str()))
    }

    /// When a message was sent, in nanoseconds since time zero, as the times of operations are.
    pub(crate) fn sent_ns(&self, delivery: &Delivery) -> i128 {
        delivery.sent.as_nanos() as i128 - self.zero_ns()
    }

    /// When a message arrived, if it did.
    pub(crate) fn arrived_ns(&self, delivery: &Delivery) -> Option<i128> {
        match delivery.status {
            DeliveryStatus::Arrived(at) => Some(at.as_nanos() as i128 - self.zero_ns()),
            DeliveryStatus::Lost | DeliveryStatus::InFlight => None,
        }
    }

    /// When a message was sent, in seconds since time zero.
    pub(crate) fn sent(&self, delivery: &Delivery) -> f64 {
        self.sent_ns(delivery) as f64 / 1e9
    }

    fn zero_ns(&self) -> i128 {
        self.record.zero.unwrap_or_default().as_nanos() as i128
    }
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// `n0, n1 and n2`; more than six are counted: `12 nodes`.
pub(crate) fn list_names(names: &[&str]) -> String {
    match names {
        [] => "no node".to_owned(),
        [one] => (*one).to_owned(),
        [.., _] if names.len() > 6 => format!("{} nodes", names.len()),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
