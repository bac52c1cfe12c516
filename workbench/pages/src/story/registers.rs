//! Registers that are not linearizable. Most violations are stale reads, which two operations prove; for
//! others there is the state in which the search got stuck.

use checkers::{Element, RegisterOutcome, RegisterViolation, RegistersResult};
use history::{Kind, Op, Pair};

use super::{AnomalyKind, Scene, Story, WRONG_KEYS, grouped};

const MEANING: &str = "Each operation must seem to take effect at one moment between its invocation and its \
                       completion.";

pub(super) fn tell(scene: &Scene<'_>, result: &RegistersResult) -> Option<Story> {
    let violated = result.registers.iter().filter_map(|it| match &it.outcome {
        RegisterOutcome::Violated(violation) => Some((it.key.as_ref(), violation)),
        _ => None,
    });
    let violated: Vec<(Option<&Element>, &RegisterViolation)> = violated.collect();
    let (key, first) = *violated.iter().min_by_key(|(_, it)| it.event.op.index)?;
    let bad = &first.event.op;
    let pairs = of_key(&scene.pairs, key);
    let stale = stale(&pairs, bad);
    let explanation = match &stale {
        Some(stale) => stale.explain(scene, bad),
        None => {
            let event = scene.with_nodes(&first.event.to_string());
            let meanwhile = scene.meanwhile(scene.node(bad.process), bad.seconds());
            let states = first.states().join(" or ");
            match first.is_exhaustive {
                true => format!(
                    "no order explains {event}{meanwhile}: the register could only be {states}"
                ),
                false => format!(
                    "no order explains {event}{meanwhile}: before it the register can be {states}, for instance"
                ),
            }
        }
    };
    let of_all = match (violated.len(), result.registers.len()) {
        (_, 1) => match key {
            Some(key) => format!("key {key} is not linearizable"),
            None => "the register is not linearizable".to_owned(),
        },
        (1, all) => format!("1 of {} keys is not linearizable", grouped(all)),
        (count, all) => format!("{count} of {} keys are not linearizable", grouped(all)),
    };
    let on_key = match (key, result.registers.len()) {
        (Some(key), 2..) => format!(
            "{}on key {key}, ",
            if violated.len() > 1 { "first " } else { "" }
        ),
        _ => String::new(),
    };
    Some(Story {
        headline: format!("{of_all}; {on_key}{explanation}"),
        reason: stale.and_then(|it| it.reason(scene)),
        kinds: vec![AnomalyKind::new(violated.len(), WRONG_KEYS, MEANING)],
    })
}

/// The operations on a key.
pub(crate) fn of_key<'a>(pairs: &[Pair<'a>], key: Option<&Element>) -> Vec<Pair<'a>> {
    let is_of = |pair: &&Pair<'_>| {
        let own = checkers::pair(pair.invocation.value.json()).map(|(own, _)| own);
        key.is_none_or(|key| own.is_some_and(|own| Element::parse(own.get()) == *key))
    };
    pairs.iter().filter(is_of).copied().collect()
}

/// What an operation on a register observed and wrote.
struct Observed {
    read: Option<Element>,
    written: Option<Element>,
}

impl Observed {
    fn of(op: &Op) -> Self {
        let json = op.value.json();
        let own = checkers::pair(json);
        // A cas on a register without a key has a pair, too, which is the argument itself.
        let argument = match own {
            Some((_, argument)) if op.f != "cas" || checkers::pair(argument.get()).is_some() => {
                argument.get()
            }
            _ => json,
        };
        let value = |json: &str| (json != "null").then(|| Element::parse(json));
        let (read, written) = match (&*op.f, checkers::pair(argument)) {
            ("read", _) => (value(argument), None),
            ("cas", Some((from, to))) => (value(from.get()), value(to.get())),
            _ => (None, value(argument)),
        };
        Observed { read, written }
    }

    /// The value of the register after the operation.
    fn after(self) -> Option<Element> {
        self.written.or(self.read)
    }
}

/// A read of a value that had been replaced before it began.
pub(crate) struct StaleRead<'a> {
    /// The operation that read it.
    reader: Pair<'a>,
    /// The value.
    value: Element,
    /// An operation that completed before the read began, after which the register had another value,
    /// or `None` if no operation ever wrote the value.
    pub(crate) witness: Option<Pair<'a>>,
    /// An operation that failed, and would have written the value in time.
    failed: Option<Pair<'a>>,
}

