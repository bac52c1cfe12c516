//! Anomalies of single reads and writes, which need no order of transactions.

use super::{Case, Registers};
use crate::elle::anomalies::Anomalies;
use crate::elle::common::{Common, failed_writes, overwritten_writes};
use crate::elle::number_map::NumberMap;
use crate::elle::transactions::{Action, MicroOp, NIL, Transactions, reads};
use history::Kind;

/// Adds the anomalies.
pub(super) fn check(transactions: &Transactions<'_, Registers>, anomalies: &mut Anomalies<Case>) {
    let failed = failed_writes(transactions);
    let overwritten = overwritten_writes(transactions);
    for transaction in transactions.completed_as(Kind::Ok) {
        if let Some((read, expected)) = find_contradiction(transactions.micro_ops(transaction)) {
            let case = Case::Internal {
                transaction,
                read,
                expected,
            };
            anomalies.add("internal", case);
        }
        for read in reads(transactions.micro_ops(transaction)) {
            let dirty = |writer: usize| {
                Case::Common(Common::Dirty {
                    transaction,
                    read: *read,
                    writer,
                    element: read.value,
                })
            };
            let version = (read.key, read.value);
            if let Some(writer) = failed.get(&version) {
                anomalies.add("G1a", dirty(*writer));
            }
            let writers = overwritten.get(&version).into_iter().flatten();
            if let Some(writer) = writers.copied().find(|writer| *writer != transaction) {
                anomalies.add("G1b", dirty(writer));
            }
        }
    }
}

/// The first read that contradicts the transaction's own last read or write, and the expected
/// value. After a read of null, any value may be read.
fn find_contradiction(micro_ops: &[MicroOp]) -> Option<(MicroOp, u32)> {
    let mut known: NumberMap<u32, u32> = NumberMap::default();
    for micro_op in micro_ops {
        let expected = known.insert(micro_op.key, micro_op.value);
        if let Some(expected) = expected
            && micro_op.action == Action::Read
            && expected != NIL
            && expected != micro_op.value
        {
            return Some((*micro_op, expected));
        }
    }
    None
}
