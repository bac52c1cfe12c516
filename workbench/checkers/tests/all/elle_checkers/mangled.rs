//! Histories with random bytes changed: they are judged or unknown.

use super::lines::Judged;
use checkers::{CheckerResult as _, Validity};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::{lists, registers};

/// Changes random bytes of transactions. Text that is not JSON is skipped.
fn check(bytes: &[u8], values: [&str; 4], judge: impl Fn([String; 4]) -> Judged) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut judged = 0;
    for _ in 0..5_000 {
        let mangled = values.map(|value| {
            let mut text = value.as_bytes().to_vec();
            if rng.random_ratio(1, 3) {
                let at = rng.random_range(0..text.len() as u32) as usize;
                text[at] = bytes[rng.random_range(0..bytes.len() as u32) as usize];
            }
            String::from_utf8(text).unwrap()
        });
        let is_json = |it: &String| serde_json::from_str::<serde_json::Value>(it).is_ok();
        if mangled.iter().all(is_json) {
            judged += usize::from(judge(mangled).validity() != Validity::Unknown);
        }
    }
    assert!(judged > 1_000, "{judged} of 5000 were judged");
}

#[test]
fn mangled_lists_never_cause_a_panic() {
    let values = [
        r#"[["r",1,null],["append",1,5]]"#,
        r#"[["r",1,[5]],["append",2,5],["append",1,6]]"#,
        r#"[["r",2,null],["r",1,[5,6]]]"#,
        r#"[["r",2,[5]],["append",2,7],["r",1,[5]]]"#,
    ];
    check(b"0123456789-.eE\"arpend\\{}[]:, null", values, |mangled| {
        lists::judge(mangled.into_iter(), "strict-serializable")
    });
}

#[test]
fn mangled_registers_never_cause_a_panic() {
    let values = [
        r#"[["r",1,null],["w",1,5]]"#,
        r#"[["r",1,5],["w",2,5],["w",1,6]]"#,
        r#"[["r",2,null],["r",1,6]]"#,
        r#"[["r",2,5],["w",2,7],["r",1,5]]"#,
    ];
    check(b"0123456789-.eE\"rw\\{}[]:, null", values, |mangled| {
        registers::judge_sequential(mangled.into_iter(), "strict-serializable")
    });
}
