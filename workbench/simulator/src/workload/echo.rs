//! echo: a node sends back what it receives.

use rand::RngExt;

use super::{Completion, Invocation, Session, Step, Turn, Workload};
use crate::rng::SeededRng;
use crate::rpc::{Answer, ClientRequest, Field, FieldType, Rpc};
use checkers::WorkloadVerdict;
use history::{History, Value};

static ECHO: Rpc = Rpc {
    request: "echo",
    response: "echo_ok",
    meaning: "A node sends back what it receives.",
    arguments: &[Field::new(
        "echo",
        FieldType::Any,
        "\"Please echo 7\"",
        "the text to send back",
    )],
    response_fields: &[Field::new(
        "echo",
        FieldType::Any,
        "\"Please echo 7\"",
        "the same text",
    )],
};

/// The workload, without state.
#[derive(Debug)]
pub(super) struct Echo;

impl Workload for Echo {
    fn name(&self) -> &'static str {
        "echo"
    }

    fn operations(&self) -> &'static [&'static str] {
        &["echo"]
    }

    fn next(&mut self, _: Turn, rng: &mut SeededRng) -> Invocation {
        let text = format!("Please echo {}", rng.random_range(0..128_u32));
        Invocation::new("echo", history::json(&text))
    }

    fn requests(&self) -> Vec<&'static Rpc> {
        vec![&ECHO]
    }

    fn session(&self) -> Box<dyn Session> {
        Box::new(Client)
    }

    fn check(&self, history: &History) -> WorkloadVerdict {
        checkers::echo(history).into()
    }
}

struct Client;

impl Session for Client {
    fn begin(&mut self, invocation: &Invocation) -> Step {
        Step::Send(ClientRequest::new(
            &ECHO,
            vec![("echo", invocation.value.clone())],
        ))
    }

    fn on_reply(&mut self, _: &Invocation, answer: &Answer<'_>) -> Step {
        // The checker compares whole answers.
        Step::Done(Completion::ok(Value::from_wire(answer.body)))
    }
}
