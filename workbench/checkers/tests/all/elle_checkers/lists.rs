//! The checker of lists on small histories, in `histories/list-append`: `> 0 does r1=[1,2]
//! append2=3` is a transaction of process 0 that read a list from key 1 and appended 3 to key 2.

use std::fmt::Write;

use checkers::{CheckerResult as _, Validity, list_append};
use history::edn::{Edn, get};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::lines::{Judged, check_transcripts, listed_anomalies};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/histories/list-append");

#[test]
fn small_histories_have_the_verdicts_in_their_files() {
    check_transcripts(FOLDER, list_append);
}

#[test]
fn a_files_name_ends_with_its_verdict() {
    let seen = listed_anomalies(FOLDER);
    for anomaly in [
        "internal",
        "future-read",
        "dirty-update",
        "G1a",
        "G1b",
        "duplicate-elements",
        "incompatible-order",
        "lost-update",
        "G0",
        "G0-process",
        "G0-realtime",
        "G1c",
        "G1c-process",
        "G1c-realtime",
        "G-single-item",
        "G-single-item-process",
        "G-single-item-realtime",
        "G-nonadjacent-item",
        "G-nonadjacent-item-process",
        "G-nonadjacent-item-realtime",
        "G2-item",
        "G2-item-process",
        "G2-item-realtime",
    ] {
        let has = |types: &String| types.split(", ").any(|it| it == anomaly);
        assert!(seen.iter().any(has), "{anomaly}");
    }
}

/// Judges sequential transactions.
pub fn judge(answers: impl Iterator<Item = String>, model: &str) -> Judged {
    super::lines::judge_sequential(list_append, answers, model)
}

/// `[1,2,3]` up to a length.
fn list(length: usize) -> String {
    let mut list = String::new();
    for element in 1..=length {
        write!(list, ",{element}").unwrap();
    }
    format!("[{}]", list.trim_start_matches(','))
}

#[test]
fn a_hundred_thousand_transactions_on_one_key_are_judged_quickly() {
    const COUNT: usize = 100_000;
    // Every transaction finds the key unset, and the order of the appends is unknown.
    let alone = |i: usize| format!(r#"[["r",1,null],["append",1,{i}]]"#);
    let verdict = judge((0..COUNT).map(alone), "strict-serializable");
    assert_eq!(verdict.validity(), Validity::Invalid);
    let lost = "lost-update: 100000 transactions read null from key 1 and then appended to it: ";
    assert!(verdict.sentences().iter().any(|it| it.starts_with(lost)));

    // All appends are in the last read; some earlier reads are stale.
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut last = |i: usize| match i {
        _ if i + 1 == COUNT => format!(r#"[["r",1,{}]]"#, list(i)),
        _ if i % 1_000 == 999 => {
            let read = i - rng.random_range(0..3_u32) as usize;
            format!(
                r#"[["append",1,{}],["r",2,null],["r",1,{}]]"#,
                i + 1,
                list(read)
            )
        }
        _ => format!(r#"[["append",1,{}]]"#, i + 1),
    };
    let verdict = judge((0..COUNT).map(&mut last), "strict-serializable");
    assert_eq!(verdict.validity(), Validity::Invalid);
}

#[test]
fn long_lists_that_are_all_different_are_judged_quickly() {
    const LENGTH: usize = 1_000;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut shuffled = |i: usize| {
        let mut elements: Vec<usize> = (1..=LENGTH).collect();
        for index in (1..LENGTH).rev() {
            elements.swap(index, rng.random_range(0..=index as u32) as usize);
        }
        format!(r#"[["r",1,{elements:?}],["append",1,{}]]"#, i + 1)
    };
    let verdict = judge((0..LENGTH).map(&mut shuffled), "strict-serializable");
    assert_eq!(verdict.validity(), Validity::Invalid);
}

#[test]
fn results_list_at_most_a_hundred_cases_of_an_anomaly() {
    const COUNT: usize = 1_000;
    let repeated = |i: usize| {
        let twice = list(i + 1).replacen('1', "1,1", 1);
        format!(r#"[["append",1,{}],["r",1,{twice}]]"#, i + 1)
    };
    let verdict = judge((0..COUNT).map(repeated), "read-uncommitted");
    assert_eq!(verdict.validity(), Validity::Invalid);
    let results = verdict.to_edn();
    let Some(Edn::Vector(cases)) = get(&results, &["anomalies", "duplicate-elements"]) else {
        panic!("no cases")
    };
    assert_eq!(cases.len(), 100);
    let last = verdict.sentences().pop().unwrap();
    assert_eq!(last, "duplicate-elements: ... and 990 more");
}

#[test]
fn a_history_that_cannot_be_judged_is_unknown() {
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let deep = format!(r#"[["append",1,{deep}],["r",1,[{deep}]]]"#);
    for (answer, complaint) in [
        (
            "5",
            "is not a list of reads and appends: invalid type: integer `5`",
        ),
        (
            "{}",
            "is not a list of reads and appends: invalid type: map",
        ),
        (
            "[null]",
            "is not a list of reads and appends: invalid type: null",
        ),
        (r#"[["r"]]"#, "invalid length 1"),
        (r#"[["append",1,2,3]]"#, "trailing characters"),
        (r#"[["w",1,2]]"#, "\"w\" is neither r nor append"),
        (r#"[[null,1,2]]"#, "invalid type: null"),
        (r#"[["r",1,7]]"#, "the value read is not a list"),
        (r#"[["r",1,{"1":2}]]"#, "the value read is not a list"),
        (r#"[["r",1,"12"]]"#, "the value read is not a list"),
        (
            r#"[["r",1,[1,99999999999999999999]]]"#,
            "but was never appended",
        ),
        (r#"[["r",1,[null]]]"#, "null is in the longest list"),
        (deep.as_str(), "no transaction precedes another"),
    ] {
        for model in ["strict-serializable", "read-uncommitted"] {
            let verdict = judge([answer.to_owned()].into_iter(), model);
            assert_eq!(verdict.validity(), Validity::Unknown, "{answer}");
            assert!(
                verdict.sentences()[0].contains(complaint),
                "{:?}",
                verdict.sentences()
            );
        }
    }
}
