//! Model checking of the Kafka frontier: one key, and polls of every node in every state.

use std::collections::BTreeMap;

use kafka_log::{Flags, KafkaLog};
use serde::Deserialize;
use shared::{Engine, read_flags, with_flags};

use super::catalogue::Incarnation;
use super::explore::{check, check_finds};
use super::node_actor::{NodeActor, ObservableNode};
use super::scope::{Input, Observation, Scope, System};

use Input::Request;

/// Lone acknowledgements, resends and batches are due at different ticks.
const DISTINCT: [&str; 3] = ["--period=1000", "--ack-delay=1000", "--resend=3000"];

/// No waiting, and as few ticks as keep acknowledgements and resends apart.
const BRIEF: [&str; 3] = ["--period=0", "--ack-delay=1000", "--resend=2000"];

/// The same in trees of three nodes.
const STAR: [&str; 4] = with_fan_out("--fan-out=2");
const CHAIN: [&str; 4] = with_fan_out("--fan-out=1");

const fn with_fan_out(fan_out: &'static str) -> [&'static str; 4] {
    let [period, ack_delay, resend] = BRIEF;
    [period, ack_delay, resend, fan_out]
}

/// A cluster.
struct Cluster {
    nodes: usize,
    flags: Flags,
}

/// Messages by offset.
type Messages = BTreeMap<u64, usize>;

impl ObservableNode for KafkaLog {
    /// What a poll returns.
    type View = Messages;

    const VIEW_REQUEST: &'static str = r#"{"type":"poll","msg_id":1,"offsets":{"k":0}}"#;

    fn view(response: &str) -> Messages {
        #[derive(Deserialize)]
        struct PollOk {
            msgs: BTreeMap<String, Vec<(u64, usize)>>,
        }
        let response: PollOk = serde_json::from_str(response).expect("a response to a poll");
        let messages = response.msgs.into_values().flatten();
        messages.collect()
    }
}

impl System for Cluster {
    type Actor = NodeActor<KafkaLog>;

    /// Sends the input's index.
    fn request(index: usize) -> String {
        format!(r#"{{"type":"send","msg_id":1,"key":"k","msg":{index}}}"#)
    }

    fn boot(&self, incarnation: Incarnation) -> NodeActor<KafkaLog> {
        let boot = with_flags(self.flags.clone(), KafkaLog::boot);
        let engine = Engine::new(incarnation.actor as u64, boot);
        NodeActor::start(engine, incarnation, self.nodes)
    }

    /// A poll returns every message up to the last that it returns. As later polls return those
    /// messages too, a message that is sent later and gets a lower offset is also found here.
    fn wrong(&self, observation: &Observation<Messages>) -> Option<String> {
        let sent = match sent(observation) {
            Ok(sent) => sent,
            Err(offset) => return Some(format!("offset {offset} is assigned twice")),
        };
        observation.views.iter().find_map(|view| {
            let (last, _) = view.last_key_value()?;
            let is_right = view.iter().eq(sent.range(..=last));
            (!is_right).then(|| format!("a poll returns {view:?} where {sent:?} was sent"))
        })
    }

    fn missing(&self, observation: &Observation<Messages>) -> Option<String> {
        let sent = sent(observation).ok()?;
        let mut views = observation.views.iter();
        let incomplete = views.find(|view| view.len() < sent.len());
        incomplete.map(|view| format!("a poll returns {view:?}, expected {sent:?}"))
    }

    /// Later polls begin with the same messages.
    fn may_follow(before: &Messages, after: &Messages) -> bool {
        before.iter().eq(after.iter().take(before.len()))
    }
}

/// The messages sent so far, or an offset that was assigned twice.
fn sent(observation: &Observation<Messages>) -> Result<Messages, u64> {
    #[derive(Deserialize)]
    struct SendOk {
        offset: u64,
    }
    let mut sent = Messages::new();
    for (message, response) in observation.responses.iter().enumerate() {
        if let Some(response) = response {
            let SendOk { offset } = serde_json::from_str(response).expect("a response to a send");
            if sent.insert(offset, message).is_some() {
                return Err(offset);
            }
        }
    }
    Ok(sent)
}

fn scope(nodes: usize, flags: &[&str], inputs: &[Input]) -> Scope<Cluster> {
    let flags = read_flags("kafka-log", flags).expect("these are its flags");
    Scope::new(Cluster { nodes, flags }, nodes, inputs)
}

#[test]
fn polls_of_two_nodes_never_skip_one_of_two_messages() {
    check(scope(2, &BRIEF, &[Request(0), Request(1)]), 9_000);
    let distinct = scope(2, &DISTINCT, &[Request(0), Request(1)]);
    check(distinct.within_ticks(6), 25_000);
}

#[test]
fn polls_of_two_nodes_never_skip_one_of_three_messages() {
    for inputs in [
        [Request(0), Request(0), Request(1)],
        [Request(1), Request(1), Request(0)],
    ] {
        check(scope(2, &BRIEF, &inputs).within_ticks(5), 100_000);
    }
}

#[test]
fn three_nodes_show_a_message_and_become_quiescent() {
    for flags in [STAR, CHAIN] {
        check(scope(3, &flags, &[Request(0)]).within_ticks(7), 6_000);
        check(scope(3, &flags, &[Request(2)]).within_ticks(7), 6_000);
    }
}

#[test]
fn polls_of_three_nodes_never_skip_one_of_two_messages() {
    for flags in [STAR, CHAIN] {
        let scope = scope(3, &flags, &[Request(1), Request(2)]);
        check(scope.within_ticks(4), 35_000);
    }
}

#[test]
fn polls_of_three_nodes_never_skip_one_of_three_messages() {
    for flags in [STAR, CHAIN] {
        let scope = scope(3, &flags, &[Request(0), Request(1), Request(2)]);
        check(scope.within_ticks(1), 100_000);
    }
}

#[test]
fn without_resends_nodes_do_not_become_quiescent() {
    let scope = scope(2, &BRIEF, &[Request(0)]);
    let scope = scope.with_mutation(|text| (!text.contains("again")).then_some(text));
    check_finds(scope, "does not become quiescent", 1);
}

#[test]
fn a_promise_of_one_round_too_many_is_found() {
    let promise_more = |text: String| Some(text.replace(r#"["k",1]"#, r#"["k",2]"#));
    let inputs = [Request(1), Request(1), Request(0)];
    let scope = scope(2, &BRIEF, &inputs).with_mutation(promise_more);
    let skip = "a poll returns {1: 0, 3: 1} where {1: 0, 2: 2, 3: 1} was sent";
    check_finds(scope.without_convergence(), skip, 5);
}

#[test]
fn a_link_without_order_is_found() {
    let forget_the_order = |text: String| Some(text.replace(r#""first":2,"#, ""));
    let inputs = [Request(0), Request(0), Request(1)];
    let scope = scope(2, &BRIEF, &inputs).with_mutation(forget_the_order);
    check_finds(scope.without_convergence(), "a poll returns {2: 1}", 3);
}
