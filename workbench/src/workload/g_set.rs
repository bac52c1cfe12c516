//! g-set: a set that only grows.

use rand::RngExt;

use super::{
    Answer, Completion, Invocation, Last, OnceEach, Question, Rpc, Session, Shape, Step, Turn,
    Workload,
};
use crate::checker::{self, Verdict};
use crate::dice::Dice;
use crate::history::{self, History};

static ADD: Rpc = Rpc {
    request: "add",
    response: "add_ok",
    fields: &[],
};
static READ: Rpc = Rpc {
    request: "read",
    response: "read_ok",
    fields: &[("value", Shape::List)],
};

/// The workload: elements 0, 1, 2, … and reads, half and half; at the end everybody reads once.
#[derive(Debug, Default)]
pub(super) struct GSet {
    next_element: u64,
    final_reads: OnceEach,
}

impl Workload for GSet {
    fn name(&self) -> &'static str {
        "g-set"
    }

    fn next(&mut self, _: Turn, dice: &mut Dice) -> Invocation {
        if dice.random::<bool>() {
            let element = self.next_element;
            self.next_element += 1;
            Invocation::new("add", history::json(&element))
        } else {
            Invocation::new("read", history::null())
        }
    }

    fn has_final_phase(&self) -> bool {
        true
    }

    fn next_final(&mut self, turn: Turn, _: &mut Dice) -> Last {
        let read = || Invocation::new("read", history::null());
        self.final_reads.next(turn, read)
    }

    fn session(&self) -> Box<dyn Session> {
        Box::new(Client)
    }

    fn reads_errors(&self) -> bool {
        false
    }

    fn check(&self, history: &History) -> Verdict {
        checker::set_full(history, "add")
    }
}

struct Client;

impl Session for Client {
    fn begin(&mut self, invocation: &Invocation) -> Step {
        Step::Ask(match invocation.f {
            "add" => Question::new(&ADD, vec![("element", invocation.value.clone())]),
            _ => Question::new(&READ, Vec::new()),
        })
    }

    fn go_on(&mut self, invocation: &Invocation, answer: &Answer<'_>) -> Step {
        Step::Done(match invocation.f {
            "add" => Completion::done(),
            _ => Completion::ok(answer.field("value")),
        })
    }
}
