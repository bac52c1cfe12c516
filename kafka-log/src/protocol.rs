//! What is said: by clients to a node, by the node to clients, and among nodes.

use std::collections::BTreeMap;

use replication::Packet;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What a node may be asked.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Append a message.
    Send {
        /// To which log.
        key: String,
        /// The message, any JSON.
        msg: Box<RawValue>,
    },
    /// Show messages.
    Poll {
        /// Of which keys, from which offset on.
        offsets: BTreeMap<String, u64>,
    },
    /// A consumer has read so far.
    CommitOffsets {
        /// The highest offset read of each key.
        offsets: BTreeMap<String, u64>,
    },
    /// How far have consumers read?
    ListCommittedOffsets {
        /// Of these keys.
        keys: Vec<String>,
    },
    /// Another node's link speaks.
    Replicate {
        /// What it says.
        packet: Packet<Item>,
    },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "these are the protocol's names")]
pub(crate) enum Response<'a> {
    SendOk {
        offset: u64,
    },
    PollOk {
        msgs: BTreeMap<&'a str, Vec<(u64, &'a RawValue)>>,
    },
    CommitOffsetsOk,
    ListCommittedOffsetsOk {
        offsets: BTreeMap<&'a str, u64>,
    },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outgoing {
    Replicate { packet: Packet<Item> },
}

/// What nodes tell one another.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// This message stands in the log of a key at an offset.
    Message(String, u64, Box<RawValue>),
    /// In the log of a key, the sender appends in no round before this one any more.
    Promise(String, u64),
    /// A consumer has read a key up to this offset.
    Commit(String, u64),
}
