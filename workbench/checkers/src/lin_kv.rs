//! lin-kv: each key must be a linearizable register.
//!
//! Keys have nothing to do with one another, so each is judged alone, as Maelstrom does. What
//! failed did not happen; what is unknown may have. A read that answers `null` tells nothing, and
//! may be put anywhere: that, too, is Maelstrom's rule.

use std::collections::BTreeMap;

use super::element::{self, Element};
use super::linearizability::{
    Attempt, Call, CasRegister, Linearizability, RegisterOp, Unfinished, Violation, linearize,
};
use super::{Validity, Verdict, told};
use history::edn::{self, Edn};
use history::{History, Kind, Op, Pair};

/// How many steps the search takes for one key at most: some fifteen seconds. They are counted, and
/// time is not, so that a history always has the same verdict.
const STEPS: u64 = 1 << 26;

/// How many of the last operations of an order are told.
const NAMED: usize = 3;

/// What a register may hold; `null` is nothing.
type Value = Option<Element>;

/// An operation on one key, with what it did to the register.
struct Event<'a> {
    pair: Pair<'a>,
    operation: RegisterOp<Element>,
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
pub fn lin_kv(history: &History) -> Verdict {
    judge_registers(history, is_keyed(history))
}

/// Judges one register: as [`lin_kv`], but values are without a key. A `write` has the value, a
/// `read` its result, a `cas` `[from, to]`.
pub fn register(history: &History) -> Verdict {
    judge_registers(history, false)
}

fn judge_registers(history: &History, is_keyed: bool) -> Verdict {
    let keys = match keys(history, is_keyed) {
        Ok(keys) => keys,
        Err(error) => return Verdict::unknown(error),
    };
    if !is_keyed {
        let events = keys.into_values().next().unwrap_or_default();
        return judge(None, &events, STEPS);
    }
    let mut valid = Validity::Valid;
    let mut results = BTreeMap::new();
    let mut failures = Vec::new();
    let mut findings = Vec::new();
    for (key, events) in &keys {
        let key = key.as_ref().expect("a key, as there is one in every value");
        let verdict = judge(Some(key), events, STEPS);
        valid = valid.max(verdict.valid);
        if verdict.valid == Validity::Invalid {
            failures.push(key.to_edn());
        }
        findings.extend(verdict.findings);
        let timeline = edn::map([("valid?", Edn::Bool(true))]);
        let entry = edn::map([
            ("linearizable", verdict.results),
            ("timeline", timeline),
            ("valid?", verdict.valid.to_edn()),
        ]);
        results.insert(key.to_edn(), entry);
    }
    let mut verdict = Verdict::new(
        valid,
        [
            ("results", Edn::Map(results)),
            ("failures", Edn::Vector(failures)),
        ],
    );
    verdict.findings = told(findings.len(), findings.into_iter());
    verdict
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

/// Judges a key, with so many steps at most.
fn judge(key: Option<&Element>, events: &[Event<'_>], most: u64) -> Verdict {
    let call = |event: &Event<'_>| Call {
        operation: event.operation.clone(),
        begin: event.pair.invocation.index as u64,
        end: event.ended().map(|op| op.index as u64),
    };
    let calls: Vec<_> = events.iter().map(call).collect();
    let mut steps = 0;
    let answer = linearize(&CasRegister::default(), &calls, || {
        steps += 1;
        steps <= most
    });
    let shown = Shown { key, events };
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
            let configs = Edn::List(vec![shown.configuration(&end)]);
            let paths = Edn::List(Vec::new());
            Verdict::new(
                Validity::Valid,
                [("configs", configs), ("final-paths", paths)],
            )
        }
        Linearizability::Violated(violation) => shown.violated(&violation),
        Linearizability::Unfinished(unfinished) => shown.unfinished(&unfinished),
    }
}

impl Event<'_> {
    fn ended(&self) -> Option<&Op> {
        self.pair.completion.filter(|op| op.kind == Kind::Ok)
    }
}

/// One key's operations, for those who want to see them.
struct Shown<'a> {
    key: Option<&'a Element>,
    events: &'a [Event<'a>],
}

