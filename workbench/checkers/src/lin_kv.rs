//! lin-kv: each key must be a linearizable register.
//!
//! Keys are independent, so each is judged alone, as in Maelstrom. Operations that failed did not
//! take effect; indeterminate ones may have. A read that returned `null` says nothing and can be
//! ordered anywhere, which is Maelstrom's rule, too.

mod codec;
mod sentences;

use std::collections::BTreeMap;

use super::element::{self, Element};
use super::linearizability::{
    Attempt, CasRegister, Linearizability, RegisterOp, TimedOp, Unfinished, Violation, linearize,
};
use crate::finding::{Finding, first};
use crate::{CheckerResult, Unjudged, Validity};
use history::edn::Edn;
use history::{History, Kind, Op, Pair};

/// The limit of steps for the search of one key: about fifteen seconds. Steps are counted instead
/// of time, so that the verdict is deterministic.
const MAX_STEPS: u64 = 1 << 26;

/// The number of operations at the end of an order that a finding names.
const MAX_NAMED: usize = 3;

/// The value of a register; `None` if it is unset.
type Value = Option<Element>;

/// An operation on one key: its invocation and completion, and its effect on the register.
struct Event<'a> {
    pair: Pair<'a>,
    operation: RegisterOp<Element>,
}

/// The results of all registers.
#[derive(Debug, Clone)]
pub struct RegistersResult {
    /// The registers, in the order of their keys.
    pub registers: Vec<RegisterResult>,
}

/// The result of one register.
#[derive(Debug, Clone)]
pub struct RegisterResult {
    /// Its key. `None` if the history is about a single register without a key.
    pub key: Option<Element>,
    /// The outcome of the check.
    pub outcome: RegisterOutcome,
}

/// Whether a register is linearizable.
#[derive(Debug, Clone)]
pub enum RegisterOutcome {
    /// It is linearizable; this is the end of an order of all operations.
    Linearizable(Configuration),
    /// It is not linearizable.
    Violated(RegisterViolation),
    /// The search exceeded its limit of steps or memory.
    Undecided(Undecided),
}

/// An operation on a register.
#[derive(Debug, Clone)]
pub struct RegisterEvent {
    /// Its completion if it is `ok`, otherwise its invocation.
    pub op: Op,
    /// Its effect, or the effect it was to have.
    pub operation: RegisterOp<Element>,
}

/// The state of a register after some order of operations.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// The value of the register.
    pub state: Option<Element>,
    /// The number of operations in the order.
    pub length: usize,
    /// The last few operations of the order.
    pub last: Vec<RegisterEvent>,
    /// Invocations that may take effect later.
    pub pending: Vec<RegisterEvent>,
}

/// A violation of linearizability: an operation that no order explains.
#[derive(Debug, Clone)]
pub struct RegisterViolation {
    /// The operation.
    pub event: RegisterEvent,
    /// The operation that completed last before it did.
    pub previous: Option<RegisterEvent>,
    /// The ends of the longest orders of the operations before it; it can follow none of them.
    pub configurations: Vec<Configuration>,
    /// Whether these are all states that the register can have.
    pub is_exhaustive: bool,
}

/// The progress of a search that exceeded its limits.
#[derive(Debug, Clone)]
pub struct Undecided {
    /// The operation at which the search stopped.
    pub event: RegisterEvent,
    /// The number of completed operations that an order explains.
    pub explained: usize,
    /// The number of all completed operations.
    pub completed: usize,
    /// The number of steps taken.
    pub steps: u64,
    /// The memory in use in bytes.
    pub bytes: usize,
    /// Whether the limit of memory was exceeded, and not the limit of steps.
    pub is_out_of_memory: bool,
}

/// Judges registers, one for each key: invalid if one of them is not linearizable; unknown if a
/// search exceeds its limits.
///
/// The value of a `write` is `[key, value]`, that of a `read` `[key, result]`, that of a `cas`
/// `[key, [from, to]]`. A `cas` is `fail` if the register does not have the value `from`. Registers
/// are unset at first.
///
/// A history whose values have no key, such as an excerpt about one key, is about a single
/// register, and so is the result.
///
/// # Errors
/// When the value of an operation is malformed.
pub fn lin_kv(history: &History) -> Result<RegistersResult, Unjudged> {
    judge_registers(history, is_keyed(history))
}

