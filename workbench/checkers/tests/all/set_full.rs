//! The set checker on small histories, one for each rule, and all checkers on mangled ones.

use std::fmt::Write;

use checkers::{Assumptions, CheckerResult as _, Validity, Verdict, WorkloadResult, set_full};
use history::History;
use history::edn::{self, Edn, compact, get};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// A history from lines of `milliseconds process kind f value`; the value is JSON.
fn history(lines: &str) -> History {
    let mut json = String::new();
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    for (index, line) in lines.enumerate() {
        let parts: Vec<_> = line.splitn(5, ' ').collect();
        let [time, process, kind, f, value] = parts[..] else {
            panic!("not an operation: {line}")
        };
        let time = time.parse::<u64>().unwrap() * 1_000_000;
        let head = format!(r#""index":{index},"time":{time},"type":"{kind}""#);
        writeln!(
            json,
            r#"{{{head},"process":{process},"f":"{f}","value":{value}}}"#
        )
        .unwrap();
    }
    History::read_json(json.as_bytes()).unwrap()
}

/// Judges a history; `expected` are entries of the result map.
fn check(lines: &str, valid: Validity, expected: &str, findings: &[&str]) {
    let verdict = set_full(&history(lines), "add");
    assert_eq!(verdict.validity(), valid, "{lines}");
    assert_eq!(get(&verdict.to_edn(), &["valid?"]), Some(&valid.to_edn()));
    let Edn::Map(expected) = &edn::read(expected).unwrap() else {
        panic!("not a map: {expected}")
    };
    let Edn::Map(results) = &verdict.to_edn() else {
        panic!("not a map")
    };
    for (key, value) in expected {
        let found = results.get(key).map(compact);
        assert_eq!(
            found,
            (*value != Edn::Nil).then(|| compact(value)),
            "{key} of {lines}"
        );
    }
    assert_eq!(verdict.sentences(), findings, "{lines}");
}

#[test]
fn an_element_that_becomes_visible_late_is_stale_and_valid() {
    check(
        "0 0 invoke add 0
         5 0 ok add 0
         10 0 invoke read null
         11 1 invoke read null
         12 0 ok read []
         13 1 ok read [0]",
        Validity::Valid,
        "{:attempt-count 1, :stable-count 1, :lost-count 0, :lost (), :never-read-count 0,
          :never-read (), :stale-count 1, :stale (0), :duplicated-count 0, :duplicated {},
          :stable-latencies {0 5, 0.5 5, 0.95 5, 0.99 5, 1 5}, :lost-latencies nil,
          :worst-stale ({:element 0, :outcome :stable, :stable-latency 5, :lost-latency nil,
            :known {:index 1, :time 5000000, :type :ok, :process 0, :f :add, :value 0},
            :last-absent
              {:index 2, :time 10000000, :type :invoke, :process 0, :f :read, :value nil}})}",
        &[],
    );
}

#[test]
fn an_element_that_disappears_is_lost() {
    check(
        "0 0 invoke add 0
         5 0 ok add 0
         10 0 invoke read null
         11 1 invoke read null
         12 0 ok read [0]
         13 1 ok read []",
        Validity::Invalid,
        "{:lost-count 1, :lost (0), :stable-count 0, :stable-latencies nil, :worst-stale (),
          :lost-latencies {0 5, 0.5 5, 0.95 5, 0.99 5, 1 5}}",
        &[
            "value 0 is lost: acknowledged to process 0 at 0.005 s, last seen by the read of \
           process 0 at 0.010 s, missing from the read of process 1 at 0.011 s",
        ],
    );
}

#[test]
fn a_history_without_a_stable_element_is_unknown() {
    check(
        "0 0 invoke add 0
         1 0 fail add 0
         2 0 invoke read null
         3 0 ok read [7]",
        Validity::Unknown,
        "{:attempt-count 1, :never-read-count 1, :never-read (0), :lost-latencies nil}",
        &["no read returned any of 1 attempted value"],
    );
    check(
        "",
        Validity::Unknown,
        "{:attempt-count 0}",
        &["no value was added"],
    );
}

#[test]
fn a_read_counts_by_its_invocation() {
    // The read without the element ends last but began first: it may have been the earlier one.
    check(
        "0 0 invoke read null
         1 1 invoke add 5
         2 1 ok add 5
         3 2 invoke read null
         4 2 ok read [5]
         9 0 ok read []",
        Validity::Valid,
        "{:stable-count 1, :stale (), :lost ()}",
        &[],
    );
}

#[test]
fn an_element_absent_only_before_its_acknowledgement_is_not_lost() {
    // The read began before the acknowledgement, so it need not return the element.
    check(
        "0 0 invoke add 5
         1 1 invoke read null
         2 0 ok add 5
         3 1 ok read []",
        Validity::Unknown,
        "{:never-read (5), :lost ()}",
        &["no read returned any of 1 attempted value"],
    );
}

