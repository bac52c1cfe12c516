//! Wrong nodes for lin-kv.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::{Call, Caller, Cluster, Context, ErrorCode, Failure, LIN_KV, Node, RpcError, SEQ_KV};

use super::case::Case;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "cas compares first and stores up to 60 ms later",
            "-w lin-kv --node-count 1 --concurrency 10 --time-limit 5 --rate 150",
            Kind::TornCas,
            Registers::boot,
        ),
        Case::new(
            "reads show a copy that is up to 150 ms old",
            "-w lin-kv --node-count 2 --concurrency 4n --time-limit 5 --rate 80",
            Kind::OldReads,
            Registers::boot,
        ),
        Case::new(
            "keeps values in seq-kv instead of lin-kv",
            "-w lin-kv --node-count 2 --concurrency 2n --time-limit 5 --rate 80",
            Kind::Sequential,
            Registers::boot,
        ),
        Case::new(
            "sends a cas again after 60 ms and believes the second answer; slow messages",
            "-w lin-kv --node-count 2 --concurrency 4n --time-limit 10 --rate 80 --latency 20 \
             --latency-dist exponential",
            Kind::Resend,
            Registers::boot,
        ),
        Case::new(
            "reads its copy when it is cut off from the first node",
            "-w lin-kv --node-count 3 --concurrency 2n --time-limit 10 --rate 80 \
             --nemesis partition --nemesis-interval 2",
            Kind::CutOff,
            Registers::boot,
        )
        .missed(
            "writes that time out may take place at any time, and so explain most of what is read; \
             see below",
        ),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    TornCas,
    OldReads,
    Sequential,
    Resend,
    CutOff,
}

#[derive(Debug)]
struct Registers {
    kind: Kind,
    is_wrong: bool,
    cluster: Cluster,
    /// The registers, or a copy of them.
    values: BTreeMap<u64, i64>,
    snapshot: (Duration, BTreeMap<u64, i64>),
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Read { key: u64 },
    Write { key: u64, value: i64 },
    Cas { key: u64, from: i64, to: i64 },
    Copy { key: u64, value: i64 },
}

#[derive(Debug, Deserialize, Serialize)]
enum Response {
    #[serde(rename = "read_ok")]
    Read { value: i64 },
    #[serde(rename = "write_ok")]
    Write,
    #[serde(rename = "cas_ok")]
    Cas,
}

type Answer = Result<Response, ErrorCode>;

#[derive(Debug)]
enum Event {
    /// A cas has compared, and its value is to be stored.
    Store(Caller, u64, i64),
    /// The answer to a client's request, which was forwarded after this many earlier tries.
    Answered(Caller, Request, u32, Result<Answer, Failure>),
}

fn respond(caller: Caller, answer: Answer, ctx: &mut Context<Event>) {
    match answer {
        Ok(response) => ctx.reply(caller, response),
        Err(code) => ctx.reject(caller, &RpcError::new(code, "not now")),
    }
}

impl Registers {
    fn boot(kind: Kind, is_wrong: bool, cluster: &Cluster, _: &mut Context<Event>) -> Self {
        Registers {
            kind,
            is_wrong,
            cluster: cluster.clone(),
            values: BTreeMap::new(),
            snapshot: (Duration::ZERO, BTreeMap::new()),
        }
    }

    fn read(&mut self, key: u64, now: Duration) -> Answer {
        if now > self.snapshot.0 + Duration::from_millis(150) {
            self.snapshot = (now, self.values.clone());
        }
        let is_old = self.is_wrong && self.kind == Kind::OldReads;
        let values = if is_old {
            &self.snapshot.1
        } else {
            &self.values
        };
        let value = values.get(&key).copied();
        let value = value.ok_or(ErrorCode::KeyDoesNotExist)?;
        Ok(Response::Read { value })
    }

    fn store(&mut self, key: u64, value: i64, ctx: &mut Context<Event>) {
        self.values.insert(key, value);
        for node in self.cluster.others() {
            ctx.send(node, Request::Copy { key, value });
        }
    }

