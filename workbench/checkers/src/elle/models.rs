//! Consistency models, and the anomalies that they forbid.
//!
//! Models form a hierarchy, and so do anomalies. A model forbids its own anomalies, those of all
//! models that it implies, and their special cases. In return, an anomaly rules out every model
//! that forbids it or a more general one, and all stronger models.

mod table;

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::str::FromStr;

use table::{ANOMALIES, MODELS, Model, UNCHECKED_MODELS};

use history::text::unknown_name;

/// The name of an anomaly, such as `G-single-item`.
pub(crate) type Anomaly = &'static str;

/// One or more consistency models, all of which a history must satisfy.
///
/// Parsed from a list of names separated by commas, such as `snapshot-isolation, strong-PL-2`;
/// spaces around a comma are ignored. The default is `strict-serializable`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Models(BTreeSet<&'static str>);

/// An unknown name of a consistency model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownModel(String);

/// The order between operations that a model requires in addition to data dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeOrder {
    /// None.
    None,
    /// The order of each process.
    Process,
    /// The order of real time.
    Realtime,
}

/// The models that anomalies rule out, by their printed names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct RuledOut {
    /// The weakest: those that imply no other model that is ruled out.
    pub(crate) weakest: BTreeSet<&'static str>,
    /// All others.
    pub(crate) stronger: BTreeSet<&'static str>,
}

impl Default for Models {
    fn default() -> Self {
        Models(BTreeSet::from(["PL-SS"]))
    }
}

impl FromStr for Models {
    type Err = UnknownModel;

    fn from_str(text: &str) -> Result<Self, UnknownModel> {
        let names = text.split(',').map(str::trim);
        names.map(canonical).collect::<Result<_, _>>().map(Models)
    }
}

impl fmt::Display for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|name| friendly(name)).collect();
        f.write_str(&names.join(", "))
    }
}

impl fmt::Display for UnknownModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Models::names().into_iter().collect();
        f.write_str(&unknown_name("consistency model", &self.0, &names))
    }
}

impl Error for UnknownModel {}

impl Models {
    /// All names that can be parsed, in order.
    pub fn names() -> BTreeSet<&'static str> {
        let names = MODELS.iter().flat_map(Model::names);
        names.chain(UNCHECKED_MODELS.iter().copied()).collect()
    }

    /// All forbidden anomalies.
    pub(crate) fn forbidden(&self) -> BTreeSet<Anomaly> {
        let models = closure(self.0.iter().copied(), implied_models);
        let directly = models.into_iter().filter_map(find);
        closure(
            directly.flat_map(|model| model.forbids.iter().copied()),
            cases_of,
        )
    }

    /// The order between operations that is needed to judge.
    pub(crate) fn time_order(&self) -> TimeOrder {
        let forbidden = self.forbidden();
        let forbids = |suffix| forbidden.iter().any(|anomaly| anomaly.ends_with(suffix));
        if forbids("-realtime") {
            TimeOrder::Realtime
        } else if forbids("-process") {
            TimeOrder::Process
        } else {
            TimeOrder::None
        }
    }
}

impl Model {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        let names = [self.name, self.friendly].into_iter();
        names.chain(self.others.iter().copied())
    }
}

/// The printed name of a model.
pub(crate) fn friendly(model: &'static str) -> &'static str {
    find(model).map_or(model, |model| model.friendly)
}

/// The anomaly that a cycle exists which the model forbids, if the model has one.
pub(crate) fn cycle_exists(model: &'static str) -> Option<Anomaly> {
    let mut forbidden = find(model)?.forbids.iter().copied();
    forbidden.find(|anomaly| model_of(anomaly) == Some(model))
}

/// The model of an anomaly `<model>-cycle-exists`.
pub(crate) fn model_of(anomaly: Anomaly) -> Option<&'static str> {
    anomaly.strip_suffix("-cycle-exists")
}

