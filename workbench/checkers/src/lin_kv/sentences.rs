//! Sentences about registers.

use std::fmt;

use super::{
    Configuration, MAX_NAMED, RegisterEvent, RegisterOp, RegisterViolation, Undecided, Value,
};
use crate::element::Element;
use crate::finding::counted;

/// `the cas from 1 to 2 by process 3 at 0.123 s (op 17)`.
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
                let dots = if *length > MAX_NAMED { "..., " } else { "" };
                let last: Vec<_> = last.iter().map(ToString::to_string).collect();
                let last = last.join(", ");
                write!(
                    f,
                    " (the longest order has {}: {dots}{last})",
                    counted(*length, "operation")
                )
            }
            _ => Ok(()),
        }
    }
}

impl RegisterViolation {
    /// The values that the register can have before the operation, each once, as text.
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
             {explained} of {completed} completed operations; it is unknown whether {event} can \
             come next"
        )
    }
}

/// A value as text.
pub(super) fn text(value: &Value) -> String {
    value.as_ref().map_or("null".to_owned(), Element::to_string)
}

#[cfg(test)]
mod tests {
    use crate::lin_kv::{RegisterOutcome, judge, keys};
    use history::History;

    #[test]
    fn of_many_possible_values_only_examples_are_given() {
        // Any of so many concurrent writes may have been the last.
        let sentence = |writes: usize| {
            let mut lines = Vec::new();
            let mut add = |process: usize, kind: &str, f: &str, value: String| {
                lines.push(format!(
                    r#"{{"index":{0},"time":{0},"type":"{kind}","process":{process},"f":"{f}","value":[0,{value}]}}"#,
                    lines.len()
                ));
            };
            for kind in ["invoke", "ok"] {
                (0..writes).for_each(|it| add(it, kind, "write", it.to_string()));
            }
            add(writes, "invoke", "read", "null".to_owned());
            add(writes, "ok", "read", "99".to_owned());
            let history = History::read_json(lines.join("\n").as_bytes()).unwrap();
            let keys = keys(&history, true).unwrap();
            let outcomes: Vec<_> = keys.values().map(|it| judge(it, 1_000_000)).collect();
            let [RegisterOutcome::Violated(violation)] = &outcomes[..] else {
                panic!("{outcomes:?}");
            };
            violation.to_string()
        };
        assert!(sentence(3).contains("can only hold"), "{}", sentence(3));
        assert!(
            sentence(20).contains("can hold, for instance,"),
            "{}",
            sentence(20)
        );
    }

    #[test]
    fn an_undecided_key_reports_the_progress_of_the_search() {
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
                 operations; it is unknown whether the write of 2 by process 0 at 0.003 s (op 3) \
                 can come next"
            );
        }
    }
}
