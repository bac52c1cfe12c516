//! Cases of one type of error: counted, the telling ones listed, the first ones told in words.

use super::Analysis;
use super::account::MessageId;
use crate::told;
use history::edn::{self, Edn};

/// How many messages or offsets are told by name.
const NAMED: usize = 5;

/// One case of an error.
pub(super) trait Case {
    /// What decides which cases are listed, if there are too many.
    fn weight(&self) -> i64 {
        0
    }

    /// The case with Maelstrom's keys.
    fn to_edn(&self, analysis: &Analysis<'_>) -> Edn;

    /// The case in words for a person.
    fn tell(&self, analysis: &Analysis<'_>) -> String;
}

/// The usual number. Maelstrom lists lost writes, and reads of what should not be read, without
/// end; but each of them shows whole polls, and those may take more memory than there is.
pub(super) const LISTED: Listed = Listed::Least(32);

/// Which cases are listed.
#[derive(Clone, Copy)]
pub(super) enum Listed {
    /// Those of the least weight, at most so many.
    Least(usize),
    /// Those of the greatest.
    Most(usize),
}

/// An error that the history has, with its entry in the results.
pub(super) struct Anomaly {
    pub(super) name: &'static str,
    pub(super) entry: Edn,
    pub(super) findings: Vec<String>,
}

impl Anomaly {
    /// An error of which these are the cases, the first ones to be told; nothing if there are none.
    pub(super) fn of<C: Case>(
        name: &'static str,
        cases: &[C],
        listed: Listed,
        analysis: &Analysis<'_>,
    ) -> Option<Self> {
        if cases.is_empty() {
            return None;
        }
        let weights = cases.iter().map(Case::weight);
        let mut sorted: Vec<(i64, usize)> = weights.zip(0..).collect();
        sorted.sort_unstable();
        let listed = match listed {
            Listed::Least(count) => &sorted[..count.min(sorted.len())],
            Listed::Most(count) => &sorted[sorted.len().saturating_sub(count)..],
        };
        let listed = listed.iter().map(|(_, at)| cases[*at].to_edn(analysis));
        let entry = edn::map([
            ("count", edn::count(cases.len())),
            ("errs", Edn::List(listed.collect())),
        ]);
        let tell = |case: &C| format!("{name}: {}", case.tell(analysis));
        Some(Anomaly {
            name,
            entry,
            findings: told(cases.len(), cases.iter().map(tell)),
        })
    }
}

/// Names for findings and results.
impl Analysis<'_> {
    pub(super) fn key_edn(&self, message: MessageId) -> Edn {
        let key = self.account.messages[message].key;
        self.account.keys[key].name.to_edn()
    }

    pub(super) fn value_edn(&self, message: MessageId) -> Edn {
        self.account.messages[message].value.to_edn()
    }

    pub(super) fn values_edn(&self, messages: impl IntoIterator<Item = MessageId>) -> Edn {
        let values = messages.into_iter().map(|message| self.value_edn(message));
        Edn::List(values.collect())
    }

    /// The key of a message: `key "8"`.
    pub(super) fn key(&self, message: MessageId) -> String {
        let key = self.account.messages[message].key;
        format!("key {}", self.account.keys[key].name)
    }

    /// A message: `message 7`.
    pub(super) fn message(&self, message: MessageId) -> String {
        format!("message {}", self.account.messages[message].value)
    }

    /// A message and whence it came: `message 7 (sent by process 3 in op 5)`.
    pub(super) fn message_and_sender(&self, message: MessageId) -> String {
        let sender = self.account.messages[message].sender;
        let sender = sender.map_or_else(String::new, |op| {
            format!(" (sent by process {} in op {})", op.process, op.index)
        });
        format!("{}{sender}", self.message(message))
    }
}

/// Some things by name, at most five: `a, b and 3 more`.
pub(super) fn named(total: usize, names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.take(NAMED).collect();
    match total - names.len() {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
