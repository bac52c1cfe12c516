//! The verdict on a run: the results of all checkers, each with its own type, and the worst of their
//! answers. Result maps with Maelstrom's keys are made of it where files are written, and only there.

use std::cmp::Reverse;
use std::fmt;

use serde_json::Value;

use crate::finding::Finding;
use crate::{
    Availability, CounterResult, EchoResult, Exceptions, IdsResult, LogsResult, RegistersResult,
    SetResult, Stats, Target, TransactionsResult, Validity, availability, exceptions, stats,
};
use history::History;
use history::edn::{self, Edn, Keys};

/// What every checker's result can say of itself.
pub trait CheckerResult {
    /// The answer.
    fn validity(&self) -> Validity;

    /// What is wrong, or could not be judged: the first ten or so of each kind.
    fn findings(&self) -> Vec<Finding<'_>>;

    /// The result map with Maelstrom's keys, `:valid?` among them.
    fn to_edn(&self) -> Edn;

    /// The findings as sentences.
    fn sentences(&self) -> Vec<String> {
        self.findings().iter().map(ToString::to_string).collect()
    }
}

/// Why a checker could not judge a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unjudged {
    /// The reason, for a person.
    pub error: String,
    /// Whether the verdicts of other checkers do not count, either: the history contradicts itself
    /// where Elle asserts that it does not, which in Maelstrom ends the whole analysis.
    pub is_void: bool,
}

/// The number of messages that crossed the network.
#[derive(Debug, Clone, PartialEq)]
pub struct NetResult {
    /// Messages from and to clients.
    pub clients: MessageCount,
    /// All others: among nodes, and between nodes and services.
    pub servers: MessageCount,
    /// The operations that clients invoked.
    pub invocations: usize,
}

/// The messages of one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MessageCount {
    /// Sent, lost ones included.
    pub sent: u64,
    /// Delivered.
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

/// The result of a checker that is not of this crate.
#[derive(Debug, Clone)]
pub struct CustomResult {
    /// The answer.
    pub validity: Validity,
    /// What is wrong, a sentence each.
    pub findings: Vec<String>,
    /// What else belongs into the result map: an object.
    pub details: Value,
}

/// The result of a workload's checker, and whether the cluster converged after a storm.
#[derive(Debug, Clone)]
pub struct WorkloadVerdict {
    /// The checker's result.
    pub result: WorkloadResult,
    /// How the storm ended; nothing for a run that demands no convergence.
    pub convergence: Option<Convergence>,
}

/// What was demanded once all faults of a storm were over.
#[derive(Debug, Clone, Default)]
pub struct Convergence {
    /// Whether so little succeeded in the storm that the checker's result proves nothing. It counts
    /// as valid, then.
    pub is_vacuous: bool,
    /// What did not recover or did not converge, a sentence each.
    pub violations: Vec<String>,
}

/// The verdict on a run.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Replies that clients could not make sense of.
    pub exceptions: Exceptions,
    /// How operations completed; nothing in a storm, which may be too short for one of each kind to
    /// succeed.
    pub stats: Option<Stats>,
    /// Which part of them was `ok`.
    pub availability: Availability,
    /// The messages; unknown if all there is of a run is its history.
    pub net: Option<NetResult>,
    /// What the workload's checker found.
    pub workload: WorkloadVerdict,
    /// What nodes did wrong that no history shows, a sentence each, where that counts.
    pub protocol_errors: Vec<String>,
}

impl Verdict {
    /// Judges a history as Maelstrom does: by what applies to any history, and by the result of its
    /// workload's checker.
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
        }
    }

    /// The reason why nothing can be said of the run at all; see [`Unjudged::is_void`].
    fn void(&self) -> Option<&Unjudged> {
        match &self.workload.result {
            WorkloadResult::Unjudged(unjudged) if unjudged.is_void => Some(unjudged),
            _ => None,
        }
    }

    /// The results by their names, in Maelstrom's order.
    fn parts(&self) -> impl Iterator<Item = (&'static str, &dyn CheckerResult)> {
        let parts: [(_, Option<&dyn CheckerResult>); 5] = [
            ("exceptions", Some(&self.exceptions)),
            ("stats", self.stats.as_ref().map(|it| it as _)),
            ("availability", Some(&self.availability)),
            ("net", self.net.as_ref().map(|it| it as _)),
            ("workload", Some(&self.workload)),
        ];
        parts
            .into_iter()
            .filter_map(|(name, part)| Some((name, part?)))
    }
}

impl CheckerResult for Verdict {
    /// The worst of all answers; unknown if one of them is void.
    fn validity(&self) -> Validity {
        if self.void().is_some() {
            return Validity::Unknown;
        }
        let own = Validity::of(self.protocol_errors.is_empty());
        let parts = self.parts().map(|(_, part)| part.validity());
        parts.fold(own, Validity::max)
    }

    /// Those of the worst results first.
    fn findings(&self) -> Vec<Finding<'_>> {
        let is_void = self.void().is_some();
        let mut parts: Vec<_> = self.parts().collect();
        parts
            .sort_by_key(|(name, part)| Reverse((is_void && *name == "workload", part.validity())));
        let errors = self.protocol_errors.iter();
        let errors = errors.map(|it| Finding::ProtocolError(it));
        let findings = parts.iter().flat_map(|(_, part)| part.findings());
        findings.chain(errors).collect()
    }

    /// All results under their names. Entries `perf` and `timeline` stand there, too, as in
    /// Maelstrom, where they say whether a picture could be drawn; here they are always valid.
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
    /// Other checkers may still judge the history.
    pub fn new(error: impl fmt::Display) -> Self {
        Unjudged {
            error: error.to_string(),
            is_void: false,
        }
    }

    /// The verdicts of other checkers do not count, either.
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

/// A result, or why there is none.
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
    /// Messages among servers for each operation, in single precision as in Maelstrom; nothing if
    /// no operation was invoked.
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
