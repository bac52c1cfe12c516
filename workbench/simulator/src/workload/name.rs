//! Maelstrom's workloads by name.

use super::counter::{Counter, Direction};
use super::txn::{Objects, Txn};
use super::{MakeWorkload, Workload};
use super::{broadcast, echo, g_set, kafka, lin_kv, unique_ids};
use crate::options::Options;

/// Maelstrom's workloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Name {
    /// Nodes send back what they receive.
    Echo,
    /// Nodes generate unique ids.
    UniqueIds,
    /// Nodes forward values from clients to all other nodes.
    Broadcast,
    /// Nodes keep a set that only grows.
    GSet,
    /// Nodes keep a number that only grows.
    GCounter,
    /// Nodes keep a number that grows and shrinks.
    PnCounter,
    /// Nodes keep logs that clients append to and poll.
    Kafka,
    /// Nodes keep registers with read, write and compare-and-set.
    LinKv,
    /// Nodes run transactions over registers.
    TxnRwRegister,
    /// Nodes run transactions over lists.
    TxnListAppend,
}

impl MakeWorkload for Name {
    fn make(&self, options: &Options) -> Box<dyn Workload> {
        workload(*self, options)
    }
}

impl Name {
    /// All of them.
    pub const ALL: [Name; 10] = [
        Name::Echo,
        Name::UniqueIds,
        Name::Broadcast,
        Name::GSet,
        Name::GCounter,
        Name::PnCounter,
        Name::Kafka,
        Name::LinKv,
        Name::TxnRwRegister,
        Name::TxnListAppend,
    ];

    /// The name in Maelstrom.
    pub fn name(self) -> &'static str {
        match self {
            Name::Echo => "echo",
            Name::UniqueIds => "unique-ids",
            Name::Broadcast => "broadcast",
            Name::GSet => "g-set",
            Name::GCounter => "g-counter",
            Name::PnCounter => "pn-counter",
            Name::Kafka => "kafka",
            Name::LinKv => "lin-kv",
            Name::TxnRwRegister => "txn-rw-register",
            Name::TxnListAppend => "txn-list-append",
        }
    }

    /// A description in a sentence.
    pub fn about(self) -> &'static str {
        match self {
            Name::Echo => "Nodes send back what they receive",
            Name::UniqueIds => "Nodes generate unique ids",
            Name::Broadcast => "Nodes forward values from clients to all other nodes",
            Name::GSet => "Nodes keep a set that only grows",
            Name::GCounter => "Nodes keep a number that only grows",
            Name::PnCounter => "Nodes keep a number that grows and shrinks",
            Name::Kafka => "Nodes keep logs that clients append to and poll",
            Name::LinKv => "Nodes keep registers with read, write and compare-and-set",
            Name::TxnRwRegister => "Nodes run transactions over registers",
            Name::TxnListAppend => "Nodes run transactions over lists",
        }
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Makes the workload of this name.
pub fn workload(name: Name, options: &Options) -> Box<dyn Workload> {
    let txn = |objects| {
        let models = options.consistency_models.clone();
        Box::new(Txn::new(objects, options.txn_params(), models))
    };
    match name {
        Name::Echo => Box::new(echo::Echo),
        Name::UniqueIds => Box::new(unique_ids::UniqueIds),
        Name::Broadcast => Box::new(broadcast::Broadcast::new(options.topology)),
        Name::GSet => Box::<g_set::GSet>::default(),
        Name::GCounter => Box::new(Counter::new(Direction::Up)),
        Name::PnCounter => Box::new(Counter::new(Direction::Both)),
        Name::Kafka => Box::new(kafka::Kafka::new(options.txn_params())),
        Name::LinKv => Box::new(lin_kv::LinKv::new(options.latency)),
        Name::TxnRwRegister => txn(Objects::Registers),
        Name::TxnListAppend => txn(Objects::Lists),
    }
}
