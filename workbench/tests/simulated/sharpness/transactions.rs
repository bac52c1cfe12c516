//! Wrong nodes for txn-list-append and txn-rw-register.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::{Call, Caller, Cluster, Context, ErrorCode, Failure, Node, RpcError};

use super::case::Case;

/// A case of txn-list-append.
fn lists(mistake: &'static str, flags: &'static str, kind: Kind) -> Case {
    Case::new(mistake, flags, (kind, true), Database::boot)
}

/// A case of txn-rw-register.
fn registers(mistake: &'static str, flags: &'static str, kind: Kind) -> Case {
    Case::new(mistake, flags, (kind, false), Database::boot)
}

pub fn cases() -> Vec<Case> {
    vec![
        lists(
            "rests up to 5 ms between the steps of a transaction, without a lock",
            "-w txn-list-append --node-count 1 --concurrency 10 --time-limit 5 --rate 150 \
             --consistency-models read-committed",
            Kind::Interleaved,
        ),
        lists(
            "writes lists back up to 20 ms after it read them",
            "-w txn-list-append --node-count 1 --concurrency 10 --time-limit 5 --rate 100 \
             --consistency-models snapshot-isolation",
            Kind::LostUpdate,
        ),
        lists(
            "a transaction commits, though another has written what it read and did not write",
            "-w txn-list-append --node-count 1 --concurrency 10 --time-limit 10 --rate 150 \
             --consistency-models serializable",
            Kind::WriteSkew,
        ),
        lists(
            "reads its copy when it is cut off from the first node",
            "-w txn-list-append --node-count 3 --concurrency 2n --time-limit 10 --rate 100 \
             --nemesis partition --nemesis-interval 2",
            Kind::CutOff,
        ),
        registers(
            "transactions that only read see a copy that is up to 100 ms old",
            "-w txn-rw-register --node-count 1 --concurrency 10 --time-limit 5 --rate 150 \
             --max-writes-per-key 4",
            Kind::OldReads,
        ),
        registers(
            "loses the last write of one transaction in 30",
            "-w txn-rw-register --node-count 1 --concurrency 10 --time-limit 10 --rate 100",
            Kind::LostWrite,
        ),
        registers(
            "what one transaction in 20 wrote stays, though it was aborted",
            "-w txn-rw-register --node-count 1 --concurrency 10 --time-limit 5 --rate 100 \
             --consistency-models read-committed",
            Kind::DirtyAbort,
        ),
        registers(
            "reads its copy when it is cut off from the first node",
            "-w txn-rw-register --node-count 3 --concurrency 2n --time-limit 10 --rate 100 \
             --nemesis partition --nemesis-interval 2",
            Kind::CutOff,
        ),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Interleaved,
    LostUpdate,
    WriteSkew,
    OldReads,
    LostWrite,
    DirtyAbort,
    CutOff,
}

/// A micro-operation: function, key and value.
type MicroOp = (String, u64, Value);
/// All values written by key, in order.
type Values = BTreeMap<u64, Vec<Value>>;

const TIMEOUT: Duration = Duration::from_millis(200);

#[derive(Debug)]
struct Database {
    kind: Kind,
    is_wrong: bool,
    has_lists: bool,
    cluster: Cluster,
    values: Values,
    snapshot: (Duration, Values),
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Txn { txn: Vec<MicroOp> },
    Copy { values: Values },
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Response {
    TxnOk { txn: Vec<MicroOp> },
}

#[derive(Debug)]
enum Event {
    /// A transaction continues: what is done, and what is to do.
    Continue(Caller, Vec<MicroOp>, VecDeque<MicroOp>),
    /// A transaction on a snapshot is to commit: its result, and the values before and after.
    Commit(Caller, Vec<MicroOp>, Values, Values),
    Answered(Caller, Vec<MicroOp>, Result<Vec<MicroOp>, Failure>),
}

fn commit(caller: Caller, txn: Vec<MicroOp>, ctx: &mut Context<Event>) {
    ctx.reply(caller, Response::TxnOk { txn });
}

fn abort(caller: Caller, code: ErrorCode, ctx: &mut Context<Event>) {
    ctx.reject(caller, &RpcError::new(code, "aborted"));
}

impl Database {
    fn boot(
        (kind, has_lists): (Kind, bool),
        is_wrong: bool,
        cluster: &Cluster,
        _: &mut Context<Event>,
    ) -> Self {
        Database {
            kind,
            is_wrong,
            has_lists,
            cluster: cluster.clone(),
            values: Values::new(),
            snapshot: (Duration::ZERO, Values::new()),
        }
    }

    /// Executes a micro-operation.
    fn execute(&self, values: &mut Values, (f, key, value): MicroOp) -> MicroOp {
        if f != "r" {
            values.entry(key).or_default().push(value.clone());
            return (f, key, value);
        }
        let found = match values.get(&key) {
            None => Value::Null,
            Some(list) if self.has_lists => json!(list),
            Some(list) => json!(list.last()),
        };
        (f, key, found)
    }

    fn execute_all(&self, values: &mut Values, txn: Vec<MicroOp>) -> Vec<MicroOp> {
        txn.into_iter().map(|op| self.execute(values, op)).collect()
    }

    /// Executes a transaction at once.
    fn apply(&mut self, txn: Vec<MicroOp>, caller: Caller, ctx: &mut Context<Event>) {
        if ctx.now() > self.snapshot.0 + Duration::from_millis(100) {
            self.snapshot = (ctx.now(), self.values.clone());
        }
        let only_reads = txn.iter().all(|op| op.0 == "r");
        let random = ctx.rng().below(60);
        if self.is_wrong && self.kind == Kind::OldReads && only_reads {
            let mut snapshot = self.snapshot.1.clone();
            return commit(caller, self.execute_all(&mut snapshot, txn), ctx);
        }
        let mut values = self.values.clone();
        let last = txn.iter().rev().find(|op| op.0 != "r").map(|op| op.1);
        let done = self.execute_all(&mut values, txn);
        if self.kind == Kind::LostWrite && self.is_wrong && random < 2 {
            // A key that was written has a last value.
            last.and_then(|key| values.get_mut(&key)?.pop());
        }
        if self.kind == Kind::DirtyAbort && random < 3 {
            if self.is_wrong {
                self.values = values;
            }
            return abort(caller, ErrorCode::TxnConflict, ctx);
        }
        self.values = values;
        for node in self.cluster.others() {
            let keys = done.iter().map(|op| op.1);
            let copy = |key| Some((key, self.values.get(&key)?.clone()));
            let values = keys.filter_map(copy).collect();
            ctx.send(node, Request::Copy { values });
        }
        commit(caller, done, ctx);
    }

    /// Executes a transaction on a snapshot, which commits later.
    fn execute_on_snapshot(&self, txn: Vec<MicroOp>, caller: Caller, ctx: &mut Context<Event>) {
        let (before, mut after) = (self.values.clone(), self.values.clone());
        let done = self.execute_all(&mut after, txn);
        let delay = Duration::from_millis(ctx.rng().below(20));
        ctx.after(delay, Event::Commit(caller, done, before, after));
    }

    /// Whether the keys that must not change between snapshot and commit have not changed.
    fn may_commit(&self, done: &[MicroOp], before: &Values) -> bool {
        done.iter().all(|(f, key, _)| {
            let must_match = match self.kind {
                Kind::LostUpdate => !self.is_wrong,
                _ => !self.is_wrong || f != "r",
            };
            !must_match || self.values.get(key) == before.get(key)
        })
    }
}

impl Node for Database {
    type Request = Request;
    type Event = Event;

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        let txn = match request {
            Request::Txn { txn } => txn,
            Request::Copy { values } => return self.values.extend(values),
        };
        match self.kind {
            Kind::Interleaved if self.is_wrong => {
                ctx.after(
                    Duration::ZERO,
                    Event::Continue(caller, Vec::new(), txn.into()),
                );
            }
            Kind::LostUpdate | Kind::WriteSkew => self.execute_on_snapshot(txn, caller, ctx),
            Kind::CutOff if self.cluster.index() != 0 => {
                let first = self.cluster.nodes[0].clone();
                let request = Request::Txn { txn: txn.clone() };
                let call = Call::new(first, request, |it| it.map(|Response::TxnOk { txn }| txn));
                let call = call.timeout(TIMEOUT);
                ctx.call(call, |it| Event::Answered(caller, txn, it));
            }
            _ => self.apply(txn, caller, ctx),
        }
    }

    fn on_event(&mut self, event: Event, ctx: &mut Context<Event>) {
        match event {
            Event::Continue(caller, mut done, mut rest) => {
                let Some(op) = rest.pop_front() else {
                    return commit(caller, done, ctx);
                };
                let mut values = std::mem::take(&mut self.values);
                done.push(self.execute(&mut values, op));
                self.values = values;
                let pause = Duration::from_millis(ctx.rng().below(5));
                ctx.after(pause, Event::Continue(caller, done, rest));
            }
            Event::Commit(caller, done, before, after) => {
                if !self.may_commit(&done, &before) {
                    return abort(caller, ErrorCode::TxnConflict, ctx);
                }
                for (_, key, _) in done.iter().filter(|op| op.0 != "r") {
                    self.values.insert(*key, after[key].clone());
                }
                commit(caller, done, ctx);
            }
            Event::Answered(caller, _, Ok(done)) => commit(caller, done, ctx),
            Event::Answered(caller, txn, Err(_)) => {
                if self.is_wrong && txn.iter().all(|op| op.0 == "r") {
                    let mut values = self.values.clone();
                    return commit(caller, self.execute_all(&mut values, txn), ctx);
                }
                abort(caller, ErrorCode::Timeout, ctx);
            }
        }
    }
}
