//! What is told of a test: to a person in the terminal, and to those who were not there.

mod account;
mod campaign;
mod figures;
mod github;
mod sequence;
mod tested;
mod vain;

use crate::outcome::Outcome;
use checkers::{CheckerResult as _, Validity};
use history::text::visible;
use history::{Kind, Op};

pub use account::{Account, Case, Evidence, Fate};
pub use campaign::{account, campaign, failure};
pub use figures::{Figure, Figures, Score};
pub use github::{annotations, markdown};
pub use sequence::sequence;
pub use tested::{Ending, Tested};
pub use vain::requests_in_vain;

/// How many rows of a screen are left for what went wrong, beside a table and all else that is
/// said of a test.
const ROOM: usize = 9;

/// … and where nothing else is said.
const SCREEN: usize = 20;

/// How wide a screen is.
const WIDTH: usize = 100;

/// How many remarks of a kind are told at length.
const TOLD: usize = 100;

/// How much of a line is shown.
const SHOWN: usize = 500;

/// … and where a screen must do.
const SHORT: usize = 3 * WIDTH;

/// Maelstrom's last line, which scripts look for.
pub fn closing(valid: Validity) -> &'static str {
    match valid {
        Validity::Valid => "Everything looks good! ヽ(‘ー`)ノ",
        Validity::Unknown => "Errors occurred during analysis, but no anomalies found. ಠ~ಠ",
        Validity::Invalid => "Analysis invalid! (ﾉಥ益ಥ）ﾉ ┻━┻",
    }
}

/// What a person should read about a single test's outcome, which fits a screen: of what went wrong
/// the first of each kind. The run's folder has the rest.
pub fn summary(outcome: &Outcome) -> String {
    let mut lines = fit(&remarks(outcome), ROOM);
    if !lines.is_empty() {
        lines.push(format!(
            "nodes' logs: {}",
            Outcome::logs(&outcome.folder).display()
        ));
    }
    lines.push(counts(outcome));
    lines.push(format!("kept in {}", outcome.folder.display()));
    let page = outcome.folder.join("report.html");
    if page.exists() {
        lines.push(format!("report: {}", page.display()));
    }
    lines.join("\n")
}

/// Everything that went wrong, at length.
pub fn evidence(outcome: &Outcome) -> String {
    let kinds = remarks(outcome);
    let told = kinds.iter().map(|Remarks { texts, .. }| told(texts));
    told.collect::<Vec<_>>().join("\n")
}

/// Findings, at length.
pub fn told(findings: &[String]) -> String {
    let mut lines: Vec<String> = findings.iter().take(TOLD).map(|it| cut(it)).collect();
    if findings.len() > TOLD {
        lines.push(format!("… and {} more", findings.len() - TOLD));
    }
    lines.join("\n")
}

/// As many findings of a checker as a screen has room for, a line or more each.
pub fn findings(findings: &[String]) -> Vec<String> {
    let kind = Remarks {
        texts: findings.to_vec(),
        rest: "more findings",
    };
    let kinds = if findings.is_empty() {
        vec![]
    } else {
        vec![kind]
    };
    fit(&kinds, SCREEN)
}

/// Remarks of one kind, and what those are called that are only counted.
struct Remarks {
    texts: Vec<String>,
    rest: &'static str,
}

/// What went wrong in a test, by kinds of which none is empty.
fn remarks(outcome: &Outcome) -> Vec<Remarks> {
    let record = &outcome.record;
    let incidents = record.incidents.iter().map(ToString::to_string).collect();
    let crash = record.crash.iter();
    let crash = crash.map(|it| format!("the run broke off: {it}")).collect();
    let (mut findings, mut vain) = (Vec::new(), Vec::new());
    if let Some(verdict) = &outcome.verdict {
        findings = verdict.sentences();
        if verdict.validity() != Validity::Valid {
            let node_of = |process| outcome.settings.node_of(process);
            vain = requests_in_vain(&record.history, node_of);
        }
    }
    let kinds = [
        (incidents, "more of the kind"),
        (crash, "more of the kind"),
        (findings, "more findings"),
        (vain, "more of the kind"),
    ];
    let kinds = kinds
        .into_iter()
        .map(|(texts, rest)| Remarks { texts, rest });
    kinds.filter(|it| !it.texts.is_empty()).collect()
}

/// As much of the remarks as there is room for. Kinds share it: none of them hides another one.
fn fit(kinds: &[Remarks], room: usize) -> Vec<String> {
    let short = |text: &String| cut_lines(text, SHORT);
    let short: Vec<Vec<String>> = kinds
        .iter()
        .map(|kind| kind.texts.iter().map(short).collect())
        .collect();
    let needs = short
        .iter()
        .map(|texts| texts.iter().map(|it| rows(it)).sum());
    let shares = shares(&needs.collect::<Vec<_>>(), room);
    let told = kinds.iter().zip(short).zip(shares);
    told.flat_map(|((kind, texts), share)| fit_kind(texts, kind.rest, share))
        .collect()
}

