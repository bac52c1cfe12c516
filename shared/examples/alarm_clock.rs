//! Answers when a time is over. It shows a node's flags, timers, log and random numbers, and is the
//! program that the tests of the stdio runtime start.

use std::time::Duration;

use clap::Parser;
use serde::{Deserialize, Serialize};
use shared::{Caller, Cluster, Context, Node, milliseconds};

#[derive(Debug, Clone, Parser)]
struct Flags {
    /// What is added to each time, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = milliseconds(0))]
    snooze: u64,
}

#[derive(Debug)]
struct AlarmClock {
    snooze: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Wait { ms: u64 },
    Say { text: String },
    Roll,
    Crash { ms: u64 },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "these are the protocol's names")]
enum Response {
    WaitOk,
    SayOk,
    RollOk { number: u64 },
}

#[derive(Debug)]
enum Event {
    TimeIsOver(Caller),
    Crash,
}

impl AlarmClock {
    fn boot(flags: &Flags, _: &Cluster, _: &mut Context<Event>) -> Self {
        AlarmClock {
            snooze: flags.snooze,
        }
    }
}

impl Node for AlarmClock {
    type Request = Request;
    type Event = Event;

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        match request {
            Request::Wait { ms } => {
                let time = Duration::from_millis(ms + self.snooze);
                ctx.after(time, Event::TimeIsOver(caller));
            }
            Request::Say { text } => {
                ctx.log(text);
                ctx.reply(caller, Response::SayOk);
            }
            Request::Roll => {
                let number = ctx.rng().next_u64();
                ctx.reply(caller, Response::RollOk { number });
            }
            Request::Crash { ms: 0 } => panic!("asked to crash"),
            Request::Crash { ms } => ctx.after(Duration::from_millis(ms), Event::Crash),
        }
    }

    fn on_event(&mut self, event: Event, ctx: &mut Context<Event>) {
        match event {
            Event::TimeIsOver(caller) => ctx.reply(caller, Response::WaitOk),
            Event::Crash => panic!("asked to crash"),
        }
    }
}

fn main() -> anyhow::Result<()> {
    let flags: Flags = shared::parse();
    shared::run(shared::with_flags(flags, AlarmClock::boot))
}
