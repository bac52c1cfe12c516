//! The outcome of a run: its verdict, what was measured, and what a person should read of it. It is
//! made of the run's record and verdict, which are long and are not kept.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::budget::Measurements;
use crate::report::{Case, CaseResult, Failure, cut, failed_requests};
use crate::story::{Scene, Story};
use crate::text::{counted, grouped, interrupted};
use checkers::{CheckerResult, Validity, Verdict};
use history::edn;
use history::{History, Kind, Op};
use simulator::incident::Incident;
use simulator::run::{Record, Settings};

/// How many problems of each kind a terminal shows, unless all are asked for.
pub const SHOWN: usize = 5;

/// How many problems of each kind a report has in full.
const REPORTED: usize = 100;

/// The outcome of a run.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The command that repeats it.
    pub command: String,
    /// Its seed; nothing if the run was not one of this bench.
    pub seed: Option<u64>,
    /// Where the nodes were: `live`, `simulated`, `maelstrom`, or `kept` for a saved history.
    pub stage: &'static str,
    /// The folder with its files.
    pub folder: Option<PathBuf>,
    /// How long it took.
    pub took: Duration,
    /// The verdict; nothing if the run was aborted.
    pub validity: Option<Validity>,
    /// What was measured.
    pub measured: Measurements,
    /// The result map, as JSON.
    pub results: Value,
    /// What went wrong, for a person.
    pub story: Story,
    /// What the checkers found, a sentence each.
    pub findings: Vec<String>,
    /// What nodes did wrong.
    pub incidents: Vec<Incident>,
    /// Why the run was aborted.
    pub abort: Option<String>,
    /// When the user interrupted it, since time zero: what was done until then is judged.
    pub interrupted: Option<Duration>,
    /// Why another simulation of the same seed may go another way, a sentence each.
    pub caveats: Vec<String>,
    /// Why not all of its files could be written.
    pub unkept: Option<String>,
    /// What to know before trusting what was measured, a sentence each.
    pub warnings: Vec<String>,
    /// Requests that failed, a sentence for each node and kind of failure, if the run is not valid or
    /// many did.
    pub failed_requests: Vec<String>,
    /// How many operations were invoked within the time limit.
    pub invoked_in_time: usize,
    /// Of the messages between servers, before the time limit, the share that only acknowledged.
    pub acknowledging_share: Option<f64>,
    /// The number of operations and messages, in a sentence.
    pub counts: String,
}

impl Outcome {
    /// The outcome of a run with this record; the caller adds how it was run.
    pub fn of(settings: &Settings, record: &Record, verdict: Option<&Verdict>) -> Self {
        let validity = verdict.map(CheckerResult::validity);
        let is_valid = validity == Some(Validity::Valid);
        let node_of = |process| settings.node_of(process);
        let scene = Scene::new(settings, record);
        Outcome {
            validity,
            measured: verdict.map(Measurements::of).unwrap_or_default(),
            results: verdict.map_or(Value::Null, |it| edn::to_json(&it.to_edn())),
            story: Story::tell(&scene, verdict),
            findings: scene.findings(verdict),
            incidents: record.incidents.clone(),
            abort: record.abort_reason.clone(),
            interrupted: record.interrupted_at,
            caveats: record.caveats().collect(),
            failed_requests: match verdict {
                Some(_) if !is_valid || are_many_lost(&record.history) => {
                    failed_requests(&record.history, node_of)
                }
                _ => Vec::new(),
            },
            invoked_in_time: invoked_before(settings.time_limit, &record.history),
            acknowledging_share: {
                let seconds = settings.time_limit.as_secs();
                record.statistics.acknowledging_share(seconds)
            },
            counts: counts(record),
            ..Outcome::default()
        }
    }

    /// The folder of the nodes' logs in a run's folder.
    pub fn logs(folder: &Path) -> PathBuf {
        folder.join("node-logs")
    }

    /// Everything, for machines.
    pub fn to_json(&self) -> Value {
        json!({
            "command": self.command,
            "seed": self.seed,
            "stage": self.stage,
            "folder": self.folder.as_ref().map(|it| it.to_string_lossy()),
            "seconds": self.took.as_secs_f64(),
            "valid": self.validity.map(|it| edn::to_json(&it.to_edn())),
            "crash": self.abort,
            "interrupted-at": self.interrupted.map(|it| it.as_secs_f64()),
            "acknowledging-share": self.acknowledging_share,
            "incidents": self.incidents,
            "not-kept": self.unkept,
            "may-not-repeat": self.caveats,
            "warnings": self.warnings,
            "story": self.story.to_json(),
            "findings": self.findings,
            "results": self.results,
        })
    }

