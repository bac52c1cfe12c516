//! The smallest node that has a journal: it notes numbers down, and knows what it has noted and
//! what it has recovered.

use std::collections::VecDeque;

use replication::{Durability, Heard, Journal, Lobby, Noted};
use serde::{Deserialize, Serialize};
use shared::{Caller, Cluster, Context, Node};

pub struct Notebook {
    journal: Journal<u64>,
    lobby: Lobby<Request>,
    /// Written down, but not safe yet.
    pending: VecDeque<(u64, Caller)>,
    /// Everything safe, and in whose journal it stands, in the order in which it was learnt.
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
    Journal(Heard<u64>),
}

impl Notebook {
    pub fn boot(flags: &Durability, cluster: &Cluster, ctx: &mut Context<Event>) -> Self {
        let boot = ctx.rng().boot_number();
        let journal = flags.journal("notes", cluster, boot);
        let mut notebook = Notebook {
            lobby: Lobby::before(journal.as_ref()),
            journal: journal.expect("a notebook is durable"),
            pending: VecDeque::new(),
            known: Vec::new(),
            me: cluster.me.to_string(),
        };
        notebook.journal.flush(ctx, Event::Journal);
        notebook
    }

    fn serve(&mut self, request: &Request, caller: Caller, ctx: &mut Context<Event>) {
        match request {
            Request::Note { number } => {
                self.journal.push(*number);
                self.pending.push_back((*number, caller));
            }
            Request::Read => ctx.reply(caller, Response::ReadOk { known: &self.known }),
        }
    }

    fn note(&mut self, noted: Noted<u64>, ctx: &mut Context<Event>) {
        match noted {
            Noted::Recovered { owner, item, .. } => {
                self.known.push((owner.to_string(), item));
            }
            Noted::Ready => {
                for (request, caller) in self.lobby.let_in() {
                    self.serve(&request, caller, ctx);
                }
            }
            Noted::Confirmed(count) => {
                for (number, caller) in self.pending.drain(..count) {
                    self.known.push((self.me.clone(), number));
                    ctx.reply(caller, Response::NoteOk);
                }
            }
        }
    }
}

impl Node for Notebook {
    type Request = Request;
    type Event = Event;

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        if let Some((request, caller)) = self.lobby.enter(request, caller, ctx) {
            self.serve(&request, caller, ctx);
        }
        self.journal.flush(ctx, Event::Journal);
    }

    fn on_event(&mut self, event: Event, ctx: &mut Context<Event>) {
        let Event::Journal(heard) = event;
        for noted in self.journal.hear(heard) {
            self.note(noted, ctx);
        }
        self.journal.flush(ctx, Event::Journal);
    }
}
