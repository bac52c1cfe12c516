//! The shapes of partitions, and the grudges drawn for them.
//!
//! Only nodes are cut off from each other, never clients or services. The receiver drops the
//! messages, so a cut may be one-way; in the ring of three nodes all cuts are.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};

use serde::{Deserialize, Serialize};

use shared::NodeId;

use crate::rng::SeededRng;

/// Which messages each node drops: receiver → sources. Every node has an entry, perhaps empty.
pub type Grudge = BTreeMap<NodeId, BTreeSet<NodeId>>;

/// A receiver, and the sources whose messages it drops.
type Drops = (NodeId, BTreeSet<NodeId>);

/// The shape of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartitionShape {
    /// One node is cut off from the rest.
    One,
    /// The nodes fall into two halves; of an odd number, the larger half is a majority.
    Majority,
    /// Less than a third is cut off from the rest; of three nodes or fewer, none.
    MinorityThird,
    /// Every node still receives from a majority, but most of them from different ones.
    MajoritiesRing,
    /// Some nodes receive nothing from the others, which still receive from them. Not in Maelstrom.
    OneWay,
    /// Two halves that are cut off from each other, and one node that is connected to both. Not in
    /// Maelstrom.
    Bridge,
}

impl PartitionShape {
    /// The shapes of Maelstrom, all equally likely.
    pub const MAELSTROMS: [PartitionShape; 4] = [
        PartitionShape::One,
        PartitionShape::Majority,
        PartitionShape::MinorityThird,
        PartitionShape::MajoritiesRing,
    ];

    /// All of them.
    pub const ALL: [PartitionShape; 6] = [
        PartitionShape::One,
        PartitionShape::Majority,
        PartitionShape::MinorityThird,
        PartitionShape::MajoritiesRing,
        PartitionShape::OneWay,
        PartitionShape::Bridge,
    ];

    /// Finds the shape of this name.
    pub fn named(name: &str) -> Option<PartitionShape> {
        PartitionShape::ALL
            .into_iter()
            .find(|shape| shape.name() == name)
    }

    /// The name in a history.
    pub fn name(self) -> &'static str {
        match self {
            PartitionShape::One => "one",
            PartitionShape::Majority => "majority",
            PartitionShape::MinorityThird => "minority-third",
            PartitionShape::MajoritiesRing => "majorities-ring",
            PartitionShape::OneWay => "one-way",
            PartitionShape::Bridge => "bridge",
        }
    }
}

/// Draws a partition of `nodes`.
pub fn grudge(shape: PartitionShape, nodes: &[NodeId], rng: &mut SeededRng) -> Grudge {
    let count = nodes.len();
    let mut shuffled = nodes.to_vec();
    shuffled.shuffle(rng);
    let drops = match shape {
        PartitionShape::One => two_camps(&shuffled, count.min(1)),
        PartitionShape::Majority => two_camps(&shuffled, count / 2),
        PartitionShape::MinorityThird => two_camps(&shuffled, count.saturating_sub(1) / 3),
        PartitionShape::MajoritiesRing if count <= 5 => ring_windows(&shuffled),
        PartitionShape::MajoritiesRing => mutual_majorities(&shuffled, rng),
        PartitionShape::OneWay => one_way(&shuffled, rng),
        PartitionShape::Bridge => bridge(&shuffled),
    };
    drops.into_iter().collect()
}

/// One or more nodes, but not all, receive nothing from the rest.
fn one_way(nodes: &[NodeId], rng: &mut SeededRng) -> Vec<Drops> {
    let max = nodes.len().saturating_sub(1).max(1) as u64;
    let (deaf, others) = nodes.split_at(nodes.len().min(rng.random_range(1..=max) as usize));
    against(deaf, others).chain(against(others, &[])).collect()
}

/// The first node is the bridge between two halves of the others. Of two nodes or fewer, none is
/// cut off.
fn bridge(nodes: &[NodeId]) -> Vec<Drops> {
    let Some((middle, rest)) = nodes.split_first() else {
        return Vec::new();
    };
    let mut drops = two_camps(rest, rest.len() / 2);
    drops.push((middle.clone(), BTreeSet::new()));
    drops
}

/// The first `first` nodes against all the others.
fn two_camps(nodes: &[NodeId], first: usize) -> Vec<Drops> {
    let (left, right) = nodes.split_at(first);
    against(left, right).chain(against(right, left)).collect()
}

