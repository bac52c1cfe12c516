//! lin-kv: each key must be a linearizable register.
//!
//! Keys have nothing to do with one another, so each is judged alone, as Maelstrom does. What
//! failed did not happen; what is unknown may have. A read that answers `null` tells nothing, and
//! may be put anywhere: that, too, is Maelstrom's rule.

mod codec;

use std::collections::BTreeMap;
use std::fmt;

use super::element::{self, Element};
use super::linearizability::{
    Attempt, Call, CasRegister, Linearizability, RegisterOp, Unfinished, Violation, linearize,
};
use crate::finding::{Finding, first};
use crate::{CheckerResult, Unjudged, Validity};
use history::edn::Edn;
use history::{History, Kind, Op, Pair};

/// How many steps the search takes for one key at most: some fifteen seconds. They are counted, and
/// time is not, so that a history always has the same verdict.
const MAX_STEPS: u64 = 1 << 26;

/// How many of the last operations of an order a finding names.
const NAMED: usize = 3;

/// What a register may hold; `null` is nothing.
type Value = Option<Element>;

/// An operation on one key, with what it did to the register.
struct Event<'a> {
    pair: Pair<'a>,
    operation: RegisterOp<Element>,
}

/// Registers, and whether each is linearizable.
#[derive(Debug, Clone)]
pub struct RegistersResult {
    /// In the order of their keys.
    pub registers: Vec<RegisterResult>,
}

/// One register.
#[derive(Debug, Clone)]
pub struct RegisterResult {
    /// Its key; nothing where a history is about one register without a key, which is the only one.
    pub key: Option<Element>,
    /// What was found.
    pub outcome: RegisterOutcome,
}

/// Whether a register is linearizable.
#[derive(Debug, Clone)]
pub enum RegisterOutcome {
    /// It is; an order of all operations ends like this.
    Linearizable(Configuration),
    /// It is not.
    Violated(RegisterViolation),
    /// The search took too many steps or too much memory.
    Undecided(Undecided),
}

/// An operation on a register.
#[derive(Debug, Clone)]
pub struct RegisterEvent {
    /// Its completion if it is `ok`, otherwise its invocation.
    pub op: Op,
    /// What it did, or was to do.
    pub operation: RegisterOp<Element>,
}

/// A register after some order of operations.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// What it holds.
    pub state: Option<Element>,
    /// How many operations the order has.
    pub length: usize,
    /// The last few of them.
    pub last: Vec<RegisterEvent>,
    /// Invocations whose effect may come later.
    pub pending: Vec<RegisterEvent>,
}

/// An operation that no order explains.
#[derive(Debug, Clone)]
pub struct RegisterViolation {
    /// The operation.
    pub event: RegisterEvent,
    /// The operation that completed last before it did.
    pub previous: Option<RegisterEvent>,
    /// The longest orders of the operations before it, none of which it can follow.
    pub configurations: Vec<Configuration>,
    /// Whether the register can hold nothing else than in these.
    pub is_exhaustive: bool,
}

/// How far a search came that took too long.
#[derive(Debug, Clone)]
pub struct Undecided {
    /// The operation of which it is unknown whether an order explains it.
    pub event: RegisterEvent,
    /// How many completed operations an order explains, of how many.
    pub explained: usize,
    /// All completed operations.
    pub completed: usize,
    /// The steps that were taken.
    pub steps: u64,
    /// The memory that was in use, in bytes.
    pub bytes: usize,
    /// Whether memory was the limit, and not steps.
    pub is_out_of_memory: bool,
}

/// Judges registers, one for each key: invalid if one of them is not linearizable. Unknown if an
/// operation's value is malformed, or a search takes too long.
///
/// Values are `[key, value]` of a `write`, and of a `read` with its result, and `[key, [from, to]]`
/// of a `cas`, which is `fail` where the register does not hold `from`. A register is unset at
/// first.
///
/// A history whose values have no key, such as the part of a larger one that is about one key, is
/// of one register; the results are that register's, then.
///
/// # Errors
/// When the value of an operation is malformed.
pub fn lin_kv(history: &History) -> Result<RegistersResult, Unjudged> {
    judge_registers(history, is_keyed(history))
}

