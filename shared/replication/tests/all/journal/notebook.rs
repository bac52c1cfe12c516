//! A minimal node with a journal: it stores numbers, and returns all that it stored or recovered.

use clap::Args;
use replication::{DurabilityFlags, Durable, JournalEvent, Step};
use serde::{Deserialize, Serialize};
use shared::{Caller, Cluster, Context, Node};

#[derive(Debug, Clone, Args)]
pub struct Flags {
    #[command(flatten)]
    pub durability: DurabilityFlags,

    /// How many writes may be in flight.
    #[arg(long, default_value_t = 1)]
    pub depth: usize,
}

#[derive(Debug)]
pub struct Notebook {
    durable: Durable<u64, Request>,
    /// All numbers in journals, each with the journal's owner, in the order of learning.
    known: Vec<(String, u64)>,
    me: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    Note { number: u64 },
    Read,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Response<'a> {
    NoteOk,
    ReadOk { known: &'a [(String, u64)] },
}

#[derive(Debug)]
pub enum Event {
    Journal(JournalEvent<u64>),
}

impl Notebook {
    pub fn boot(flags: &Flags, cluster: &Cluster, ctx: &mut Context<Event>) -> Self {
        let boot = ctx.rng().boot_number();
        let mut notebook = Notebook {
            durable: Durable::open(&flags.durability, "notes", cluster, boot)
                .with_depth(flags.depth),
            known: Vec::new(),
            me: cluster.me.to_string(),
        };
        notebook.proceed(ctx);
        notebook
    }

    fn proceed(&mut self, ctx: &mut Context<Event>) {
        while let Some(step) = self.durable.next_step() {
            match step {
                Step::Recover { owner, entry, .. } => self.known.push((owner.to_string(), entry)),
                Step::Ready => {}
                Step::Serve(Request::Note { number }, caller) => {
                    self.durable.submit(number, caller);
                }
                Step::Serve(Request::Read, caller) => {
                    ctx.reply(caller, Response::ReadOk { known: &self.known });
                }
                Step::Apply(number, caller) => {
                    self.known.push((self.me.clone(), number));
                    ctx.reply(caller, Response::NoteOk);
                }
            }
        }
        self.durable.flush(ctx, Event::Journal);
    }
}

impl Node for Notebook {
    type Request = Request;
    type Event = Event;

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        self.durable.on_request(request, caller, ctx);
        self.proceed(ctx);
    }

    fn on_event(&mut self, Event::Journal(event): Event, ctx: &mut Context<Event>) {
        self.durable.on_event(event);
        self.proceed(ctx);
    }
}
