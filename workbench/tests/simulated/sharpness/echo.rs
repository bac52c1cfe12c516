//! Wrong nodes for echo.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::{Call, Caller, Cluster, Context, Failure, Node, NodeId};

use super::case::Case;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "answers up to 20 ms later, from a variable that all requests share",
            "-w echo --node-count 1 --concurrency 10 --time-limit 5 --rate 100",
            Kind::SharedText,
            Echo::boot,
        ),
        Case::new(
            "loses the last letter of one text in 100",
            "-w echo --node-count 1 --concurrency 4 --time-limit 10 --rate 100",
            Kind::LostLetter,
            Echo::boot,
        ),
        Case::new(
            "does not answer one request in 100",
            "-w echo --node-count 1 --concurrency 4 --time-limit 10 --rate 100 \
             --availability total",
            Kind::RareDrop,
            Echo::boot,
        ),
        Case::new(
            "answers its last text again when it is cut off from another node",
            "-w echo --node-count 3 --concurrency 2n --time-limit 10 --rate 50 \
             --nemesis partition --nemesis-interval 2",
            Kind::CutOff,
            Echo::boot,
        ),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    SharedText,
    LostLetter,
    RareDrop,
    CutOff,
}

#[derive(Debug)]
struct Echo {
    kind: Kind,
    is_wrong: bool,
    next: Option<NodeId>,
    last_text: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Echo { echo: String },
    Check,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Response {
    EchoOk { echo: String },
    CheckOk,
}

#[derive(Debug)]
enum Event {
    Answer(Caller, String),
    Checked(Caller, String, Result<(), Failure>),
}

impl Echo {
    fn boot(kind: Kind, is_wrong: bool, cluster: &Cluster, _: &mut Context<Event>) -> Self {
        let next = (cluster.index() + 1) % cluster.nodes.len();
        Echo {
            kind,
            is_wrong,
            next: cluster.nodes.get(next).cloned(),
            last_text: String::new(),
        }
    }
}

impl Node for Echo {
    type Request = Request;
    type Event = Event;

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        let Request::Echo { mut echo } = request else {
            return ctx.reply(caller, Response::CheckOk);
        };
        let is_rare = self.is_wrong && ctx.rng().below(100) == 0;
        match self.kind {
            Kind::SharedText => {
                self.last_text.clone_from(&echo);
                let delay = Duration::from_millis(ctx.rng().below(20));
                return ctx.after(delay, Event::Answer(caller, echo));
            }
            Kind::LostLetter if is_rare => _ = echo.pop(),
            Kind::RareDrop if is_rare => return,
            Kind::LostLetter | Kind::RareDrop => {}
            Kind::CutOff => {
                let next = self.next.clone().expect("there are three nodes");
                let call = Call::new(next, Request::Check, |it| it.map(|_: Response| ()));
                let call = call.timeout(Duration::from_millis(200));
                return ctx.call(call, |it| Event::Checked(caller, echo, it));
            }
        }
        ctx.reply(caller, Response::EchoOk { echo });
    }

    fn on_event(&mut self, event: Event, ctx: &mut Context<Event>) {
        let (caller, own) = match event {
            Event::Answer(caller, own) if !self.is_wrong => (caller, own),
            Event::Answer(caller, _) => (caller, self.last_text.clone()),
            Event::Checked(caller, _, Err(_)) if self.is_wrong => (caller, self.last_text.clone()),
            Event::Checked(caller, own, _) => {
                self.last_text.clone_from(&own);
                (caller, own)
            }
        };
        ctx.reply(caller, Response::EchoOk { echo: own });
    }
}
