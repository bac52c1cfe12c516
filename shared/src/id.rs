//! Names of nodes, clients and services, and the list of nodes in `init`.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::message::Text;

/// The name of a node, a client or a service, such as `n0`, `c12` or `seq-kv`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(Arc<str>);

impl NodeId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for NodeId {
    fn from(name: &str) -> Self {
        NodeId(name.into())
    }
}

impl From<Arc<str>> for NodeId {
    fn from(name: Arc<str>) -> Self {
        NodeId(name)
    }
}

impl Borrow<str> for NodeId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(name) = Text::deserialize(deserializer)?;
        Ok(NodeId::from(&*name))
    }
}

/// The content of `init`: this node's name and the names of all nodes, this one included.
///
/// All nodes get the same list in the same order, so they agree on every node's index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// This node.
    pub me: NodeId,
    /// All nodes, in the order of `init`.
    pub nodes: Vec<NodeId>,
}

impl Cluster {
    /// The cluster of the node `me`. Repeated names are removed, except the first; `me` is appended
    /// if it is missing.
    pub fn new(me: NodeId, mut nodes: Vec<NodeId>) -> Self {
        // Numbered names in order, as every bench sends them, have no repetitions: a large cluster
        // starts in half the time without the set.
        fn order(node: &NodeId) -> (usize, &str) {
            (node.as_str().len(), node.as_str())
        }
        if !nodes.is_sorted_by(|one, next| order(one) < order(next)) {
            let mut known = BTreeSet::new();
            nodes.retain(|node| known.insert(node.clone()));
        }
        if !nodes.contains(&me) {
            nodes.push(me.clone());
        }
        Cluster { me, nodes }
    }

    /// This node's index in the list.
    pub fn index(&self) -> usize {
        self.nodes
            .iter()
            .position(|node| *node == self.me)
            .unwrap_or(0)
    }

    /// All nodes but this one.
    pub fn others(&self) -> impl Iterator<Item = &NodeId> {
        self.nodes.iter().filter(|node| **node != self.me)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Cluster, NodeId};

    #[test]
    fn every_node_has_one_index() {
        let check = |names: &[&str], expected: &[&str], index: usize| {
            let names = names.iter().copied().map(NodeId::from).collect();
            let cluster = Cluster::new(NodeId::from("n2"), names);
            let nodes: Vec<&str> = cluster.nodes.iter().map(NodeId::as_str).collect();
            assert_eq!((nodes.as_slice(), cluster.index()), (expected, index));
            assert_eq!(cluster.others().count(), expected.len() - 1);
        };
        check(&["n1", "n0", "n1", "n0"], &["n1", "n0", "n2"], 2);
        check(&["n2", "n2", "n10", "n10"], &["n2", "n10"], 0);
        check(&["n1", "n2", "n10"], &["n1", "n2", "n10"], 1);
    }

    #[test]
    fn a_name_is_shown_as_it_is_and_looked_up_by_its_text() {
        let name = NodeId::from("n1");
        assert_eq!(format!("{name} {name:?}"), "n1 n1");
        assert!(BTreeSet::from([name]).contains("n1"));
    }
}
