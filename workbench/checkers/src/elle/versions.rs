//! Versions of objects, with the transactions that wrote, read and replaced them.

use smallvec::SmallVec;

use super::graph::{Graph, Reason, Relation, Vertex};
use super::number_map::NumberMap;

/// All versions that transactions read or wrote, including unset ones.
#[derive(Debug, Default)]
pub(super) struct Versions {
    versions: Vec<Version>,
    /// By key and value: the index of a version.
    indices: NumberMap<(u32, u32), u32>,
}

/// A version of a key. There are as many as writes, and most lists are short, so these need no
/// allocation.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) key: u32,
    /// The number of the element that was written last.
    pub(super) value: u32,
    /// The transactions that wrote it.
    pub(super) writers: SmallVec<[Vertex; 2]>,
    /// The transactions that read it.
    pub(super) readers: SmallVec<[Vertex; 4]>,
    /// The transactions that replaced it, with the version that they wrote.
    pub(super) updaters: SmallVec<[(Vertex, u32); 2]>,
}

impl Versions {
    /// The version of a key, which is added if it is new.
    pub(super) fn version(&mut self, key: u32, value: u32) -> &mut Version {
        let next = self.versions.len() as u32;
        let index = *self.indices.entry((key, value)).or_insert(next);
        if index == next {
            self.versions.push(Version {
                key,
                value,
                writers: SmallVec::new(),
                readers: SmallVec::new(),
                updaters: SmallVec::new(),
            });
        }
        &mut self.versions[index as usize]
    }

    /// All versions.
    pub(super) fn all(&self) -> &[Version] {
        &self.versions
    }

    /// All versions, mutable.
    pub(super) fn all_mut(&mut self) -> &mut [Version] {
        &mut self.versions
    }

    /// The index of a version.
    pub(super) fn index(&self, key: u32, value: u32) -> Option<u32> {
        self.indices.get(&(key, value)).copied()
    }

    /// Adds the edges between transactions that follow.
    pub(super) fn link(self, graph: &mut Graph) {
        drop(self.indices);
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
