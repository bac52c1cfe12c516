//! Maps by the name of a participant. Each message is looked up several times, so the hash is a cheap
//! one: nodes cannot insert names, and nothing depends on the order of such a map.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use shared::NodeId;

/// A map by the name of a node, a client or a service.
pub type ByName<T> = HashMap<NodeId, T, BuildHasherDefault<Fnv>>;

/// 64-bit FNV-1a: names have a few bytes.
pub struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
