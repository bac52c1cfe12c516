use std::time::Duration;

use serde::Deserialize;
use shared::{Engine, Node, Outbox, read_flags, with_flags};

use super::*;

/// A node that collects numbers, and answers each addition with all numbers applied so far.
#[derive(Debug)]
struct Adder {
    applied: Vec<u64>,
    durable: Durable<u64, Request>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    /// Submits these numbers, and answers each as if it were the request's `msg_id`.
    Add { numbers: Vec<u64> },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Response<'a> {
    AddOk { applied: &'a [u64] },
}

#[derive(Debug)]
enum Event {
    Journal(JournalEvent<u64>),
}

impl Adder {
    fn boot(flags: &DurabilityFlags, cluster: &Cluster, ctx: &mut Context<Event>) -> Self {
        let mut adder = Adder {
            applied: Vec::new(),
            durable: Durable::open(flags, "adder", cluster, 7),
        };
        adder.proceed(ctx);
        adder
    }

    fn proceed(&mut self, ctx: &mut Context<Event>) {
        while let Some(step) = self.durable.next_step() {
            match step {
                Step::Recover { entry, .. } => self.applied.push(entry),
                Step::Ready => self.applied.push(1000),
                Step::Serve(Request::Add { numbers }, caller) => {
                    for number in numbers {
                        let caller = Caller::new(caller.node().clone(), Some(number));
                        self.durable.submit(number, caller);
                        assert_eq!(self.durable.last_pending(), Some(&number));
                    }
                }
                Step::Apply(number, caller) => {
                    self.applied.push(number);
                    let applied = &self.applied;
                    ctx.reply(caller, Response::AddOk { applied });
                }
            }
        }
        self.durable.flush(ctx, Event::Journal);
    }
}

impl Node for Adder {
    type Request = Request;
    type Event = Event;

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        self.durable.on_request(request, caller, ctx);
        self.proceed(ctx);
    }

    fn on_event(&mut self, Event::Journal(event): Event, ctx: &mut Context<Event>) {
        self.durable.on_event(event);
        self.proceed(ctx);
    }
}

fn adder(args: &[&str]) -> Engine<Adder> {
    let flags = read_flags("adder", args).unwrap();
    let mut engine = Engine::new(1, with_flags(flags, Adder::boot));
    let init = r#"{"type":"init","node_id":"n0","node_ids":["n0"]}"#;
    engine.receive(
        Duration::ZERO,
        &format!(r#"{{"src":"c0","dest":"n0","body":{init}}}"#),
    );
    engine
}

/// Passes a request to the node and returns the bodies of the messages that it sends.
fn send(engine: &mut Engine<Adder>, body: &str) -> Vec<String> {
    let line = format!(r#"{{"src":"c1","dest":"n0","body":{body}}}"#);
    engine.receive(Duration::ZERO, &line);
    let mut outbox = Outbox::default();
    engine.drain(&mut outbox);
    let lines = String::from_utf8(outbox.lines).unwrap();
    let bodies = lines
        .lines()
        .map(|line| line.split_once(r#""body":"#).unwrap().1);
    bodies
        .map(|body| body[..body.len() - 1].to_owned())
        .collect()
}

fn answer(in_reply_to: u64, applied: &str) -> String {
    format!(r#"{{"type":"add_ok","in_reply_to":{in_reply_to},"applied":{applied}}}"#)
}

/// The `msg_id` of the only message in `sent`.
fn only_msg_id(sent: &[String]) -> u64 {
    let [message] = sent else {
        panic!("one message expected: {sent:?}");
    };
    let message: serde_json::Value = serde_json::from_str(message).unwrap();
    message["msg_id"].as_u64().unwrap()
}

/// Passes an answer of lin-kv to the node and returns the bodies of the messages that it sends.
fn reply(engine: &mut Engine<Adder>, msg_id: u64, answer: &str) -> Vec<String> {
    send(engine, &format!(r#"{{{answer},"in_reply_to":{msg_id}}}"#))
}

const NO_SUCH_KEY: &str = r#""type":"error","code":20"#;
const CAS_OK: &str = r#""type":"cas_ok""#;

#[test]
fn without_a_journal_entries_are_applied_at_once_and_in_order() {
    let mut engine = adder(&[]);
    let sent = send(&mut engine, r#"{"type":"add","numbers":[4,2]}"#);
    assert_eq!(sent, [answer(4, "[4]"), answer(2, "[4,2]")]);
    assert!(engine.node().unwrap().durable.last_pending().is_none());
    assert_eq!(engine.deadline(), None);
}

#[test]
fn with_a_journal_requests_wait_until_it_is_ready_and_entries_until_they_are_written() {
    let mut engine = adder(&["--durable"]);
    let sent = send(&mut engine, r#"{"type":"add","numbers":[4,2]}"#);
    let read = only_msg_id(&sent[sent.len() - 1..]);
    let fence = only_msg_id(&reply(&mut engine, read, NO_SUCH_KEY));
    let written = reply(&mut engine, fence, CAS_OK);
    assert!(written[0].contains(r#""items":[4,2]"#), "{written:?}");
    let write = only_msg_id(&written);
    let sent = send(&mut engine, r#"{"type":"add","numbers":[3]}"#);
    assert_eq!(sent, [""; 0], "a write is sent while one is in flight");
    let sent = reply(&mut engine, write, CAS_OK);
    // 1000 marks the moment when the node became ready.
    assert_eq!(sent[..2], [answer(4, "[1000,4]"), answer(2, "[1000,4,2]")]);
    let write = only_msg_id(&sent[2..]);
    let sent = reply(&mut engine, write, CAS_OK);
    assert_eq!(sent, [answer(3, "[1000,4,2,3]")]);
}

#[test]
fn entries_of_an_earlier_incarnation_are_recovered_before_requests_are_served() {
    let mut engine = adder(&["--durable"]);
    let sent = send(&mut engine, r#"{"type":"add","numbers":[3]}"#);
    let read = only_msg_id(&sent[sent.len() - 1..]);
    let found = r#""type":"read_ok","value":{"boot":6,"items":[8,9]}"#;
    let reads = reply(&mut engine, read, found);
    let second = only_msg_id(&reads[..1]);
    let third = only_msg_id(&reads[1..]);
    assert_eq!(reply(&mut engine, second, NO_SUCH_KEY), [""; 0]);
    let fence = only_msg_id(&reply(&mut engine, third, NO_SUCH_KEY));
    let write = only_msg_id(&reply(&mut engine, fence, CAS_OK));
    let sent = reply(&mut engine, write, CAS_OK);
    assert_eq!(sent, [answer(3, "[8,9,1000,3]")]);
}

#[test]
fn too_many_requests_before_the_node_is_ready_are_rejected() {
    let mut engine = adder(&["--durable"]);
    let add = r#"{"type":"add","msg_id":7,"numbers":[3]}"#;
    let sent = send(&mut engine, add);
    let read = only_msg_id(&sent[sent.len() - 1..]);
    for _ in 1..MAX_QUEUED {
        assert_eq!(send(&mut engine, add), [""; 0]);
    }
    let rejected = send(&mut engine, add);
    assert!(
        rejected[0].contains(r#""in_reply_to":7,"code":11"#),
        "{rejected:?}"
    );
    let fence = only_msg_id(&reply(&mut engine, read, NO_SUCH_KEY));
    reply(&mut engine, fence, CAS_OK);
    let pending = &engine.node().unwrap().durable.pending;
    assert_eq!(pending.len(), MAX_QUEUED);
}