/// Every receiver drops messages from all of these sources.
fn against<'a>(receivers: &'a [NodeId], sources: &'a [NodeId]) -> impl Iterator<Item = Drops> + 'a {
    receivers
        .iter()
        .map(|node| (node.clone(), sources.iter().cloned().collect()))
}

/// Of every majority of consecutive nodes in the ring, the middle one receives only from that
/// majority.
///
/// ```text
/// ring a b c, majorities of two:  (a b) b drops c,  (b c) c drops a,  (c a) a drops b
/// ```
fn ring_windows(ring: &[NodeId]) -> Vec<Drops> {
    let count = ring.len();
    let majority = majority(count);
    let at = |index: usize| ring[index % count].clone();
    (0..count)
        .map(|start| {
            let outside = (start + majority..start + count).map(at).collect();
            (at(start + majority / 2), outside)
        })
        .collect()
}

/// Links nodes until each has a majority, always two of those with the fewest links; all other
/// pairs are cut.
fn mutual_majorities(nodes: &[NodeId], rng: &mut SeededRng) -> Vec<Drops> {
    let majority = majority(nodes.len());
    let all = || 0..nodes.len();
    let mut links: Vec<BTreeSet<usize>> = all().map(|node| BTreeSet::from([node])).collect();
    while let Some(one) = pick_least_linked(all(), &links, rng)
        && links[one].len() < majority
    {
        let strangers = all().filter(|node| !links[one].contains(node));
        let Some(other) = pick_least_linked(strangers, &links, rng) else {
            break;
        };
        links[one].insert(other);
        links[other].insert(one);
    }
    let cut = |node: usize| all().filter(|other| !links[node].contains(other)).collect();
    let names = |indices: Vec<usize>| {
        indices
            .into_iter()
            .map(|index| nodes[index].clone())
            .collect()
    };
    all()
        .map(|node| (nodes[node].clone(), names(cut(node))))
        .collect()
}

/// Picks one of the nodes that have the fewest links.
fn pick_least_linked(
    nodes: impl Iterator<Item = usize> + Clone,
    links: &[BTreeSet<usize>],
    rng: &mut SeededRng,
) -> Option<usize> {
    let fewest = nodes.clone().map(|node| links[node].len()).min()?;
    let least_linked: Vec<usize> = nodes.filter(|&node| links[node].len() == fewest).collect();
    least_linked.choose(rng).copied()
}

