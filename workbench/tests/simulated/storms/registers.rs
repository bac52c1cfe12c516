//! The workload lin-kv on the virtual clock: nodes that forward to one store are linearizable in any
//! storm without duplication, and nodes that each keep their own values are found invalid.

use std::collections::BTreeMap;
use std::time::Duration;

use checkers::{CheckerResult as _, Validity};
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

/// What a client receives.
type Answer = Result<Response, ErrorCode>;

fn respond<E>(caller: Caller, answer: Answer, ctx: &mut Context<E>) {
    match answer {
        Ok(response) => ctx.reply(caller, response),
        Err(code) => ctx.reject(caller, &RpcError::new(code, "not now")),
    }
}

/// Forwards all requests to the service.
#[derive(Debug)]
struct Proxy;

/// The service has answered, or the call has timed out.
#[derive(Debug)]
struct Answered(Caller, Result<Answer, Failure>);

impl Node for Proxy {
    type Request = Request;
    type Event = Answered;

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Answered>) {
        const TIMEOUT: Duration = Duration::from_secs(10);
        match request {
            Request::Read { key } => {
                let read = LIN_KV.read::<Value>(key).timeout(TIMEOUT);
                ctx.call(read, |found| {
                    let answer = |found: Option<Value>| match found {
                        Some(value) => Ok(Response::Read { value }),
                        None => Err(ErrorCode::KeyDoesNotExist),
                    };
                    Answered(caller, found.map(answer))
                });
            }
            Request::Write { key, value } => {
                let write = LIN_KV.write(key, value).timeout(TIMEOUT);
                ctx.call(write, |done| {
                    Answered(caller, done.map(|()| Ok(Response::Write)))
                });
            }
            Request::Cas { key, from, to } => {
                let cas = LIN_KV.cas(key, from, to).timeout(TIMEOUT);
                ctx.call(cas, |done| Answered(caller, done.map(cas_answer)));
            }
        }
    }

    fn on_event(&mut self, Answered(caller, answer): Answered, ctx: &mut Context<Answered>) {
        // After a timeout the outcome is unknown, and the client's operation is left open.
        if let Ok(answer) = answer {
            respond(caller, answer, ctx);
        }
    }
}

fn cas_answer(is_changed: bool) -> Answer {
    if is_changed {
        Ok(Response::Cas)
    } else {
        Err(ErrorCode::PreconditionFailed)
    }
}

/// Keeps its own values, and never replicates them.
#[derive(Debug, Default)]
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
                let is_equal = self.0.get(&key) == Some(&from);
                if is_equal {
                    self.0.insert(key, to);
                }
                cas_answer(is_equal)
            }
        };
        respond(caller, answer, ctx);
    }

    fn on_event(&mut self, (): (), _: &mut Context<()>) {}
}

#[test]
fn nodes_that_forward_to_one_store_are_linearizable_in_any_storm() {
    let boot = |_: Cluster, _: &mut Context<Answered>| Proxy;
    Storm::new(Name::LinKv, boot)
        .drawing_from(&[Fault::Partition, Fault::Loss, Fault::Delay, Fault::Pause])
        .with(&pins("--time-limit 10"))
        .assert_survives(0..60);
}

#[test]
fn nodes_that_never_replicate_are_invalid() {
    let boot = |_: Cluster, _: &mut Context<()>| Island::default();
    let storm =
        Storm::new(Name::LinKv, boot).with(&pins("--node-count 2 --time-limit 10 --rate 20"));
    for seed in 0..10 {
        let run = storm.run(seed).unwrap();
        assert_eq!(run.verdict.validity(), Validity::Invalid, "seed {seed}");
        let findings = run.verdict.sentences().join("\n");
        assert!(
            findings.contains("no order explains"),
            "seed {seed}: {findings}"
        );
    }
}