/// Judges one register: like [`lin_kv`], but values have no key. The value of a `write` is the
/// value written, that of a `read` its result, that of a `cas` `[from, to]`.
///
/// # Errors
/// When the value of an operation is malformed.
pub fn register(history: &History) -> Result<RegistersResult, Unjudged> {
    judge_registers(history, false)
}

fn judge_registers(history: &History, is_keyed: bool) -> Result<RegistersResult, Unjudged> {
    let mut keys = keys(history, is_keyed).map_err(Unjudged::new)?;
    if !is_keyed {
        keys.entry(None).or_default();
    }
    let registers = keys.into_iter().map(|(key, events)| RegisterResult {
        key,
        outcome: judge(&events, MAX_STEPS),
    });
    Ok(RegistersResult {
        registers: registers.collect(),
    })
}

impl RegisterResult {
    /// The answer for this register.
    pub fn validity(&self) -> Validity {
        match self.outcome {
            RegisterOutcome::Linearizable(_) => Validity::Valid,
            RegisterOutcome::Violated(_) => Validity::Invalid,
            RegisterOutcome::Undecided(_) => Validity::Unknown,
        }
    }

    /// The result map of one of several registers.
    pub fn to_edn(&self) -> Edn {
        codec::keyed_register(self)
    }

    fn finding(&self) -> Option<Finding<'_>> {
        let key = self.key.as_ref();
        match &self.outcome {
            RegisterOutcome::Linearizable(_) => None,
            RegisterOutcome::Violated(violation) => Some(Finding::NotLinearizable(key, violation)),
            RegisterOutcome::Undecided(undecided) => Some(Finding::Undecided(key, undecided)),
        }
    }
}

/// Whether values are pairs of a key and a value: those of all reads and writes are, or, if there
/// are none, those of all compare-and-sets are a pair that contains a pair.
fn is_keyed(history: &History) -> bool {
    let of_clients = || {
        history
            .ops
            .iter()
            .filter(|op| op.process.client().is_some())
    };
    let mut plain = of_clients().filter(|op| op.f != "cas").peekable();
    let parts = |op: &Op| element::pair(op.value.json()).map(|(_, value)| value.get().to_owned());
    if plain.peek().is_some() {
        return plain.all(|op| element::pair(op.value.json()).is_some());
    }
    of_clients().all(|op| parts(op).is_some_and(|value| element::pair(&value).is_some()))
}

/// The operations on each key, or on the single register without a key.
fn keys(
    history: &History,
    is_keyed: bool,
) -> Result<BTreeMap<Option<Element>, Vec<Event<'_>>>, String> {
    let mut keys: BTreeMap<Option<Element>, Vec<Event<'_>>> = BTreeMap::new();
    for pair in history.pairs() {
        let ended = pair.completion.filter(|op| op.kind != Kind::Info);
        // The effect of an operation is in its completion; if that is missing or `info`, its
        // intended effect is in the invocation.
        let op = ended.unwrap_or(pair.invocation);
        let (key, operation) = read_op(op, is_keyed).map_err(|why| {
            let Op {
                f,
                index,
                process,
                value,
                ..
            } = op;
            let time = op.seconds();
            format!(
                "the {f} of process {process} at {time:.3} s (op {index}) has the value {value}: {why}"
            )
        })?;
        let events = keys.entry(key).or_default();
        if ended.is_none_or(|op| op.kind != Kind::Fail) {
            events.push(Event { pair, operation });
        }
    }
    Ok(keys)
}

/// The key of an operation, and its effect.
fn read_op(op: &Op, is_keyed: bool) -> Result<(Option<Element>, RegisterOp<Element>), String> {
    let value = |json: &str| (json != "null").then(|| Element::parse(json));
    let (key, argument) = if is_keyed {
        let pair = element::pair(op.value.json());
        let (key, argument) = pair.ok_or("it must be a pair of key and value")?;
        (Some(Element::parse(key.get())), argument.get())
    } else {
        (None, op.value.json())
    };
    let operation = match &*op.f {
        "read" => RegisterOp::Read(value(argument)),
        "write" => RegisterOp::Write(value(argument)),
        "cas" => {
            let pair = element::pair(argument);
            let (from, to) = pair.ok_or("a cas must have an old and a new value")?;
            RegisterOp::Cas(value(from.get()), value(to.get()))
        }
        _ => return Err("a register has only read, write and cas".to_owned()),
    };
    Ok((key, operation))
}

