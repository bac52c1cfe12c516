//! The messages: requests of clients and neighbours, and answers.

use replication::Packet;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::key::Key;
use crate::store::{Access, Unit};

/// Requests of clients and neighbours.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Execute a transaction. If any part of it is malformed, nothing is executed.
    Txn {
        /// Its reads and writes, in order.
        txn: Vec<MicroOp>,
    },
    /// Receive a packet of a neighbour's link. One without units has a type of its own, so that it
    /// can be counted.
    #[serde(alias = "gossip_ack")]
    Gossip {
        /// The packet.
        packet: Packet<Unit>,
    },
}

/// One read or write: `["r", key, null]` or `["w", key, value]`. Keys and values are any JSON.
#[derive(Debug, Deserialize)]
#[serde(try_from = "(String, Box<RawValue>, Box<RawValue>)")]
pub struct MicroOp {
    pub(crate) key: Key,
    /// The key as the client wrote it.
    pub(crate) key_text: Box<RawValue>,
    pub(crate) access: Access,
}

impl TryFrom<(String, Box<RawValue>, Box<RawValue>)> for MicroOp {
    type Error = String;

    fn try_from(op: (String, Box<RawValue>, Box<RawValue>)) -> Result<Self, Self::Error> {
        let (name, key_text, value) = op;
        let access = match &*name {
            "r" => Access::Read,
            "w" => Access::Write(value),
            _ => return Err(format!("no such operation: {name:?}")),
        };
        Ok(MicroOp {
            key: Key::new(&key_text).map_err(|error| error.to_string())?,
            key_text,
            access,
        })
    }
}

/// One read or write with its result; null stands for an absent key.
pub(crate) type Done = (&'static str, Box<RawValue>, Option<Box<RawValue>>);

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Response {
    TxnOk { txn: Vec<Done> },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outgoing {
    Gossip { packet: Packet<Unit> },
    GossipAck { packet: Packet<Unit> },
}

impl From<Packet<Unit>> for Outgoing {
    fn from(packet: Packet<Unit>) -> Self {
        match packet.only_acknowledges() {
            true => Outgoing::GossipAck { packet },
            false => Outgoing::Gossip { packet },
        }
    }
}