/// Explains an operation that fits in no order as a stale read, if it is one: between the witness and
/// the read no operation could write the value.
pub(crate) fn stale<'a>(pairs: &[Pair<'a>], bad: &Op) -> Option<StaleRead<'a>> {
    let end = |pair: &Pair<'_>| match pair.completion {
        Some(op) if op.kind == Kind::Ok => op.index,
        _ => usize::MAX,
    };
    let reader = *pairs
        .iter()
        .find(|it| it.completion.is_some_and(|op| op.index == bad.index))?;
    let value = Observed::of(bad).read?;
    let may_write = |pair: &&Pair<'_>| {
        let is_failed = pair.completion.is_some_and(|op| op.kind == Kind::Fail);
        !is_failed && Observed::of(pair.invocation).written.as_ref() == Some(&value)
    };
    let writers: Vec<&Pair<'_>> = pairs.iter().filter(may_write).collect();
    if writers.is_empty() {
        let wrote =
            |pair: &&Pair<'_>| Observed::of(pair.invocation).written.as_ref() == Some(&value);
        return Some(StaleRead {
            reader,
            failed: pairs.iter().find(wrote).copied(),
            value,
            witness: None,
        });
    }
    // The last moment at which the value may have been written before the read ended.
    let before = writers.iter().filter(|it| it.invocation.index < bad.index);
    let written = before.map(|it| end(it)).max();
    let is_witness = |pair: &&Pair<'_>| {
        let Some(done) = pair.completion.filter(|op| op.kind == Kind::Ok) else {
            return false;
        };
        let after = Observed::of(done).after();
        done.index < reader.invocation.index
            && after.is_some_and(|after| after != value)
            && written.is_none_or(|written| written <= pair.invocation.index)
    };
    let witness = pairs
        .iter()
        .filter(is_witness)
        .max_by_key(|it| end(it))
        .copied()?;
    // A failed operation between the witness and the end of the read.
    let failed = pairs.iter().find(|it| {
        let end = it.completion.filter(|op| op.kind == Kind::Fail);
        Observed::of(it.invocation).written.as_ref() == Some(&value)
            && end.is_some_and(|end| end.index > witness.invocation.index)
            && it.invocation.index < bad.index
    });
    Some(StaleRead {
        reader,
        failed: failed.copied(),
        value,
        witness: Some(witness),
    })
}

impl StaleRead<'_> {
    pub(crate) fn explain(&self, scene: &Scene<'_>, bad: &Op) -> String {
        let value = scene.short(&self.value.to_string());
        let meanwhile = scene.meanwhile(scene.node(bad.process), bad.seconds());
        let (who, at, index) = (scene.who(bad.process), bad.seconds(), bad.index);
        let did = match &*bad.f {
            "cas" => format!("changed {value} by a compare-and-set"),
            _ => format!("read {value}"),
        };
        let Some(done) = self.witness.and_then(|it| it.completion) else {
            let origin = match self.failed.and_then(|it| it.completion) {
                Some(op) => format!("which only op {} wrote, and that failed", op.index),
                None => "which no operation wrote".to_owned(),
            };
            return format!("{who} {did} at {at:.3} s (op {index}){meanwhile}, {origin}");
        };
        let failed = self.failed.and_then(|it| it.completion);
        let failed = failed.map(|op| {
            let (who, index) = (scene.who(op.process), op.index);
            format!("; only op {index} of {who}, which failed, could write {value} after that")
        });
        let kind = if failed.is_some() { "" } else { "stale read: " };
        let after = Observed::of(done).after();
        let after = after.map_or_else(String::new, |it| scene.short(&it.to_string()));
        let had = if done.f == "read" { "read" } else { "written" };
        format!(
            "{kind}{who} {did} at {at:.3} s (op {index}){meanwhile}, but {after} had been {had} by {} at {:.3} s \
             (op {}), before op {index} began{}",
            scene.who(done.process),
            done.seconds(),
            done.index,
            failed.unwrap_or_default(),
        )
    }

    /// Where the value came from: the messages that the node exchanged meanwhile.
    fn reason(&self, scene: &Scene<'_>) -> Option<String> {
        let node = scene.node(self.reader.invocation.process)?;
        scene
            .record
            .trace
            .as_ref()
            .filter(|it| it.left_out() == 0)?;
        let time = |op: &Op| i128::from(op.time);
        let (from, to) = (time(self.reader.invocation), time(self.reader.completion?));
        let mut exchanged = scene.between_servers().filter(|(_, it)| {
            let is_own = it.src.as_str() == node || it.dest.as_str() == node;
            // A lost message was an attempt, too.
            let end = scene.arrived_ns(it).unwrap_or(scene.sent_ns(it));
            is_own && scene.sent_ns(it) <= to && from <= end
        });
        exchanged.next().is_none().then(|| {
            format!("{node} exchanged no message with other nodes or services meanwhile: it answered from its own state")
        })
    }
}
