//! Wrong nodes for kafka: the first node assigns offsets and keeps the logs, all others copy them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::{Call, Caller, Cluster, Context, ErrorCode, Failure, Node, NodeId, RpcError};

use super::case::Case;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "stores a message up to 50 ms after it took its offset; polls see later ones before",
            "-w kafka --node-count 1 --concurrency 4 --time-limit 10 --rate 100",
            Kind::OffsetFirst,
            Logs::boot,
        )
        .missed(
            "few polls ask for the key at that moment, as one operation in 64 assigns; with \
             --time-limit 30 it is 20 of 20",
        ),
        Case::new(
            "takes the length of the log up to 20 ms before it stores the message there",
            "-w kafka --node-count 1 --concurrency 4 --time-limit 10 --rate 100",
            Kind::SameOffset,
            Logs::boot,
        ),
        Case::new(
            "the second node does not copy one message in 30",
            "-w kafka --node-count 2 --concurrency 2n --time-limit 10 --rate 100",
            Kind::RareDrop,
            Logs::boot,
        ),
        Case::new(
            "the first node sends each message to the others once; partitions",
            "-w kafka --node-count 3 --concurrency 2n --time-limit 10 --rate 100 \
             --nemesis partition --nemesis-interval 2",
            Kind::SendOnce,
            Logs::boot,
        )
        .missed(
            "on one seed no partition cuts anything, on another one a copy lacks only beginnings \
             and ends of logs, which is no skip; with --time-limit 30 it is 20 of 20",
        ),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    OffsetFirst,
    SameOffset,
    RareDrop,
    SendOnce,
}

const RETRY: Duration = Duration::from_millis(100);
const TIMEOUT: Duration = Duration::from_millis(500);

/// Messages by key and offset.
type Messages = BTreeMap<String, BTreeMap<u64, u64>>;
type Offsets = BTreeMap<String, u64>;

#[derive(Debug)]
struct Logs {
    kind: Kind,
    is_wrong: bool,
    cluster: Cluster,
    logs: Messages,
    next: Offsets,
    /// Unacknowledged messages by node.
    pending: BTreeMap<NodeId, Messages>,
    committed: Offsets,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Send { key: String, msg: u64 },
    Poll { offsets: Offsets },
    CommitOffsets { offsets: Offsets },
    ListCommittedOffsets { keys: Vec<String> },
    Copy { logs: Messages },
    Confirm { logs: Messages },
}

#[derive(Deserialize, Serialize)]
enum Response {
    #[serde(rename = "send_ok")]
    Send { offset: u64 },
    #[serde(rename = "poll_ok")]
    Poll {
        msgs: BTreeMap<String, Vec<(u64, u64)>>,
    },
    #[serde(rename = "commit_offsets_ok")]
    CommitOffsets,
    #[serde(rename = "list_committed_offsets_ok")]
    ListCommittedOffsets { offsets: Offsets },
}

#[derive(Debug)]
enum Event {
    Retry,
    Store(Caller, String, u64, u64),
    Sent(Caller, Result<u64, Failure>),
}

impl Logs {
    fn boot(kind: Kind, is_wrong: bool, cluster: &Cluster, ctx: &mut Context<Event>) -> Self {
        ctx.after(RETRY, Event::Retry);
        Logs {
            kind,
            is_wrong,
            cluster: cluster.clone(),
            logs: Messages::new(),
            next: Offsets::new(),
            pending: BTreeMap::new(),
            committed: Offsets::new(),
        }
    }

    fn send(&mut self, caller: Caller, key: String, msg: u64, ctx: &mut Context<Event>) {
        if self.cluster.index() != 0 {
            let first = self.cluster.nodes[0].clone();
            let call = Call::new(first, Request::Send { key, msg }, |it| match it? {
                Response::Send { offset } => Ok(offset),
                _ => Err(Failure::Malformed("no offset".to_owned())),
            });
            return ctx.call(call.timeout(TIMEOUT), |it| Event::Sent(caller, it));
        }
        let next = self.next.entry(key.clone()).or_default();
        let offset = *next;
        let delay = match self.kind {
            Kind::OffsetFirst if self.is_wrong => ctx.rng().below(50),
            Kind::SameOffset if self.is_wrong => ctx.rng().below(20),
            Kind::OffsetFirst | Kind::SameOffset | Kind::RareDrop | Kind::SendOnce => 0,
        };
        if !self.is_wrong || self.kind != Kind::SameOffset {
            *next += 1;
        }
        if delay == 0 {
            return self.store(caller, key, offset, msg, ctx);
        }
        let delay = Duration::from_millis(delay);
        ctx.after(delay, Event::Store(caller, key, offset, msg));
    }