impl Shown<'_> {
    fn violated(&self, violation: &Violation<Value>) -> Verdict {
        let Violation { call, attempts, .. } = violation;
        let last = attempts.iter().filter_map(|it| it.order.last()).next();
        let last = last.map_or(Edn::Nil, |call| self.op(*call));
        let configs = attempts.iter().map(|attempt| self.configuration(attempt));
        let paths = attempts.iter().map(|attempt| self.path(attempt, *call));
        let mut verdict = Verdict::new(
            Validity::Invalid,
            [
                ("op", self.op(*call)),
                ("previous-ok", self.previous_ok(*call)),
                ("last-op", last),
                ("configs", Edn::List(configs.collect())),
                ("final-paths", Edn::List(paths.collect())),
            ],
        );
        verdict.findings.push(self.tell(violation));
        verdict
    }

    fn unfinished(&self, unfinished: &Unfinished) -> Verdict {
        let Unfinished {
            call,
            explained,
            steps,
            bytes,
            is_out_of_memory,
        } = *unfinished;
        let cause = if is_out_of_memory {
            "out-of-memory"
        } else {
            "timeout"
        };
        let mut verdict = Verdict::new(
            Validity::Unknown,
            [
                ("cause", edn::key(cause)),
                ("op", self.op(call)),
                ("explained-count", Edn::Int(explained as i64)),
                ("steps", Edn::Int(steps as i64)),
                ("bytes", Edn::Int(bytes as i64)),
            ],
        );
        let ended = self.events.iter().filter(|it| it.ended().is_some()).count();
        verdict.findings.push(format!(
            "{}undecided after {steps} steps and {} MB of memory: an order explains \
             {explained} of {ended} completed operations; whether it can have {} next is unknown",
            self.prefix(),
            bytes.div_ceil(1_000_000),
            self.name(call)
        ));
        verdict
    }

    fn tell(&self, violation: &Violation<Value>) -> String {
        let call = violation.call;
        let mut states: Vec<_> = violation
            .attempts
            .iter()
            .map(|it| shown(&it.state))
            .collect();
        states.sort();
        states.dedup();
        let holds = if violation.is_exhaustive {
            "can only hold"
        } else {
            "can hold, for instance,"
        };
        let mut told = format!(
            "{}no order explains {}; before it the register {holds} {}",
            self.prefix(),
            self.name(call),
            states.join(" or ")
        );
        if let Some(attempt) = violation.attempts.first() {
            let count = attempt.order.len();
            let last: Vec<_> = attempt.order.iter().rev().take(NAMED).rev().collect();
            let last: Vec<_> = last.into_iter().map(|call| self.name(*call)).collect();
            if !last.is_empty() {
                let dots = if count > NAMED { "..., " } else { "" };
                told += &format!(
                    " (the longest order has {count} operations: {dots}{})",
                    last.join(", ")
                );
            }
        }
        told
    }

    /// What findings begin with.
    fn prefix(&self) -> String {
        self.key.map_or(String::new(), |key| format!("key {key}: "))
    }

    /// `cas 1 to 2 by process 3 at 0.123 s (op 17)`.
    fn name(&self, call: usize) -> String {
        let event = &self.events[call];
        let op = event.ended().unwrap_or(event.pair.invocation);
        let what = match &event.operation {
            RegisterOp::Read(value) => format!("the read of {}", shown(value)),
            RegisterOp::Write(value) => format!("the write of {}", shown(value)),
            RegisterOp::Cas(from, to) => format!("the cas from {} to {}", shown(from), shown(to)),
        };
        let (process, time, index) = (op.process, op.seconds(), op.index);
        format!("{what} by process {process} at {time:.3} s (op {index})")
    }

    /// The operation that ended last before this one did.
    fn previous_ok(&self, call: usize) -> Edn {
        let end = |call: usize| self.events[call].ended().map(|op| op.index);
        let before = (0..self.events.len()).filter(|other| end(*other) < end(call));
        let last = before.max_by_key(|other| end(*other));
        let last = last.filter(|call| end(*call).is_some());
        last.map_or(Edn::Nil, |call| self.op(call))
    }

    fn op(&self, call: usize) -> Edn {
        let event = &self.events[call];
        self.line(event, event.ended().unwrap_or(event.pair.invocation))
    }

    /// An operation as the key's own history would have it: the key is left out.
    fn line(&self, event: &Event<'_>, op: &Op) -> Edn {
        let word = |value: &Value| value.as_ref().map_or(Edn::Nil, Element::to_edn);
        let value = match &event.operation {
            RegisterOp::Read(value) | RegisterOp::Write(value) => word(value),
            RegisterOp::Cas(from, to) => Edn::Vector(vec![word(from), word(to)]),
        };
        let mut line = op.to_edn();
        edn::insert(&mut line, "value", value);
        line
    }

    fn configuration(&self, attempt: &Attempt<Value>) -> Edn {
        let pending = attempt.pending.iter().map(|call| {
            let event = &self.events[*call];
            self.line(event, event.pair.invocation)
        });
        let last = attempt.order.last();
        edn::map([
            ("model", model(&attempt.state)),
            ("last-op", last.map_or(Edn::Nil, |call| self.op(*call))),
            ("pending", Edn::Vector(pending.collect())),
        ])
    }

    /// The end of an order, and what is wrong with the call that should come next.
    fn path(&self, attempt: &Attempt<Value>, call: usize) -> Edn {
        let step = |call: usize, model| edn::map([("op", self.op(call)), ("model", model)]);
        let state = shown(&attempt.state);
        let why = match &self.events[call].operation {
            RegisterOp::Read(value) => format!("can't read {} from register {state}", shown(value)),
            RegisterOp::Write(value) => format!("can't write {}", shown(value)),
            RegisterOp::Cas(from, to) => {
                format!("can't CAS {state} from {} to {}", shown(from), shown(to))
            }
        };
        let inconsistent = edn::map([("msg", edn::text(&why))]);
        let inconsistent = Edn::tagged("knossos.model.Inconsistent", inconsistent);
        let last = attempt.order.last();
        let last = last.map(|call| step(*call, model(&attempt.state)));
        Edn::Vector(last.into_iter().chain([step(call, inconsistent)]).collect())
    }
}

fn model(state: &Value) -> Edn {
    let value = state.as_ref().map_or(Edn::Nil, Element::to_edn);
    Edn::tagged("knossos.model.CASRegister", edn::map([("value", value)]))
}

fn shown(value: &Value) -> String {
    value.as_ref().map_or("null".to_owned(), Element::to_string)
}

#[cfg(test)]
mod tests {
    use super::{History, Validity, judge, keys};

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
        for (key, events) in &keys {
            let verdict = judge(key.as_ref(), events, 2);
            assert_eq!(verdict.valid, Validity::Unknown);
            assert_eq!(
                verdict.findings.join("\n"),
                "key 0: undecided after 2 steps and 1 MB of memory: an order explains 1 of 2 \
                 completed operations; whether it can have the write of 2 by process 0 at 0.003 s \
                 (op 3) next is unknown"
            );
        }
    }
}
