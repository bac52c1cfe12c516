//! txn-rw-register: transactions that read and write registers.

use serde_json::value::RawValue;

use super::transactions::{self, MicroOp, Transactions};
use super::{Answer, Completion, Invocation, Question, Rpc, Session, Shape, Step, Turn, Workload};
use crate::checker::{self, Models, Verdict};
use crate::dice::Dice;
use crate::history::{self, History};

static TXN: Rpc = Rpc {
    request: "txn",
    response: "txn_ok",
    fields: &[("txn", Shape::Registers)],
};

/// The workload: random transactions, and the models that they are held to.
#[derive(Debug)]
pub(super) struct TxnRwRegister {
    transactions: Transactions,
    models: Models,
}

impl TxnRwRegister {
    pub(super) fn new(shape: transactions::Shape, models: Models) -> Self {
        TxnRwRegister {
            transactions: Transactions::new(shape),
            models,
        }
    }
}

impl Workload for TxnRwRegister {
    fn name(&self) -> &'static str {
        "txn-rw-register"
    }

    fn next(&mut self, _: Turn, dice: &mut Dice) -> Invocation {
        let transaction = self.transactions.next(dice);
        Invocation::new("txn", to_json(&transaction))
    }

    fn session(&self) -> Box<dyn Session> {
        Box::new(Client)
    }

    fn keeps_clients(&self) -> bool {
        true
    }

    fn check(&self, history: &History) -> Verdict {
        checker::rw_register(history, &self.models)
    }
}

fn to_json(transaction: &[MicroOp]) -> Box<RawValue> {
    let triple = |micro_op: &MicroOp| match *micro_op {
        MicroOp::Read { key } => ("r", key, None),
        MicroOp::Write { key, value } => ("w", key, Some(value)),
    };
    let triples: Vec<(&str, u64, Option<u64>)> = transaction.iter().map(triple).collect();
    history::json(&triples)
}

struct Client;

impl Session for Client {
    fn begin(&mut self, invocation: &Invocation) -> Step {
        let transaction = vec![("txn", invocation.value.clone())];
        Step::Ask(Question::new(&TXN, transaction))
    }

    /// What the node says that it did is what counts, be it something else than was asked for.
    fn go_on(&mut self, _: &Invocation, answer: &Answer<'_>) -> Step {
        Step::Done(Completion::ok(answer.field("txn")))
    }
}
