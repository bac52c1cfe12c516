//! The engine with a node that calls a service.

use std::time::Duration;

use super::*;
use crate::kv::SEQ_KV;

/// Reads keys of seq-kv for its clients, and counts its timers.
#[derive(Debug)]
struct Relay {
    ticks: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Fetch { key: String },
    Ticks,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Response {
    FetchOk { value: Option<u64> },
    TicksOk { ticks: u64 },
}

#[derive(Debug)]
enum Event {
    Tick,
    Fetched(Caller, Result<Option<u64>, Failure>),
}

impl Node for Relay {
    type Request = Request;
    type Event = Event;

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        match request {
            Request::Fetch { key } => {
                ctx.call(SEQ_KV.read(key), |answer| Event::Fetched(caller, answer));
            }
            Request::Ticks => ctx.reply(caller, Response::TicksOk { ticks: self.ticks }),
        }
    }

    fn on_event(&mut self, event: Event, ctx: &mut Context<Event>) {
        match event {
            Event::Tick => {
                self.ticks += 1;
                ctx.after(Duration::from_millis(10), Event::Tick);
            }
            Event::Fetched(caller, Ok(value)) => {
                ctx.reply(caller, Response::FetchOk { value });
            }
            Event::Fetched(caller, Err(failure)) => {
                ctx.reject(
                    caller,
                    &RpcError::new(ErrorCode::Abort, failure.to_string()),
                );
            }
        }
    }
}

const INIT: &str = r#"{"src":"c0","dest":"n0","body":{"type":"init","msg_id":1,
    "node_id":"n0","node_ids":["n0"]}}"#;

fn relay() -> Engine<Relay> {
    Engine::new(1, |_, ctx| {
        ctx.after(Duration::from_millis(10), Event::Tick);
        Relay { ticks: 0 }
    })
}

fn running() -> Engine<Relay> {
    let mut engine = relay();
    engine.receive(Duration::ZERO, INIT);
    drain_lines(&mut engine);
    engine
}

fn drain_lines(engine: &mut Engine<Relay>) -> String {
    let mut outbox = Outbox::default();
    engine.drain(&mut outbox);
    String::from_utf8(outbox.lines).unwrap()
}

fn send(engine: &mut Engine<Relay>, at_ms: u64, body: &str) -> String {
    let line = format!("{{\"src\":\"c1\",\"dest\":\"n0\",\"body\":{body}}}");
    engine.receive(Duration::from_millis(at_ms), &line);
    drain_lines(engine)
}