    /// Applies a request to this node's registers.
    fn apply(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        let result = match request {
            Request::Read { key } => self.read(key, ctx.now()),
            Request::Write { key, value } => {
                self.store(key, value, ctx);
                Ok(Response::Write)
            }
            Request::Cas { key, from, to } => match self.values.get(&key) {
                None => Err(ErrorCode::KeyDoesNotExist),
                Some(value) if *value != from => Err(ErrorCode::PreconditionFailed),
                Some(_) => {
                    if self.is_wrong && self.kind == Kind::TornCas {
                        let delay = Duration::from_millis(ctx.rng().below(60));
                        return ctx.after(delay, Event::Store(caller, key, to));
                    }
                    self.store(key, to, ctx);
                    Ok(Response::Cas)
                }
            },
            Request::Copy { key, value } => {
                self.values.insert(key, value);
                return;
            }
        };
        respond(caller, result, ctx);
    }

    /// Forwards a request to a service, or to the first node.
    fn forward(&self, request: Request, caller: Caller, tries: u32, ctx: &mut Context<Event>) {
        let is_first = tries == 0 && matches!(request, Request::Cas { .. });
        let timeout = Duration::from_millis(match self.kind {
            Kind::Resend if self.is_wrong && is_first => 60,
            Kind::CutOff => 200,
            _ => 2_000,
        });
        if matches!(self.kind, Kind::CutOff | Kind::OldReads) {
            let call = Call::new(self.cluster.nodes[0].clone(), request, |it| match it {
                Err(Failure::Error(error)) => Ok(Err(error.code)),
                it => it.map(Ok),
            });
            let call = call.timeout(timeout);
            return ctx.call(call, move |it| Event::Answered(caller, request, tries, it));
        }
        let is_sequential = self.is_wrong && self.kind == Kind::Sequential;
        let service = if is_sequential { SEQ_KV } else { LIN_KV };
        match request {
            Request::Read { key } => {
                let read = service.read(key).timeout(timeout);
                ctx.call(read, move |it| {
                    let value = |it: Option<i64>| it.ok_or(ErrorCode::KeyDoesNotExist);
                    let it = it.map(|it| value(it).map(|value| Response::Read { value }));
                    Event::Answered(caller, request, tries, it)
                });
            }
            Request::Write { key, value } | Request::Copy { key, value } => {
                let write = service.write(key, value).timeout(timeout);
                ctx.call(write, move |it| {
                    Event::Answered(caller, request, tries, it.map(|()| Ok(Response::Write)))
                });
            }
            Request::Cas { key, from, to } => {
                let cas = service.cas(key, from, to).timeout(timeout);
                ctx.call(cas, move |it| {
                    let is_done = |it: bool| it.then_some(Response::Cas);
                    let it = it.map(|it| is_done(it).ok_or(ErrorCode::PreconditionFailed));
                    Event::Answered(caller, request, tries, it)
                });
            }
        }
    }
}

impl Node for Registers {
    type Request = Request;
    type Event = Event;

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        let is_own = match self.kind {
            Kind::TornCas => true,
            Kind::OldReads | Kind::CutOff => self.cluster.index() == 0,
            Kind::Sequential | Kind::Resend => false,
        };
        let is_copy = matches!(request, Request::Copy { .. });
        let is_read = matches!(request, Request::Read { .. });
        let is_old_read = is_read && self.is_wrong && self.kind == Kind::OldReads;
        if is_own || is_copy || is_old_read {
            self.apply(request, caller, ctx);
        } else {
            self.forward(request, caller, 0, ctx);
        }
    }

    fn on_event(&mut self, event: Event, ctx: &mut Context<Event>) {
        match event {
            Event::Store(caller, key, value) => {
                self.store(key, value, ctx);
                ctx.reply(caller, Response::Cas);
            }
            Event::Answered(caller, _, _, Ok(it)) => respond(caller, it, ctx),
            Event::Answered(caller, request @ Request::Cas { .. }, 0, Err(_))
                if self.is_wrong && self.kind == Kind::Resend =>
            {
                self.forward(request, caller, 1, ctx);
            }
            Event::Answered(caller, request @ Request::Read { .. }, _, Err(_))
                if self.is_wrong && self.kind == Kind::CutOff =>
            {
                self.apply(request, caller, ctx);
            }
            Event::Answered(caller, _, _, Err(_)) => respond(caller, Err(ErrorCode::Timeout), ctx),
        }
    }
}