/// Judges a register, with a limit of steps.
fn judge(events: &[Event<'_>], max_steps: u64) -> RegisterOutcome {
    let timed = |event: &Event<'_>| TimedOp {
        operation: event.operation.clone(),
        begin: event.pair.invocation.index as u64,
        end: event.ended().map(|op| op.index as u64),
    };
    let ops: Vec<_> = events.iter().map(timed).collect();
    let mut steps = 0;
    let answer = linearize(&CasRegister::default(), &ops, || {
        steps += 1;
        steps <= max_steps
    });
    let register = Register(events);
    match answer {
        Linearizability::Linearizable { order } => {
            let state = order
                .iter()
                .fold(None, |state, op| match &ops[*op].operation {
                    RegisterOp::Read(_) => state,
                    RegisterOp::Write(to) | RegisterOp::Cas(_, to) => to.clone(),
                });
            let end = Attempt {
                order,
                state,
                pending: Vec::new(),
            };
            RegisterOutcome::Linearizable(register.configuration(&end))
        }
        Linearizability::Violated(violation) => {
            RegisterOutcome::Violated(register.violation(&violation))
        }
        Linearizability::Unfinished(unfinished) => {
            RegisterOutcome::Undecided(register.undecided(&unfinished))
        }
    }
}

impl Event<'_> {
    fn ended(&self) -> Option<&Op> {
        self.pair.completion.filter(|op| op.kind == Kind::Ok)
    }

    fn to_owned(&self, op: &Op) -> RegisterEvent {
        RegisterEvent {
            op: op.clone(),
            operation: self.operation.clone(),
        }
    }
}

/// The operations on one register, which the search refers to by index.
struct Register<'a>(&'a [Event<'a>]);

impl Register<'_> {
    fn event(&self, index: usize) -> RegisterEvent {
        let event = &self.0[index];
        event.to_owned(event.ended().unwrap_or(event.pair.invocation))
    }

    fn configuration(&self, attempt: &Attempt<Value>) -> Configuration {
        let pending = attempt.pending.iter().map(|index| {
            let event = &self.0[*index];
            event.to_owned(event.pair.invocation)
        });
        let last = &attempt.order[attempt.order.len().saturating_sub(MAX_NAMED)..];
        Configuration {
            state: attempt.state.clone(),
            length: attempt.order.len(),
            last: last.iter().map(|index| self.event(*index)).collect(),
            pending: pending.collect(),
        }
    }

    fn violation(&self, violation: &Violation<Value>) -> RegisterViolation {
        let attempts = violation.attempts.iter();
        RegisterViolation {
            event: self.event(violation.op),
            previous: self.previous(violation.op),
            configurations: attempts.map(|it| self.configuration(it)).collect(),
            is_exhaustive: violation.is_exhaustive,
        }
    }

    /// The operation that completed last before this one did.
    fn previous(&self, index: usize) -> Option<RegisterEvent> {
        let end = |index: usize| self.0[index].ended().map(|op| op.index);
        let before = (0..self.0.len()).filter(|other| end(*other) < end(index));
        let last = before.max_by_key(|other| end(*other));
        let last = last.filter(|index| end(*index).is_some());
        last.map(|index| self.event(index))
    }

    fn undecided(&self, unfinished: &Unfinished) -> Undecided {
        let ended = self.0.iter().filter(|it| it.ended().is_some());
        Undecided {
            event: self.event(unfinished.op),
            explained: unfinished.explained,
            completed: ended.count(),
            steps: unfinished.steps,
            bytes: unfinished.bytes,
            is_out_of_memory: unfinished.is_out_of_memory,
        }
    }
}

impl CheckerResult for RegistersResult {
    fn validity(&self) -> Validity {
        let worst = self.registers.iter().map(RegisterResult::validity).max();
        worst.unwrap_or(Validity::Valid)
    }

    fn findings(&self) -> Vec<Finding<'_>> {
        let findings = self.registers.iter().filter_map(RegisterResult::finding);
        let findings: Vec<_> = findings.collect();
        first(findings.len(), findings.into_iter())
    }

    fn to_edn(&self) -> Edn {
        codec::registers(self)
    }
}
