//! The spanning tree that values travel along: a heap laid over the list of nodes.

use shared::{Cluster, NodeId};

/// The neighbours of a node in the tree, its parent first, then its children.
///
/// The node at place i of the list is the parent of those at f·i + 1 … f·i + f, where f is the
/// fan-out, at least 1. All nodes have the same list, so all agree on the tree without a word.
pub(crate) fn neighbours(cluster: &Cluster, fan_out: usize) -> Vec<NodeId> {
    let (place, fan_out) = (cluster.index(), fan_out.max(1));
    let parent = (place > 0).then(|| (place - 1) / fan_out);
    let first_child = place.saturating_mul(fan_out).saturating_add(1);
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

    #[test]
    fn every_tree_connects_all_nodes_with_the_fewest_edges() {
        for count in 1..30 {
            for fan_out in 1..30 {
                let edges: BTreeSet<(NodeId, NodeId)> = (0..count)
                    .flat_map(|i| {
                        let cluster = cluster(i, count);
                        let me = cluster.me.clone();
                        let pair = move |peer| (me.clone(), peer);
                        neighbours(&cluster, fan_out)
                            .into_iter()
                            .map(pair)
                            .collect::<Vec<_>>()
                    })
                    .collect();
                assert_eq!(
                    edges.len(),
                    2 * (count - 1),
                    "{count} nodes, fan-out {fan_out}"
                );
                let mut reached = BTreeSet::from([NodeId::from("n0")]);
                for _ in 0..count {
                    let further = edges.iter().filter(|(a, _)| reached.contains(a));
                    let further: Vec<NodeId> = further.map(|(_, b)| b.clone()).collect();
                    reached.extend(further);
                }
                assert_eq!(reached.len(), count, "{count} nodes, fan-out {fan_out}");
                assert!(
                    edges
                        .iter()
                        .all(|(a, b)| edges.contains(&(b.clone(), a.clone())))
                );
            }
        }
    }

    #[test]
    fn a_fan_out_of_24_makes_25_nodes_a_star() {
        assert_eq!(neighbours(&cluster(0, 25), 24).len(), 24);
        assert_eq!(neighbours(&cluster(7, 25), 24), [NodeId::from("n0")]);
    }
}
