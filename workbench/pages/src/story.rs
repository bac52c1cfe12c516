//! What went wrong in a run, for a person who knows the challenge and not the bench: one headline, the
//! reason as far as the record shows it, and each kind of anomaly with its count.
//!
//! The checkers' findings are facts about histories, which have processes; here they get the names of
//! nodes, the faults at that time, and the messages that were lost.

mod counters;
mod crash;
mod ids;
mod logs;
mod meanings;
mod registers;
mod scene;
mod sets;
#[cfg(test)]
mod tests;
mod transactions;
mod way;

use std::fmt;

use checkers::{
    Availability, CheckerResult, Counts, EchoResult, Finding, Target, Validity, Verdict,
    WorkloadResult,
};
use history::Kind;
use history::text::shortened;
use serde_json::{Value, json};
use simulator::run::{Record, Settings};

use crate::text;

use meanings::{Meaning, meaning};

pub(crate) use counters::{additions, difference};
pub(crate) use crash::crashes;
pub(crate) use logs::{
    MessageWay, describe as describe_log, explain as explain_log, index as log_index,
    way_of as way_of_log,
};
pub(crate) use registers::{of_key, stale};
pub(crate) use scene::{Scene, list_names};
pub(crate) use sets::{explain as explain_lost, way_of as way_of_lost};
pub(crate) use transactions::simplicity;
pub(crate) use way::{Origin, Way};

/// The name of a node that is unknown, as in a stored history.
pub const UNKNOWN_NODE: &str = "?";

/// What one case of an anomaly is called, and what several are: the name of its kind.
pub(crate) type Words = [&'static str; 2];

pub(crate) const LOST_VALUES: Words = ["lost value", "lost values"];
pub(crate) const DUPLICATE_IDS: Words = ["duplicate id", "duplicate ids"];
pub(crate) const WRONG_ECHOES: Words = ["wrong echo", "wrong echoes"];
pub(crate) const WRONG_READS: Words = ["wrong final read", "wrong final reads"];
pub(crate) const WRONG_KEYS: Words = [
    "key that is not linearizable",
    "keys that are not linearizable",
];
pub(crate) const NEVER_OK: Words = [
    "kind of operation that never succeeds",
    "kinds of operations that never succeed",
];
pub(crate) const UNAVAILABLE: Words = ["operation without success", "operations without success"];
pub(crate) const ENDED_NODES: Words = ["node that ended", "nodes that ended"];

/// What went wrong in a run. Empty if it is valid.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Story {
    /// What went wrong, how often, and the first time: operation, node and time. One or two sentences
    /// without a full stop.
    pub headline: String,
    /// Why, as far as the messages and faults show it; a sentence without a full stop.
    pub reason: Option<String>,
    /// The kinds of anomalies, the worst first.
    pub kinds: Vec<AnomalyKind>,
}

/// A kind of anomaly of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct AnomalyKind {
    /// Its name, such as `lost values` or `G1b`.
    pub name: &'static str,
    /// The number of cases.
    pub count: usize,
    /// What one case is called, and what several are, in words: `lost value`, `lost values`.
    pub words: Words,
    /// What it means, in one sentence. May be empty.
    pub meaning: &'static str,
}

impl AnomalyKind {
    fn new(count: usize, words: Words, meaning: &'static str) -> Self {
        AnomalyKind {
            name: words[1],
            count,
            words,
            meaning,
        }
    }

    /// A kind of a checker's names, such as `G1b`.
    fn named(name: &'static str, count: usize) -> Self {
        let Meaning { words, sentence } = meaning(name);
        AnomalyKind {
            name,
            count,
            words,
            meaning: sentence,
        }
    }
}

/// `1 lost value`, `19 intermediate reads (G1b)`.
impl fmt::Display for AnomalyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, many] = self.words;
        f.write_str(&plural(self.count, one, many))?;
        if self.name == many {
            return Ok(());
        }
        write!(f, " ({})", self.name)
    }
}

impl Story {
    /// The story of a run with this verdict, if it has one.
    pub fn of(settings: &Settings, record: &Record, verdict: Option<&Verdict>) -> Self {
        // A scene needs passes over the whole history.
        let is_valid = verdict.is_some_and(|it| it.validity() == Validity::Valid);
        if is_valid && record.abort_reason.is_none() {
            return Story::default();
        }
        Story::tell(&Scene::new(settings, record), verdict)
    }