    /// What went wrong: the story, or without one the findings; then what nodes did wrong, of each kind
    /// the first `max`. With a larger `max` than [`SHOWN`] all findings, too.
    pub fn problems(&self, max: usize) -> Vec<String> {
        let mut lines: Vec<String> = self.story.lines().iter().map(|it| cut(it)).collect();
        let has_story = !lines.is_empty();
        if !has_story || max > SHOWN {
            lines.extend(first("findings", &self.findings, max));
        }
        let incidents: Vec<String> = self.incidents.iter().map(ToString::to_string).collect();
        match (&self.abort, lines.first_mut()) {
            (Some(_), Some(headline)) if has_story => {
                *headline = format!("the run was aborted: {headline}");
            }
            (Some(reason), _) => lines.push(format!("the run was aborted: {reason}")),
            (None, _) => {}
        }
        lines.extend(self.unkept.iter().map(|why| unkept(why)));
        let others = [
            ("incidents", &incidents),
            ("reasons", &self.caveats),
            ("failed requests", &self.failed_requests),
        ];
        lines.extend(
            others
                .into_iter()
                .flat_map(|(kind, texts)| first(kind, texts, max)),
        );
        if has_story && max <= SHOWN && self.findings.len() > 1 {
            lines.push("--all lists the findings one by one".to_owned());
        }
        lines
    }

    /// What a person should read in the terminal: the first `max` problems of each kind, counts,
    /// and where the files are.
    pub fn summary(&self, max: usize) -> String {
        let mut lines = self.problems(max);
        let has_problems = !lines.is_empty();
        if let Some(at) = self.interrupted.filter(|_| self.validity.is_some()) {
            let at = interrupted(at);
            lines.push(format!("{at}: what was done until then is judged"));
        }
        lines.push(self.counts.clone());
        lines.extend(self.warnings.iter().map(|it| format!("warning: {it}")));
        if let Some(folder) = &self.folder {
            if has_problems {
                lines.push(format!("nodes' logs: {}", Outcome::logs(folder).display()));
            }
            let kept = match self.unkept {
                None => "kept in",
                Some(_) => "what was kept is in",
            };
            lines.push(format!("{kept} {}", folder.display()));
            let page = folder.join("report.html");
            if page.exists() {
                lines.push(format!("report: {}", page.display()));
            }
        }
        lines.retain(|line| !line.is_empty());
        lines.join("\n")
    }

    /// Whether the run is valid, and can be looked at again.
    pub fn is_valid_and_kept(&self) -> bool {
        self.validity == Some(Validity::Valid) && self.unkept.is_none()
    }

    /// What went wrong in a sentence or two; `None` if the run is valid, or nothing is known.
    pub fn headline(&self) -> Option<&str> {
        let told = Some(&self.story.headline).filter(|it| !it.is_empty());
        told.or(self.findings.first()).map(String::as_str)
    }

    /// The run as a case of a report.
    pub(crate) fn case(&self, name: String) -> Case {
        let first_line = |text: &str| text.lines().next().map(cut).unwrap_or_default();
        let failure = |message: String, shown: &str| {
            let details = self.problems(REPORTED).join("\n");
            // The details mostly begin with what the message says.
            let rest = details.strip_prefix(shown).unwrap_or(&details);
            let details = format!("{rest}\nagain: {}", self.command);
            Failure {
                message,
                details: details.trim_start_matches('\n').to_owned(),
            }
        };
        let result = match (self.validity, &self.abort) {
            (Some(Validity::Valid | Validity::Unknown), _) if self.interrupted.is_some() => {
                let message = interrupted(self.interrupted.unwrap_or_default());
                CaseResult::Aborted(failure(message, ""))
            }
            (Some(Validity::Valid | Validity::Unknown), _) if self.unkept.is_some() => {
                let message = first_line(&unkept(self.unkept.as_deref().unwrap_or_default()));
                CaseResult::Aborted(failure(message, ""))
            }
            (Some(Validity::Valid), _) => CaseResult::Passed,
            (Some(bad), _) => CaseResult::Failed(match self.headline() {
                Some(finding) => {
                    let finding = first_line(finding);
                    failure(format!("{}: {finding}", bad.name()), &finding)
                }
                None => failure(bad.name().to_owned(), ""),
            }),
            (None, abort) => {
                let told = Some(&*self.story.headline).filter(|it| !it.is_empty());
                let abort = told.or(abort.as_deref());
                let abort = abort.unwrap_or("the reason is unknown");
                let message = first_line(&format!("the run was aborted: {abort}"));
                CaseResult::Aborted(failure(message.clone(), &message))
            }
        };
        Case {
            name,
            took: self.took,
            result,
        }
    }
}