/// Judges one register: as [`lin_kv`], but values are without a key. A `write` has the value, a
/// `read` its result, a `cas` `[from, to]`.
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
/// are none, those of all compare-and-sets hold a pair in a pair.
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

/// What happened to each key, or to the one register without a key.
fn keys(
    history: &History,
    is_keyed: bool,
) -> Result<BTreeMap<Option<Element>, Vec<Event<'_>>>, String> {
    let mut keys: BTreeMap<Option<Element>, Vec<Event<'_>>> = BTreeMap::new();
    for pair in history.pairs() {
        let ended = pair.completion.filter(|op| op.kind != Kind::Info);
        // What an operation did stands where it ended; where it did not, what it was to do.
        let op = ended.unwrap_or(pair.invocation);
        let (key, operation) = read_op(op, is_keyed).map_err(|why| {
            let (process, time, value) = (op.process, op.seconds(), &op.value);
            format!(
                "process {process}'s {} of {value} at {time:.3} s: {why}",
                op.f
            )
        })?;
        let events = keys.entry(key).or_default();
        if ended.is_none_or(|op| op.kind != Kind::Fail) {
            events.push(Event { pair, operation });
        }
    }
    Ok(keys)
}

/// The key, and what was done to it.
fn read_op(op: &Op, is_keyed: bool) -> Result<(Option<Element>, RegisterOp<Element>), String> {
    let value = |json: &str| (json != "null").then(|| Element::parse(json));
    let (key, argument) = if is_keyed {
        let pair = element::pair(op.value.json());
        let (key, argument) = pair.ok_or("it is no pair of key and value")?;
        (Some(Element::parse(key.get())), argument.get())
    } else {
        (None, op.value.json())
    };
    let operation = match &*op.f {
        "read" => RegisterOp::Read(value(argument)),
        "write" => RegisterOp::Write(value(argument)),
        "cas" => {
            let pair = element::pair(argument);
            let (from, to) = pair.ok_or("a cas needs a pair of an old and a new value")?;
            RegisterOp::Cas(value(from.get()), value(to.get()))
        }
        _ => return Err("a register knows read, write and cas alone".to_owned()),
    };
    Ok((key, operation))
}

