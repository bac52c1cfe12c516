//! The workload lin-kv on the virtual clock: nodes that ask one store are linearizable in any storm
//! that does not double messages, and nodes that keep their own values are found out.

use std::collections::BTreeMap;
use std::time::Duration;

use checkers::Validity;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::{Caller, Cluster, Context, ErrorCode, Failure, LIN_KV, Node, RpcError};
use simulator::nemesis::Fault;
use simulator::storm::Storm;
use simulator::workload::Name;

use super::witness::pins;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Read { key: u64 },
    Write { key: u64, value: Value },
    Cas { key: u64, from: Value, to: Value },
}

#[derive(Debug, Serialize)]
enum Response {
    #[serde(rename = "read_ok")]
    Read { value: Value },
    #[serde(rename = "write_ok")]
    Write,
    #[serde(rename = "cas_ok")]
    Cas,
}

/// What a client is told.
type Answer = Result<Response, ErrorCode>;

fn tell<E>(caller: Caller, answer: Answer, ctx: &mut Context<E>) {
    match answer {
        Ok(response) => ctx.reply(caller, response),
        Err(code) => ctx.reject(caller, &RpcError::new(code, "not now")),
    }
}

/// Passes everything on to the service.
struct Proxy;

/// The service has answered, or has not.
#[derive(Debug)]
struct Answered(Caller, Result<Answer, Failure>);

impl Node for Proxy {
    type Request = Request;
    type Event = Answered;

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Answered>) {
        const PATIENCE: Duration = Duration::from_secs(10);
        match request {
            Request::Read { key } => {
                let read = LIN_KV.read::<Value>(key).within(PATIENCE);
                ctx.call(read, |found| {
                    let answer = |found: Option<Value>| match found {
                        Some(value) => Ok(Response::Read { value }),
                        None => Err(ErrorCode::KeyDoesNotExist),
                    };
                    Answered(caller, found.map(answer))
                });
            }
            Request::Write { key, value } => {
                let write = LIN_KV.write(key, value).within(PATIENCE);
                ctx.call(write, |done| {
                    Answered(caller, done.map(|()| Ok(Response::Write)))
                });
            }
            Request::Cas { key, from, to } => {
                let cas = LIN_KV.cas(key, from, to).within(PATIENCE);
                ctx.call(cas, |done| Answered(caller, done.map(changed)));
            }
        }
    }

    fn on_event(&mut self, Answered(caller, answer): Answered, ctx: &mut Context<Answered>) {
        // Who does not know says nothing.
        if let Ok(answer) = answer {
            tell(caller, answer, ctx);
        }
    }
}

fn changed(is_changed: bool) -> Answer {
    if is_changed {
        Ok(Response::Cas)
    } else {
        Err(ErrorCode::PreconditionFailed)
    }
}

/// Keeps values for itself.
#[derive(Default)]
struct Island(BTreeMap<u64, Value>);

impl Node for Island {
    type Request = Request;
    type Event = ();

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<()>) {
        let answer = match request {
            Request::Read { key } => match self.0.get(&key) {
                Some(value) => Ok(Response::Read {
                    value: value.clone(),
                }),
                None => Err(ErrorCode::KeyDoesNotExist),
            },
            Request::Write { key, value } => {
                self.0.insert(key, value);
                Ok(Response::Write)
            }
            Request::Cas { key, from, to } => {
                let fits = self.0.get(&key) == Some(&from);
                if fits {
                    self.0.insert(key, to);
                }
                changed(fits)
            }
        };
        tell(caller, answer, ctx);
    }

    fn on_event(&mut self, (): (), _: &mut Context<()>) {}
}

#[test]
fn nodes_that_ask_one_store_are_linearizable_in_any_storm() {
    let boot = |_: Cluster, _: &mut Context<Answered>| Proxy;
    Storm::new(Name::LinKv, boot)
        .drawing_from(&[Fault::Partition, Fault::Loss, Fault::Delay, Fault::Pause])
        .with(&pins("--time-limit 10"))
        .assert_survives(0..60);
}

#[test]
fn nodes_that_do_not_talk_are_found_out() {
    let boot = |_: Cluster, _: &mut Context<()>| Island::default();
    let storm =
        Storm::new(Name::LinKv, boot).with(&pins("--node-count 2 --time-limit 10 --rate 20"));
    for seed in 0..10 {
        let run = storm.run(seed).unwrap();
        assert_eq!(run.verdict.valid, Validity::Invalid, "seed {seed}");
        let told = run.verdict.findings.join("\n");
        assert!(told.contains("no order explains"), "seed {seed}: {told}");
    }
}