    pub(crate) fn tell(scene: &Scene<'_>, verdict: Option<&Verdict>) -> Self {
        // In a storm an aborted run has a verdict, too.
        if verdict.is_none() || scene.record.abort_reason.is_some() {
            return crash::tell(scene).unwrap_or_else(|| aborted(scene));
        }
        let Some(verdict) = verdict.filter(|it| it.validity() != Validity::Valid) else {
            return Story::default();
        };
        if scene.record.interrupted_at.is_some() && verdict.validity() == Validity::Unknown {
            // What was found may have healed; the checkers' sentences say so.
            let first = verdict.sentences().into_iter().next();
            return Story {
                headline: first.map_or_else(String::new, |it| scene.with_nodes(&it)),
                ..Story::default()
            };
        }
        let mut parts = parts(scene, verdict);
        // A stable sort: of equally bad ones the workload's comes first.
        parts.sort_by_key(|(validity, _)| std::cmp::Reverse(*validity));
        let kinds = parts.iter().flat_map(|(_, story)| story.kinds.clone());
        let kinds = kinds.collect();
        match parts.into_iter().next() {
            Some((_, first)) => Story { kinds, ..first },
            None => Story::default(),
        }
    }

    /// The story as an object; `null` for a valid run.
    pub fn to_json(&self) -> Value {
        if self.headline.is_empty() {
            return Value::Null;
        }
        let kinds = self.kinds.iter();
        let kinds =
            kinds.map(|it| json!({"name": it.name, "count": it.count, "meaning": it.meaning}));
        json!({
            "headline": self.headline,
            "reason": self.reason,
            "kinds": kinds.collect::<Vec<_>>(),
        })
    }

    /// The kind of the worst anomaly, to group runs by: `lost values`, `intermediate reads (G1b)`.
    /// Without a kind it is the first line of the headline, with `#` for each number.
    pub fn kind(&self) -> String {
        const MAX: usize = 100;
        if let Some(AnomalyKind { name, words, .. }) = self.kinds.first() {
            let [_, many] = words;
            return match name == many {
                true => (*many).to_owned(),
                false => format!("{many} ({name})"),
            };
        }
        let line = self.headline.lines().next().unwrap_or_default();
        let is_digit = |it: char| it.is_ascii_digit();
        let mut chars: Vec<char> = line.replace(is_digit, "#").chars().collect();
        chars.dedup_by(|one, next| *one == '#' && one == next);
        shortened(&String::from_iter(chars), MAX)
    }

    /// The story as lines for a terminal: the headline, the reason, and the kinds with their counts.
    pub fn lines(&self) -> Vec<String> {
        if self.headline.is_empty() {
            return Vec::new();
        }
        let mut lines = vec![self.headline.clone()];
        lines.extend(self.reason.iter().map(|reason| format!("  why: {reason}")));
        let kinds = self.kinds.iter().filter(|it| !it.meaning.is_empty());
        lines.extend(kinds.map(|it| format!("  {it}: {}", it.meaning)));
        lines
    }
}

/// The story of a run that was aborted for another reason than the end of a node.
fn aborted(scene: &Scene<'_>) -> Story {
    let reason = scene.record.abort_reason.clone();
    Story {
        headline: reason.unwrap_or_else(|| "the reason is unknown".to_owned()),
        ..Story::default()
    }
}

/// The stories of all results that are not valid, each with its validity.
fn parts(scene: &Scene<'_>, verdict: &Verdict) -> Vec<(Validity, Story)> {
    let mut parts = Vec::new();
    let mut add = |validity, story| {
        if validity != Validity::Valid {
            parts.push((validity, story));
        }
    };
    let result = &verdict.workload.result;
    let convergence = verdict.workload.convergence.as_ref();
    if !convergence.is_some_and(|it| it.is_vacuous) {
        let answer = verdict.answer("workload").min(result.validity());
        add(answer, workload(scene, result));
    }
    if let Some(stats) = &verdict.stats {
        add(verdict.answer("stats"), never_ok(scene, &stats.findings()));
    }
    let availability = unavailable(scene, &verdict.availability);
    add(verdict.answer("availability"), availability);
    if let Some(convergence) = convergence {
        let count = convergence.violations.len();
        let meaning =
            "After the last fault every node must answer, and all must have the same state.";
        let kind = AnomalyKind::new(
            count,
            ["violation of convergence", "violations of convergence"],
            meaning,
        );
        let story = in_sentences(scene, kind, convergence.violations.iter());
        add(Validity::of(count == 0), story);
    }
    let errors = &verdict.protocol_errors;
    let kind = AnomalyKind::new(errors.len(), ["protocol error", "protocol errors"], "");
    let story = in_sentences(scene, kind, errors.iter());
    add(Validity::of(errors.is_empty()), story);
    parts
}