/// Judges a register, with so many steps at most.
fn judge(events: &[Event<'_>], max_steps: u64) -> RegisterOutcome {
    let call = |event: &Event<'_>| Call {
        operation: event.operation.clone(),
        begin: event.pair.invocation.index as u64,
        end: event.ended().map(|op| op.index as u64),
    };
    let calls: Vec<_> = events.iter().map(call).collect();
    let mut steps = 0;
    let answer = linearize(&CasRegister::default(), &calls, || {
        steps += 1;
        steps <= max_steps
    });
    let register = Register(events);
    match answer {
        Linearizability::Holds { order } => {
            let state = order
                .iter()
                .fold(None, |state, call| match &calls[*call].operation {
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

/// The operations on one register, to describe a search in which they are numbers.
struct Register<'a>(&'a [Event<'a>]);

impl Register<'_> {
    fn event(&self, call: usize) -> RegisterEvent {
        let event = &self.0[call];
        event.to_owned(event.ended().unwrap_or(event.pair.invocation))
    }

    fn configuration(&self, attempt: &Attempt<Value>) -> Configuration {
        let pending = attempt.pending.iter().map(|call| {
            let event = &self.0[*call];
            event.to_owned(event.pair.invocation)
        });
        let last = &attempt.order[attempt.order.len().saturating_sub(NAMED)..];
        Configuration {
            state: attempt.state.clone(),
            length: attempt.order.len(),
            last: last.iter().map(|call| self.event(*call)).collect(),
            pending: pending.collect(),
        }
    }

    fn violation(&self, violation: &Violation<Value>) -> RegisterViolation {
        let attempts = violation.attempts.iter();
        RegisterViolation {
            event: self.event(violation.call),
            previous: self.previous(violation.call),
            configurations: attempts.map(|it| self.configuration(it)).collect(),
            is_exhaustive: violation.is_exhaustive,
        }
    }

    /// The operation that ended last before this one did.
    fn previous(&self, call: usize) -> Option<RegisterEvent> {
        let end = |call: usize| self.0[call].ended().map(|op| op.index);
        let before = (0..self.0.len()).filter(|other| end(*other) < end(call));
        let last = before.max_by_key(|other| end(*other));
        let last = last.filter(|call| end(*call).is_some());
        last.map(|call| self.event(call))
    }

    fn undecided(&self, unfinished: &Unfinished) -> Undecided {
        let ended = self.0.iter().filter(|it| it.ended().is_some());
        Undecided {
            event: self.event(unfinished.call),
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

/// `cas 1 to 2 by process 3 at 0.123 s (op 17)`.
impl fmt::Display for RegisterEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.operation {
            RegisterOp::Read(value) => write!(f, "the read of {}", text(value)),
            RegisterOp::Write(value) => write!(f, "the write of {}", text(value)),
            RegisterOp::Cas(from, to) => {
                write!(f, "the cas from {} to {}", text(from), text(to))
            }
        }?;
        let (process, time, index) = (self.op.process, self.op.seconds(), self.op.index);
        write!(f, " by process {process} at {time:.3} s (op {index})")
    }
}

impl fmt::Display for RegisterViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let states = self.states().join(" or ");
        let holds = if self.is_exhaustive {
            "can only hold"
        } else {
            "can hold, for instance,"
        };
        let event = &self.event;
        write!(
            f,
            "no order explains {event}; before it the register {holds} {states}"
        )?;
        match self.configurations.first() {
            Some(Configuration { length, last, .. }) if !last.is_empty() => {
                let dots = if *length > NAMED { "..., " } else { "" };
                let last: Vec<_> = last.iter().map(ToString::to_string).collect();
                let last = last.join(", ");
                write!(
                    f,
                    " (the longest order has {length} operations: {dots}{last})"
                )
            }
            _ => Ok(()),
        }
    }
}

impl RegisterViolation {
    /// What the register may hold before the operation, each value once, as text.
    pub fn states(&self) -> Vec<String> {
        let configurations = self.configurations.iter();
        let mut states: Vec<_> = configurations.map(|it| text(&it.state)).collect();
        states.sort();
        states.dedup();
        states
    }
}

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Undecided {
            event,
            explained,
            completed,
            steps,
            bytes,
            ..
        } = self;
        let megabytes = bytes.div_ceil(1_000_000);
        write!(
            f,
            "undecided after {steps} steps and {megabytes} MB of memory: an order explains \
             {explained} of {completed} completed operations; whether it can have {event} next is \
             unknown"
        )
    }
}

fn text(value: &Value) -> String {
    value.as_ref().map_or("null".to_owned(), Element::to_string)
}

#[cfg(test)]
mod tests {
    use super::{History, RegisterOutcome, judge, keys};

    #[test]
    fn an_undecided_key_tells_how_far_the_search_got() {
        let lines = [("invoke", 1), ("ok", 1), ("invoke", 2), ("ok", 2)];
        let line = |(index, (kind, value)): (usize, &(&str, u32))| {
            let time = 1_000_000 * index;
            format!(
                r#"{{"index":{index},"time":{time},"type":"{kind}","process":0,"f":"write",
                    "value":[0,{value}]}}"#
            )
            .replace('\n', "")
        };
        let lines: Vec<_> = lines.iter().enumerate().map(line).collect();
        let history = History::read_json(lines.join("\n").as_bytes()).unwrap();
        let keys = keys(&history, true).unwrap();
        for events in keys.values() {
            let outcome = judge(events, 2);
            let RegisterOutcome::Undecided(undecided) = outcome else {
                panic!("{outcome:?}");
            };
            assert_eq!(
                undecided.to_string(),
                "undecided after 2 steps and 1 MB of memory: an order explains 1 of 2 completed \
                 operations; whether it can have the write of 2 by process 0 at 0.003 s (op 3) next \
                 is unknown"
            );
        }
    }
}
