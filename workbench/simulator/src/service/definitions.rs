//! The services' names, and what each answers to: nodes are served by this table, error messages
//! quote it, and `workbench doc` shows it.

use crate::rpc::{Field, FieldType, Rpc};

/// A service and its requests.
#[derive(Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name, as nodes address it.
    pub name: &'static str,
    /// What it is good for, in a few sentences.
    pub meaning: &'static str,
    /// What it answers to.
    pub requests: &'static [Rpc],
    pub(super) store: Store,
}

/// Which of the services' parts answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Store {
    LinKv,
    SeqKv,
    LwwKv,
    LinTso,
}

/// All there are.
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
        meaning: "A key-value store. It is sequentially consistent: all see the same states in the \
                  same order, but one who only reads may be far behind, and a cas may be refused \
                  for the sake of an old value. To be up to date, write something unique first. \
                  One who is more than 31 changes behind may even see time run backwards.",
        requests: &[READ, WRITE, CREATING_CAS],
        store: Store::SeqKv,
    },
    Service {
        name: "lww-kv",
        meaning: "A key-value store of two replicas, one of which answers, by chance. As in \
                  Maelstrom they never exchange anything, so what was written at one is never seen \
                  at the other.",
        requests: &[READ, WRITE, CAS],
        store: Store::LwwKv,
    },
    Service {
        name: "lin-tso",
        meaning: "An oracle of timestamps: no two are the same, and later ones are greater.",
        requests: &[TIMESTAMP],
        store: Store::LinTso,
    },
];

const KEY: Field = Field::new("key", FieldType::Any, "\"x\"", "the name of a value");

const READ: Rpc = Rpc {
    request: "read",
    meaning: "What a key holds; error 20 if it does not exist.",
    arguments: &[KEY],
    response: "read_ok",
    fields: &[Field::new(
        "value",
        FieldType::Any,
        "[1,2]",
        "what was written there last",
    )],
};

const WRITE: Rpc = Rpc {
    request: "write",
    meaning: "A key holds this from now on, whether or not it existed before.",
    arguments: &[
        KEY,
        Field::new("value", FieldType::Any, "[1,2]", "what it is to hold"),
    ],
    response: "write_ok",
    fields: &[],
};

const FROM: Field = Field::new("from", FieldType::Any, "[1,2]", "what the key must hold");
const TO: Field = Field::new("to", FieldType::Any, "[1,2,3]", "what it is to hold then");
const CREATE: Field = Field::new(
    "create_if_not_exists",
    FieldType::Bool,
    "true",
    "whether a key that does not exist comes to hold `to`, whatever `from` says",
);

/// The answer is the same for all; what may be asked is not.
const CAS: Rpc = Rpc {
    request: "cas",
    meaning: "Compare and set: a key holds something new, if it holds what is expected. Error 22 \
              if it holds something else, error 20 if it does not exist.",
    arguments: &[KEY, FROM, TO],
    response: "cas_ok",
    fields: &[],
};

const CREATING_CAS: Rpc = Rpc {
    arguments: &[KEY, FROM, TO, CREATE.optional()],
    ..CAS
};

const TIMESTAMP: Rpc = Rpc {
    request: "ts",
    meaning: "A timestamp that nobody has had before.",
    arguments: &[],
    response: "ts_ok",
    fields: &[Field::new(
        "ts",
        FieldType::Integer,
        "7",
        "0, 1, 2 and so on, in the order in which requests arrive",
    )],
};

impl Service {
    /// The service of this name.
    pub fn named(name: &str) -> Option<&'static Service> {
        SERVICES.iter().find(|service| service.name == name)
    }

    /// What it answers to, as words in a sentence.
    pub(super) fn known(&self) -> String {
        match self.requests {
            [many @ .., last, end] => {
                let many: String = many.iter().map(|it| format!("{}, ", it.request)).collect();
                format!("{many}{} and {}", last.request, end.request)
            }
            few => few.iter().map(|it| it.request).collect(),
        }
    }
}
