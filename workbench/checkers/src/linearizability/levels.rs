//! The configurations of one level: those for which the same operation's end is next.

use std::collections::BinaryHeap;

use super::configuration::KeyLayout;
use super::timeline::NONE;

/// The state that stands for all states that no operation needs any more.
pub(super) const DEAD: u32 = NONE;

/// The number of lists that configurations are distributed to, by the number of their state.
const LISTS: usize = 16;

/// A configuration, apart from its key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) state: u32,
    /// The last operation of the order that leads here, as an index into the paths.
    pub(super) path: u32,
    /// Whether no operation was applied since the last end.
    pub(super) is_entry: bool,
    /// Whether the last operation was an overwrite that no read has seen: another overwrite would
    /// make it pointless.
    pub(super) is_unseen: bool,
    is_dropped: bool,
    is_expanded: bool,
}

impl Node {
    pub(super) fn new(state: u32, path: u32, is_entry: bool, is_unseen: bool) -> Self {
        Node {
            state,
            path,
            is_entry,
            is_unseen,
            is_dropped: false,
            is_expanded: false,
        }
    }
}

/// A level. Covered configurations are dropped; all others stay, expanded or waiting.
#[derive(Debug, Default)]
pub(super) struct Level {
    nodes: Vec<Node>,
    keys: Vec<u64>,
    lists: [Vec<u32>; LISTS],
    /// Configurations to expand, by score; the newest of equals first.
    waiting: BinaryHeap<(i32, u32)>,
}

impl Level {
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.keys.clear();
        self.lists.iter_mut().for_each(Vec::clear);
        self.waiting.clear();
    }

    /// Whether a configuration waits to be expanded.
    pub(super) fn is_waiting(&mut self) -> bool {
        while let Some((_, index)) = self.waiting.peek() {
            let node = self.nodes[*index as usize];
            if !node.is_dropped && !node.is_expanded {
                return true;
            }
            self.waiting.pop();
        }
        false
    }

    /// Takes the best waiting configuration, and copies its key.
    pub(super) fn take(&mut self, key: &mut [u64]) -> Option<Node> {
        if !self.is_waiting() {
            return None;
        }
        let (_, index) = self.waiting.pop()?;
        let index = index as usize;
        self.nodes[index].is_expanded = true;
        key.copy_from_slice(self.key(index, key.len()));
        Some(self.nodes[index])
    }

    fn key(&self, index: usize, len: usize) -> &[u64] {
        &self.keys[index * len..(index + 1) * len]
    }

    /// Whether a configuration is covered by another one here, and so need not be kept; and the
    /// number of configurations compared. An entry that only a later configuration covers is kept
    /// as evidence, but need not be expanded.
    fn is_covered(&self, layout: &KeyLayout, node: &mut Node, key: &[u64]) -> (bool, usize) {
        let list = &self.lists[node.state as usize % LISTS];
        for (looked_at, index) in list.iter().enumerate() {
            let index = *index as usize;
            let other = &self.nodes[index];
            if other.state == node.state && layout.covers(self.key(index, key.len()), key) {
                if other.is_entry || !node.is_entry {
                    return (true, looked_at + 1);
                }
                node.is_expanded = true;
            }
        }
        (false, list.len())
    }

    /// Adds a configuration unless another covers it, and drops those that it covers. Returns
    /// whether it was added, and the number of comparisons. `path` makes its path.
    pub(super) fn insert(
        &mut self,
        layout: &KeyLayout,
        mut node: Node,
        key: &[u64],
        path: impl FnOnce() -> u32,
    ) -> (bool, usize) {
        let (is_covered, compared) = self.is_covered(layout, &mut node, key);
        if is_covered {
            return (false, compared);
        }
        node.path = path();
        let (nodes, keys) = (&mut self.nodes, &self.keys);
        let list = &mut self.lists[node.state as usize % LISTS];
        list.retain(|index| {
            let index = *index as usize;
            let other = &mut nodes[index];
            let key_of_other = &keys[index * key.len()..(index + 1) * key.len()];
            // A configuration that covers this entry stays, even if this entry covers it, too.
            let is_needed = node.is_expanded && !other.is_entry;
            if other.state != node.state || is_needed || !layout.covers(key, key_of_other) {
                return true;
            }
            other.is_expanded = true;
            other.is_dropped = node.is_entry || !other.is_entry;
            !other.is_dropped
        });
        let index = nodes.len() as u32;
        list.push(index);
        if !node.is_expanded {
            self.waiting.push((layout.score(key), index));
        }
        self.nodes.push(node);
        self.keys.extend_from_slice(key);
        (true, 2 * compared)
    }

    /// All entries: configurations without an operation since the last end.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Node> {
        let nodes = self.nodes.iter();
        nodes.filter(|node| node.is_entry && !node.is_dropped)
    }

    /// All configurations that are not dropped.
    pub(super) fn nodes_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        self.nodes.iter_mut().filter(|node| !node.is_dropped)
    }

    /// Removes dropped configurations, after states may have been renumbered.
    pub(super) fn compact(&mut self, layout: &KeyLayout) {
        let len = layout.len();
        let old = std::mem::take(self);
        for (index, node) in old.nodes.iter().enumerate() {
            if node.is_dropped {
                continue;
            }
            let (new, key) = (self.nodes.len() as u32, old.key(index, len));
            self.lists[node.state as usize % LISTS].push(new);
            if !node.is_expanded {
                self.waiting.push((layout.score(key), new));
            }
            self.nodes.push(*node);
            self.keys.extend_from_slice(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyLayout, LISTS, Level, NONE, Node};

    #[test]
    fn a_configuration_is_dropped_only_for_one_in_the_same_state() {
        let layout = KeyLayout::new(1, &[]);
        let (mut unused, settled) = (vec![0; layout.len()], vec![0; layout.len()]);
        layout.begin_change(&mut unused, 0);
        let left_after = |states: [u32; 2]| {
            let mut level = Level::default();
            let [less, more] = states.map(|state| Node::new(state, NONE, false, false));
            assert!(level.insert(&layout, less, &settled, || NONE).0);
            assert!(level.insert(&layout, more, &unused, || NONE).0);
            let left = level.nodes_mut().map(|node| node.state);
            left.collect::<Vec<_>>()
        };
        assert_eq!(left_after([3, 3]), [3]);
        // Both are in one list.
        let other = 3 + LISTS as u32;
        assert_eq!(left_after([3, other]), [3, other]);
    }
}
