//! Model checking of broadcast's tree.

use std::collections::BTreeSet;

use broadcast::{Broadcast, Flags};
use serde::Deserialize;
use shared::{Engine, read_flags, with_flags};

use super::catalogue::Incarnation;
use super::explore::{check, check_finds};
use super::node_actor::{NodeActor, ObservableNode};
use super::scope::{Input, Observation, Scope, System};

use Input::{Request, Restart};

/// Lone acknowledgements, resends and batches are due at different ticks.
const DISTINCT: [&str; 4] = [
    "--period=1000",
    "--slack=0",
    "--ack-delay=1000",
    "--resend=3000",
];

/// Nothing waits for others, and as few ticks as keep acknowledgements and resends apart.
const BRIEF: [&str; 3] = ["--period=0", "--ack-delay=1000", "--resend=2000"];

/// The tree is a chain.
const CHAIN: &str = "--fan-out=1";

/// A cluster.
struct Tree {
    nodes: usize,
    flags: Flags,
}

impl ObservableNode for Broadcast {
    /// The values that a read returns, in its order.
    type View = Vec<usize>;

    const VIEW_REQUEST: &'static str = r#"{"type":"read","msg_id":1}"#;

    fn view(response: &str) -> Vec<usize> {
        #[derive(Deserialize)]
        struct ReadOk {
            messages: Vec<usize>,
        }
        let response: ReadOk = serde_json::from_str(response).expect("a response to a read");
        response.messages
    }

    /// Omits the set of known values, which is unordered; the list has the same values.
    fn fingerprint(&self) -> String {
        let text = format!("{self:?}");
        let begin = text.find("known: {").expect("there is a set");
        let length = text[begin..].find('}').expect("it ends");
        text[..begin].to_owned() + &text[begin + length..]
    }
}

impl System for Tree {
    type Actor = NodeActor<Broadcast>;

    /// Broadcasts the input's index.
    fn request(index: usize) -> String {
        format!(r#"{{"type":"broadcast","msg_id":1,"message":{index}}}"#)
    }

    fn boot(&self, incarnation: Incarnation) -> NodeActor<Broadcast> {
        let boot = with_flags(self.flags.clone(), Broadcast::boot);
        let seed = 10 * incarnation.actor as u64 + u64::from(incarnation.number);
        NodeActor::start(Engine::new(seed, boot), incarnation, self.nodes)
    }

    fn wrong(&self, observation: &Observation<Vec<usize>>) -> Option<String> {
        let responses = &observation.responses;
        let is_known = |value: &usize| responses.get(*value).is_some_and(Option::is_some);
        observation.views.iter().find_map(|view| {
            let is_right = set(view).len() == view.len() && view.iter().all(is_known);
            (!is_right).then(|| format!("a read returns {view:?}, and broadcasts {responses:?}"))
        })
    }

    /// All nodes have the same values, among them all that were acknowledged by a node that does not
    /// restart.
    fn missing(&self, observation: &Observation<Vec<usize>>) -> Option<String> {
        let inputs = &*observation.inputs;
        let may_be_lost = |input: &Input| inputs.contains(&Restart(input.actor()));
        let acknowledged = (0..).zip(inputs).zip(&observation.responses);
        let acknowledged =
            acknowledged.filter(|((_, input), response)| response.is_some() && !may_be_lost(input));
        let mut expected: BTreeSet<usize> = acknowledged.map(|((value, _), _)| value).collect();
        expected.extend(observation.views.iter().flat_map(|view| view.iter()));
        let mut views = observation.views.iter();
        let incomplete = views.find(|view| set(view) != expected);
        incomplete.map(|view| format!("a read returns {view:?}, expected {expected:?}"))
    }

    fn may_follow(before: &Vec<usize>, after: &Vec<usize>) -> bool {
        after.starts_with(before)
    }
}

fn set(values: &[usize]) -> BTreeSet<usize> {
    values.iter().copied().collect()
}

fn scope(nodes: usize, flags: &[&str], inputs: &[Input]) -> Scope<Tree> {
    let flags = read_flags("broadcast", flags).expect("these are its flags");
    Scope::new(Tree { nodes, flags }, nodes, inputs)
}

#[test]
fn two_nodes_learn_each_value_once() {
    let inputs = [Request(0), Request(1), Request(0)];
    check(scope(2, &BRIEF, &inputs), 40_000);
    check(scope(2, &DISTINCT, &inputs).within_ticks(7), 30_000);
}

#[test]
fn the_leaves_of_a_star_learn_each_value_once() {
    check(scope(3, &BRIEF, &[Request(1), Request(2)]), 90_000);
}

#[test]
fn the_nodes_of_a_chain_learn_each_value_once() {
    let scope = scope(
        3,
        &[&BRIEF[..], &[CHAIN]].concat(),
        &[Request(0), Request(1), Request(2)],
    );
    check(scope.within_ticks(3), 120_000);
}

#[test]
fn a_leaf_that_restarts_receives_all_values() {
    let scope = scope(2, &BRIEF, &[Request(0), Request(1), Restart(1)]);
    check(scope.with_final_request(), 18_000);
}

#[test]
fn a_hub_that_restarts_receives_all_values() {
    let scope = scope(3, &BRIEF, &[Request(1), Restart(0)]);
    check(scope.with_final_request().within_ticks(4), 100_000);
}

#[test]
fn without_resends_nodes_do_not_become_quiescent() {
    let scope = scope(3, &BRIEF, &[Request(1)]);
    let scope = scope.with_mutation(|text| (!text.contains("again")).then_some(text));
    check_finds(scope, "does not become quiescent", 1);
}

#[test]
fn a_value_that_was_never_broadcast_is_found() {
    let scope = scope(3, &BRIEF, &[Request(1)]);
    let scope = scope.with_mutation(|text| Some(text.replace("[0]", "[7]")));
    check_finds(scope.without_convergence(), "a read returns [7]", 2);
}
