//! What is said: by clients to a node, by the node to clients, and among nodes.

use replication::Packet;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::key::Key;
use crate::store::{Step, Unit};

/// What a node may be asked.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Execute this. If any part of it is malformed, so is the request, and nothing is executed.
    Txn {
        /// What to read and write, in order.
        txn: Vec<MicroOp>,
    },
    /// A neighbour's link speaks.
    Gossip {
        /// What it says.
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
    pub(crate) step: Step,
}

impl TryFrom<(String, Box<RawValue>, Box<RawValue>)> for MicroOp {
    type Error = String;

    fn try_from(op: (String, Box<RawValue>, Box<RawValue>)) -> Result<Self, Self::Error> {
        let (name, key_text, value) = op;
        let step = match &*name {
            "r" => Step::Read,
            "w" => Step::Write(value),
            _ => return Err(format!("no such operation: {name:?}")),
        };
        Ok(MicroOp {
            key: Key::new(&key_text).map_err(|error| error.to_string())?,
            key_text,
            step,
        })
    }
}

/// One read or write with its outcome; null stands for an absent key.
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
}
