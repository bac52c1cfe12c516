//! The definitions of the services: names and requests. Requests are dispatched by this table,
//! error messages quote it, and `workbench doc` shows it.

use crate::rpc::{Field, FieldType, Rpc};

/// A service and its requests.
#[derive(Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name, as nodes address it.
    pub name: &'static str,
    /// A description in a few sentences.
    pub meaning: &'static str,
    /// The requests that it answers.
    pub requests: &'static [Rpc],
    pub(super) store: Store,
}

/// The store behind a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Store {
    LinKv,
    SeqKv,
    LwwKv,
    LinTso,
}

/// All services.
pub static SERVICES: [Service; 4] = [
    Service {
        name: "lin-kv",
        meaning: "A key-value store. It is linearizable: every request takes effect at one moment \
                  between being sent and being answered.",
        requests: &[READ, WRITE, CREATING_CAS],
        store: Store::LinKv,
    },
    Service {
        name: "seq-kv",
        meaning: "A key-value store. It is sequentially consistent: all callers see the same \
                  states in the same order, but a caller that only reads may be far behind, and a \
                  cas may fail because of an old value. To read the newest state, write a unique \
                  value first. A caller more than 31 changes behind may even see an older state \
                  after a newer one.",
        requests: &[READ, WRITE, CREATING_CAS],
        store: Store::SeqKv,
    },
    Service {
        name: "lww-kv",
        meaning: "A key-value store of two replicas, a random one of which answers each request. \
                  As in Maelstrom they never exchange anything, so a write to one is never \
                  visible at the other.",
        requests: &[READ, WRITE, CAS],
        store: Store::LwwKv,
    },
    Service {
        name: "lin-tso",
        meaning: "A timestamp oracle: no two timestamps are the same, and later ones are greater.",
        requests: &[TIMESTAMP],
        store: Store::LinTso,
    },
];

const KEY: Field = Field::new("key", FieldType::Any, "\"x\"", "the key");

const READ: Rpc = Rpc {
    request: "read",
    meaning: "Reads a key's value; error 20 if the key does not exist.",
    arguments: &[KEY],
    response: "read_ok",
    response_fields: &[Field::new(
        "value",
        FieldType::Any,
        "[1,2]",
        "the value that was written last",
    )],
};

const WRITE: Rpc = Rpc {
    request: "write",
    meaning: "Writes a value to a key, whether or not the key existed before.",
    arguments: &[
        KEY,
        Field::new("value", FieldType::Any, "[1,2]", "the new value"),
    ],
    response: "write_ok",
    response_fields: &[],
};

const FROM: Field = Field::new("from", FieldType::Any, "[1,2]", "the expected value");
const TO: Field = Field::new("to", FieldType::Any, "[1,2,3]", "the new value");
const CREATE: Field = Field::new(
    "create_if_not_exists",
    FieldType::Bool,
    "true",
    "whether a key that does not exist is created with the value `to`, whatever `from` is",
);

/// The cas of lww-kv, which never creates a key.
const CAS: Rpc = Rpc {
    request: "cas",
    meaning: "Compare and set: writes a new value if the key has the expected one. Error 22 if it \
              has another value, error 20 if the key does not exist.",
    arguments: &[KEY, FROM, TO],
    response: "cas_ok",
    response_fields: &[],
};

const CREATING_CAS: Rpc = Rpc {
    arguments: &[KEY, FROM, TO, CREATE.optional()],
    ..CAS
};

const TIMESTAMP: Rpc = Rpc {
    request: "ts",
    meaning: "Returns a timestamp that was never returned before.",
    arguments: &[],
    response: "ts_ok",
    response_fields: &[Field::new(
        "ts",
        FieldType::Integer,
        "7",
        "0, 1, 2 and so on, in the order in which requests arrive",
    )],
};

impl Service {
    /// Finds the service of this name.
    pub fn named(name: &str) -> Option<&'static Service> {
        SERVICES.iter().find(|service| service.name == name)
    }

    /// The types of its requests, as in a sentence: `read, write and cas`.
    pub(super) fn request_types(&self) -> String {
        match self.requests {
            [many @ .., last, end] => {
                let many: String = many.iter().map(|it| format!("{}, ", it.request)).collect();
                format!("{many}{} and {}", last.request, end.request)
            }
            few => few.iter().map(|it| it.request).collect(),
        }
    }
}
