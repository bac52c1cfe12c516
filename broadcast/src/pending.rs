//! The values that a durable node was asked to store and does not know yet.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use serde_json::value::RawValue;
use shared::{Caller, NodeId};

use crate::values::compact;

/// Who asked for a value to be stored.
#[derive(Debug)]
pub(crate) enum Requester {
    /// A client, which is answered when the value is known.
    Client(Caller),
    /// A child in the tree, which is sent the value then.
    Child(NodeId),
}

/// Pending values with their requesters, and the times until which the parent may store them.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// By text. Used for look-ups only, so its order has no effect.
    requesters: HashMap<Box<str>, Vec<Requester>>,
    /// Values that were passed to the parent, oldest first. Some may have become known.
    passed_on: VecDeque<(Duration, Box<RawValue>)>,
}

impl Pending {
    /// Adds a request, and returns whether it is the first one for this value.
    pub(crate) fn add(&mut self, value: &RawValue, requester: Requester) -> bool {
        let text = compact(value.get()).into();
        let requesters = self.requesters.entry(text).or_default();
        requesters.push(requester);
        requesters.len() == 1
    }

    /// Records that a value was passed to the parent, which should store it before `deadline`. The
    /// deadlines never decrease.
    pub(crate) fn wait_for_parent(&mut self, deadline: Duration, value: Box<RawValue>) {
        self.passed_on.push_back((deadline, value));
    }

    /// Removes a value, as it is known now, and returns its requesters.
    pub(crate) fn remove(&mut self, value: &RawValue) -> Vec<Requester> {
        if self.requesters.is_empty() {
            return Vec::new();
        }
        let requesters = self.requesters.remove(&*compact(value.get()));
        requesters.unwrap_or_default()
    }

    /// The pending values that the parent may still store, oldest first.
    pub(crate) fn at_parent(&self) -> impl Iterator<Item = &RawValue> {
        let values = self.passed_on.iter().map(|(_, value)| &**value);
        values.filter(|value| self.contains(value))
    }

    /// The next pending value whose time is over.
    pub(crate) fn next_overdue(&mut self, now: Duration) -> Option<Box<RawValue>> {
        self.deadline().filter(|deadline| *deadline <= now)?;
        self.passed_on.pop_front().map(|(_, value)| value)
    }

    /// When the time of the oldest value is over.
    pub(crate) fn deadline(&mut self) -> Option<Duration> {
        while let Some((deadline, value)) = self.passed_on.front() {
            if self.contains(value) {
                return Some(*deadline);
            }
            self.passed_on.pop_front();
        }
        None
    }

    fn contains(&self, value: &RawValue) -> bool {
        self.requesters.contains_key(&*compact(value.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn only_what_is_still_pending_becomes_overdue() {
        let seconds = Duration::from_secs;
        let mut pending = Pending::default();
        for (deadline, value) in (1..).zip(["[1, 2]", "3", "4"]) {
            assert!(pending.add(&raw(value), Requester::Child("n2".into())));
            pending.wait_for_parent(seconds(deadline), raw(value));
        }
        let client = Caller::new("c1".into(), Some(1));
        assert!(!pending.add(&raw("[1,2]"), Requester::Client(client)));
        assert_eq!(pending.remove(&raw("[1,2]")).len(), 2);
        assert!(pending.remove(&raw("[1,2]")).is_empty());
        assert_eq!(pending.deadline(), Some(seconds(2)));
        assert!(pending.next_overdue(seconds(1)).is_none());
        let at_parent: Vec<&str> = pending.at_parent().map(RawValue::get).collect();
        assert_eq!(at_parent, ["3", "4"]);
        let overdue = pending.next_overdue(seconds(2));
        assert_eq!(overdue.as_deref().map(RawValue::get), Some("3"));
        assert_eq!(pending.remove(&raw("3")).len(), 1);
        assert_eq!(pending.deadline(), Some(seconds(3)));
    }
}
