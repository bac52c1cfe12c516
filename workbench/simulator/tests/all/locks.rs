//! A complete custom workload, from node to verdict: a lock service. Copy it to storm a protocol
//! for which Maelstrom has no workload.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use simulator::checkers::{CheckerResult as _, CustomResult, Validity, WorkloadVerdict};
use simulator::history::{self, History, Kind, Op, Value};
use simulator::options::{Options, PartialOptions};
use simulator::rng::SeededRng;
use simulator::rpc::{Answer, ClientRequest, Field, FieldType, Rpc};
use simulator::shared::{Caller, Cluster, Context, ErrorCode, Failure, LIN_KV, Node, RpcError};
use simulator::storm::Storm;
use simulator::workload::{Completion, Invocation, Session, Step, Turn, Workload};

/// A node. It stores each lock's owner in lin-kv, and changes it by compare-and-set: a free lock
/// has no owner. Nodes have no state of their own, so that a client may use any of them.
#[derive(Debug)]
struct LockServer {
    /// Whether a release compares the owner; the storm must find the bug if it does not.
    compares: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Acquire { lock: u64, owner: u64 },
    Release { lock: u64, owner: u64 },
    Owner { lock: u64 },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "these are the protocol's names")]
enum Response {
    AcquireOk,
    ReleaseOk,
    OwnerOk { owner: Option<u64> },
}

/// lin-kv has answered.
#[derive(Debug)]
enum Event {
    Changed(Caller, Response, Result<bool, Failure>),
    Read(Caller, Result<Option<Option<u64>>, Failure>),
}

const FREE: Option<u64> = None;

impl Node for LockServer {
    type Request = Request;
    type Event = Event;

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        match request {
            Request::Acquire { lock, owner } => {
                let change = LIN_KV.cas_or_create(lock, FREE, Some(owner));
                ctx.call(change, |it| Event::Changed(caller, Response::AcquireOk, it));
            }
            Request::Release { lock, owner } if self.compares => {
                let change = LIN_KV.cas(lock, Some(owner), FREE);
                ctx.call(change, |it| Event::Changed(caller, Response::ReleaseOk, it));
            }
            Request::Release { lock, .. } => ctx.call(LIN_KV.write(lock, FREE), |it| {
                Event::Changed(caller, Response::ReleaseOk, it.map(|()| true))
            }),
            Request::Owner { lock } => ctx.call(LIN_KV.read(lock), |it| Event::Read(caller, it)),
        }
    }

    fn on_event(&mut self, event: Event, ctx: &mut Context<Event>) {
        match event {
            Event::Changed(caller, response, Ok(true)) => ctx.reply(caller, response),
            Event::Changed(caller, _, Ok(false)) => {
                let why = "the lock has another owner, or none";
                ctx.reject(caller, &RpcError::new(ErrorCode::PreconditionFailed, why));
            }
            Event::Read(caller, Ok(owner)) => {
                let owner = owner.flatten();
                ctx.reply(caller, Response::OwnerOk { owner });
            }
            Event::Changed(caller, _, Err(failure)) | Event::Read(caller, Err(failure)) => {
                // It is unknown whether lin-kv has changed the lock, as after a timeout.
                let error = RpcError::new(ErrorCode::Timeout, failure.to_string());
                ctx.reject(caller, &error);
            }
        }
    }
}

/// The forms of the requests and of their answers: an answer of another form is malformed.
static ACQUIRE: Rpc = Rpc {
    request: "acquire",
    meaning: "Gives a lock an owner, if it has none; otherwise error 22.",
    arguments: &[LOCK, OWNER],
    response: "acquire_ok",
    response_fields: &[],
};
static RELEASE: Rpc = Rpc {
    request: "release",
    meaning: "Frees a lock, if this is its owner; otherwise error 22.",
    arguments: &[LOCK, OWNER],
    response: "release_ok",
    response_fields: &[],
};
static READ_OWNER: Rpc = Rpc {
    request: "owner",
    meaning: "Reads the owner of a lock.",
    arguments: &[LOCK],
    response: "owner_ok",
    response_fields: &[Field::new(
        "owner",
        FieldType::Any,
        "7",
        "an owner, or null",
    )],
};
const LOCK: Field = Field::new("lock", FieldType::Integer, "3", "which lock");
const OWNER: Field = Field::new(
    "owner",
    FieldType::Integer,
    "7",
    "a number that is used for a single hold",
);

/// A lock, and an owner: the value of every operation.
type Claim = (u64, Option<u64>);

/// The workload: workers acquire a lock and release it again. Each attempt is by a new owner, so
/// that a late message of an earlier attempt means nothing to a later one.
#[derive(Default)]
struct Locks {
    attempts: u64,
    /// By worker: the lock that it holds, or may hold, and so must release.
    claims: HashMap<usize, Claim>,
    /// The lock that workers currently contend for.
    lock: u64,
}

