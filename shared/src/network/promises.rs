//! What durable nodes have promised to their clients, and so owe them after all deaths.

use std::collections::{BTreeMap, BTreeSet};

/// A record of items, all different, that nodes have confirmed or shown: none may ever be missing
/// from what the same life shows later, nor from what anybody shows who comes back after that.
#[derive(Debug, Default)]
pub struct Promises {
    safe: BTreeSet<u64>,
    /// What each node has to show. Whoever has never answered is not in it: its next life may take
    /// itself for the first, which has missed nothing.
    owed: BTreeMap<String, BTreeSet<u64>>,
}

impl Promises {
    /// A node has confirmed an item.
    pub fn confirm(&mut self, node: &str, item: u64) {
        self.safe.insert(item);
        self.owed.entry(node.to_owned()).or_default().insert(item);
    }

    /// A node has shown all that it knows.
    ///
    /// # Panics
    /// When something is missing that it owes.
    pub fn show(&mut self, node: &str, known: BTreeSet<u64>) {
        let owed = self.owed.entry(node.to_owned()).or_default();
        let missing: Vec<&u64> = owed.difference(&known).collect();
        assert!(missing.is_empty(), "{node} lacks {missing:?}");
        self.safe.extend(&known);
        *owed = known;
    }

    /// Whether a node has to show whatever anybody has promised.
    pub fn owes_everything(&self, node: &str) -> bool {
        self.owed.get(node) == Some(&self.safe)
    }

    /// A node was started anew.
    pub fn restart(&mut self, node: &str) {
        if let Some(owed) = self.owed.get_mut(node) {
            owed.clone_from(&self.safe);
        }
    }
}
