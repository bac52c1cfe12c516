//! Cases of one anomaly: counted, and some of them kept with everything involved.

use super::Analysis;
use super::parsed::MessageId;
use super::result::{LogAnomaly, LogMessage};
use crate::elle::Cases;
use crate::{Element, OpRef};

/// One case of an anomaly, in numbers.
pub(super) trait Case {
    /// The order in which cases are kept if there are too many.
    fn weight(&self) -> i64 {
        0
    }

    /// The case with the operations, keys and messages themselves.
    fn resolve(&self, analysis: &Analysis<'_>) -> LogAnomaly;
}

/// The default. Maelstrom lists all lost writes and all reads of failed or own messages; but each
/// case has whole polls, which may exceed the memory.
pub(super) const DEFAULT_KEEP: Keep = Keep::Lightest(32);

/// The selection of cases that are kept.
#[derive(Clone, Copy)]
pub(super) enum Keep {
    /// The lightest cases, at most this many.
    Lightest(usize),
    /// The heaviest cases, at most this many.
    Heaviest(usize),
}

/// The cases of an anomaly. `None` if there are none.
pub(super) fn cases<C: Case>(
    name: &'static str,
    cases: &[C],
    kept: Keep,
    analysis: &Analysis<'_>,
) -> Option<Cases<LogAnomaly>> {
    if cases.is_empty() {
        return None;
    }
    let weights = cases.iter().map(Case::weight);
    let mut sorted: Vec<(i64, usize)> = weights.zip(0..).collect();
    sorted.sort_unstable();
    let kept = match kept {
        Keep::Lightest(count) => &sorted[..count.min(sorted.len())],
        Keep::Heaviest(count) => &sorted[sorted.len().saturating_sub(count)..],
    };
    let kept = kept
        .iter()
        .map(|(_, index)| cases[*index].resolve(analysis));
    Some(Cases {
        name,
        count: cases.len(),
        cases: kept.collect(),
    })
}

impl Analysis<'_> {
    pub(super) fn message(&self, message: MessageId) -> LogMessage {
        let message = &self.parsed.messages[message];
        LogMessage {
            key: self.parsed.keys[message.key].name.to_element(),
            value: message.value.clone(),
            sender: message.sender.map(OpRef::from),
        }
    }

    pub(super) fn values(&self, messages: &[MessageId]) -> Vec<Element> {
        let messages = messages.iter();
        messages
            .map(|it| self.parsed.messages[*it].value.clone())
            .collect()
    }
}
