//! broadcast: a value sent to one node must reach all nodes.

use rand::RngExt;
use shared::NodeId;

use super::final_reads::missing_elements;
use super::{Completion, FinalStep, Invocation, OnceEach, Session, Step, Turn, Workload};
use crate::rng::SeededRng;
use crate::rpc::{Answer, ClientRequest, Field, FieldType, Rpc};
use crate::topology::Topology;
use checkers::{WorkloadResult, WorkloadVerdict};
use history::{History, Kind, Op};

static TOPOLOGY: Rpc = Rpc {
    request: "topology",
    meaning: "Sent once to each node, before all other requests: suggested neighbours. A node may \
              send messages to other nodes instead.",
    arguments: &[Field::new(
        "topology",
        FieldType::Neighbours,
        r#"{"n1":["n2"],"n2":["n1","n3"],"n3":["n2"]}"#,
        "the neighbours of every node, as set by --topology",
    )],
    response: "topology_ok",
    response_fields: &[],
};
static BROADCAST: Rpc = Rpc {
    request: "broadcast",
    meaning: "Sends a value to one node; it must reach all nodes.",
    arguments: &[Field::new(
        "message",
        FieldType::Any,
        "7",
        "the value; each is sent once, an integer",
    )],
    response: "broadcast_ok",
    response_fields: &[],
};
static READ: Rpc = Rpc {
    request: "read",
    meaning: "Reads the values that a node has received.",
    arguments: &[],
    response: "read_ok",
    response_fields: &[Field::new(
        "messages",
        FieldType::List,
        "[3,7]",
        "all values that the node has received, in any order",
    )],
};

/// The workload: values 0, 1, 2, … and reads, half and half; at the end each worker reads once.
#[derive(Debug)]
pub(super) struct Broadcast {
    topology: Topology,
    next_value: u64,
    final_reads: OnceEach,
}

impl Broadcast {
    pub(super) fn new(topology: Topology) -> Self {
        Broadcast {
            topology,
            next_value: 0,
            final_reads: OnceEach::default(),
        }
    }
}

impl Workload for Broadcast {
    fn name(&self) -> &'static str {
        "broadcast"
    }

    fn operations(&self) -> &'static [&'static str] {
        &["broadcast", "read"]
    }

    fn next(&mut self, _: Turn, rng: &mut SeededRng) -> Invocation {
        if rng.random::<bool>() {
            let value = self.next_value;
            self.next_value += 1;
            Invocation::new("broadcast", history::json(&value))
        } else {
            Invocation::new("read", history::null())
        }
    }

    fn has_final_phase(&self) -> bool {
        true
    }

    fn next_final(&mut self, turn: Turn, _: &mut SeededRng) -> FinalStep {
        self.final_reads.next(turn, Invocation::final_read)
    }

    fn set_up(&self, nodes: &[NodeId]) -> Option<ClientRequest> {
        let arguments = vec![("topology", history::json(&self.topology.neighbours(nodes)))];
        Some(ClientRequest::new(&TOPOLOGY, arguments))
    }

    fn requests(&self) -> Vec<&'static Rpc> {
        vec![&TOPOLOGY, &BROADCAST, &READ]
    }

    fn session(&self) -> Box<dyn Session> {
        Box::new(Client)
    }

    fn is_read_only(&self, f: &str) -> bool {
        f == "read"
    }

    fn check(&self, history: &History) -> WorkloadVerdict {
        checkers::set_full(history, "broadcast").into()
    }

    fn unconverged(&self, history: &History, reads: &[&Op]) -> Vec<String> {
        missing_elements(history, reads, "broadcast")
    }

    /// If no value was acknowledged, Maelstrom's verdict is unknown; in a storm it counts as valid.
    fn is_vacuous(&self, history: &History, _: &WorkloadResult) -> bool {
        let mut ops = history.ops.iter();
        !ops.any(|op| op.kind == Kind::Ok && op.f == "broadcast")
    }
}

struct Client;

impl Session for Client {
    fn begin(&mut self, invocation: &Invocation) -> Step {
        Step::Send(match invocation.f {
            "broadcast" => {
                ClientRequest::new(&BROADCAST, vec![("message", invocation.value.clone())])
            }
            _ => ClientRequest::new(&READ, Vec::new()),
        })
    }

    fn on_reply(&mut self, invocation: &Invocation, answer: &Answer<'_>) -> Step {
        Step::Done(match invocation.f {
            "broadcast" => Completion::done(),
            _ => Completion::ok(answer.value("messages")),
        })
    }
}