    fn store(
        &mut self,
        caller: Caller,
        key: String,
        offset: u64,
        msg: u64,
        ctx: &mut Context<Event>,
    ) {
        let next = self.next.entry(key.clone()).or_default();
        *next = (*next).max(offset + 1);
        for node in self.cluster.others() {
            let message = BTreeMap::from([(offset, msg)]);
            let logs = Messages::from([(key.clone(), message)]);
            ctx.send(node, Request::Copy { logs });
            if !self.is_wrong || self.kind != Kind::SendOnce {
                let pending = self.pending.entry(node.clone()).or_default();
                pending.entry(key.clone()).or_default().insert(offset, msg);
            }
        }
        self.logs.entry(key).or_default().insert(offset, msg);
        ctx.reply(caller, Response::Send { offset });
    }

    /// The messages of a key from an offset on. A correct copy ends before a missing message.
    fn poll(&self, key: &str, from: u64) -> Vec<(u64, u64)> {
        let log = self.logs.get(key).into_iter().flatten();
        let log = log.map(|(offset, msg)| (*offset, *msg));
        let is_next = |(index, it): &(usize, (u64, u64))| self.is_wrong || it.0 == *index as u64;
        let visible = log.enumerate().take_while(is_next).map(|it| it.1);
        visible.filter(|it| it.0 >= from).collect()
    }
}

impl Node for Logs {
    type Request = Request;
    type Event = Event;

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        match request {
            Request::Send { key, msg } => self.send(caller, key, msg, ctx),
            Request::Poll { offsets } => {
                let polled = offsets.into_iter().map(|(key, from)| {
                    let messages = self.poll(&key, from);
                    (key, messages)
                });
                let msgs = polled
                    .filter(|(_, messages)| !messages.is_empty())
                    .collect();
                ctx.reply(caller, Response::Poll { msgs });
            }
            Request::CommitOffsets { offsets } => {
                for (key, offset) in offsets {
                    let committed = self.committed.entry(key).or_default();
                    *committed = offset.max(*committed);
                }
                ctx.reply(caller, Response::CommitOffsets);
            }
            Request::ListCommittedOffsets { keys } => {
                let committed = keys.into_iter().filter_map(|key| {
                    let offset = *self.committed.get(&key)?;
                    Some((key, offset))
                });
                let offsets = committed.collect();
                ctx.reply(caller, Response::ListCommittedOffsets { offsets });
            }
            Request::Copy { logs } => {
                for (key, messages) in &logs {
                    let is_rare = self.kind == Kind::RareDrop && ctx.rng().below(30) == 0;
                    if !self.is_wrong || !is_rare {
                        self.logs.entry(key.clone()).or_default().extend(messages);
                    }
                }
                ctx.send(caller.node(), Request::Confirm { logs });
            }
            Request::Confirm { logs } => {
                let pending = self.pending.entry(caller.node().clone()).or_default();
                for (key, messages) in logs {
                    if let Some(log) = pending.get_mut(&key) {
                        log.retain(|offset, _| !messages.contains_key(offset));
                    }
                }
                pending.retain(|_, log| !log.is_empty());
            }
        }
    }

    fn on_event(&mut self, event: Event, ctx: &mut Context<Event>) {
        match event {
            Event::Retry => {
                ctx.after(RETRY, Event::Retry);
                for (node, logs) in self.pending.iter().filter(|(_, logs)| !logs.is_empty()) {
                    let logs = logs.clone();
                    ctx.send(node, Request::Copy { logs });
                }
            }
            Event::Store(caller, key, offset, msg) => self.store(caller, key, offset, msg, ctx),
            Event::Sent(caller, Ok(offset)) => ctx.reply(caller, Response::Send { offset }),
            Event::Sent(caller, Err(_)) => {
                let error = RpcError::new(ErrorCode::Timeout, "cut off");
                ctx.reject(caller, &error);
            }
        }
    }
}
