//! The checker of registers on small histories in `histories/rw-register`, and on long ones. Each
//! file is one history: `> 0 does r1=null w2=3` is a transaction of process 0 that read nothing
//! from key 1 and wrote 3 to key 2 at one moment; with `invoke` and `ok`, `fail` or `info` it takes
//! its time. `> judge serializable` is followed by the verdict.

use checkers::{Assumptions, CheckerResult as _, Models, Validity, rw_register};
use history::History;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::lines::{Judged, check_transcripts, listed_anomalies};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/histories/rw-register");

/// With Maelstrom's assumptions.
fn judge_registers(history: &History, models: &Models) -> Judged {
    rw_register(history, models, Assumptions::default())
}

#[test]
fn small_histories_have_the_verdicts_in_their_files() {
    check_transcripts(FOLDER, judge_registers);
}

#[test]
fn a_files_name_ends_with_its_verdict() {
    let seen = listed_anomalies(FOLDER);
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

#[test]
fn a_register_that_is_unset_again_contradicts_the_assumptions() {
    let transactions = [
        (0, r#"[["w",1,1]]"#),
        (1, r#"[["r",1,1]]"#),
        (1, r#"[["r",1,null]]"#),
    ];
    let mut lines = Vec::new();
    for (process, value) in transactions {
        for kind in ["invoke", "ok"] {
            let index = lines.len();
            let head = format!(r#""index":{index},"time":{index},"process":{process}"#);
            lines.push(format!(
                r#"{{{head},"type":"{kind}","f":"txn","value":{value}}}"#
            ));
        }
    }
    let history = History::read_json(lines.join("\n").as_bytes()).unwrap();
    let models = "read-uncommitted".parse().unwrap();
    let check = |assumptions: &str, expected: &[&str]| {
        let result = rw_register(&history, &models, assumptions.parse().unwrap()).unwrap();
        let anomalies: Vec<_> = result.anomalies.iter().map(|it| it.name).collect();
        assert_eq!(anomalies, expected, "{assumptions}");
    };
    check("wfr-keys", &[]);
    check("sequential-keys", &["cyclic-versions"]);
    check("linearizable-keys", &["cyclic-versions"]);
}

/// Judges a history of sequential transactions.
pub fn judge_sequential(values: impl Iterator<Item = String>, model: &str) -> Judged {
    super::lines::judge_sequential(judge_registers, values, model)
}

#[test]
fn a_hundred_thousand_transactions_on_one_key_are_judged_quickly() {
    const COUNT: usize = 100_000;
    // Every transaction finds the key unset: an edge for each pair would make 10¹⁰.
    let alone = |i: usize| format!(r#"[["r",1,null],["w",1,{i}]]"#);
    let verdict = judge_sequential((0..COUNT).map(alone), "strict-serializable");
    assert_eq!(verdict.validity(), Validity::Invalid);
    let cycle = "G2-item: T1 (op 1, process 0) read null from key 1, which T2 (op 3, process 1) \
                 replaced by 1; T2 read null from key 1, which T1 replaced by 0";
    assert!(
        verdict.sentences().iter().any(|it| it == cycle),
        "{:?}",
        verdict.sentences()
    );
    let lost =
        "lost-update: 100000 transactions read null from key 1 and then wrote to it: process ";
    assert!(verdict.sentences().iter().any(|it| it.starts_with(lost)));

    // Each transaction replaces what it read, and some of its reads are stale.
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
    let verdict = judge_sequential((0..COUNT).map(&mut stale), "strict-serializable");
    assert_eq!(verdict.validity(), Validity::Invalid);
}

#[test]
fn a_hundred_thousand_transactions_with_old_snapshots_are_judged_quickly() {
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
        let verdict = judge_sequential((0..50_000).map(&mut values), model);
        assert_eq!(verdict.validity(), Validity::Invalid, "{model}");
    }
}