#[test]
fn an_element_that_was_read_is_known_without_an_acknowledgement() {
    check(
        "0 0 invoke add 5
         1 0 info add 5
         2 1 invoke read null
         3 1 ok read [5]
         4 1 invoke read null
         5 1 ok read null",
        Validity::Invalid,
        "{:lost (5), :lost-latencies {0 0, 0.5 0, 0.95 0, 0.99 0, 1 0}}",
        &[
            "value 5 is lost: first read by process 1 at 0.003 s, last seen by the read of process 1 \
           at 0.002 s, missing from the read of process 1 at 0.004 s",
        ],
    );
}

#[test]
fn an_acknowledged_element_that_no_read_returns_is_lost() {
    check(
        "0 0 invoke add 5
         1 0 ok add 5
         2 1 invoke read null
         3 1 ok read [6, 6]",
        Validity::Invalid,
        "{:lost (5), :lost-latencies {0 0, 0.5 0, 0.95 0, 0.99 0, 1 0}}",
        &[
            "value 5 is lost: acknowledged to process 0 at 0.001 s, not in any read, missing \
           from the read of process 1 at 0.002 s",
        ],
    );
}

#[test]
fn processes_may_have_any_number() {
    check(
        "0 0 invoke add 0
         1 0 ok add 0
         2 1000000 invoke read null
         3 1000000 ok read [0]
         4 64 invoke read null
         5 64 ok read []",
        Validity::Invalid,
        "{:stable-count 0, :lost-count 1}",
        &[
            "value 0 is lost: acknowledged to process 0 at 0.001 s, last seen by the read of \
           process 1000000 at 0.002 s, missing from the read of process 64 at 0.004 s",
        ],
    );
}

#[test]
fn an_element_added_after_all_reads_was_never_read() {
    check(
        "0 0 invoke add 0
         1 0 ok add 0
         2 0 invoke read null
         3 0 ok read [0]
         4 0 invoke add 1
         5 0 ok add 1",
        Validity::Valid,
        "{:stable-count 1, :lost-count 0, :never-read-count 1, :never-read (1)}",
        &[],
    );
}

#[test]
fn reads_that_are_not_ok_are_ignored() {
    check(
        "0 0 invoke add 5
         1 0 ok add 5
         2 1 invoke read null
         3 1 ok read [5]
         4 1 invoke read null
         5 1 fail read []
         6 2 invoke read null
         7 2 info read []",
        Validity::Valid,
        "{:stable-count 1}",
        &[],
    );
}