fn unkept(why: &str) -> String {
    format!("the run was not kept: {why}")
}

/// Whether so many operations are indeterminate that a valid verdict says little.
pub(crate) fn are_many_lost(history: &History) -> bool {
    history.count(Kind::Info) * 4 > history.count(Kind::Invoke)
}

/// The first few problems of a kind, and how many more there are.
fn first(kind: &str, texts: &[String], max: usize) -> Vec<String> {
    let mut lines: Vec<String> = texts.iter().take(max).map(|it| cut(it)).collect();
    if texts.len() > max {
        lines.push(format!(
            "… and {} more {kind}: --all shows them",
            texts.len() - max
        ));
    }
    lines
}

fn invoked_before(limit: Duration, history: &History) -> usize {
    let invocations = history.ops.iter().filter(|op| op.is_invocation());
    let in_time = invocations.filter(|op| Duration::from_nanos(op.time) < limit);
    in_time.count()
}

fn counts(record: &Record) -> String {
    let History { ops } = &record.history;
    let last = ops.last().map_or(0.0, Op::seconds);
    let count = |kind| record.history.count(kind);
    let (clients, servers) = (record.statistics.clients(), record.statistics.servers());
    let operations = counted(count(Kind::Invoke) as u64, "operation");
    let [ok, failed, info] =
        [Kind::Ok, Kind::Fail, Kind::Info].map(|kind| grouped(count(kind) as u64));
    let ended = [Kind::Ok, Kind::Fail, Kind::Info].map(count).iter().sum();
    let open = match count(Kind::Invoke).saturating_sub(ended) {
        0 => String::new(),
        open => format!(", {} not completed", grouped(open as u64)),
    };
    let operations = format!(
        "{operations} in {last:.1} s ({ok} ok, {failed} failed, {info} indeterminate{open})"
    );
    match clients.sent + servers.sent {
        0 => operations,
        _ => format!(
            "{operations}; messages: {} with clients, {} between servers",
            grouped(clients.sent),
            grouped(servers.sent)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(findings: usize) -> Outcome {
        Outcome {
            validity: Some(Validity::Invalid),
            findings: (0..findings).map(|it| format!("finding {it}")).collect(),
            failed_requests: vec!["node n1 did not answer".to_owned(); 7],
            counts: "9 operations".to_owned(),
            ..Outcome::default()
        }
    }

    #[test]
    fn a_summary_has_the_first_problems_of_each_kind() {
        let summary = failed(7).summary(SHOWN);
        let lines: Vec<&str> = summary.lines().collect();
        assert_eq!(
            lines[4..6],
            ["finding 4", "… and 2 more findings: --all shows them"]
        );
        assert_eq!(lines[11], "… and 2 more failed requests: --all shows them");
        assert_eq!((lines[12], lines.len()), ("9 operations", 13));
        assert!(!failed(5).summary(SHOWN).contains("more findings"));
        assert_eq!(failed(70).problems(usize::MAX).len(), 77);
    }

    #[test]
    fn a_very_long_finding_is_reported_once_and_cut() {
        let outcome = Outcome {
            validity: Some(Validity::Invalid),
            findings: vec![format!("a{}", "x".repeat(5_000_000))],
            ..Outcome::default()
        };
        let CaseResult::Failed(failure) = outcome.case("history".to_owned()).result else {
            panic!("{:?}", outcome.validity);
        };
        assert!(
            failure.message.ends_with("x… (5000001 bytes)"),
            "{failure:?}"
        );
        assert!(failure.message.len() < 1000, "{failure:?}");
        assert!(!failure.details.contains("xx"), "{failure:?}");
    }
}
