//! The verdict on a run: the typed results of all checkers, and the worst of their answers. They
//! are converted to result maps with Maelstrom's keys only where files are written.

use std::cmp::Reverse;
use std::fmt;

use serde_json::Value;

use crate::finding::Finding;
use crate::prefix::Part;
use crate::{
    Availability, CounterResult, EchoResult, Exceptions, IdsResult, LogsResult, RegistersResult,
    SetResult, Stats, Target, TransactionsResult, Validity, availability, exceptions, stats,
};
use history::History;
use history::edn::{self, Edn, Keys};

/// The result of a checker.
pub trait CheckerResult {
    /// The answer.
    fn validity(&self) -> Validity;

    /// The anomalies and what could not be judged: about the first ten of each kind.
    fn findings(&self) -> Vec<Finding<'_>>;

    /// The result map with Maelstrom's keys, `:valid?` among them.
    fn to_edn(&self) -> Edn;

    /// The findings as English sentences.
    fn sentences(&self) -> Vec<String> {
        self.findings().iter().map(ToString::to_string).collect()
    }
}

/// Why a checker could not judge a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unjudged {
    /// The reason, as a sentence.
    pub error: String,
    /// Whether the whole verdict is void, so that other checkers' results do not count: the history
    /// violates an assertion of Elle, which in Maelstrom ends the whole analysis.
    pub is_void: bool,
}

/// Counts of the messages that were sent over the network.
#[derive(Debug, Clone, PartialEq)]
pub struct NetResult {
    /// Messages from and to clients.
    pub clients: MessageCount,
    /// All other messages: between nodes, and between nodes and services.
    pub servers: MessageCount,
    /// The number of operations that clients invoked.
    pub invocations: usize,
}

/// Message counts of one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MessageCount {
    /// Messages sent, including those that were lost.
    pub sent: u64,
    /// Messages delivered.
    pub received: u64,
}

/// The result of a workload's checker.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "each variant is its type's")]
pub enum WorkloadResult {
    Echo(EchoResult),
    Ids(IdsResult),
    Set(SetResult),
    Counter(CounterResult),
    Registers(RegistersResult),
    Transactions(TransactionsResult),
    Logs(LogsResult),
    Custom(CustomResult),
    /// The history could not be judged.
    Unjudged(Unjudged),
}

/// The result of a checker outside this crate.
#[derive(Debug, Clone)]
pub struct CustomResult {
    /// The answer.
    pub validity: Validity,
    /// The anomalies, one sentence each.
    pub findings: Vec<String>,
    /// Further entries of the result map: an object.
    pub details: Value,
}

/// The result of a workload's checker, and whether the cluster converged after a storm.
#[derive(Debug, Clone)]
pub struct WorkloadVerdict {
    /// The checker's result.
    pub result: WorkloadResult,
    /// The convergence check after a storm. `None` for a run without one.
    pub convergence: Option<Convergence>,
}

/// The outcome of the convergence check, after all faults of a storm have ended.
#[derive(Debug, Clone, Default)]
pub struct Convergence {
    /// Whether so few operations succeeded that the checker's result proves nothing. The result
    /// then counts as valid.
    pub is_vacuous: bool,
    /// What did not recover or converge, one sentence each.
    pub violations: Vec<String>,
}

/// The verdict on a run.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Replies that clients could not interpret.
    pub exceptions: Exceptions,
    /// How operations completed. `None` for a storm, which may be too short for an operation of
    /// each kind to succeed.
    pub stats: Option<Stats>,
    /// The fraction of operations that were `ok`.
    pub availability: Availability,
    /// Message counts. `None` if only the history of a run is known.
    pub net: Option<NetResult>,
    /// The verdict of the workload's checker.
    pub workload: WorkloadVerdict,
    /// Protocol errors of nodes, which the history does not show: one sentence each, for runs in
    /// which they count.
    pub protocol_errors: Vec<String>,
    /// Of an [interrupted](Verdict::of_prefix) run: how many operations were in progress.
    pub in_progress: Option<usize>,
}

impl Verdict {
    /// Judges a history as Maelstrom does: with the checks that apply to every history, and the
    /// result of the workload's checker.
    pub fn judge(
        history: &History,
        workload: impl Into<WorkloadVerdict>,
        target: Option<Target>,
        net: Option<NetResult>,
    ) -> Self {
        Verdict {
            exceptions: exceptions(history),
            stats: Some(stats(history)),
            availability: availability(history, target),
            net,
            workload: workload.into(),
            protocol_errors: Vec::new(),
            in_progress: None,
        }
    }