#[test]
fn bad_requests_are_answered_with_the_codes_of_the_protocol() {
    let mut engine = relay();
    let early = send(&mut engine, 0, r#"{"type":"ticks","msg_id":3}"#);
    assert!(early.contains(r#""in_reply_to":3,"code":11"#), "{early}");
    engine.receive(Duration::ZERO, INIT);
    assert!(drain_lines(&mut engine).contains(r#""type":"init_ok","in_reply_to":1"#));
    for (body, code) in [
        (r#"{"type":"dance","msg_id":4}"#, "\"code\":10"),
        (r#"{"type":"fetch","msg_id":4}"#, "\"code\":12"),
        (r#"{"type":"fetch","key":7,"msg_id":4}"#, "\"code\":12"),
        (r#"{"key":7,"msg_id":4}"#, "\"code\":12"),
        (r#"{"type":7,"msg_id":4}"#, "\"code\":12"),
        (r#"{"type":"init","msg_id":4}"#, "\"code\":12"),
        (
            r#"{"type":"init","msg_id":4,"node_id":"n9","node_ids":[]}"#,
            "\"code\":22",
        ),
    ] {
        let answer = send(&mut engine, 0, body);
        assert!(
            answer.contains(code) && answer.contains("\"in_reply_to\":4"),
            "{answer}"
        );
    }
}

#[test]
fn input_that_cannot_be_answered_is_logged_and_ignored() {
    let mut engine = running();
    for line in [
        "",
        "{",
        "[]",
        "null",
        "{\"src\":1}",
        "\u{0}",
        r#"{"src":"a","dest":"b"}"#,
    ] {
        engine.receive(Duration::ZERO, line);
        let mut outbox = Outbox::default();
        engine.drain(&mut outbox);
        assert!(
            outbox.lines.is_empty() && outbox.log.len() == 1,
            "{line} {outbox:?}"
        );
    }
    assert!(send(&mut engine, 0, r#"{"type":"ticks","msg_id":9}"#).contains("ticks_ok"));
}

#[test]
fn a_message_without_a_number_gets_no_answer() {
    let mut engine = running();
    assert_eq!(send(&mut engine, 0, r#"{"type":"ticks"}"#), "");
    assert_eq!(send(&mut engine, 0, r#"{"type":"dance"}"#), "");
}

#[test]
fn an_answer_completes_its_call_once() {
    let mut engine = running();
    let sent = send(&mut engine, 1, r#"{"type":"fetch","key":"k","msg_id":5}"#);
    assert!(sent.contains(r#""dest":"seq-kv","body":{"msg_id":1,"type":"read","key":"k"}"#));
    let answer = r#"{"type":"read_ok","in_reply_to":1,"value":8}"#;
    let reply = send(&mut engine, 2, answer);
    assert!(
        reply.contains(r#""type":"fetch_ok","in_reply_to":5,"value":8"#),
        "{reply}"
    );
    assert_eq!(send(&mut engine, 2, answer), "");
}

#[test]
fn a_missing_key_is_none_and_a_missing_answer_a_timeout() {
    let mut engine = running();
    send(&mut engine, 1, r#"{"type":"fetch","key":"k","msg_id":5}"#);
    let reply = send(
        &mut engine,
        2,
        r#"{"type":"error","in_reply_to":1,"code":20}"#,
    );
    assert!(reply.contains(r#""value":null"#), "{reply}");
    send(&mut engine, 3, r#"{"type":"fetch","key":"k","msg_id":6}"#);
    engine.wake(Duration::from_millis(1002));
    assert_eq!(drain_lines(&mut engine), "");
    engine.wake(Duration::from_millis(1003));
    let reply = drain_lines(&mut engine);
    assert!(reply.contains(r#""in_reply_to":6,"code":14,"text":"no answer in time""#));
}

#[test]
fn a_timer_fires_before_a_message_that_arrives_after_it() {
    let mut engine = running();
    assert_eq!(engine.deadline(), Some(Duration::from_millis(10)));
    let reply = send(&mut engine, 11, r#"{"type":"ticks","msg_id":9}"#);
    assert!(reply.contains("\"ticks\":1"), "{reply}");
}

#[test]
fn a_repeated_init_is_acknowledged_again() {
    let mut engine = running();
    engine.receive(Duration::ZERO, INIT);
    assert!(drain_lines(&mut engine).contains("init_ok"));
}

#[test]
fn the_node_is_there_after_init_and_its_output_is_counted_until_it_is_drained_once() {
    let mut engine = relay();
    assert!(engine.node().is_none());
    engine.receive(Duration::ZERO, INIT);
    assert_eq!(engine.node().unwrap().ticks, 0);
    let mut outbox = Outbox::default();
    let backlog = engine.backlog();
    engine.drain(&mut outbox);
    assert_eq!((outbox.lines.len(), engine.backlog()), (backlog, 0));
    assert!(backlog > 0);
    engine.drain(&mut outbox);
    assert!(outbox.is_empty());
}

#[test]
fn a_wake_delivers_all_that_is_due_and_no_timer_that_is_set_meanwhile() {
    let mut engine = running();
    for key in ["a", "b"] {
        send(
            &mut engine,
            9,
            &format!(r#"{{"type":"fetch","key":"{key}","msg_id":5}}"#),
        );
    }
    // Its timer of 10 ms is a second late, and sets the next one.
    engine.wake(Duration::from_millis(1010));
    assert_eq!(
        drain_lines(&mut engine)
            .matches("no answer in time")
            .count(),
        2
    );
    assert_eq!(engine.node().unwrap().ticks, 1);
}

#[test]
fn a_long_invalid_line_is_answered_up_to_a_size_and_otherwise_logged_in_short() {
    let invalid = |bytes: usize| {
        let line = r#"{"src":"c1","body":{"msg_id":3}}"#;
        line.to_owned() + &" ".repeat(bytes - line.len())
    };
    let mut engine = running();
    engine.receive(Duration::ZERO, &invalid(MAX_SALVAGED_BYTES));
    let answer = drain_lines(&mut engine);
    assert!(answer.contains(r#""in_reply_to":3,"code":12"#), "{answer}");
    engine.receive(Duration::ZERO, &invalid(MAX_SALVAGED_BYTES + 1));
    engine.log_ignored("a cat");
    let mut outbox = Outbox::default();
    engine.drain(&mut outbox);
    assert!(outbox.lines.is_empty());
    let end = format!("… ({} bytes)", 64 * 1024 + 1);
    assert!(
        outbox.log[0].ends_with(&end) && outbox.log[0].len() < 400,
        "{outbox:?}"
    );
    assert_eq!(outbox.log[1], "input ignored: a cat");
}
