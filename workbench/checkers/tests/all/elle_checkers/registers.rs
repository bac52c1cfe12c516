//! The checker of registers on small histories, told as transcripts: in `histories/rw-register`
//! each file is one history, `> 0 does r1=null w2=3` being a transaction of process 0 that read
//! nothing from key 1 and wrote 3 to key 2 at one moment, and `invoke` to `ok`, `fail` or `info`
//! one that took its time. `> judge serializable` is followed by the verdict. And long histories.

use checkers::{Assumptions, CheckerResult as _, Models, Validity, rw_register};
use history::History;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::lines::{Judged, check_transcripts, told_anomalies};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/histories/rw-register");

/// With Maelstrom's assumptions.
fn judge_registers(history: &History, models: &Models) -> Judged {
    rw_register(history, models, Assumptions::default())
}

#[test]
fn small_histories_are_judged_as_their_files_tell() {
    check_transcripts(FOLDER, judge_registers);
}

#[test]
fn a_files_name_tells_its_verdict() {
    let seen = told_anomalies(FOLDER);
    for anomaly in [
        "internal",
        "G1a",
        "G1b",
        "lost-update",
        "cyclic-versions",
        "empty-transaction-graph",
    ] {
        assert!(seen.iter().any(|it| it.contains(anomaly)), "{anomaly}");
    }
    for family in [
        "G0",
        "G1c",
        "G-single-item",
        "G-nonadjacent-item",
        "G2-item",
    ] {
        for order in ["", "-process", "-realtime"] {
            assert!(
                seen.contains(&format!("{family}{order}")),
                "{family}{order}"
            );
        }
    }
}

/// Judges a history of transactions that are done at once.
pub fn judge_at_once(values: impl Iterator<Item = String>, model: &str) -> Judged {
    super::lines::judge_at_once(judge_registers, values, model)
}

#[test]
fn a_hundred_thousand_transactions_on_one_key_are_no_burden() {
    const COUNT: usize = 100_000;
    // Everybody finds the key unset: an edge for each pair would make ten thousand million.
    let alone = |i: usize| format!(r#"[["r",1,null],["w",1,{i}]]"#);
    let verdict = judge_at_once((0..COUNT).map(alone), "strict-serializable");
    assert_eq!(verdict.validity(), Validity::Invalid);
    let cycle = "G2-item: T1 (op 1, process 0) read null from key 1, which T2 (op 3, process 1) \
                 replaced by 1; T2 read null from key 1, which T1 replaced by 0";
    assert!(
        verdict.sentences().iter().any(|it| it == cycle),
        "{:?}",
        verdict.sentences()
    );
    let lost =
        "lost-update: 100000 transactions read null from key 1 and then wrote to it: (op 1, ";
    assert!(verdict.sentences().iter().any(|it| it.starts_with(lost)));

    // Each replaces what it read, and some of that is old.
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut stale = |i: usize| {
        let read = i.saturating_sub(rng.random_range(0..100_u32) as usize);
        let read = if read == 0 {
            "null".to_owned()
        } else {
            read.to_string()
        };
        format!(r#"[["r",1,{read}],["w",1,{}]]"#, i + 1)
    };
    let verdict = judge_at_once((0..COUNT).map(&mut stale), "strict-serializable");
    assert_eq!(verdict.validity(), Validity::Invalid);
}

#[test]
fn a_hundred_thousand_transactions_that_see_old_snapshots_are_no_burden() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut last = vec![0_u32; 1_000];
    let mut values = |_| {
        let (read, key) = (
            rng.random_range(0..1_000_u32),
            rng.random_range(0..1_000_u32),
        );
        let old = last[read as usize].saturating_sub(rng.random_range(0..20));
        let old = if old == 0 {
            "null".to_owned()
        } else {
            old.to_string()
        };
        let last = &mut last[key as usize];
        let before = if *last == 0 {
            "null".to_owned()
        } else {
            last.to_string()
        };
        *last += 1;
        format!(r#"[["r",{read},{old}],["r",{key},{before}],["w",{key},{last}]]"#)
    };
    for model in ["strict-serializable", "consistent-view"] {
        let verdict = judge_at_once((0..50_000).map(&mut values), model);
        assert_eq!(verdict.validity(), Validity::Invalid, "{model}");
    }
}
