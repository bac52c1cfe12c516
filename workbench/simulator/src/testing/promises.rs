//! What a durable node owes its clients across restarts.

use std::collections::{BTreeMap, BTreeSet};

/// Items, all different, that nodes have confirmed or shown. Each must be in whatever the same
/// incarnation shows later, and in whatever any node shows that restarts after that.
#[derive(Debug, Default)]
pub struct Promises {
    safe: BTreeSet<u64>,
    /// The items that each node must show. A node that has never answered is absent: its next
    /// incarnation may find an empty journal and start as the first one, which owes nothing.
    owed: BTreeMap<String, BTreeSet<u64>>,
}

impl Promises {
    /// A node has confirmed an item.
    pub fn confirm(&mut self, node: &str, item: u64) {
        self.safe.insert(item);
        self.owed.entry(node.to_owned()).or_default().insert(item);
    }

    /// A node has shown all items that it has.
    ///
    /// # Panics
    /// When one that it owes is missing.
    pub fn show(&mut self, node: &str, known: BTreeSet<u64>) {
        let owed = self.owed.entry(node.to_owned()).or_default();
        let missing: Vec<&u64> = owed.difference(&known).collect();
        assert!(missing.is_empty(), "{node} lacks {missing:?}");
        self.safe.extend(&known);
        *owed = known;
    }

    /// Whether a node owes every item that was ever confirmed or shown.
    pub fn owes_everything(&self, node: &str) -> bool {
        self.owed.get(node) == Some(&self.safe)
    }

    /// A node was restarted.
    pub fn restart(&mut self, node: &str) {
        if let Some(owed) = self.owed.get_mut(node) {
            owed.clone_from(&self.safe);
        }
    }
}