#[test]
fn duplicates_and_elements_never_added_are_valid() {
    check(
        "0 0 invoke add 5
         1 0 ok add 5
         2 1 invoke read null
         3 1 ok read [5, 5, 6, \"x\"]",
        Validity::Valid,
        "{:stable-count 1, :duplicated-count 0, :duplicated {}}",
        &[],
    );
    check(
        "0 0 invoke add 0
         1 0 ok add 0
         2 1 invoke read null
         3 1 ok read [0, 1]",
        Validity::Valid,
        "{:stable-count 1, :attempt-count 1}",
        &[],
    );
    // Nor is an acknowledgement of an element that was never sent.
    check(
        "0 0 invoke add 0
         1 0 ok add 1
         2 1 invoke read null
         3 1 ok read [0]",
        Validity::Valid,
        "{:stable-count 1, :attempt-count 1}",
        &[],
    );
}

#[test]
fn elements_may_be_any_json() {
    check(
        r#"0 0 invoke add {"a": 1, "b": [2]}
         1 0 ok add {"a": 1, "b": [2]}
         2 0 invoke add "x"
         3 0 ok add "x"
         4 0 invoke add 1
         5 0 ok add 1
         6 1 invoke read null
         7 1 ok read ["\u0078", {"b":[2],"a":1}, 1.0]"#,
        Validity::Invalid,
        r#"{:stable-count 2, :lost (1), :worst-stale ()}"#,
        &[
            "value 1 is lost: acknowledged to process 0 at 0.005 s, not in any read, missing \
           from the read of process 1 at 0.006 s",
        ],
    );
}

#[test]
fn a_read_that_is_no_list_is_not_judged() {
    let verdict = set_full(&history("0 0 invoke read null\n1500 0 ok read 5"), "add");
    assert_eq!(verdict.validity(), Validity::Unknown);
    let finding = "the read of process 0 at 1.500 s returned no list: ";
    assert!(
        verdict.sentences()[0].starts_with(finding),
        "{:?}",
        verdict.sentences()
    );
}

#[test]
fn only_the_first_ten_losses_are_described() {
    let mut lines = String::new();
    for element in 0..25 {
        writeln!(lines, "0 0 invoke add {element}\n0 0 ok add {element}").unwrap();
    }
    lines += "1 0 invoke read null\n2 0 ok read []";
    let verdict = set_full(&history(&lines), "add");
    assert_eq!(verdict.sentences().len(), 11);
    assert_eq!(verdict.sentences()[10], "... and 15 more");
}

#[test]
fn a_hundred_thousand_operations_are_judged_quickly() {
    // Every second read is empty: a checker that records each absence would take 10⁹ steps.
    let mut lines = String::new();
    for element in 0..25_000 {
        writeln!(
            lines,
            "{element} 0 invoke add {element}\n{element} 0 ok add {element}"
        )
        .unwrap();
        let seen = if element % 2 == 0 {
            format!("[{element}]")
        } else {
            "[]".to_owned()
        };
        writeln!(
            lines,
            "{element} 1 invoke read null\n{element} 1 ok read {seen}"
        )
        .unwrap();
    }
    let verdict = set_full(&history(&lines), "add");
    assert_eq!(
        get(&verdict.to_edn(), &["lost-count"]),
        Some(&Edn::Int(25_000))
    );

    // A thousand reads of ten thousand elements.
    let mut lines = String::new();
    let all: Vec<_> = (0..10_000).map(|element| element.to_string()).collect();
    for element in &all {
        writeln!(lines, "1 0 invoke add {element}\n1 0 ok add {element}").unwrap();
    }
    let all = format!("[{}]", all.join(","));
    for _ in 0..1_000 {
        writeln!(lines, "2 1 invoke read null\n2 1 ok read {all}").unwrap();
    }
    let verdict = set_full(&history(&lines), "add");
    assert_eq!(verdict.validity(), Validity::Valid);
}

#[test]
fn a_mangled_file_never_causes_a_panic() {
    let original = history(
        r#"0 0 invoke add 5
         1 0 ok add 5
         2 "nemesis" info start-partition ["isolated", {"n0": ["n1"]}]
         3 1 invoke read null
         4 1 ok read [5, -1.5e3, "x", {"a": null}]
         5 2 invoke echo "a"
         6 2 ok echo {"type": "echo_ok", "echo": "a"}
         7 3 invoke generate null
         8 3 ok generate 18446744073709551615
         9 4 invoke txn [["r", 1, null], ["w", 1, 2]]
         9 4 ok txn [["r", 1, null], ["w", 1, 2]]
         9 5 invoke txn [["r", 1, null], ["w", 1, 3], ["r", 2, null]]
         9 5 info txn [["r", 1, null], ["w", 1, 3], ["r", 2, null]]
         10 6 invoke assign ["8"]
         10 6 ok assign ["8"]
         11 7 invoke send [["send", "8", 1]]
         11 7 ok send [["send", "8", [0, 1]]]
         12 7 invoke send [["send", "8", 2]]
         12 7 ok send [["send", "8", [3, 2]]]
         13 6 invoke poll [["poll"]]
         13 6 ok poll [["poll", {"8": [[0, 1], [3, 2]]}]]"#,
    );
    let (mut json, mut edn) = (Vec::new(), Vec::new());
    original.write_json_lines(&mut json).unwrap();
    original.write_edn(&mut edn).unwrap();
    let models = checkers::Models::default();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut survivors = 0;
    for _ in 0..20_000 {
        let read = [
            History::read_json(&*mangled(&json, &mut rng)),
            History::read_edn(&*mangled(&edn, &mut rng)),
        ];
        for history in read.iter().flatten() {
            survivors += 1;
            let results: [WorkloadResult; 8] = [
                set_full(history, "add").into(),
                checkers::echo(history).into(),
                checkers::unique_ids(history).into(),
                checkers::counter(history).into(),
                checkers::kafka(history).into(),
                checkers::lin_kv(history).into(),
                checkers::rw_register(history, &models, Assumptions::default()).into(),
                checkers::list_append(history, &models).into(),
            ];
            for result in results {
                let verdict = Verdict::judge(history, result, None, None);
                let _ = (verdict.to_edn(), verdict.sentences());
            }
            history.write_edn(&mut Vec::new()).unwrap();
        }
    }
    assert!(survivors > 1_000, "{survivors} of 40000 could be read");
}

/// The text with one or two bytes changed, or a piece moved.
fn mangled(text: &[u8], rng: &mut ChaCha8Rng) -> Vec<u8> {
    const BYTES: &[u8] = b"0123456789-.eN\"\\{}[]():#, \nabnull\xff";
    let mut text = text.to_vec();
    for _ in 0..rng.random_range(1..3) {
        let at = rng.random_range(0..text.len());
        match rng.random_range(0..4) {
            0 => text[at] = BYTES[rng.random_range(0..BYTES.len())],
            1 => text.insert(at, BYTES[rng.random_range(0..BYTES.len())]),
            2 => drop(text.remove(at)),
            _ => {
                let length = rng.random_range(0..8).min(text.len() - at);
                let piece = text[at..at + length].to_vec();
                let to = rng.random_range(0..=text.len());
                text.splice(to..to, piece);
            }
        }
    }
    text
}
