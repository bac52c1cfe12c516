//! The verdict on a run: the checks of every history, the workload's checker, and the message
//! counts.

use checkers::{Target, Validity, Verdict};
use history::edn::{self, Edn};
use history::{History, Kind};

use crate::run::Record;
use crate::statistics::{Count, Statistics};
use crate::workload::Workload;

/// Maelstrom's verdict on a history: the checks of every history, and the verdict of the workload's
/// checker. `net` is missing for a saved history, whose messages are unknown.
pub fn judge(
    history: &History,
    workload: Verdict,
    availability: Option<Target>,
    net: Option<Verdict>,
) -> Verdict {
    let all = [
        ("exceptions", Some(checkers::exceptions(history))),
        ("stats", Some(checkers::stats(history))),
        (
            "availability",
            Some(checkers::availability(history, availability)),
        ),
        ("net", net),
        ("workload", Some(workload)),
    ];
    let known = all.into_iter();
    let known = known.filter_map(|(name, verdict)| Some((name, verdict?)));
    checkers::overall(known.collect())
}

/// Maelstrom's verdict on a run of a workload.
pub fn judge_run(
    record: &Record,
    workload: &dyn Workload,
    availability: Option<Target>,
) -> Verdict {
    let history = &record.history;
    let net = net(&record.statistics, history.count(Kind::Invoke));
    judge(history, workload.check(history), availability, Some(net))
}

/// The result map `:net`, for a history with this many invocations.
pub fn net(statistics: &Statistics, invocations: usize) -> Verdict {
    let class = |count: Count| {
        edn::map([
            ("send-count", edn::integer(count.sent)),
            ("recv-count", edn::integer(count.received)),
            ("msg-count", edn::integer(count.sent)),
        ])
    };
    let [all, servers] = [statistics.all(), statistics.servers()].map(|count| {
        let mut class = class(count);
        if invocations > 0 {
            edn::insert(&mut class, "msgs-per-op", per_op(count.sent, invocations));
        }
        class
    });
    let clients = class(statistics.clients());
    let entries = [("all", all), ("clients", clients), ("servers", servers)];
    Verdict::new(Validity::Valid, entries)
}

/// Messages per operation, in single precision, as in Maelstrom.
fn per_op(messages: u64, invocations: usize) -> Edn {
    edn::float32(messages as f32 / invocations as f32)
}
