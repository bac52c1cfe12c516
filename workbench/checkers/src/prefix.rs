//! The verdict on a run that was interrupted, whose history is a prefix of what the whole run would
//! have recorded.
//!
//! An answer on a prefix counts if it holds however the run would have gone on. Most anomalies stay:
//! a stale read, a duplicate id, a cycle of transactions, an offset with two messages. Those that
//! consist in something that has not happened may heal; then the answer is unknown.

use crate::finding::Finding;
use crate::verdict::{CheckerResult, Verdict, WorkloadResult};
use crate::{EMPTY_GRAPH, Target, Validity};
use history::edn::{self, Edn};
use history::{History, OpError};

/// Anomalies of logs that may heal: the poll of the missing message may follow. That holds for lost
/// writes, too: the poll that returned the message and moved the committed offset past it may have
/// been in progress, and only the final polls read from the beginning.
const HEALING: [&str; 3] = ["lost-write", "unseen", EMPTY_GRAPH];

/// Whether an anomaly of logs may heal as the run goes on, so that it proves nothing in the history of an
/// interrupted one.
pub fn may_heal(anomaly: &str) -> bool {
    HEALING.contains(&anomaly)
}

/// One of the results of a verdict.
pub(crate) struct Part<'a> {
    result: &'a dyn CheckerResult,
    /// Why its answer is unknown, if it might have become another one.
    unsettled: Option<&'static str>,
}

impl Verdict {
    /// The same verdict on a history that ends where the run was interrupted: operations that were
    /// in progress have [this error](OpError::interrupted).
    #[must_use]
    pub fn of_prefix(mut self, history: &History) -> Self {
        let interrupted = OpError::interrupted();
        let errors = history.ops.iter().filter_map(|op| op.error.as_deref());
        self.in_progress = Some(errors.filter(|error| **error == interrupted).count());
        self
    }

    /// The answer of the result with this name in Maelstrom's results, as it counts: in a void verdict,
    /// or on a prefix of a history, it may be unknown although the result alone is invalid. Valid if
    /// there is no such result.
    pub fn answer(&self, name: &str) -> Validity {
        let is_other = self.void().is_some() && name != "workload";
        let part = self.parts().find(|(it, _)| *it == name && !is_other);
        part.map_or(Validity::Valid, |(_, part)| part.validity())
    }

    /// A result, as it counts.
    pub(crate) fn part<'a>(&self, name: &str, result: &'a dyn CheckerResult) -> Part<'a> {
        let is_invalid = result.validity() == Validity::Invalid;
        let unsettled = self.in_progress.and_then(|in_progress| match name {
            "stats" if is_invalid => {
                Some("operations of some kind had not succeeded when the run was interrupted")
            }
            "availability" if is_invalid && !self.is_unavailable(in_progress) => {
                Some("too few operations had succeeded when the run was interrupted")
            }
            "workload" => self.workload.result.unsettled(),
            _ => None,
        });
        Part { result, unsettled }
    }

    /// Whether an operation has not succeeded, although all must. A fraction may still rise.
    fn is_unavailable(&self, in_progress: usize) -> bool {
        let availability = &self.availability;
        availability.target == Some(Target::Total)
            && availability.ok + in_progress < availability.invoked
    }
}

impl WorkloadResult {
    /// Why a longer history might have had another answer.
    fn unsettled(&self) -> Option<&'static str> {
        match self {
            // Any later read may show a value that earlier ones lack: replicas need only agree in the
            // end.
            WorkloadResult::Set(set) if !set.lost.is_empty() => Some(
                "acknowledged values are missing from the last reads, which may lag behind: the run \
                 was interrupted before the final reads",
            ),
            WorkloadResult::Counter(counter) if counter.final_reads.is_empty() => {
                Some("the counter was not checked: the run was interrupted before the final reads")
            }
            WorkloadResult::Logs(logs) => {
                let mut errors = logs.errors().peekable();
                let heals = errors.peek().is_some() && errors.all(|it| may_heal(it.name));
                heals.then_some(
                    "acknowledged messages were not polled, or nothing was: the run was interrupted \
                     before the final polls",
                )
            }
            _ => None,
        }
    }
}

impl<'a> Part<'a> {
    pub(crate) fn validity(&self) -> Validity {
        match self.unsettled {
            Some(_) => Validity::Unknown,
            None => self.result.validity(),
        }
    }

