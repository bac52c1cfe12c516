//! A spanning tree of the cluster: the list of nodes, numbered like an array heap.

use shared::{Cluster, NodeId};

/// The maximum number of children that [`Tree::of`] chooses.
const MAX_CHILDREN: usize = 24;

/// This node's neighbours in a spanning tree of the cluster.
///
/// The node at index i of the cluster is the parent of those at f·i + 1 … f·i + f, where f is the
/// fan-out. All nodes have the same list, so they agree on the tree without messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// The next node on the way to the root, which is the first node of the cluster.
    pub parent: Option<NodeId>,
    /// The nodes of which this one is the parent.
    pub children: Vec<NodeId>,
}

impl Tree {
    /// The place of `cluster.me`. Without a fan-out, the tree is as low as it can be with 24
    /// children per node, and has the smallest fan-out of that height: 25 nodes are a star, 601
    /// have two levels and 14,425 three.
    pub fn of(cluster: &Cluster, fan_out: Option<usize>) -> Self {
        let fan_out = fan_out
            .unwrap_or_else(|| default_fan_out(cluster.nodes.len()))
            .max(1);
        let index = cluster.index();
        let node = |index: usize| cluster.nodes.get(index).cloned();
        let first_child = index.saturating_mul(fan_out).saturating_add(1);
        let children = first_child..first_child.saturating_add(fan_out);
        Tree {
            parent: index
                .checked_sub(1)
                .and_then(|before| node(before / fan_out)),
            children: children.map_while(node).collect(),
        }
    }

    /// The parent, then the children.
    pub fn neighbours(self) -> impl Iterator<Item = NodeId> {
        self.parent.into_iter().chain(self.children)
    }
}

/// See [`Tree::of`].
fn default_fan_out(nodes: usize) -> usize {
    let heights = (0..).find(|height| capacity(MAX_CHILDREN, *height) >= nodes);
    let height = heights.expect("capacities grow without end");
    let mut fan_outs = 1..MAX_CHILDREN;
    fan_outs
        .find(|fan_out| capacity(*fan_out, height) >= nodes)
        .unwrap_or(MAX_CHILDREN)
}

/// The number of nodes that are at most so many edges away from the root.
fn capacity(fan_out: usize, height: u32) -> usize {
    (0..=height).map(|level| fan_out.pow(level)).sum()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn cluster(me: usize, count: usize) -> Cluster {
        let name = |i: usize| NodeId::from(&*format!("n{i}"));
        Cluster::new(name(me), (0..count).map(name).collect())
    }

    /// All pairs of a node and a neighbour of it.
    fn edges(count: usize, fan_out: Option<usize>) -> BTreeSet<(NodeId, NodeId)> {
        let mut edges = BTreeSet::new();
        for cluster in (0..count).map(|i| cluster(i, count)) {
            for neighbour in Tree::of(&cluster, fan_out).neighbours() {
                edges.insert((cluster.me.clone(), neighbour));
            }
        }
        edges
    }

    #[test]
    fn every_tree_connects_all_nodes_with_the_fewest_edges() {
        for count in 1..30 {
            for fan_out in [None].into_iter().chain((1..30).map(Some)) {
                let tree = format!("{count} nodes, fan-out {fan_out:?}");
                let edges = edges(count, fan_out);
                assert_eq!(edges.len(), 2 * (count - 1), "{tree}");
                let mut reached = BTreeSet::from([NodeId::from("n0")]);
                for _ in 0..count {
                    let further = edges.iter().filter(|(a, _)| reached.contains(a));
                    let further: Vec<NodeId> = further.map(|(_, b)| b.clone()).collect();
                    reached.extend(further);
                }
                assert_eq!(reached.len(), count, "{tree}");
                let is_mutual = |(a, b): &(NodeId, NodeId)| edges.contains(&(b.clone(), a.clone()));
                assert!(edges.iter().all(is_mutual), "{tree}");
            }
        }
    }

    #[test]
    fn trees_are_low_and_then_narrow() {
        let fan_outs = [1, 2, 5, 25, 26, 100, 601, 602, 10_000, 14_425, 14_426];
        assert_eq!(
            fan_outs.map(default_fan_out),
            [1, 1, 4, 24, 5, 10, 24, 9, 22, 24, 11]
        );
        let root = Tree::of(&cluster(0, 25), None);
        assert_eq!((root.parent, root.children.len()), (None, 24));
        let leaf = Tree::of(&cluster(7, 25), None);
        assert_eq!(
            (leaf.parent, leaf.children),
            (Some(NodeId::from("n0")), Vec::new())
        );
    }
}