/// The strongest models that are not among these, all by their printed names: none of them implies
/// another.
pub(crate) fn strongest_except(ruled_out: &BTreeSet<&'static str>) -> Vec<&'static str> {
    let left = || {
        let models = MODELS.iter();
        models.filter(|model| !ruled_out.contains(model.friendly))
    };
    let implied = |name| {
        let mut stronger = left().filter(|other| other.name != name);
        stronger.any(|other| closure([other.name], implied_models).contains(name))
    };
    let strongest = left().filter(|model| !implied(model.name));
    strongest.map(|model| model.friendly).collect()
}

/// A model and all stronger ones, by their names in the tables.
pub(crate) fn and_stronger(model: &'static str) -> BTreeSet<&'static str> {
    closure([model], |model| {
        let stronger = MODELS.iter().filter(move |it| it.implies.contains(&model));
        stronger.map(|model| model.name)
    })
}

/// An anomaly and all that it is a special case of.
pub(crate) fn implied_anomalies(anomaly: Anomaly) -> BTreeSet<Anomaly> {
    closure([anomaly], |anomaly| {
        let found = ANOMALIES.iter().find(|(name, _)| *name == anomaly);
        found
            .into_iter()
            .flat_map(|(_, implied)| implied.iter().copied())
    })
}

/// All models that these anomalies rule out, by their names in the tables.
pub(crate) fn impossible(found: impl IntoIterator<Item = Anomaly>) -> BTreeSet<&'static str> {
    let implied: BTreeSet<_> = found.into_iter().flat_map(implied_anomalies).collect();
    let is_violated = |model: &&Model| model.forbids.iter().any(|it| implied.contains(it));
    let violated = MODELS.iter().filter(is_violated);
    violated
        .flat_map(|model| and_stronger(model.name))
        .collect()
}

impl RuledOut {
    /// The models that these anomalies rule out.
    pub(crate) fn by(found: impl IntoIterator<Item = Anomaly>) -> Self {
        let impossible = impossible(found);
        let has_weaker = |model: &&'static str| {
            let mut weaker = closure([*model], implied_models);
            weaker.remove(model);
            !weaker.is_disjoint(&impossible)
        };
        let (stronger, weakest) = impossible.iter().copied().partition(has_weaker);
        let named = |models: BTreeSet<_>| models.into_iter().map(friendly).collect();
        RuledOut {
            weakest: named(weakest),
            stronger: named(stronger),
        }
    }
}

fn find(name: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.name == name)
}

fn canonical(name: &str) -> Result<&'static str, UnknownModel> {
    let named = |model: &&Model| model.names().any(|it| it == name);
    let unchecked = || UNCHECKED_MODELS.iter().copied().find(|it| *it == name);
    let model = MODELS.iter().find(named).map(|model| model.name);
    model
        .or_else(unchecked)
        .ok_or_else(|| UnknownModel(name.to_owned()))
}

