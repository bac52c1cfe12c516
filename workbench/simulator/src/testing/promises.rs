//! What durable nodes have acknowledged to their clients, and must return, also after restarts.

use std::collections::{BTreeMap, BTreeSet};

/// Items, all different, that nodes have acknowledged or returned. Each must be in all later reads
/// of the same incarnation, and in all reads of any node that restarts after that. (The promises of
/// kafka-log, about rounds, are another thing.)
#[derive(Debug, Default)]
pub struct Promises {
    safe: BTreeSet<u64>,
    /// The items that each node must return. A node that has never answered is absent: its next
    /// incarnation may find an empty journal and start as the first one, which owes nothing.
    owed: BTreeMap<String, BTreeSet<u64>>,
}

impl Promises {
    /// A node has acknowledged an item.
    pub fn confirm(&mut self, node: &str, item: u64) {
        self.safe.insert(item);
        self.owed.entry(node.to_owned()).or_default().insert(item);
    }

    /// A node has returned all items that it has.
    ///
    /// # Panics
    /// When an item that it owes is missing.
    pub fn show(&mut self, node: &str, known: BTreeSet<u64>) {
        let owed = self.owed.entry(node.to_owned()).or_default();
        let missing: Vec<&u64> = owed.difference(&known).collect();
        assert!(missing.is_empty(), "{node} lacks {missing:?}");
        self.safe.extend(&known);
        *owed = known;
    }

    /// Whether a node owes every item that was ever acknowledged or returned.
    pub fn owes_everything(&self, node: &str) -> bool {
        self.owed.get(node) == Some(&self.safe)
    }

    /// A node has restarted.
    pub fn restart(&mut self, node: &str) {
        if let Some(owed) = self.owed.get_mut(node) {
            owed.clone_from(&self.safe);
        }
    }
}
