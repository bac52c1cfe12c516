//! Cases of one kind of error: counted, and some of them kept with all that is involved.

use super::Analysis;
use super::account::MessageId;
use super::result::{LogAnomaly, LogMessage};
use crate::elle::Cases;
use crate::{Element, OpRef};

/// One case of an error, in numbers.
pub(super) trait Case {
    /// What decides which cases are kept, if there are too many.
    fn weight(&self) -> i64 {
        0
    }

    /// The case with the operations, keys and messages themselves.
    fn resolve(&self, analysis: &Analysis<'_>) -> LogAnomaly;
}

/// The usual number. Maelstrom lists lost writes, and reads of what should not be read, without
/// end; but each of them shows whole polls, and those may take more memory than there is.
pub(super) const KEPT: Kept = Kept::Lightest(32);

/// Which cases are kept.
#[derive(Clone, Copy)]
pub(super) enum Kept {
    /// Those of the least weight, at most so many.
    Lightest(usize),
    /// Those of the greatest.
    Heaviest(usize),
}

/// The cases of an error; nothing if there are none.
pub(super) fn cases<C: Case>(
    name: &'static str,
    cases: &[C],
    kept: Kept,
    analysis: &Analysis<'_>,
) -> Option<Cases<LogAnomaly>> {
    if cases.is_empty() {
        return None;
    }
    let weights = cases.iter().map(Case::weight);
    let mut sorted: Vec<(i64, usize)> = weights.zip(0..).collect();
    sorted.sort_unstable();
    let kept = match kept {
        Kept::Lightest(count) => &sorted[..count.min(sorted.len())],
        Kept::Heaviest(count) => &sorted[sorted.len().saturating_sub(count)..],
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
        let message = &self.account.messages[message];
        LogMessage {
            key: self.account.keys[message.key].name.to_element(),
            value: message.value.clone(),
            sender: message.sender.map(OpRef::from),
        }
    }

    pub(super) fn values(&self, messages: &[MessageId]) -> Vec<Element> {
        let messages = messages.iter();
        messages
            .map(|it| self.account.messages[*it].value.clone())
            .collect()
    }
}