/// The smallest majority of `count` nodes.
fn majority(count: usize) -> usize {
    count / 2 + 1
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use shared::NodeId;

    use super::{Grudge, PartitionShape, grudge, majority};
    use crate::rng::seeded;

    const COUNTS: [usize; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 25];

    fn nodes(count: usize) -> Vec<NodeId> {
        (0..count)
            .map(|number| NodeId::from(&*format!("n{number}")))
            .collect()
    }

    /// Draws many grudges of each size and checks the property on each.
    fn check(shape: PartitionShape, property: impl Fn(usize, &Grudge) -> bool) {
        for count in COUNTS {
            let nodes = nodes(count);
            for seed in 0..200 {
                let grudge = grudge(shape, &nodes, &mut seeded(seed));
                assert!(
                    grudge
                        .keys()
                        .eq(&nodes.iter().cloned().collect::<BTreeSet<_>>())
                );
                assert!(grudge.iter().all(|(node, drops)| !drops.contains(node)));
                assert!(
                    property(count, &grudge),
                    "{shape:?} n={count} seed={seed}: {grudge:?}"
                );
            }
        }
    }

    fn is_mutual(grudge: &Grudge) -> bool {
        grudge
            .iter()
            .all(|(node, drops)| drops.iter().all(|other| grudge[other].contains(node)))
    }

    /// The number of sources that each receiver drops, in ascending order.
    fn sizes(grudge: &Grudge) -> Vec<usize> {
        let mut sizes: Vec<usize> = grudge.values().map(BTreeSet::len).collect();
        sizes.sort_unstable();
        sizes
    }

    /// Whether there are two groups, of `small` nodes and of the rest, cut off from each other.
    fn are_two_camps(grudge: &Grudge, small: usize) -> bool {
        let mut sizes_expected = vec![small; grudge.len() - small];
        sizes_expected.extend(vec![grudge.len() - small; small]);
        sizes_expected.sort_unstable();
        let bipartite = grudge.values().all(|drops| {
            drops
                .iter()
                .all(|one| drops.iter().all(|other| !grudge[one].contains(other)))
        });
        is_mutual(grudge) && bipartite && sizes(grudge) == sizes_expected
    }

    #[test]
    fn shapes_are_found_by_their_names() {
        for shape in PartitionShape::ALL {
            assert_eq!(PartitionShape::named(shape.name()), Some(shape));
        }
        assert_eq!(PartitionShape::named("two"), None);
    }

    #[test]
    fn one_cuts_a_single_node_off_from_all_others() {
        check(PartitionShape::One, |_, grudge| are_two_camps(grudge, 1));
    }

    #[test]
    fn majority_cuts_the_smaller_half_off() {
        check(PartitionShape::Majority, |count, grudge| {
            are_two_camps(grudge, count / 2)
        });
    }

    #[test]
    fn a_minority_third_of_three_nodes_or_fewer_is_empty() {
        check(PartitionShape::MinorityThird, |count, grudge| {
            are_two_camps(grudge, (count - 1) / 3)
                && (count > 3 || grudge.values().all(BTreeSet::is_empty))
        });
    }

    #[test]
    fn one_way_cuts_some_nodes_off_in_one_direction() {
        check(PartitionShape::OneWay, |count, grudge| {
            let deaf = grudge.values().filter(|drops| !drops.is_empty()).count();
            let is_one_way = grudge
                .iter()
                .all(|(node, drops)| drops.iter().all(|other| !grudge[other].contains(node)));
            is_one_way && (count == 1 || (1..count).contains(&deaf))
        });
    }

    #[test]
    fn a_bridge_connects_two_halves_that_are_cut_off_from_each_other() {
        check(PartitionShape::Bridge, |count, grudge| {
            let is_bridge = |name: &NodeId| {
                grudge[name].is_empty() && grudge.values().all(|drops| !drops.contains(name))
            };
            is_mutual(grudge)
                && grudge.keys().any(is_bridge)
                && (count < 3 || grudge.values().any(|drops| !drops.is_empty()))
        });
    }

    #[test]
    fn in_a_majorities_ring_every_node_receives_from_a_majority() {
        check(PartitionShape::MajoritiesRing, |count, grudge| {
            sizes(grudge)
                .into_iter()
                .all(|dropped| count - dropped >= majority(count))
        });
    }

    #[test]
    fn rings_of_up_to_five_leave_exact_majorities_and_larger_ones_cut_both_ways() {
        check(
            PartitionShape::MajoritiesRing,
            |count, grudge| match count {
                1 | 2 => grudge.values().all(BTreeSet::is_empty),
                3 => is_one_way_cycle(grudge),
                4 => is_mutual(grudge) && sizes(grudge) == [1; 4],
                5 => is_mutual(grudge) && sizes(grudge) == [2; 5] && is_one_circle(grudge),
                _ => is_mutual(grudge) && grudge.values().all(|drops| !drops.is_empty()),
            },
        );
    }

    /// Whether each drops one other, which drops the third.
    fn is_one_way_cycle(grudge: &Grudge) -> bool {
        sizes(grudge) == [1; 3]
            && grudge
                .iter()
                .all(|(node, drops)| drops.iter().all(|a| !grudge[a].contains(node)))
    }

    /// Whether the cuts among five nodes form one circle through all of them.
    fn is_one_circle(grudge: &Grudge) -> bool {
        let first = grudge.keys().next().unwrap();
        let (mut before, mut here, mut steps) = (first, grudge[first].first().unwrap(), 1);
        while here != first {
            let onward = grudge[here].iter().find(|&next| next != before).unwrap();
            (before, here, steps) = (here, onward, steps + 1);
        }
        steps == grudge.len()
    }

    #[test]
    fn every_node_is_cut_off_about_equally_often() {
        let nodes = nodes(5);
        let mut rng = seeded(3);
        let mut cut_off = [0; 5];
        for _ in 0..5000 {
            let grudge = grudge(PartitionShape::One, &nodes, &mut rng);
            cut_off[nodes
                .iter()
                .position(|node| grudge[node].len() == 4)
                .unwrap()] += 1;
        }
        assert!(
            cut_off.iter().all(|times| (850..1150).contains(times)),
            "{cut_off:?}"
        );
    }

    #[test]
    fn a_cluster_without_nodes_has_no_grudge() {
        assert!(
            PartitionShape::ALL
                .iter()
                .all(|&shape| grudge(shape, &[], &mut seeded(1)).is_empty())
        );
    }
}
