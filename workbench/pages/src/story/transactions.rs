//! Anomalies of transactions: which model was required, and what is still possible.

use checkers::{Cases, OpCycle, TransactionsResult, TxnAnomaly, Validity};

use super::meanings::meaning;
use super::{AnomalyKind, Scene, Story, grouped, plural};

/// How many transactions of a cycle a sentence names; one more closes the cycle.
const MAX_CYCLE: usize = 3;

/// How many kinds of anomalies a headline counts.
const MAX_KINDS: usize = 4;

/// How many models a sentence names.
const MAX_MODELS: usize = 4;

pub(super) fn tell(scene: &Scene<'_>, result: &TransactionsResult) -> Option<Story> {
    // What could not be searched is no anomaly, unless it is all there is.
    let is_caveat = |it: &&Cases<TxnAnomaly>| {
        let first = it.cases.first();
        matches!(
            first,
            Some(TxnAnomaly::SearchTimeout(_) | TxnAnomaly::NothingOrdered)
        )
    };
    let is_invalid = result.validity == Validity::Invalid;
    let found = result
        .anomalies
        .iter()
        .filter(|it| !(is_invalid && is_caveat(it)));
    let mut anomalies: Vec<&Cases<TxnAnomaly>> = found.collect();
    anomalies.sort_by_key(|it| it.cases.iter().map(simplicity).min());
    let example = anomalies.first()?;
    let first = example.cases.iter().min_by_key(|it| simplicity(it))?;
    let count: usize = anomalies.iter().map(|it| it.count).sum();
    let mut by_count = anomalies.clone();
    by_count.sort_by_key(|it| std::cmp::Reverse(it.count));
    let shown = by_count.iter().take(MAX_KINDS);
    let shown = shown.map(|it| format!("{} × {}", grouped(it.count), it.name));
    let more = match by_count.len().saturating_sub(MAX_KINDS) {
        0 => String::new(),
        more => format!(" and {}", plural(more, "other kind", "other kinds")),
    };
    let by_kind = shown.collect::<Vec<_>>().join(", ") + &more;
    let found = match (result.validity, &anomalies[..]) {
        (Validity::Invalid, [one]) if one.count == 1 => {
            format!(
                "1 anomaly, {}, that {} forbids",
                one.name,
                requested(result)
            )
        }
        (Validity::Invalid, _) => {
            let requested = requested(result);
            format!(
                "{} anomalies that {requested} forbids: {by_kind}",
                grouped(count)
            )
        }
        _ => by_kind,
    };
    let sentence = match first {
        TxnAnomaly::Cycle(cycle) if cycle.ops.len() > MAX_CYCLE => long_cycle(scene, cycle),
        case => scene.with_nodes(&result.describe(case)),
    };
    // The operation with which the sentence begins.
    let begin = match first {
        TxnAnomaly::DirtyRead { op, .. } => Some(op),
        case => case.ops().into_iter().next(),
    };
    let begin = begin.map_or_else(String::new, |op| {
        let meanwhile = scene.meanwhile(scene.node(op.process), op.seconds());
        format!(", at {:.3} s{meanwhile}", op.seconds())
    });
    let name = meaning(example.name).words[0];
    let kinds = anomalies.iter();
    let kinds = kinds.map(|it| AnomalyKind::named(it.name, it.count));
    Some(Story {
        headline: format!("{found}; the simplest, {name}{begin}: {sentence}"),
        reason: (result.validity == Validity::Invalid).then(|| models(result)),
        kinds: kinds.collect(),
    })
}

/// The order in which cases are shown: first those that show their transactions, of these the one with
/// the fewest, and of these the earliest.
pub(crate) fn simplicity(case: &TxnAnomaly) -> (usize, Option<usize>) {
    let ops = case.ops();
    let length = if ops.is_empty() {
        usize::MAX
    } else {
        ops.len()
    };
    (length, ops.first().map(|op| op.index))
}

/// A cycle that is too long for a headline.
fn long_cycle(scene: &Scene<'_>, cycle: &OpCycle) -> String {
    let ops = &cycle.ops[..cycle.ops.len() - 1];
    let shown = ops.iter().take(MAX_CYCLE);
    let shown = shown.map(|op| format!("{} (op {})", scene.who(op.process), op.index));
    let shown = shown.collect::<Vec<_>>().join(", ");
    let more = if ops.len() > MAX_CYCLE { ", …" } else { "" };
    format!(
        "{} transactions, each before the next and the last before the first: {shown}{more}",
        ops.len()
    )
}

/// The models that the anomalies rule out, and the strongest ones that are left.
fn models(result: &TransactionsResult) -> String {
    let names = |models: Vec<&str>| {
        let more = models.len().saturating_sub(MAX_MODELS);
        let shown = models[..models.len() - more].join(", ");
        match more {
            0 => shown,
            _ => format!("{shown} and {}", plural(more, "other", "others")),
        }
    };
    let not: Vec<&str> = result.not.iter().copied().collect();
    let possible = match result.possible() {
        possible if possible.is_empty() => "no model is left".to_owned(),
        possible => format!("the strongest that is still possible: {}", names(possible)),
    };
    let stronger = match result.also_not.len() {
        0 => String::new(),
        count => format!(
            " and {}",
            plural(count, "stronger model", "stronger models")
        ),
    };
    let ruled_out = if not.len() + result.also_not.len() == 1 {
        "is"
    } else {
        "are"
    };
    format!("{}{stronger} {ruled_out} ruled out; {possible}", names(not))
}

/// The requested models, with the name that flags have for the strongest one.
fn requested(result: &TransactionsResult) -> String {
    let names = result.requested.to_string();
    names.replace("strong-serializable", "strict-serializable")
}
