//! Wrong nodes for unique-ids.

use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::{Call, Caller, Cluster, Context, ErrorCode, Failure, LIN_KV, Node, RpcError};

use super::case::Case;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "an id is the node and its clock in milliseconds",
            "-w unique-ids --node-count 3 --concurrency 3n --time-limit 10 --rate 500",
            Kind::Clock,
            Ids::boot,
        ),
        Case::new(
            "an id is a random number of 20 bits",
            "-w unique-ids --node-count 3 --time-limit 10 --rate 500",
            Kind::Random,
            Ids::boot,
        ),
        Case::new(
            "takes blocks of ten numbers from lin-kv, with read and write instead of cas",
            "-w unique-ids --node-count 3 --concurrency 2n --time-limit 10 --rate 100 --latency 5",
            Kind::Blocks,
            Ids::boot,
        ),
        Case::new(
            "counts on by itself when it is cut off from the node that counts",
            "-w unique-ids --node-count 3 --concurrency 2n --time-limit 10 --rate 50 \
             --nemesis partition --nemesis-interval 2",
            Kind::CutOff,
            Ids::boot,
        ),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Clock,
    Random,
    Blocks,
    CutOff,
}

const BLOCK: u64 = 10;

#[derive(Debug)]
struct Ids {
    kind: Kind,
    is_wrong: bool,
    cluster: Cluster,
    last: u64,
    block: Range<u64>,
    pending: Vec<Caller>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Generate,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Response {
    GenerateOk { id: String },
}

#[derive(Debug)]
enum Event {
    Answered(Caller, Result<String, Failure>),
    Read(Result<Option<u64>, Failure>),
    Taken(u64, Result<bool, Failure>),
}

impl Ids {
    fn boot(kind: Kind, is_wrong: bool, cluster: &Cluster, _: &mut Context<Event>) -> Self {
        Ids {
            kind,
            is_wrong,
            cluster: cluster.clone(),
            last: 0,
            block: 0..0,
            pending: Vec::new(),
        }
    }

    fn count(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Answers pending requests from the block, and takes another block when it is used up.
    fn serve(&mut self, ctx: &mut Context<Event>) {
        while let Some(caller) = self.pending.pop() {
            let Some(id) = self.block.next() else {
                self.pending.push(caller);
                return ctx.call(LIN_KV.read("next"), Event::Read);
            };
            reply(caller, id.to_string(), ctx);
        }
    }
}

fn reply(caller: Caller, id: String, ctx: &mut Context<Event>) {
    ctx.reply(caller, Response::GenerateOk { id });
}

impl Node for Ids {
    type Request = Request;
    type Event = Event;

    fn on_request(&mut self, _: Request, caller: Caller, ctx: &mut Context<Event>) {
        let me = self.cluster.me.clone();
        let id = match self.kind {
            Kind::Clock if self.is_wrong => format!("{me}-{}", ctx.now().as_millis()),
            Kind::Clock => format!("{me}-{}", self.count()),
            Kind::Random if self.is_wrong => ctx.rng().below(1 << 20).to_string(),
            Kind::Random => ctx.rng().next_u64().to_string(),
            Kind::Blocks => {
                self.pending.push(caller);
                if self.pending.len() == 1 {
                    self.serve(ctx);
                }
                return;
            }
            Kind::CutOff if self.cluster.index() == 0 => self.count().to_string(),
            Kind::CutOff => {
                let first = self.cluster.nodes[0].clone();
                let call = Call::new(first, Request::Generate, |it| {
                    it.map(|Response::GenerateOk { id }| id)
                });
                let call = call.timeout(Duration::from_millis(200));
                return ctx.call(call, |it| Event::Answered(caller, it));
            }
        };
        reply(caller, id, ctx);
    }

    fn on_event(&mut self, event: Event, ctx: &mut Context<Event>) {
        match event {
            Event::Answered(caller, Ok(id)) => {
                self.last = id.parse().unwrap();
                reply(caller, id, ctx);
            }
            Event::Answered(caller, Err(_)) if self.is_wrong => {
                let id = self.count().to_string();
                reply(caller, id, ctx);
            }
            Event::Answered(caller, Err(_)) => {
                let error = RpcError::new(ErrorCode::TemporarilyUnavailable, "cut off");
                ctx.reject(caller, &error);
            }
            Event::Read(found) => {
                let found = found.ok().flatten();
                let from = found.unwrap_or(0);
                if self.is_wrong {
                    let write = LIN_KV.write("next", from + BLOCK);
                    ctx.call(write, move |it| Event::Taken(from, it.map(|()| true)));
                } else {
                    let cas = LIN_KV.cas_or_create("next", from, from + BLOCK);
                    ctx.call(cas, move |it| Event::Taken(from, it));
                }
            }
            Event::Taken(from, Ok(true)) => {
                self.block = from..from + BLOCK;
                self.serve(ctx);
            }
            Event::Taken(_, Ok(false) | Err(_)) => self.serve(ctx),
        }
    }
}
