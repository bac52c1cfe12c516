//! A spanning tree of the cluster: the list of nodes, numbered like an array heap.

use shared::{Cluster, NodeId};

/// This node's neighbours in a spanning tree of the cluster, its parent first, then its children.
///
/// The node at index i of the cluster is the parent of those at f·i + 1 … f·i + f, where f is the
/// fan-out, at least 1. All nodes have the same list, so they agree on the tree without messages.
pub fn tree_neighbours(cluster: &Cluster, fan_out: usize) -> Vec<NodeId> {
    let (index, fan_out) = (cluster.index(), fan_out.max(1));
    let parent = (index > 0).then(|| (index - 1) / fan_out);
    let first_child = index.saturating_mul(fan_out).saturating_add(1);
    let children = first_child..first_child.saturating_add(fan_out);
    parent
        .into_iter()
        .chain(children)
        .map_while(|i| cluster.nodes.get(i))
        .cloned()
        .collect()
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
    fn edges(count: usize, fan_out: usize) -> BTreeSet<(NodeId, NodeId)> {
        let mut edges = BTreeSet::new();
        for cluster in (0..count).map(|i| cluster(i, count)) {
            for neighbour in tree_neighbours(&cluster, fan_out) {
                edges.insert((cluster.me.clone(), neighbour));
            }
        }
        edges
    }

    #[test]
    fn every_tree_connects_all_nodes_with_the_fewest_edges() {
        for count in 1..30 {
            for fan_out in 1..30 {
                let tree = format!("{count} nodes, fan-out {fan_out}");
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
    fn a_fan_out_of_24_makes_25_nodes_a_star() {
        assert_eq!(tree_neighbours(&cluster(0, 25), 24).len(), 24);
        assert_eq!(tree_neighbours(&cluster(7, 25), 24), [NodeId::from("n0")]);
    }
}
