//! From anomalies to a verdict: which of them the models forbid, and which models they rule out.

use super::models::{Anomaly, Models, RuledOut, impossible, model_of};
use super::result::{Cases, Objects, TransactionsResult, TxnAnomaly};
use crate::Validity;

/// The anomaly type of a history in which no transaction precedes another, as when none took
/// effect: such a history proves nothing. It is in the results under `:anomaly-types`.
pub const EMPTY_GRAPH: Anomaly = "empty-transaction-graph";

/// Anomalies that concern the check and not the history: no model forbids them, and they are always
/// reported.
const CAVEATS: [Anomaly; 2] = [EMPTY_GRAPH, super::cycles::SEARCH_TIMEOUT];

/// All cases of all anomalies, in the order of names.
#[derive(Debug)]
pub(crate) struct Anomalies<C>(Vec<(Anomaly, Vec<C>)>);

/// Resolves the numbers of a case.
pub(crate) trait Resolve<C> {
    /// The number of cases of one anomaly that are kept.
    const MAX_CASES: usize;

    /// The case with the operations, keys and values themselves.
    fn resolve(&self, case: &C) -> TxnAnomaly;
}

/// The anomalies that models forbid, and the models ruled out.
#[derive(Debug)]
pub(crate) struct Judgement<C> {
    /// Forbidden anomalies, and those that concern the check.
    reported: Vec<(Anomaly, Vec<C>)>,
    /// Whether one of them is forbidden.
    is_violated: bool,
    /// The models that any anomaly rules out, forbidden or not.
    ruled_out: RuledOut,
    /// The models that were judged by.
    requested: Models,
}

impl<C> Default for Anomalies<C> {
    fn default() -> Self {
        Anomalies(Vec::new())
    }
}

impl<C> Anomalies<C> {
    /// Adds a case.
    pub(crate) fn add(&mut self, anomaly: Anomaly, case: C) {
        match self.0.binary_search_by_key(&anomaly, |(it, _)| it) {
            Ok(at) => self.0[at].1.push(case),
            Err(at) => self.0.insert(at, (anomaly, vec![case])),
        }
    }

    /// Removes all cases of one anomaly.
    pub(crate) fn remove(&mut self, anomaly: Anomaly) {
        self.0.retain(|(it, _)| *it != anomaly);
    }

    /// Judges the anomalies by consistency models.
    pub(crate) fn judge(self, models: &Models) -> Judgement<C> {
        let forbidden = models.forbidden();
        let ruled_out = RuledOut::by(self.0.iter().map(|(anomaly, _)| *anomaly));
        let mut reported = self.0;
        reported.retain(|(anomaly, _)| forbidden.contains(anomaly) || CAVEATS.contains(anomaly));
        let mut names = reported.iter().map(|(anomaly, _)| *anomaly);
        let is_violated = names.any(|anomaly| forbidden.contains(anomaly));
        // The existence of a cycle is not reported for a model that a case with evidence rules out.
        let shown = reported.iter().map(|(anomaly, _)| *anomaly);
        let ruled_out_by_shown = impossible(shown.filter(|anomaly| model_of(anomaly).is_none()));
        reported.retain(|(anomaly, _)| {
            model_of(anomaly).is_none_or(|model| !ruled_out_by_shown.contains(model))
        });
        Judgement {
            reported,
            is_violated,
            ruled_out,
            requested: models.clone(),
        }
    }
}

impl<C> Judgement<C> {
    /// Elle's answer: invalid if a forbidden anomaly was found, unknown if all anomalies concern
    /// the check.
    pub(crate) fn validity(&self) -> Validity {
        if self.is_violated {
            Validity::Invalid
        } else if self.reported.is_empty() {
            Validity::Valid
        } else {
            Validity::Unknown
        }
    }

    /// The reported anomalies, by name, with their cases.
    pub(crate) fn reported(&self) -> impl Iterator<Item = (Anomaly, &[C])> {
        let reported = self.reported.iter();
        reported.map(|(anomaly, cases)| (*anomaly, cases.as_slice()))
    }

    /// The result, with resolved cases.
    pub(crate) fn result<R: Resolve<C>>(
        self,
        validity: Validity,
        objects: Objects,
        resolver: &R,
    ) -> TransactionsResult {
        let anomalies = self.reported.iter().map(|(name, cases)| Cases {
            name,
            count: cases.len(),
            cases: cases
                .iter()
                .take(R::MAX_CASES)
                .map(|case| resolver.resolve(case))
                .collect(),
        });
        TransactionsResult {
            validity,
            objects,
            anomalies: anomalies.collect(),
            not: self.ruled_out.weakest,
            also_not: self.ruled_out.stronger,
            requested: self.requested,
        }
    }
}
