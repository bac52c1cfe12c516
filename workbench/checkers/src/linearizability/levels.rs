//! The configurations of one level: those at which the same call's end is next.

use std::collections::BinaryHeap;

use super::configuration::Shape;
use super::timeline::NONE;

/// Any state that no call needs any more: each other state is as good.
pub(super) const DEAD: u32 = NONE;

/// By their state's number, configurations are kept in so many lists.
const LISTS: usize = 16;

/// What a configuration is besides its key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) state: u32,
    /// The last change of the order that leads here: a place among the paths.
    pub(super) path: u32,
    /// It stands as after the last end; nothing has been put before the next one yet.
    pub(super) is_entry: bool,
    /// The last call overwrote what was there, and no read has seen it: another overwrite would
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

/// A level. Configurations that others cover are dropped; all others stay, expanded or waiting.
#[derive(Debug, Default)]
pub(super) struct Level {
    nodes: Vec<Node>,
    keys: Vec<u64>,
    lists: [Vec<u32>; LISTS],
    /// Those that wait, by score; the newest of equals first.
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

    /// Whether something waits.
    pub(super) fn is_waiting(&mut self) -> bool {
        while let Some((_, place)) = self.waiting.peek() {
            let node = self.nodes[*place as usize];
            if !node.is_dropped && !node.is_expanded {
                return true;
            }
            self.waiting.pop();
        }
        false
    }

    /// Takes the best that waits, and copies its key.
    pub(super) fn take(&mut self, key: &mut [u64]) -> Option<Node> {
        if !self.is_waiting() {
            return None;
        }
        let (_, place) = self.waiting.pop()?;
        let place = place as usize;
        self.nodes[place].is_expanded = true;
        key.copy_from_slice(self.key(place, key.len()));
        Some(self.nodes[place])
    }

    fn key(&self, place: usize, len: usize) -> &[u64] {
        &self.keys[place * len..(place + 1) * len]
    }

    /// Whether a configuration is covered by another that is here, and so need not be kept; and
    /// how many were looked at. An entry that none but a later configuration covers is kept as
    /// evidence, and need not be expanded.
    fn is_covered(&self, shape: &Shape, node: &mut Node, key: &[u64]) -> (bool, usize) {
        let list = &self.lists[node.state as usize % LISTS];
        for (looked_at, place) in list.iter().enumerate() {
            let place = *place as usize;
            let other = &self.nodes[place];
            if other.state == node.state && shape.covers(self.key(place, key.len()), key) {
                if other.is_entry || !node.is_entry {
                    return (true, looked_at + 1);
                }
                node.is_expanded = true;
            }
        }
        (false, list.len())
    }

    /// Adds a configuration unless another covers it, and drops those that it covers: whether it
    /// was added, and how many others it was compared with. `path` makes its path.
    pub(super) fn insert(
        &mut self,
        shape: &Shape,
        mut node: Node,
        key: &[u64],
        path: impl FnOnce() -> u32,
    ) -> (bool, usize) {
        let (is_covered, compared) = self.is_covered(shape, &mut node, key);
        if is_covered {
            return (false, compared);
        }
        node.path = path();
        let (nodes, keys) = (&mut self.nodes, &self.keys);
        let list = &mut self.lists[node.state as usize % LISTS];
        list.retain(|place| {
            let place = *place as usize;
            let other = &mut nodes[place];
            let key_of_other = &keys[place * key.len()..(place + 1) * key.len()];
            // What covers an entry is not an entry; it stays even if it is the same.
            let is_needed = node.is_expanded && !other.is_entry;
            if other.state != node.state || is_needed || !shape.covers(key, key_of_other) {
                return true;
            }
            other.is_expanded = true;
            other.is_dropped = node.is_entry || !other.is_entry;
            !other.is_dropped
        });
        let place = nodes.len() as u32;
        list.push(place);
        if !node.is_expanded {
            self.waiting.push((shape.score(key), place));
        }
        self.nodes.push(node);
        self.keys.extend_from_slice(key);
        (true, 2 * compared)
    }

    /// All that stand as after the last end.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Node> {
        let nodes = self.nodes.iter();
        nodes.filter(|node| node.is_entry && !node.is_dropped)
    }

    /// All that are not dropped.
    pub(super) fn nodes_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        self.nodes.iter_mut().filter(|node| !node.is_dropped)
    }

    /// Removes what was dropped, after states may have got other numbers.
    pub(super) fn compact(&mut self, shape: &Shape) {
        let len = shape.len();
        let old = std::mem::take(self);
        for (place, node) in old.nodes.iter().enumerate() {
            if node.is_dropped {
                continue;
            }
            let (new, key) = (self.nodes.len() as u32, old.key(place, len));
            self.lists[node.state as usize % LISTS].push(new);
            if !node.is_expanded {
                self.waiting.push((shape.score(key), new));
            }
            self.nodes.push(*node);
            self.keys.extend_from_slice(key);
        }
    }
}