    /// The error that makes the whole verdict void; see [`Unjudged::is_void`].
    pub(crate) fn void(&self) -> Option<&Unjudged> {
        match &self.workload.result {
            WorkloadResult::Unjudged(unjudged) if unjudged.is_void => Some(unjudged),
            _ => None,
        }
    }

    /// The results with their names, in Maelstrom's order.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&'static str, Part<'_>)> {
        let parts: [(_, Option<&dyn CheckerResult>); 5] = [
            ("exceptions", Some(&self.exceptions)),
            ("stats", self.stats.as_ref().map(|it| it as _)),
            ("availability", Some(&self.availability)),
            ("net", self.net.as_ref().map(|it| it as _)),
            ("workload", Some(&self.workload)),
        ];
        parts
            .into_iter()
            .filter_map(|(name, part)| Some((name, self.part(name, part?))))
    }
}

impl CheckerResult for Verdict {
    /// The worst of all answers; unknown if the verdict is void.
    fn validity(&self) -> Validity {
        if self.void().is_some() {
            return Validity::Unknown;
        }
        let own = Validity::of(self.protocol_errors.is_empty());
        let parts = self.parts().map(|(_, part)| part.validity());
        parts.fold(own, Validity::max)
    }

    /// Findings of the worst results come first.
    fn findings(&self) -> Vec<Finding<'_>> {
        let is_void = self.void().is_some();
        let mut parts: Vec<_> = self.parts().collect();
        parts
            .sort_by_key(|(name, part)| Reverse((is_void && *name == "workload", part.validity())));
        let errors = self.protocol_errors.iter();
        let errors = errors.map(|it| Finding::ProtocolError(it));
        let findings = parts.into_iter().flat_map(|(_, part)| part.findings());
        findings.chain(errors).collect()
    }

    /// All results under their names. Maelstrom has the entries `perf` and `timeline`, which say whether
    /// a plot could be drawn; here they are always valid.
    fn to_edn(&self) -> Edn {
        if let Some(Unjudged { error, .. }) = self.void() {
            let valid = self.validity().to_edn();
            return edn::map([("error", edn::text(error)), ("valid?", valid)]);
        }
        let drawn = || edn::map([("valid?", Edn::Bool(true))]);
        let perf = edn::map([
            ("latency-graph", drawn()),
            ("rate-graph", drawn()),
            ("valid?", Edn::Bool(true)),
        ]);
        let mut all = edn::map([("perf", perf), ("timeline", drawn())]);
        for (name, part) in self.parts() {
            edn::insert(&mut all, name, part.to_edn());
        }
        edn::insert(&mut all, "valid?", self.validity().to_edn());
        all
    }
}

impl<R: Into<WorkloadResult>> From<R> for WorkloadVerdict {
    fn from(result: R) -> Self {
        WorkloadVerdict {
            result: result.into(),
            convergence: None,
        }
    }
}

impl CheckerResult for WorkloadVerdict {
    fn validity(&self) -> Validity {
        let judged = self.result.validity();
        match &self.convergence {
            None => judged,
            Some(Convergence { violations, .. }) if !violations.is_empty() => Validity::Invalid,
            Some(Convergence { is_vacuous, .. }) if *is_vacuous => Validity::Valid,
            Some(_) => judged,
        }
    }

    fn findings(&self) -> Vec<Finding<'_>> {
        let Some(convergence) = &self.convergence else {
            return self.result.findings();
        };
        let mut findings = match convergence.is_vacuous {
            true => Vec::new(),
            false => self.result.findings(),
        };
        let violations = convergence.violations.iter();
        findings.extend(violations.map(|it| Finding::Unconverged(it)));
        findings
    }

    fn to_edn(&self) -> Edn {
        let mut results = self.result.to_edn();
        if let Some(Convergence { violations, .. }) = &self.convergence {
            let converged = Validity::of(violations.is_empty());
            edn::insert(&mut results, "valid?", self.validity().to_edn());
            edn::insert(&mut results, "calm?", converged.to_edn());
        }
        results
    }
}

impl WorkloadResult {
    fn inner(&self) -> &dyn CheckerResult {
        match self {
            WorkloadResult::Echo(result) => result,
            WorkloadResult::Ids(result) => result,
            WorkloadResult::Set(result) => result,
            WorkloadResult::Counter(result) => result,
            WorkloadResult::Registers(result) => result,
            WorkloadResult::Transactions(result) => result,
            WorkloadResult::Logs(result) => result,
            WorkloadResult::Custom(result) => result,
            WorkloadResult::Unjudged(unjudged) => unjudged,
        }
    }
}

