//! Topologies: the neighbours that the broadcast workload suggests to its nodes before a run. The
//! network does not enforce them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use history::text::unknown_name;
use serde::{Deserialize, Serialize};
use shared::NodeId;

/// The shape of a topology.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Topology {
    /// Rows and columns of a square, the last rows perhaps unfilled.
    #[default]
    Grid,
    /// Each node between two others; a single node has no entry at all.
    Line,
    /// Every node next to all others.
    Total,
    /// The same as `tree2`.
    Tree,
    /// A tree with two children a node.
    Tree2,
    /// A tree with three children a node.
    Tree3,
    /// A tree with four children a node.
    Tree4,
}

impl Topology {
    /// All of them.
    pub const ALL: [Topology; 7] = [
        Topology::Grid,
        Topology::Line,
        Topology::Total,
        Topology::Tree,
        Topology::Tree2,
        Topology::Tree3,
        Topology::Tree4,
    ];

    /// What it is, in a sentence.
    pub fn about(self) -> &'static str {
        match self {
            Topology::Grid => "Rows and columns of a square, the last rows perhaps unfilled",
            Topology::Line => "Each node between two others; a single node has no entry at all",
            Topology::Total => "Every node next to all others",
            Topology::Tree => "The same as tree2",
            Topology::Tree2 => "A tree with two children a node",
            Topology::Tree3 => "A tree with three children a node",
            Topology::Tree4 => "A tree with four children a node",
        }
    }

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Topology::Grid => "grid",
            Topology::Line => "line",
            Topology::Total => "total",
            Topology::Tree => "tree",
            Topology::Tree2 => "tree2",
            Topology::Tree3 => "tree3",
            Topology::Tree4 => "tree4",
        }
    }

    /// The neighbours of every node, in the order in which Maelstrom lists them.
    pub fn neighbours(self, nodes: &[NodeId]) -> BTreeMap<NodeId, Vec<NodeId>> {
        if self == Topology::Line && nodes.len() == 1 {
            return BTreeMap::new();
        }
        let names = |indices: Vec<usize>| {
            indices
                .into_iter()
                .filter_map(|index| nodes.get(index).cloned())
                .collect()
        };
        (0..nodes.len())
            .map(|index| {
                (
                    nodes[index].clone(),
                    names(self.neighbour_indices(index, nodes.len())),
                )
            })
            .collect()
    }

    /// The indices next to `index` among `count`; some may lie beyond the end.
    fn neighbour_indices(self, index: usize, count: usize) -> Vec<usize> {
        match self {
            Topology::Grid => grid(index, count),
            Topology::Line => index
                .checked_sub(1)
                .into_iter()
                .chain([index + 1])
                .collect(),
            Topology::Total => (0..count).filter(|&other| other != index).collect(),
            Topology::Tree | Topology::Tree2 => tree(index, 2),
            Topology::Tree3 => tree(index, 3),
            Topology::Tree4 => tree(index, 4),
        }
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Topology {
    type Err = String;

    fn from_str(name: &str) -> Result<Topology, String> {
        let named = Topology::ALL.into_iter().find(|it| it.name() == name);
        named.ok_or_else(|| unknown_name("topology", name, &Topology::ALL.map(Topology::name)))
    }
}

/// The neighbours below, above, right and left, in the smallest square that holds all nodes.
fn grid(index: usize, count: usize) -> Vec<usize> {
    let side = (1..).find(|side| side * side >= count).unwrap_or(1);
    let below = Some(index + side);
    let above = index.checked_sub(side);
    let right = (!(index + 1).is_multiple_of(side)).then_some(index + 1);
    let left = (!index.is_multiple_of(side)).then(|| index - 1);
    [below, above, right, left].into_iter().flatten().collect()
}

/// The parent, then the children; indices are as in a heap.
fn tree(index: usize, children: usize) -> Vec<usize> {
    let parent = index.checked_sub(1).map(|before| before / children);
    let first_child = children * index + 1;
    parent
        .into_iter()
        .chain(first_child..first_child + children)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use shared::NodeId;

    use super::Topology;

    fn nodes(count: usize) -> Vec<NodeId> {
        (0..count)
            .map(|number| NodeId::from(&*format!("n{number}")))
            .collect()
    }

    /// `drawn` lists the neighbours of n0, n1, … by number: `1 2, 0, 0`.
    fn check(topology: Topology, drawn: &str) {
        let lists: Vec<Vec<NodeId>> = drawn
            .split(',')
            .map(|list| {
                list.split_whitespace()
                    .map(|number| NodeId::from(&*format!("n{number}")))
                    .collect()
            })
            .collect();
        let nodes = nodes(lists.len());
        let expected = nodes.iter().cloned().zip(lists).collect();
        assert_eq!(
            topology.neighbours(&nodes),
            expected,
            "{topology} of {drawn:?}"
        );
    }

    #[test]
    fn a_line_lists_the_previous_node_and_then_the_next() {
        check(Topology::Line, "1, 0");
        check(Topology::Line, "1, 0 2, 1 3, 2");
    }

    #[test]
    fn a_line_of_one_node_has_no_entries_at_all() {
        assert!(Topology::Line.neighbours(&nodes(1)).is_empty());
    }

    #[test]
    fn a_grid_lists_below_above_right_left() {
        check(Topology::Grid, "");
        check(Topology::Grid, "1, 0");
        check(Topology::Grid, "2 1, 0, 0");
        check(Topology::Grid, "3 1, 4 2 0, 1, 0 4, 1 3");
        check(
            Topology::Grid,
            "3 1, 4 2 0, 5 1, 6 0 4, 7 1 5 3, 8 2 4, 3 7, 4 8 6, 5 7",
        );
    }

    #[test]
    fn total_lists_all_others_in_order() {
        check(Topology::Total, "");
        check(Topology::Total, "1 2 3, 0 2 3, 0 1 3, 0 1 2");
    }

    #[test]
    fn a_tree_lists_the_parent_and_then_the_children() {
        for binary in [Topology::Tree, Topology::Tree2] {
            check(binary, "");
            check(binary, "1 2, 0 3 4, 0 5 6, 1, 1, 2, 2");
        }
        check(Topology::Tree3, "1 2 3, 0 4 5, 0, 0, 1, 1");
        check(Topology::Tree4, "1 2 3 4, 0 5, 0, 0, 0, 1");
    }

    #[test]
    fn neighbours_are_mutual_and_every_node_is_reachable() {
        for &topology in &Topology::ALL {
            assert!(topology.neighbours(&[]).is_empty());
            for count in 2..=25 {
                let nodes = nodes(count);
                let neighbours = topology.neighbours(&nodes);
                assert_eq!(neighbours.len(), count);
                for (node, around) in &neighbours {
                    let mutual = around.iter().all(|other| neighbours[other].contains(node));
                    assert!(
                        mutual && !around.contains(node),
                        "{topology} {count} {node}"
                    );
                }
                let mut reached = BTreeSet::from([nodes[0].clone()]);
                let mut frontier = vec![nodes[0].clone()];
                while let Some(node) = frontier.pop() {
                    let new = neighbours[&node]
                        .iter()
                        .filter(|&node| reached.insert(node.clone()));
                    frontier.extend(new.cloned());
                }
                assert_eq!(reached.len(), count, "{topology} {count}");
            }
        }
    }

    #[test]
    fn every_topology_is_found_by_its_name() {
        for &topology in &Topology::ALL {
            assert_eq!(topology.name().parse(), Ok(topology));
        }
        assert!("ring".parse::<Topology>().is_err());
    }
}