    pub(crate) fn findings(&self) -> Vec<Finding<'a>> {
        match self.unsettled {
            Some(why) => vec![Finding::Unjudged(why)],
            None => self.result.findings(),
        }
    }

    pub(crate) fn to_edn(&self) -> Edn {
        let mut map = self.result.to_edn();
        if self.unsettled.is_some() {
            edn::insert(&mut map, "valid?", self.validity().to_edn());
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{counter, kafka, list_append, set_full, unique_ids};

    /// The verdict on a history, and on it as a prefix: entries are kind, process, operation, value.
    fn check<R: Into<WorkloadResult>>(
        entries: &[(&str, u64, &str, &str)],
        target: Option<Target>,
        checker: impl Fn(&History) -> R,
        [whole, prefix]: [Validity; 2],
    ) -> Verdict {
        let line = |(kind, process, f, value): &(&str, u64, &str, &str)| {
            let (kind, error) = match *kind {
                "interrupted" => ("info", ":interrupted"),
                kind => (kind, "nil"),
            };
            format!(
                "{{:type :{kind}, :process {process}, :f :{f}, :value {value}, :error {error}}}\n"
            )
        };
        let text: String = entries.iter().map(line).collect();
        let history = History::read_edn(text.as_bytes()).unwrap();
        let verdict = Verdict::judge(&history, checker(&history).into(), target, None);
        assert_eq!(verdict.validity(), whole, "{text}");
        let verdict = verdict.of_prefix(&history);
        assert_eq!(verdict.validity(), prefix, "{text}");
        let shown = edn::get(&verdict.to_edn(), &["valid?"]).cloned();
        assert_eq!(shown, Some(prefix.to_edn()));
        verdict
    }

    use Validity::{Invalid, Unknown, Valid};

    #[test]
    fn a_value_that_the_last_read_lacks_may_be_on_its_way() {
        let lost = [
            ("invoke", 0, "add", "1"),
            ("ok", 0, "add", "1"),
            ("invoke", 0, "read", "nil"),
            ("ok", 0, "read", "[1]"),
            ("invoke", 1, "read", "nil"),
            ("ok", 1, "read", "[]"),
        ];
        let set = |history: &History| WorkloadResult::from(set_full(history, "add"));
        let verdict = check(&lost, None, set, [Invalid, Unknown]);
        assert!(verdict.sentences()[0].contains("before the final reads"));
        check(&lost[..4], None, set, [Valid, Valid]);
    }

    #[test]
    fn a_counter_without_final_reads_is_unknown() {
        let add = [("invoke", 0, "add", "1"), ("ok", 0, "add", "1")];
        let counter = |history: &History| WorkloadResult::from(counter(history));
        check(&add, None, counter, [Valid, Unknown]);
        let reads = [("invoke", 0, "read", "nil"), ("ok", 0, "read", "1")];
        let all = [&add[..], &reads].concat();
        let read = |history: &History| {
            let mut history = history.clone();
            for op in &mut history.ops {
                op.meta.is_final = op.f == "read";
            }
            counter(&history)
        };
        check(&all, None, read, [Valid, Valid]);
    }

    #[test]
    fn a_message_that_was_not_polled_may_be_polled_but_two_at_one_offset_stay() {
        let send = |offset, message| format!("[[:send \"8\" [{offset} {message}]]]");
        let [first, second, same] = [send(0, 1), send(1, 2), send(1, 3)];
        let polled = "[[:poll {\"8\" [[1 2]]}]]";
        let lost = [
            ("invoke", 0, "send", "nil"),
            ("ok", 0, "send", &*first),
            ("invoke", 0, "send", "nil"),
            ("ok", 0, "send", &*second),
            ("invoke", 1, "poll", "nil"),
            ("ok", 1, "poll", polled),
        ];
        let logs = |history: &History| WorkloadResult::from(kafka(history));
        check(&lost, None, logs, [Invalid, Unknown]);
        let twice = [
            &lost[..],
            &[("invoke", 0, "send", "nil"), ("ok", 0, "send", &*same)],
        ];
        check(&twice.concat(), None, logs, [Invalid, Invalid]);
    }

    #[test]
    fn anomalies_that_no_later_operation_heals_are_invalid() {
        let ids = [
            ("invoke", 0, "generate", "nil"),
            ("ok", 0, "generate", "7"),
            ("invoke", 0, "generate", "nil"),
            ("ok", 0, "generate", "7"),
        ];
        check(&ids, None, unique_ids, [Invalid, Invalid]);
        let aborted = [
            ("invoke", 0, "txn", "[[:append 1 1]]"),
            ("fail", 0, "txn", "[[:append 1 1]]"),
            ("invoke", 1, "txn", "[[:r 1 nil]]"),
            ("ok", 1, "txn", "[[:r 1 [1]]]"),
        ];
        let models = crate::Models::default();
        let lists = |history: &History| WorkloadResult::from(list_append(history, &models));
        check(&aborted, None, lists, [Invalid, Invalid]);
    }

    #[test]
    fn operations_in_progress_may_have_succeeded() {
        let echo = |history: &History| crate::echo(history);
        let pending = [("invoke", 0, "echo", "1"), ("interrupted", 0, "echo", "1")];
        check(&pending, None, echo, [Invalid, Unknown]);
        let total = Some(Target::Total);
        check(&pending, total, echo, [Invalid, Unknown]);
        let ids = [
            ("invoke", 0, "generate", "nil"),
            ("ok", 0, "generate", "1"),
            ("invoke", 1, "generate", "nil"),
            ("info", 1, "generate", "nil"),
        ];
        check(&ids, total, unique_ids, [Invalid, Invalid]);
        let half = Some(Target::AtLeast(0.6));
        check(&ids, half, unique_ids, [Invalid, Unknown]);
    }
}