impl Workload for Locks {
    fn name(&self) -> &'static str {
        "locks"
    }

    fn operations(&self) -> &'static [&'static str] {
        &["acquire", "release", "owner"]
    }

    /// Uses a new lock every three seconds: a late acquire after a timeout may leave a lock held
    /// for ever, which is not a bug of the nodes.
    fn next(&mut self, turn: Turn, _: &mut SeededRng) -> Invocation {
        self.lock = turn.at.as_secs() / 3;
        if let Some(claim) = self.claims.get(&turn.worker) {
            return Invocation::new("release", history::json(claim));
        }
        self.attempts += 1;
        Invocation::new("acquire", history::json(&(self.lock, self.attempts)))
    }

    /// An indeterminate acquire may have locked, and an indeterminate release may not have
    /// released: both are followed by a release.
    fn observe(&mut self, worker: usize, f: &'static str, kind: Kind, value: &Value) {
        match (f, kind) {
            ("acquire", Kind::Ok | Kind::Info) => {
                let claim = value.parse();
                self.claims.extend(claim.ok().map(|claim| (worker, claim)));
            }
            ("release", Kind::Ok | Kind::Fail) => drop(self.claims.remove(&worker)),
            _ => {}
        }
    }

    fn requests(&self) -> Vec<&'static Rpc> {
        vec![&ACQUIRE, &RELEASE, &READ_OWNER]
    }

    fn session(&self) -> Box<dyn Session> {
        Box::new(Client)
    }

    fn check(&self, history: &History) -> WorkloadVerdict {
        let Holds { count, errors, .. } = Holds::of(history);
        let result = CustomResult {
            validity: Validity::of(errors.is_empty()),
            findings: errors,
            details: json!({ "hold-count": count }),
        };
        result.into()
    }

    /// A read of the last lock, which must succeed.
    fn recovery_operation(&mut self, _: Turn, _: &mut SeededRng) -> Invocation {
        Invocation::new("owner", history::json(&(self.lock, FREE)))
    }

    /// All nodes must agree on a lock's owner: the one that acquired it and did not release it.
    fn unconverged(&self, history: &History, reads: &[&Op]) -> Vec<String> {
        let mut owners = Holds::of(history).owners;
        let mut findings = Vec::new();
        for read in reads {
            let Some((lock, result)) = claim(read) else {
                continue;
            };
            let owner = *owners.entry(lock).or_insert(result);
            if result != owner {
                let process = read.process;
                findings.push(format!(
                    "after recovery, process {process} reads {result:?} as owner of lock {lock}, \
                     which is {owner:?}"
                ));
            }
        }
        findings
    }
}

/// A client: each operation is one request, and the answer is the result. After errors and timeouts
/// the bench completes the operation as `fail` or `info`.
struct Client;

impl Session for Client {
    fn begin(&mut self, invocation: &Invocation) -> Step {
        let (lock, owner): (Box<RawValue>, Box<RawValue>) =
            serde_json::from_str(invocation.value.get()).expect("a pair, as in `next`");
        let rpc = match invocation.f {
            "acquire" => &ACQUIRE,
            "release" => &RELEASE,
            _ => return Step::Send(ClientRequest::new(&READ_OWNER, vec![("lock", lock)])),
        };
        Step::Send(ClientRequest::new(
            rpc,
            vec![("lock", lock), ("owner", owner)],
        ))
    }

    fn on_reply(&mut self, invocation: &Invocation, answer: &Answer<'_>) -> Step {
        if invocation.f != "owner" {
            return Step::Done(Completion::done());
        }
        let (lock, _): Claim = serde_json::from_str(invocation.value.get()).expect("a pair");
        let result = history::json(&(lock, answer.field("owner")));
        Step::Done(Completion::ok(result))
    }
}

fn claim(op: &Op) -> Option<Claim> {
    op.value.parse().ok()
}

/// The checker: an owner certainly holds a lock from the `ok` of its acquire to the invocation of
/// its release. Operations whose outcome is unknown are ignored.
#[derive(Default)]
struct Holds {
    count: usize,
    /// The owner of each lock at the end, if there certainly is one.
    owners: BTreeMap<u64, Option<u64>>,
    /// Acquires that should have failed, with the reasons.
    errors: Vec<String>,
}

impl Holds {
    fn of(history: &History) -> Self {
        let mut holds = Holds::default();
        for op in &history.ops {
            let Some((lock, owner)) = claim(op) else {
                continue;
            };
            match (op.kind, &*op.f) {
                (Kind::Ok, "acquire") => {
                    holds.count += 1;
                    if let Some(Some(before)) = holds.owners.insert(lock, owner) {
                        let (process, at) = (op.process, op.seconds());
                        let why = format!(
                            "process {process} acquired lock {lock} at {at:.3} s, while owner \
                             {before} held it"
                        );
                        holds.errors.push(why);
                    }
                }
                (Kind::Invoke, "release") if holds.owners.get(&lock) == Some(&owner) => {
                    holds.owners.remove(&lock);
                }
                _ => {}
            }
        }
        holds
    }
}

/// A storm over clusters of any size, with any latency and any faults, as drawn from the seed.
fn storm(compares: bool) -> Storm {
    let boot = move |_: Cluster, _: &mut Context<Event>| LockServer { compares };
    Storm::new(|_: &Options| Locks::default(), boot).with(&PartialOptions {
        rate: Some(20.0),
        ..PartialOptions::default()
    })
}

#[test]
fn the_lock_service_survives_storms() {
    storm(true).assert_survives(0..20);
    let run = storm(true).run(0).unwrap();
    let holds = Holds::of(&run.record.history).count;
    assert!(holds > 25, "a run with {holds} holds tests little");
}

#[test]
fn a_release_that_does_not_compare_is_found() {
    let storm = storm(false);
    let findings: Vec<String> = (0..20)
        .flat_map(|seed| storm.run(seed).unwrap().verdict.sentences())
        .collect();
    let is_found = |part| findings.iter().any(|it| it.contains(part));
    assert!(is_found("held it"), "two clients held a lock at once");
    assert!(is_found("after recovery"), "an acquired lock was lost");
}
