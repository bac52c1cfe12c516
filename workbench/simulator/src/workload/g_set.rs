//! g-set: a set that only grows.

use rand::RngExt;

use super::add_read::Client;
use super::final_reads::missing_elements;
use super::{FinalStep, Invocation, OnceEach, Session, Turn, Workload};
use crate::rng::SeededRng;
use crate::rpc::{Field, FieldType, Rpc};
use checkers::{WorkloadResult, WorkloadVerdict};
use history::{History, Kind, Op};

static ADD: Rpc = Rpc {
    request: "add",
    meaning: "Adds an element to the set.",
    arguments: &[Field::new(
        "element",
        FieldType::Any,
        "7",
        "the element; each is added once, an integer",
    )],
    response: "add_ok",
    response_fields: &[],
};
static READ: Rpc = Rpc {
    request: "read",
    meaning: "Reads the whole set. After convergence each node must return all elements.",
    arguments: &[],
    response: "read_ok",
    response_fields: &[Field::new(
        "value",
        FieldType::List,
        "[3,7]",
        "all elements that the node has received, in any order",
    )],
};

/// The workload: elements 0, 1, 2, … and reads, half and half; at the end each worker reads once.
#[derive(Debug, Default)]
pub(super) struct GSet {
    next_element: u64,
    final_reads: OnceEach,
}

impl Workload for GSet {
    fn name(&self) -> &'static str {
        "g-set"
    }

    fn operations(&self) -> &'static [&'static str] {
        &["add", "read"]
    }

    fn next(&mut self, _: Turn, rng: &mut SeededRng) -> Invocation {
        if rng.random::<bool>() {
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

    fn next_final(&mut self, turn: Turn, _: &mut SeededRng) -> FinalStep {
        let read = || Invocation::new("read", history::null());
        self.final_reads.next(turn, read)
    }

    fn requests(&self) -> Vec<&'static Rpc> {
        vec![&ADD, &READ]
    }

    fn session(&self) -> Box<dyn Session> {
        Box::new(Client {
            add: &ADD,
            argument: "element",
            read: &READ,
        })
    }

    fn interprets_errors(&self) -> bool {
        false
    }

    fn check(&self, history: &History) -> WorkloadVerdict {
        checkers::set_full(history, "add").into()
    }

    fn unconverged(&self, history: &History, reads: &[&Op]) -> Vec<String> {
        missing_elements(history, reads, "add")
    }

    /// If no element was acknowledged, Maelstrom's verdict is unknown; in a storm it counts as
    /// valid.
    fn is_vacuous(&self, history: &History, _: &WorkloadResult) -> bool {
        let mut ops = history.ops.iter();
        !ops.any(|op| op.kind == Kind::Ok && op.f == "add")
    }
}