/// How much room each gets: what little needs leave is for those that need more.
fn shares(needs: &[usize], room: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..needs.len()).collect();
    order.sort_by_key(|place| needs[*place]);
    let mut shares = vec![0; needs.len()];
    let mut left = room;
    for (done, place) in order.into_iter().enumerate() {
        let share = needs[place].min(left / (needs.len() - done));
        // The beginning of one, and how many more there are.
        shares[place] = share.max(2);
        left = left.saturating_sub(share);
    }
    shares
}

fn fit_kind(texts: Vec<String>, rest: &str, share: usize) -> Vec<String> {
    let count = texts.len();
    let mut lines = Vec::new();
    let mut used = 0;
    for (told, text) in texts.into_iter().enumerate() {
        let is_last = told + 1 == count;
        let left = share.saturating_sub(used + usize::from(!is_last));
        used += rows(&text);
        if rows(&text) <= left {
            lines.push(text);
        } else if told == 0 {
            lines.push(first_rows(&text, left.max(1)));
        } else {
            break;
        }
    }
    if lines.len() < count {
        lines.push(format!("… and {} {rest}", count - lines.len()));
    }
    lines
}

/// How many rows of a screen a text takes.
fn rows(text: &str) -> usize {
    let rows = |line: &str| line.chars().count().div_ceil(WIDTH).max(1);
    text.lines().map(rows).sum()
}

/// The beginning of a text, which is at least one line of it.
fn first_rows(text: &str, room: usize) -> String {
    let mut used = 0;
    let mut lines = text.lines();
    let first = lines.by_ref().take_while(|line| {
        used += rows(line);
        used <= room
    });
    let first: Vec<&str> = first.collect();
    match first[..] {
        [] => cut_to(text.lines().next().unwrap_or_default(), room * WIDTH),
        _ => format!("{} …", first.join("\n")),
    }
}

/// A remark without the rest of lines that are too long to be read: nodes may print anything.
pub fn cut(remark: &str) -> String {
    cut_lines(remark, SHOWN)
}

fn cut_lines(remark: &str, shown: usize) -> String {
    let lines = remark.lines().map(|line| cut_to(line, shown));
    lines.collect::<Vec<String>>().join("\n")
}

/// The beginning of a line.
fn cut_to(line: &str, shown: usize) -> String {
    match line.char_indices().nth(shown) {
        Some((end, _)) => format!("{}… ({} bytes)", visible(&line[..end]), line.len()),
        None => visible(line),
    }
}

fn counts(outcome: &Outcome) -> String {
    let record = &outcome.record;
    let last = record.history.ops.last().map_or(0.0, Op::seconds);
    let clients = record.statistics.clients().sent;
    let servers = record.statistics.servers().sent;
    format!(
        "{} operations in {last:.1} s ({} ok, {} failed, {} unknown); \
         messages: {clients} with clients, {servers} among servers",
        record.history.count(Kind::Invoke),
        record.history.count(Kind::Ok),
        record.history.count(Kind::Fail),
        record.history.count(Kind::Info),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(texts: impl IntoIterator<Item = String>) -> Remarks {
        Remarks {
            texts: texts.into_iter().collect(),
            rest: "more",
        }
    }

    fn numbered(word: &str) -> Remarks {
        kind((0..40).map(|number| format!("{word} {number}")))
    }

    #[test]
    fn remarks_of_one_kind_have_the_screen_to_themselves() {
        let told = fit(&[numbered("node")], 9);
        assert_eq!((told.len(), &*told[8]), (9, "… and 32 more"));
        let told = fit(&[kind((0..9).map(|it| it.to_string()))], 9);
        assert_eq!(told.last().map(String::as_str), Some("8"));
    }

    #[test]
    fn no_kind_hides_another_one_and_all_fit_a_screen() {
        let long = kind((0..7).map(|_| "x".repeat(450) + "\nmore\nmore\nmore\n"));
        let told = fit(
            &[long, kind(["it broke off".to_owned()]), numbered("finding")],
            9,
        );
        let text = told.join("\n");
        for words in ["xxx", "it broke off", "finding 0", "… and 6 more"] {
            assert!(text.contains(words), "no {words:?} in {text}");
        }
        assert!(rows(&text) <= 10, "{text}");
    }

    #[test]
    fn the_beginning_of_a_remark_ends_with_a_whole_line_or_says_how_long_it_is() {
        assert_eq!(first_rows("one\ntwo\nthree", 2), "one\ntwo …");
        let long = "x".repeat(450);
        let beginning = format!("{}… (450 bytes)", "x".repeat(200));
        assert_eq!(first_rows(&long, 2), beginning);
    }

    #[test]
    fn what_nodes_print_does_nothing_to_a_terminal() {
        assert_eq!(
            cut("a\u{1b}[2Jb\u{9b}c\r\n\td"),
            "a\\u{1b}[2Jb\\u{9b}c\n\td"
        );
    }
}
