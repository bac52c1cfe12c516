//! The counter's state: how much each incarnation of each node has added so far.
//!
//! Totals, never differences: a total only grows, so to merge is to take the larger one, and it
//! does not matter how often, how late or in which order totals arrive.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::NodeId;

/// One incarnation of a node, as in `n1@183374040663377`: its name and its boot number. A node that
/// restarts is another owner, so it need not know what it had added before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Owner(String);

impl Owner {
    pub(crate) fn new(node: &NodeId, boot: u64) -> Self {
        Owner(format!("{node}@{boot}"))
    }
}

/// The totals of all owners that this node knows.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    entries: BTreeMap<Owner, Entry>,
    /// How many changes there have been.
    version: u64,
    /// The sum of all totals.
    value: u128,
}

#[derive(Debug)]
struct Entry {
    total: u64,
    /// The number of the change that set the total.
    changed: u64,
    /// The neighbour that sent the change: it is not sent back.
    from: Option<NodeId>,
}

impl Totals {
    /// How much this owner has added; 0 if it is unknown.
    pub(crate) fn of(&self, owner: &Owner) -> u64 {
        self.entries.get(owner).map_or(0, |entry| entry.total)
    }

    /// Stores a total if it is larger than the known one, and returns whether it was. `from` is the
    /// neighbour that sent it.
    pub(crate) fn raise(&mut self, owner: &Owner, total: u64, from: Option<&NodeId>) -> bool {
        let before = self.of(owner);
        if total <= before {
            return false;
        }
        self.version += 1;
        self.value += u128::from(total - before);
        let entry = Entry {
            total,
            changed: self.version,
            from: from.cloned(),
        };
        self.entries.insert(owner.clone(), entry);
        true
    }

    /// The sum of all totals.
    pub(crate) fn value(&self) -> u128 {
        self.value
    }

    /// How many changes there have been.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The changes after a version, without those that this neighbour sent.
    pub(crate) fn since(&self, version: u64, neighbour: &NodeId) -> BTreeMap<Owner, u64> {
        let changes = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.changed > version && entry.from.as_ref() != Some(neighbour));
        changes
            .map(|(owner, entry)| (owner.clone(), entry.total))
            .collect()
    }

    /// Forgets which changes a neighbour sent, since the neighbour has forgotten them, too.
    pub(crate) fn forget_sender(&mut self, neighbour: &NodeId) {
        for entry in self.entries.values_mut() {
            entry.from.take_if(|from| from == neighbour);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str) -> Owner {
        Owner::new(&NodeId::from(name), 7)
    }

    #[test]
    fn repeated_and_late_totals_change_nothing() {
        let mut totals = Totals::default();
        assert!(totals.raise(&owner("n0"), 5, None));
        assert!(!totals.raise(&owner("n0"), 5, None));
        assert!(!totals.raise(&owner("n0"), 3, None));
        assert!(totals.raise(&owner("n1"), 1, None));
        assert!(totals.raise(&owner("n0"), 6, None));
        assert_eq!((totals.value(), totals.version()), (7, 3));
    }

    #[test]
    fn totals_of_two_incarnations_of_a_node_are_added_up() {
        let mut totals = Totals::default();
        totals.raise(&Owner::new(&NodeId::from("n0"), 7), 5, None);
        totals.raise(&Owner::new(&NodeId::from("n0"), 8), 2, None);
        assert_eq!(totals.value(), 7);
    }

    #[test]
    fn the_sum_may_be_larger_than_any_total() {
        let mut totals = Totals::default();
        totals.raise(&owner("n0"), u64::MAX, None);
        totals.raise(&owner("n1"), u64::MAX, None);
        assert_eq!(totals.value(), 2 * u128::from(u64::MAX));
    }

    #[test]
    fn a_neighbour_is_sent_new_totals_except_those_that_it_sent() {
        let (left, right) = (NodeId::from("n1"), NodeId::from("n2"));
        let mut totals = Totals::default();
        totals.raise(&owner("n0"), 5, None);
        totals.raise(&owner("n1"), 2, Some(&left));
        assert_eq!(totals.since(0, &left), [(owner("n0"), 5)].into());
        assert_eq!(totals.since(1, &right), [(owner("n1"), 2)].into());
        assert!(totals.since(2, &right).is_empty());
        // A larger total from another neighbour must be sent to this one.
        totals.raise(&owner("n1"), 3, Some(&right));
        assert_eq!(totals.since(2, &left), [(owner("n1"), 3)].into());
        totals.forget_sender(&right);
        assert_eq!(totals.since(2, &right), [(owner("n1"), 3)].into());
    }
}
