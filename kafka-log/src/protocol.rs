//! The messages: requests of clients and nodes, answers, and the items of links.

use std::collections::BTreeMap;

use replication::Packet;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Requests of clients and other nodes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Append a message.
    Send {
        /// The log.
        key: String,
        /// The message, any JSON value.
        msg: Box<RawValue>,
    },
    /// Return messages.
    Poll {
        /// The first offset of each key.
        offsets: BTreeMap<String, u64>,
    },
    /// Commit how far a consumer has read.
    CommitOffsets {
        /// The highest offset read of each key.
        offsets: BTreeMap<String, u64>,
    },
    /// Return how far consumers have read.
    ListCommittedOffsets {
        /// The keys.
        keys: Vec<String>,
    },
    /// Receive a packet of a neighbour's link. One without items has a type of its own, so that it
    /// can be counted.
    #[serde(alias = "replicate_ack")]
    Replicate {
        /// The packet.
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
    ReplicateAck { packet: Packet<Item> },
}

impl From<Packet<Item>> for Outgoing {
    fn from(packet: Packet<Item>) -> Self {
        match packet.only_acknowledges() {
            true => Outgoing::ReplicateAck { packet },
            false => Outgoing::Replicate { packet },
        }
    }
}

/// An item of the links between nodes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// The log of a key holds this message at this offset.
    Message(String, u64, Box<RawValue>),
    /// In the log of a key, neither the sender nor a node behind it appends in a round before this
    /// one any more.
    Promise(String, u64),
    /// A consumer has read a key up to this offset.
    Commit(String, u64),
}
