//! Reads: pairs of the operation that sent a message and one that polled it. A message whose send
//! failed must not be polled, nor one by the operation that sends it.

use std::collections::BTreeSet;

use super::cases::{Case, DEFAULT_KEEP, cases};
use super::micro_ops::KeyName;
use super::parsed::{Entry, MessageId};
use super::result::LogAnomaly;
use super::{Analysis, Element};
use crate::elle::Cases;
use history::{Kind, Op};

/// A message sent by one operation and polled by another, or by the same one.
pub(crate) struct Read<'a> {
    /// The operation that sent it; of several, the last to complete.
    pub(crate) writer: &'a Op,
    /// The operation that polled it, however it ended.
    pub(crate) reader: &'a Op,
    message: MessageId,
}

impl<'a> Analysis<'a> {
    /// The key and the message that were read.
    pub(crate) fn what(&self, read: &Read<'_>) -> (&KeyName<'static>, &Element) {
        let message = &self.parsed.messages[read.message];
        (&self.parsed.keys[message.key].name, &message.value)
    }

    /// All reads of messages that were sent, in order of time: one for every poll of a message.
    /// They are too many to keep.
    pub(crate) fn reads(&self) -> impl Iterator<Item = Read<'a>> {
        self.parsed.completions.iter().flat_map(move |completion| {
            let reader = completion.op;
            completion.polled().filter_map(move |entry| {
                let message = entry.message();
                Some(Read {
                    writer: self.parsed.messages[message].sender?,
                    reader,
                    message,
                })
            })
        })
    }

    /// Checks that every message that was polled was sent.
    ///
    /// # Errors
    /// When one was not.
    pub(super) fn check_senders(&self) -> Result<(), String> {
        for completion in &self.parsed.completions {
            let mut messages = completion.polled().map(Entry::message);
            let is_unsent = |id: &MessageId| self.parsed.messages[*id].sender.is_none();
            if let Some(message) = messages.find(is_unsent) {
                return Err(self.unsent(completion.op, message));
            }
        }
        Ok(())
    }

    fn unsent(&self, op: &Op, message: MessageId) -> String {
        let Op { process, index, .. } = op;
        let message = self.message(message);
        let key = &message.key;
        format!(
            "process {process} polled {message} of key {key} (op {index}), which was never sent"
        )
    }

    /// Describes a key that was polled, but never with a message whose offset is known, if there is
    /// one. Maelstrom cannot know then what else should have been polled, and judges nothing.
    pub(super) fn describe_empty_key(&self) -> Option<String> {
        let mut is_known = vec![false; self.parsed.keys.len()];
        for (id, message) in self.parsed.messages.iter().enumerate() {
            is_known[message.key] |= message.reader.is_some() && self.logs.indices_of(id).is_some();
        }
        let mut keys = self.parsed.keys.iter().zip(is_known);
        let (name, poller) = keys.find_map(|(key, is_known)| {
            let poller = key.poller.filter(|_| !is_known)?;
            Some((&key.name, poller))
        })?;
        let Op { process, index, .. } = poller;
        Some(format!(
            "polls returned key {name} (first process {process}, op {index}), but never a message \
             of it with an offset; leave out keys without messages, or lost writes cannot be judged"
        ))
    }

    /// The anomalies of single reads.
    pub(super) fn read_anomalies(&self) -> Vec<Cases<LogAnomaly>> {
        let is_aborted = |read: &Read<'_>| {
            read.reader.kind == Kind::Ok && self.parsed.messages[read.message].is_failed
        };
        let aborted: Vec<_> = self.reads().filter(is_aborted).map(Aborted).collect();
        let found = [
            cases("G1a", &aborted, DEFAULT_KEEP, self),
            cases("precommitted-read", &self.own_reads(), DEFAULT_KEEP, self),
        ];
        found.into_iter().flatten().collect()
    }

    /// At most one for each operation.
    fn own_reads(&self) -> Vec<OwnRead<'a>> {
        let mut found = Vec::new();
        for completion in &self.parsed.completions {
            if completion.sends.is_empty() || completion.polls.is_empty() {
                continue;
            }
            let polled: BTreeSet<_> = completion.polled().map(Entry::message).collect();
            let mut sent = completion.sent();
            let own = sent.find(|entry| polled.contains(&entry.message()));
            found.extend(own.map(|entry| OwnRead {
                op: completion.op,
                message: entry.message(),
            }));
        }
        found
    }
}

/// A message that was polled although its send failed.
struct Aborted<'a>(Read<'a>);

impl Case for Aborted<'_> {
    fn resolve(&self, analysis: &Analysis<'_>) -> LogAnomaly {
        LogAnomaly::AbortedRead {
            message: analysis.message(self.0.message),
            writer: self.0.writer.clone(),
            reader: self.0.reader.clone(),
        }
    }
}

/// An operation that polled its own message.
struct OwnRead<'a> {
    op: &'a Op,
    message: MessageId,
}

impl Case for OwnRead<'_> {
    fn resolve(&self, analysis: &Analysis<'_>) -> LogAnomaly {
        LogAnomaly::OwnRead {
            message: analysis.message(self.message),
            op: self.op.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Analysis;
    use history::History;

    #[test]
    fn a_read_is_of_the_last_sender_of_its_message() {
        let own = r#"[["send","8",[1,"b"]],["poll",{"8":[[1,"b"]]}]]"#;
        let lines = [
            (0, "fail", "send", r#"[["send","8","a"]]"#),
            (1, "ok", "send", r#"[["send","8",[0,"a"]]]"#),
            (2, "info", "send", r#"[["send","9",5]]"#),
            (3, "ok", "poll", r#"[["poll",{"8":[[0,"a"]],"9":[[0,5]]}]]"#),
            (4, "info", "poll", r#"[["poll",{"8":[[0,"a"],[1,"b"]]}]]"#),
            (5, "ok", "txn", own),
        ];
        let lines = lines.map(|(index, kind, f, value)| {
            let line = |index: i32, kind: &str, value: &str| {
                format!(
                    r#"{{"index":{index},"type":"{kind}","process":{},"f":"{f}","value":{value}}}"#,
                    index % 10
                )
            };
            (line(index, "invoke", "[]"), line(index + 10, kind, value))
        });
        let (begun, ended): (Vec<_>, Vec<_>) = lines.into_iter().unzip();
        let lines = [begun, ended].concat();
        let history = History::read_json(lines.join("\n").as_bytes()).unwrap();
        let analysis = Analysis::of(&history).unwrap();
        analysis.check_senders().unwrap();
        let edges = analysis.reads().map(|read| {
            let (key, value) = analysis.what(&read);
            format!("{}→{} {key}:{value}", read.writer.index, read.reader.index)
        });
        let edges: Vec<_> = edges.collect();
        assert_eq!(
            edges,
            [
                "11→13 \"8\":\"a\"",
                "12→13 \"9\":5",
                "11→14 \"8\":\"a\"",
                "15→14 \"8\":\"b\"",
                "15→15 \"8\":\"b\""
            ]
        );
    }
}