fn workload(scene: &Scene<'_>, result: &WorkloadResult) -> Story {
    let specific = match result {
        WorkloadResult::Echo(result) => echo(scene, result),
        WorkloadResult::Ids(result) => ids::tell(scene, result),
        WorkloadResult::Set(result) => sets::tell(scene, result),
        WorkloadResult::Counter(result) => counters::tell(scene, result),
        WorkloadResult::Registers(result) => registers::tell(scene, result),
        WorkloadResult::Transactions(result) => transactions::tell(scene, result),
        WorkloadResult::Logs(result) => logs::tell(scene, result),
        WorkloadResult::Custom(_) | WorkloadResult::Unjudged(_) => None,
    };
    specific.unwrap_or_else(|| {
        let first = result.sentences().into_iter().next();
        let headline = first.map_or_else(String::new, |it| scene.with_nodes(&it));
        Story {
            headline,
            ..Story::default()
        }
    })
}

/// A story whose headline is the first sentence, and how many more there are.
fn in_sentences<'a>(
    scene: &Scene<'_>,
    kind: AnomalyKind,
    mut sentences: impl Iterator<Item = &'a String>,
) -> Story {
    let first = sentences.next().map(|it| scene.with_nodes(it));
    let more = match kind.count {
        0 | 1 => String::new(),
        count => format!(" ({} more)", count - 1),
    };
    Story {
        headline: first.unwrap_or_default() + &more,
        reason: None,
        kinds: vec![kind],
    }
}

fn echo(scene: &Scene<'_>, result: &EchoResult) -> Option<Story> {
    let first = result.mismatches.first()?;
    let count = result.mismatches.len();
    let replies = scene.reply_count("echo");
    let (node, at) = (scene.node(first.sent.process), first.received.seconds());
    let received = match first.received.kind {
        // The value of the reply is its whole body.
        Kind::Ok => {
            let body = first.received.value.parse::<Value>();
            let echo = body
                .ok()
                .and_then(|body| Some(body.get("echo")?.to_string()));
            let received = echo.unwrap_or_else(|| first.received.value.to_string());
            format!("received {}", scene.short(&received))
        }
        _ => scene.outcome(&first.received),
    };
    let sent = scene.short(&first.sent.value.plain());
    let headline = format!(
        "{} of {} {} not echo the request; the first, {}, at {at:.3} s (op {}): sent {sent}, {received}{}",
        grouped(count),
        plural(replies, "reply", "replies"),
        if count == 1 { "does" } else { "do" },
        match node {
            Some(node) => format!("of {node} to process {}", first.sent.process),
            None => format!("to process {}", first.sent.process),
        },
        first.received.index,
        scene.meanwhile(node, at),
    );
    let meaning = "A reply must contain exactly the text of its request.";
    Some(Story {
        headline,
        reason: None,
        kinds: vec![AnomalyKind::new(count, WRONG_ECHOES, meaning)],
    })
}

/// Functions of which no operation succeeded.
fn never_ok(scene: &Scene<'_>, findings: &[Finding<'_>]) -> Story {
    let never = findings.iter().filter_map(|finding| match finding {
        Finding::NeverOk(name, counts) => Some((*name, *counts)),
        _ => None,
    });
    let never: Vec<(&str, Counts)> = never.collect();
    let Some((name, counts)) = never.first() else {
        return Story::default();
    };
    let count = counts.fail + counts.info;
    let first = scene.first_failure(Some(name));
    let headline = format!("no {name} succeeded, of {}{first}", grouped(count));
    let meaning = "At least one operation of each kind must succeed.";
    let others = never[1..].iter().map(|(name, _)| *name).collect::<Vec<_>>();
    let others = match others.is_empty() {
        true => String::new(),
        false => format!("; no {} succeeded either", others.join(", no ")),
    };
    Story {
        headline: headline + &others,
        reason: scene.first_exception(),
        kinds: vec![AnomalyKind::new(never.len(), NEVER_OK, meaning)],
    }
}

fn unavailable(scene: &Scene<'_>, availability: &Availability) -> Story {
    let (ok, all) = (availability.ok, availability.invoked);
    let missing = all.saturating_sub(ok);
    let first = scene.first_failure(None);
    let required = match availability.target {
        Some(Target::AtLeast(min)) => format!("at least {} %", text::rounded(min * 100.0)),
        _ => "all".to_owned(),
    };
    Story {
        headline: format!(
            "{} of {} did not succeed, and {required} must{first}",
            grouped(missing),
            plural(all, "operation", "operations"),
        ),
        reason: None,
        kinds: vec![AnomalyKind::new(
            missing,
            UNAVAILABLE,
            "The required fraction of operations must succeed, whatever faults there are.",
        )],
    }
}

/// `1,012`.
pub(crate) fn grouped(number: usize) -> String {
    text::grouped(number as u64)
}

/// `1 reply`, `1,012 replies`.
pub(crate) fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}
