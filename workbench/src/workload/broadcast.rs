//! broadcast: what one node is told, all come to know.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand::RngExt;
use serde_json::value::to_raw_value;
use shared::NodeId;

use super::{Answer, Completion, Invocation, Question, Rpc, Session, Shape, Step, Workload};
use crate::checker::{self, Verdict};
use crate::dice::Dice;
use crate::history::{self, History};
use crate::topology::Topology;

static TOPOLOGY: Rpc = Rpc {
    request: "topology",
    response: "topology_ok",
    fields: &[],
};
static BROADCAST: Rpc = Rpc {
    request: "broadcast",
    response: "broadcast_ok",
    fields: &[],
};
static READ: Rpc = Rpc {
    request: "read",
    response: "read_ok",
    fields: &[("messages", Shape::List)],
};

/// The workload: values 0, 1, 2, … and reads, half and half; at the end everybody reads once.
#[derive(Debug)]
pub(super) struct Broadcast {
    topology: Topology,
    next_value: u64,
    has_read: BTreeSet<usize>,
}

impl Broadcast {
    pub(super) fn new(topology: Topology) -> Self {
        Broadcast {
            topology,
            next_value: 0,
            has_read: BTreeSet::new(),
        }
    }
}

impl Workload for Broadcast {
    fn name(&self) -> &'static str {
        "broadcast"
    }

    fn next(&mut self, _: usize, dice: &mut Dice) -> Invocation {
        if dice.random::<bool>() {
            let value = self.next_value;
            self.next_value += 1;
            let value = to_raw_value(&value).unwrap_or_else(|_| history::null());
            Invocation::new("broadcast", value)
        } else {
            Invocation::new("read", history::null())
        }
    }

    fn has_final_phase(&self) -> bool {
        true
    }

    fn next_final(&mut self, worker: usize) -> Option<Invocation> {
        let read = Invocation {
            is_final: true,
            ..Invocation::new("read", history::null())
        };
        self.has_read.insert(worker).then_some(read)
    }

    fn set_up(&self, nodes: &[NodeId]) -> Option<Question> {
        let names: Vec<Arc<str>> = nodes.iter().map(|node| node.as_str().into()).collect();
        let topology: BTreeMap<String, Vec<String>> = self
            .topology
            .neighbours(&names)
            .into_iter()
            .map(|(node, near)| {
                (
                    node.to_string(),
                    near.iter().map(ToString::to_string).collect(),
                )
            })
            .collect();
        let topology = to_raw_value(&topology).unwrap_or_else(|_| history::null());
        Some(Question::new(&TOPOLOGY, vec![("topology", topology)]))
    }

    fn session(&self) -> Box<dyn Session> {
        Box::new(Client)
    }

    fn keeps_clients(&self) -> bool {
        false
    }

    fn is_idempotent(&self, f: &str) -> bool {
        f == "read"
    }

    fn check(&self, history: &History) -> Verdict {
        checker::set_full(history, "broadcast")
    }
}

struct Client;

impl Session for Client {
    fn begin(&mut self, invocation: &Invocation) -> Step {
        Step::Ask(match invocation.f {
            "broadcast" => Question::new(&BROADCAST, vec![("message", invocation.value.clone())]),
            _ => Question::new(&READ, Vec::new()),
        })
    }

    fn go_on(&mut self, invocation: &Invocation, answer: &Answer<'_>) -> Step {
        Step::Done(match invocation.f {
            "broadcast" => Completion::done(),
            _ => Completion::ok(answer.field("messages")),
        })
    }
}
