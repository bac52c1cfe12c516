//! Versions of objects: who wrote, read and replaced them, and what that says of transactions.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::graph::{Graph, Reason, Relation, Vertex};

/// All versions that transactions saw or left behind, the unset ones among them.
#[derive(Debug, Default)]
pub(super) struct Versions {
    versions: Vec<Version>,
    /// By key and value: the place of a version.
    places: HashMap<(u32, u32), u32>,
}

/// What a key held for a while. There are as many as writes, and most lists are short: they take no
/// memory of their own.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) key: u32,
    /// The number of the element that was written last.
    pub(super) value: u32,
    /// Who left it behind.
    pub(super) writers: SmallVec<[Vertex; 2]>,
    /// Who found it there.
    pub(super) readers: SmallVec<[Vertex; 4]>,
    /// Who left another version behind in its place, and which.
    pub(super) updaters: SmallVec<[(Vertex, u32); 2]>,
}

impl Versions {
    /// The version of a key, a new one if need be.
    pub(super) fn version(&mut self, key: u32, value: u32) -> &mut Version {
        let next = self.versions.len() as u32;
        let place = *self.places.entry((key, value)).or_insert(next);
        if place == next {
            self.versions.push(Version {
                key,
                value,
                writers: SmallVec::new(),
                readers: SmallVec::new(),
                updaters: SmallVec::new(),
            });
        }
        &mut self.versions[place as usize]
    }

    /// All versions.
    pub(super) fn all(&self) -> &[Version] {
        &self.versions
    }

    /// All versions, to be changed.
    pub(super) fn all_mut(&mut self) -> &mut [Version] {
        &mut self.versions
    }

    /// The place of a version among all.
    pub(super) fn place(&self, key: u32, value: u32) -> Option<u32> {
        self.places.get(&(key, value)).copied()
    }

    /// Puts transactions in the order that follows.
    pub(super) fn link(self, graph: &mut Graph) {
        drop(self.places);
        for version in &self.versions {
            let (key, before) = (version.key, version.value);
            let reason = |after| Reason { key, before, after };
            for &writer in &version.writers {
                for &(updater, after) in &version.updaters {
                    graph.link(writer, updater, Relation::Ww, reason(after));
                }
                for &reader in &version.readers {
                    graph.link(writer, reader, Relation::Wr, reason(before));
                }
            }
            graph.overwrite(key, before, &version.readers, &version.updaters);
        }
    }
}
