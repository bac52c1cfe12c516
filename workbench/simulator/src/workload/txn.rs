//! txn-rw-register and txn-list-append: transactions that read registers and write them, or read
//! lists and append to them.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::final_reads::{differing_reads, has_empty_graph, lost_appends, lost_writes};
use super::transactions::{self, MicroOp, Transactions};
use super::{Completion, Invocation, Session, Step, Turn, Workload};
use crate::rng::SeededRng;
use crate::rpc::{Answer, ClientRequest, Field, FieldType, Rpc};
use checkers::{Assumptions, Models, WorkloadResult, WorkloadVerdict};
use history::{History, Op};

/// The objects of transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Objects {
    /// A read returns the last written value.
    Registers,
    /// A read returns all appended elements.
    Lists,
}

static REGISTERS: Rpc = Rpc {
    request: "txn",
    response: "txn_ok",
    meaning: "A transaction over registers, all of which are null at first. A node that cannot \
              execute it answers with error 30, and none of its writes may ever be visible.",
    arguments: &[Field::new(
        "txn",
        FieldType::RegisterTransaction,
        r#"[["r",1,null],["w",2,5]]"#,
        "its steps in order: read key 1, write 5 to key 2",
    )],
    response_fields: &[Field::new(
        "txn",
        FieldType::RegisterTransaction,
        r#"[["r",1,3],["w",2,5]]"#,
        "the same steps, with what was read in place of null",
    )],
};

static LISTS: Rpc = Rpc {
    request: "txn",
    response: "txn_ok",
    meaning: "A transaction over lists, all of which are empty at first. A node that cannot \
              execute it answers with error 30, and none of its writes may ever be visible.",
    arguments: &[Field::new(
        "txn",
        FieldType::ListTransaction,
        r#"[["r",1,null],["append",2,5]]"#,
        "its steps in order: read list 1, append 5 to list 2",
    )],
    response_fields: &[Field::new(
        "txn",
        FieldType::ListTransaction,
        r#"[["r",1,[3]],["append",2,5]]"#,
        "the same steps, with what was read in place of null",
    )],
};

/// The workload: random transactions, and the consistency models that they must satisfy.
#[derive(Debug)]
pub(super) struct Txn {
    objects: Objects,
    transactions: Transactions,
    models: Models,
    /// All keys that transactions have used, ordered by their texts.
    keys: BTreeMap<String, u64>,
}

impl Txn {
    pub(super) fn new(objects: Objects, params: transactions::TxnParams, models: Models) -> Self {
        Txn {
            objects,
            transactions: Transactions::new(params),
            models,
            keys: BTreeMap::new(),
        }
    }
}

impl Workload for Txn {
    fn name(&self) -> &'static str {
        match self.objects {
            Objects::Registers => "txn-rw-register",
            Objects::Lists => "txn-list-append",
        }
    }

    fn operations(&self) -> &'static [&'static str] {
        &["txn"]
    }

    fn next(&mut self, _: Turn, rng: &mut SeededRng) -> Invocation {
        let transaction = self.transactions.next(rng);
        let keys = transaction.iter().map(|micro_op| micro_op.key());
        self.keys.extend(keys.map(|key| (key.to_string(), key)));
        Invocation::new("txn", self.objects.to_json(&transaction))
    }

    fn requests(&self) -> Vec<&'static Rpc> {
        vec![self.objects.rpc()]
    }

    fn session(&self) -> Box<dyn Session> {
        Box::new(Client(self.objects))
    }

    fn keeps_clients(&self) -> bool {
        true
    }

    fn check(&self, history: &History) -> WorkloadVerdict {
        match self.objects {
            Objects::Registers => {
                checkers::rw_register(history, &self.models, Assumptions::default()).into()
            }
            Objects::Lists => checkers::list_append(history, &self.models).into(),
        }
    }

    /// A transaction that reads all keys that were used.
    fn recovery_operation(&mut self, _: Turn, _: &mut SeededRng) -> Invocation {
        let reads: Vec<(&str, u64, ())> = self.keys.values().map(|key| ("r", *key, ())).collect();
        Invocation::new("txn", history::json(&reads))
    }

    fn unconverged(&self, history: &History, reads: &[&Op]) -> Vec<String> {
        let mut findings = differing_reads(reads);
        findings.extend(match self.objects {
            Objects::Registers => lost_writes(history, reads),
            Objects::Lists => lost_appends(history, reads),
        });
        findings
    }

    fn is_vacuous(&self, _: &History, result: &WorkloadResult) -> bool {
        has_empty_graph(result)
    }
}

impl Objects {
    fn rpc(self) -> &'static Rpc {
        match self {
            Objects::Registers => &REGISTERS,
            Objects::Lists => &LISTS,
        }
    }

    fn to_json(self, transaction: &[MicroOp]) -> Box<RawValue> {
        let write = match self {
            Objects::Registers => "w",
            Objects::Lists => "append",
        };
        let triple = |micro_op: &MicroOp| match *micro_op {
            MicroOp::Read { key } => ("r", key, None),
            MicroOp::Write { key, value } => (write, key, Some(value)),
        };
        let triples: Vec<(&str, u64, Option<u64>)> = transaction.iter().map(triple).collect();
        history::json(&triples)
    }
}

struct Client(Objects);

impl Session for Client {
    fn begin(&mut self, invocation: &Invocation) -> Step {
        let transaction = vec![("txn", invocation.value.clone())];
        Step::Send(ClientRequest::new(self.0.rpc(), transaction))
    }

    /// The result is what the node has answered, even if it differs from the request.
    fn on_reply(&mut self, _: &Invocation, answer: &Answer<'_>) -> Step {
        Step::Done(Completion::ok(answer.value("txn")))
    }
}
