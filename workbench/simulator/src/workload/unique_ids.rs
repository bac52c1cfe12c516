//! unique-ids: nodes generate ids, and no two may be equal.

use super::{Completion, Invocation, Session, Step, Turn, Workload};
use crate::rng::SeededRng;
use crate::rpc::{Answer, ClientRequest, Field, FieldType, Rpc};
use checkers::WorkloadVerdict;
use history::History;

static GENERATE: Rpc = Rpc {
    request: "generate",
    response: "generate_ok",
    meaning: "Generates a new id.",
    arguments: &[],
    response_fields: &[Field::new(
        "id",
        FieldType::Any,
        "\"n1-17\"",
        "any value that is never returned twice; all ids of a test have one type",
    )],
};

/// The workload, without state.
#[derive(Debug)]
pub(super) struct UniqueIds;

impl Workload for UniqueIds {
    fn name(&self) -> &'static str {
        "unique-ids"
    }

    fn operations(&self) -> &'static [&'static str] {
        &["generate"]
    }

    fn next(&mut self, _: Turn, _: &mut SeededRng) -> Invocation {
        Invocation::new("generate", history::null())
    }

    fn requests(&self) -> Vec<&'static Rpc> {
        vec![&GENERATE]
    }

    fn session(&self) -> Box<dyn Session> {
        Box::new(Client)
    }

    fn keeps_clients(&self) -> bool {
        true
    }

    fn check(&self, history: &History) -> WorkloadVerdict {
        checkers::unique_ids(history).into()
    }
}

struct Client;

impl Session for Client {
    fn begin(&mut self, _: &Invocation) -> Step {
        Step::Send(ClientRequest::new(&GENERATE, Vec::new()))
    }

    fn on_reply(&mut self, _: &Invocation, answer: &Answer<'_>) -> Step {
        Step::Done(Completion::ok(answer.value("id")))
    }
}
