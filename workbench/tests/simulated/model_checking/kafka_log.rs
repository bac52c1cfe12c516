//! The Kafka frontier: one key, and polls at every node in every state.

use std::collections::BTreeMap;

use kafka_log::{Flags, KafkaLog};
use serde::Deserialize;
use shared::{Engine, read_flags, with_flags};

use super::catalogue::Birth;
use super::explore::{check, check_finds};
use super::hosted::{Guest, Hosted};
use super::scope::{Deed, Scope, Seen, Subject};

use Deed::Ask;

/// Acknowledgements alone, resends and windows all fall due at moments of their own.
const DISTINCT: [&str; 3] = ["--window=1000", "--ack-delay=1000", "--resend=3000"];

/// No windows, and as few moments as keep the others apart.
const BRIEF: [&str; 3] = ["--window=0", "--ack-delay=1000", "--resend=2000"];

/// Everything is due at the first moment.
const HASTY: [&str; 3] = ["--window=0", "--ack-delay=1000", "--resend=1000"];

/// A cluster.
struct Cluster {
    nodes: usize,
    flags: Flags,
}

/// Messages by offset.
type Messages = BTreeMap<u64, usize>;

impl Guest for KafkaLog {
    /// What a poll shows.
    type View = Messages;

    const LOOK: &'static str = r#"{"type":"poll","msg_id":1,"offsets":{"k":0}}"#;

    fn view(answer: &str) -> Messages {
        #[derive(Deserialize)]
        struct PollOk {
            msgs: BTreeMap<String, Vec<(u64, usize)>>,
        }
        let answer: PollOk = serde_json::from_str(answer).expect("a poll is answered");
        let messages = answer.msgs.into_values().flatten();
        messages.collect()
    }
}

impl Subject for Cluster {
    type End = Hosted<KafkaLog>;

    /// A message of the deed's number.
    fn request(number: usize) -> String {
        format!(r#"{{"type":"send","msg_id":1,"key":"k","msg":{number}}}"#)
    }

    fn boot(&self, birth: Birth) -> Hosted<KafkaLog> {
        let boot = with_flags(self.flags.clone(), KafkaLog::boot);
        Hosted::start(Engine::new(birth.place as u64, boot), birth, self.nodes)
    }

    /// A poll shows everything up to the last that it shows. As it shows that for ever, what is
    /// sent later and gets a lower offset is found here, too.
    fn wrong(&self, seen: &Seen<Messages>) -> Option<String> {
        let sent = match sent(seen) {
            Ok(sent) => sent,
            Err(offset) => return Some(format!("offset {offset} is given out twice")),
        };
        seen.views.iter().find_map(|view| {
            let (last, _) = view.last_key_value()?;
            let is_right = view.iter().eq(sent.range(..=last));
            (!is_right).then(|| format!("a poll shows {view:?} where {sent:?} was sent"))
        })
    }

    fn missing(&self, seen: &Seen<Messages>) -> Option<String> {
        let sent = sent(seen).ok()?;
        let poor = seen.views.iter().find(|view| view.len() < sent.len());
        poor.map(|view| format!("a poll shows no more than {view:?} of {sent:?}"))
    }

    /// What was shown is shown for ever, and nothing comes in before it.
    fn may_become(before: &Messages, after: &Messages) -> bool {
        before.iter().eq(after.iter().take(before.len()))
    }
}

/// What was sent so far; or an offset that was given out twice.
fn sent(seen: &Seen<Messages>) -> Result<Messages, u64> {
    #[derive(Deserialize)]
    struct SendOk {
        offset: u64,
    }
    let mut sent = Messages::new();
    for (message, answer) in seen.answers.iter().enumerate() {
        if let Some(answer) = answer {
            let SendOk { offset } = serde_json::from_str(answer).expect("a send is answered");
            if sent.insert(offset, message).is_some() {
                return Err(offset);
            }
        }
    }
    Ok(sent)
}

fn scope(nodes: usize, flags: &[&str], deeds: &[Deed]) -> Scope<Cluster> {
    let flags = read_flags("kafka-log", flags).expect("it knows these flags");
    Scope::new(Cluster { nodes, flags }, nodes, deeds)
}

#[test]
fn no_poll_of_two_nodes_skips_however_long_it_takes() {
    check(scope(2, &BRIEF, &[Ask(0), Ask(1)]), 9_000);
    check(scope(2, &DISTINCT, &[Ask(0), Ask(1)]), 25_000);
}

#[test]
fn no_poll_of_two_nodes_skips_one_of_three_messages() {
    for deeds in [[Ask(0), Ask(0), Ask(1)], [Ask(1), Ask(1), Ask(0)]] {
        check(scope(2, &BRIEF, &deeds).within_moments(5), 100_000);
    }
}

#[test]
fn three_nodes_come_to_show_a_message_and_fall_silent() {
    check(scope(3, &BRIEF, &[Ask(0)]).within_moments(4), 35_000);
}

#[test]
fn no_poll_of_three_nodes_skips_one_of_two_messages() {
    let scope = scope(3, &HASTY, &[Ask(0), Ask(1)]);
    check(scope.within_moments(1), 150_000);
}

#[test]
fn no_poll_of_three_nodes_skips_one_of_three_messages() {
    let scope = scope(3, &BRIEF, &[Ask(0), Ask(1), Ask(2)]);
    check(scope.within_moments(0), 300_000);
}

#[test]
fn a_network_that_never_repeats_is_found_out() {
    let scope = scope(2, &BRIEF, &[Ask(0)]);
    let scope = scope.with_fault(|text| (!text.contains("again")).then_some(text));
    check_finds(scope, "no silence falls", 1);
}

#[test]
fn a_promise_of_one_round_too_many_is_found_out() {
    let promises_more = |text: String| Some(text.replace(r#"["k",1]"#, r#"["k",2]"#));
    let scope = scope(2, &BRIEF, &[Ask(1), Ask(1), Ask(0)]).with_fault(promises_more);
    let skip = "a poll shows {1: 0, 3: 1} where {1: 0, 2: 2, 3: 1} was sent";
    check_finds(scope.without_calm(), skip, 5);
}

#[test]
fn a_link_without_order_is_found_out() {
    let forgets_the_order = |text: String| Some(text.replace(r#""first":1,"#, ""));
    let scope = scope(2, &BRIEF, &[Ask(0), Ask(0), Ask(1)]).with_fault(forgets_the_order);
    check_finds(scope.without_calm(), "a poll shows {2: 1}", 3);
}