fn implied_models(model: &'static str) -> impl Iterator<Item = &'static str> {
    let model = find(model).into_iter();
    model.flat_map(|model| model.implies.iter().copied())
}

fn cases_of(anomaly: Anomaly) -> impl Iterator<Item = Anomaly> {
    let cases = ANOMALIES
        .iter()
        .filter(move |(_, implied)| implied.contains(&anomaly));
    cases.map(|(name, _)| *name)
}

/// Names, and all that can be reached from them.
fn closure<I: Iterator<Item = &'static str>>(
    names: impl IntoIterator<Item = &'static str>,
    next: impl Fn(&'static str) -> I,
) -> BTreeSet<&'static str> {
    let mut open: Vec<_> = names.into_iter().collect();
    let mut reached = BTreeSet::new();
    while let Some(name) = open.pop() {
        if reached.insert(name) {
            open.extend(next(name));
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Models, RuledOut, TimeOrder, strongest_except};

    fn models(text: &str) -> Models {
        text.parse().unwrap()
    }

    #[test]
    fn an_anomaly_rules_out_models_that_forbid_it_and_all_stronger_ones() {
        let check = |anomaly, weakest: &[&str], stronger: usize| {
            let ruled_out = RuledOut::by([anomaly]);
            let found: Vec<_> = ruled_out.weakest.into_iter().collect();
            assert_eq!(found, weakest, "{anomaly}");
            assert_eq!(ruled_out.stronger.len(), stronger, "{anomaly}");
        };
        for anomaly in ["G0", "duplicate-elements", "cyclic-versions"] {
            check(anomaly, &["read-uncommitted"], 24);
        }
        for anomaly in ["G1a", "G1b", "G1c", "dirty-update", "incompatible-order"] {
            check(anomaly, &["read-committed"], 21);
        }
        check("future-read", &["read-committed"], 21);
        check("internal", &["read-atomic"], 10);
        check("lost-update", &["cursor-stability", "update-atomic"], 11);
        let single = ["consistent-view", "repeatable-read"];
        check("G-single-item", &single, 8);
        let nonadjacent = ["repeatable-read", "snapshot-isolation"];
        check("G-nonadjacent-item", &nonadjacent, 5);
        check("G2-item", &["repeatable-read"], 3);
        check("G0-realtime", &["strong-read-uncommitted"], 3);
        check("G1c-realtime", &["strong-read-committed"], 2);
        check("G-single-item-realtime", &["strong-snapshot-isolation"], 1);
        check("G2-item-realtime", &["strong-serializable"], 0);
        check("empty-transaction-graph", &[], 0);
    }

    #[test]
    fn forbidden_anomalies_are_those_of_the_table() {
        let lines = include_str!("models/forbidden.txt").lines().skip(1);
        let mut rows = 0;
        for line in lines {
            let cells: Vec<_> = line.split(" | ").collect();
            let [model, order, others, cycles, exist] = cells[..] else {
                panic!("not a row: {line}")
            };
            let models = models(model);
            let forbidden = models.forbidden();
            let expected_order = match order {
                "none" => TimeOrder::None,
                "process" => TimeOrder::Process,
                _ => TimeOrder::Realtime,
            };
            assert_eq!(models.time_order(), expected_order, "{model}");
            // Anomalies that cannot occur are not in the table.
            let found: BTreeSet<String> = forbidden
                .iter()
                .filter(|it| can_occur(it))
                .map(ToString::to_string)
                .collect();
            assert_eq!(found, expected(others, cycles, exist), "{model}");
            rows += 1;
        }
        assert_eq!(rows, 25);
    }

    fn can_occur(anomaly: &str) -> bool {
        const NEVER: &str = "G1 G1-process G1-realtime G-SI G-SIb G-MSR G-monotonic G-update \
                             G-cursor predicate-read-miss GSIa GSIb GSI write-skew";
        !NEVER.split(' ').any(|it| it == anomaly)
    }

    /// `plain: G0, G1c; process: G0` are the anomalies G0, G1c and G0-process.
    fn expected(others: &str, cycles: &str, exist: &str) -> BTreeSet<String> {
        let mut expected: BTreeSet<_> = others.split(", ").map(ToOwned::to_owned).collect();
        expected.extend(exist.split(", ").map(|it| format!("{it}-cycle-exists")));
        for family in cycles.split("; ") {
            let (order, names) = family.split_once(": ").unwrap();
            let suffix = match order {
                "plain" => String::new(),
                order => format!("-{order}"),
            };
            expected.extend(names.split(", ").map(|name| format!("{name}{suffix}")));
        }
        expected
    }

    #[test]
    fn the_strongest_models_left_are_those_that_no_other_implies() {
        let check = |anomaly, expected: &[&str]| {
            let ruled_out = RuledOut::by([anomaly]);
            let mut all = ruled_out.weakest;
            all.extend(ruled_out.stronger);
            assert_eq!(strongest_except(&all), expected, "{anomaly}");
        };
        assert_eq!(strongest_except(&BTreeSet::new()), ["strong-serializable"]);
        let two = ["strong-session-serializable", "strong-snapshot-isolation"];
        check("G2-item-realtime", &two);
        check("G1a", &["strong-read-uncommitted"]);
        check("G0", &[]);
    }

    #[test]
    fn names_are_parsed_with_or_without_spaces() {
        let two = models("snapshot-isolation,PL-CS");
        assert_eq!(models(" PL-SI ,  cursor-stability"), two);
        assert_eq!(two.to_string(), "cursor-stability, snapshot-isolation");
        assert_eq!(Models::default(), models("strict-serializable"));
        assert_eq!(Models::default().to_string(), "strong-serializable");
        assert_eq!(models("conflict-serializable").to_string(), "serializable");
    }

    #[test]
    fn several_models_forbid_the_anomalies_of_each() {
        let both = models("read-atomic, strong-PL-1");
        assert_eq!(both.time_order(), TimeOrder::Realtime);
        assert!(both.forbidden().contains("internal"));
        assert!(both.forbidden().contains("G0-realtime"));
    }

    #[test]
    fn fifty_four_names_are_accepted_and_any_other_is_an_error() {
        let names = Models::names();
        assert_eq!(names.len(), 54);
        for name in names {
            assert!(name.parse::<Models>().is_ok(), "{name}");
        }
        for text in ["", "PL-1,", "PL-1,nonsense", "pl-1", "PL-1 PL-2"] {
            let error = text.parse::<Models>().unwrap_err().to_string();
            let requested = text.split(',').next_back().unwrap();
            let complaint = format!("there is no consistency model {requested:?}");
            assert!(error.starts_with(&complaint), "{error}");
            assert!(error.contains(" there are 1SR, "), "{error}");
            assert!(error.ends_with("update-serializable, view-serializable, writes-follow-reads"));
        }
    }

    #[test]
    fn a_model_that_forbids_nothing_requires_no_order() {
        let unchecked = models("causal, sequential");
        assert!(unchecked.forbidden().is_empty());
        assert_eq!(unchecked.time_order(), TimeOrder::None);
    }
}