impl CheckerResult for WorkloadResult {
    fn validity(&self) -> Validity {
        self.inner().validity()
    }

    fn findings(&self) -> Vec<Finding<'_>> {
        self.inner().findings()
    }

    fn to_edn(&self) -> Edn {
        self.inner().to_edn()
    }
}

macro_rules! into_workload_result {
    ($($variant:ident: $result:ty),*) => {
        $(impl From<$result> for WorkloadResult {
            fn from(result: $result) -> Self {
                WorkloadResult::$variant(result)
            }
        })*
    };
}

into_workload_result!(
    Echo: EchoResult,
    Ids: IdsResult,
    Set: SetResult,
    Counter: CounterResult,
    Registers: RegistersResult,
    Transactions: TransactionsResult,
    Logs: LogsResult,
    Custom: CustomResult,
    Unjudged: Unjudged
);

impl<R: Into<WorkloadResult>> From<Result<R, Unjudged>> for WorkloadResult {
    fn from(result: Result<R, Unjudged>) -> Self {
        result.map_or_else(WorkloadResult::Unjudged, Into::into)
    }
}

impl Unjudged {
    /// An error that leaves the results of other checkers valid.
    pub fn new(error: impl fmt::Display) -> Self {
        Unjudged {
            error: error.to_string(),
            is_void: false,
        }
    }

    /// An error that makes the whole verdict void.
    pub fn void(error: impl fmt::Display) -> Self {
        Unjudged {
            is_void: true,
            ..Unjudged::new(error)
        }
    }
}

impl fmt::Display for Unjudged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)
    }
}

impl std::error::Error for Unjudged {}

impl CheckerResult for Unjudged {
    fn validity(&self) -> Validity {
        Validity::Unknown
    }

    fn findings(&self) -> Vec<Finding<'_>> {
        vec![Finding::Unjudged(&self.error)]
    }

    fn to_edn(&self) -> Edn {
        let valid = self.validity().to_edn();
        edn::map([("error", edn::text(&self.error)), ("valid?", valid)])
    }
}

/// A result, or the reason why there is none.
impl<R: CheckerResult> CheckerResult for Result<R, Unjudged> {
    fn validity(&self) -> Validity {
        self.as_ref().map_or_else(Unjudged::validity, R::validity)
    }

    fn findings(&self) -> Vec<Finding<'_>> {
        self.as_ref().map_or_else(Unjudged::findings, R::findings)
    }

    fn to_edn(&self) -> Edn {
        self.as_ref().map_or_else(Unjudged::to_edn, R::to_edn)
    }
}

impl CheckerResult for CustomResult {
    fn validity(&self) -> Validity {
        self.validity
    }

    fn findings(&self) -> Vec<Finding<'_>> {
        let findings = self.findings.iter();
        findings.map(|it| Finding::Custom(it)).collect()
    }

    fn to_edn(&self) -> Edn {
        let mut map = match edn::from_json(&self.details, Keys::Keywords) {
            Edn::Map(entries) => Edn::Map(entries),
            _ => edn::map([]),
        };
        edn::insert(&mut map, "valid?", self.validity.to_edn());
        map
    }
}

impl NetResult {
    /// Messages between servers per operation, in single precision as in Maelstrom. `None` if no
    /// operation was invoked.
    pub fn messages_per_op(&self) -> Option<f32> {
        self.per_op(self.servers.sent)
    }

    fn per_op(&self, messages: u64) -> Option<f32> {
        (self.invocations > 0).then(|| messages as f32 / self.invocations as f32)
    }
}

impl CheckerResult for NetResult {
    fn validity(&self) -> Validity {
        Validity::Valid
    }

    fn findings(&self) -> Vec<Finding<'_>> {
        Vec::new()
    }

    fn to_edn(&self) -> Edn {
        let class = |count: MessageCount| {
            edn::map([
                ("send-count", edn::integer(count.sent)),
                ("recv-count", edn::integer(count.received)),
                ("msg-count", edn::integer(count.sent)),
            ])
        };
        let all = MessageCount {
            sent: self.clients.sent + self.servers.sent,
            received: self.clients.received + self.servers.received,
        };
        let [all, servers] = [all, self.servers].map(|count| {
            let mut class = class(count);
            if let Some(ratio) = self.per_op(count.sent) {
                edn::insert(&mut class, "msgs-per-op", edn::float32(ratio));
            }
            class
        });
        edn::map([
            ("all", all),
            ("clients", class(self.clients)),
            ("servers", servers),
            ("valid?", Edn::Bool(true)),
        ])
    }
}

#[cfg(test)]
mod tests;
