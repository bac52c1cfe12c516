//! From anomalies to a verdict: which of them matter to the models asked for, and which models are
//! ruled out.

use super::models::{Anomaly, Models, RuledOut, impossible, model_of};
use super::result::{Cases, Objects, TransactionsResult, TxnAnomaly};
use crate::Validity;

/// The anomaly type of a history in which no transaction comes before another, as when none took
/// effect: nothing can be said of it. It stands in the results under `:anomaly-types`.
pub const EMPTY_GRAPH: Anomaly = "empty-transaction-graph";

/// Anomalies that tell of the check and not of the history: no model forbids them, and they are
/// reported all the same.
const CAVEATS: [Anomaly; 2] = [EMPTY_GRAPH, super::cycles::SEARCH_TIMEOUT];

/// All cases of all anomalies that were found, in the order of names.
#[derive(Debug)]
pub(crate) struct Anomalies<C>(Vec<(Anomaly, Vec<C>)>);

/// What the numbers of a case stand for.
pub(crate) trait Resolve<C> {
    /// How many cases of one anomaly are kept.
    const MAX_CASES: usize;

    /// A case with the operations, keys and values themselves.
    fn resolve(&self, case: &C) -> TxnAnomaly;
}

/// What models make of anomalies.
#[derive(Debug)]
pub(crate) struct Judgement<C> {
    /// The anomalies that matter.
    reported: Vec<(Anomaly, Vec<C>)>,
    /// Whether one of them is forbidden.
    is_violated: bool,
    /// By all that was found, whether it matters or not.
    ruled_out: RuledOut,
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

    /// Forgets all cases of one anomaly.
    pub(crate) fn remove(&mut self, anomaly: Anomaly) {
        self.0.retain(|(it, _)| *it != anomaly);
    }

    /// Holds them against what is asked for.
    pub(crate) fn judge(self, models: &Models) -> Judgement<C> {
        let forbidden = models.forbidden();
        let ruled_out = RuledOut::by(self.0.iter().map(|(anomaly, _)| *anomaly));
        let mut reported = self.0;
        reported.retain(|(anomaly, _)| forbidden.contains(anomaly) || CAVEATS.contains(anomaly));
        let mut names = reported.iter().map(|(anomaly, _)| *anomaly);
        let is_violated = names.any(|anomaly| forbidden.contains(anomaly));
        // That a cycle exists need not be said of a model which a case that can be shown rules out.
        let shown = reported.iter().map(|(anomaly, _)| *anomaly);
        let ruled_out_by_shown = impossible(shown.filter(|anomaly| model_of(anomaly).is_none()));
        reported.retain(|(anomaly, _)| {
            model_of(anomaly).is_none_or(|model| !ruled_out_by_shown.contains(model))
        });
        Judgement {
            reported,
            is_violated,
            ruled_out,
        }
    }
}

impl<C> Judgement<C> {
    /// Elle's answer: invalid if something forbidden was found, unknown if all that was found tells
    /// of the check.
    pub(crate) fn validity(&self) -> Validity {
        if self.is_violated {
            Validity::Invalid
        } else if self.reported.is_empty() {
            Validity::Valid
        } else {
            Validity::Unknown
        }
    }

    /// The anomalies that matter, by name, with their cases.
    pub(crate) fn reported(&self) -> impl Iterator<Item = (Anomaly, &[C])> {
        let reported = self.reported.iter();
        reported.map(|(anomaly, cases)| (*anomaly, cases.as_slice()))
    }

    /// The result, with the cases resolved.
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
        }
    }
}
