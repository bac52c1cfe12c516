//! Stories of small histories.

use std::time::Duration;

use checkers::Verdict;
use history::History;
use simulator::latency::{Distribution, Latency};
use simulator::nemesis::Faults;
use simulator::network::NetLog;
use simulator::run::{RECOVERY, Record, Settings};

use super::{Scene, Story, stale};

/// Three nodes with one process each.
fn settings() -> Settings {
    Settings {
        nodes: ["n0", "n1", "n2"].map(Into::into).to_vec(),
        concurrency: 3,
        rate: 1.0,
        time_limit: Duration::from_secs(9),
        recovery: RECOVERY,
        latency: Latency {
            mean_ms: 0,
            distribution: Distribution::Constant,
        },
        faults: Faults::default(),
        max_operations: None,
        keeps_trace: false,
        net_log: NetLog::default(),
        seed: 0,
    }
}

/// A record whose entries are `PROCESS TYPE F VALUE`, one a second.
fn record(lines: &[&str]) -> Record {
    let line = |(index, line): (usize, &&str)| {
        let [process, kind, f, value] = line.splitn(4, ' ').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let process = match process {
            "nemesis" => "\"nemesis\"",
            number => number,
        };
        let (f, mark) = match f {
            "final" => ("read", r#","final?":true"#),
            f => (f, ""),
        };
        format!(
            r#"{{"index":{index},"time":{},"type":"{kind}","process":{process},"f":"{f}","value":{value}{mark}}}"#,
            index as u64 * 1_000_000_000,
        )
    };
    let lines: Vec<String> = lines.iter().enumerate().map(line).collect();
    Record {
        history: History::read_json(lines.join("\n").as_bytes()).unwrap(),
        zero: Some(Duration::ZERO),
        ..Record::default()
    }
}

/// The headline and the reason.
fn story(record: &Record, judge: impl Fn(&History) -> Verdict) -> (String, Option<String>) {
    let verdict = judge(&record.history);
    let story = Story::of(&settings(), record, Some(&verdict));
    (story.headline, story.reason)
}

fn counter(history: &History) -> Verdict {
    let result = checkers::counter(history).unwrap();
    Verdict::judge(
        history,
        checkers::WorkloadResult::Counter(result),
        None,
        None,
    )
}

#[test]
fn a_missing_sum_is_traced_to_the_node_that_acknowledged_it() {
    let lines = [
        "nemesis info start-partition null",
        r#"nemesis info start-partition ["isolated",{"n0":["n2"],"n1":["n2"],"n2":["n0","n1"]}]"#,
        "2 invoke add 1",
        "2 ok add 1",
        "2 invoke add 2",
        "2 ok add 2",
        "2 invoke add 1",
        "2 ok add 1",
        "nemesis info stop-partition null",
        "2 invoke add 1",
        "2 ok add 1",
        "0 invoke add 3",
        "0 ok add 3",
        "1 invoke final null",
        "1 ok final 4",
    ];
    let (headline, reason) = story(&record(&lines), counter);
    assert_eq!(
        headline,
        "1 of 1 final read is wrong; the first, of process 1 on n1 at 14.000 s (op 14), returned 4, \
         expected 8: 4 too little"
    );
    assert_eq!(
        reason.unwrap(),
        "the difference is exactly the sum of the 3 additions that n2 acknowledged from 0.000 s to 8.000 s, \
         while n2 was cut off from all other nodes"
    );
}

#[test]
fn the_first_read_that_no_sum_explains_is_named_and_the_last_complete_one() {
    let lines = |middle: &'static str, last: &'static str| {
        [
            "0 invoke add 3",
            "0 ok add 3",
            "1 invoke add 4",
            "1 ok add 4",
            "1 invoke read null",
            middle,
            "0 invoke add 5",
            "0 ok add 5",
            "2 invoke final null",
            last,
        ]
    };
    let (_, reason) = story(&record(&lines("1 ok read 9", "2 ok final 14")), counter);
    let reason = reason.unwrap();
    let expected =
        "already at 5.000 s process 1 on n1 read 9 (op 5), when all additions so far made 7";
    assert_eq!(reason, expected);
    let (_, reason) = story(&record(&lines("1 ok read 7", "2 ok final 11")), counter);
    let expected = "the last read that returned at least all that had been acknowledged was that of process 1 on n1 at \
                    5.000 s (op 5)";
    assert_eq!(reason.unwrap(), expected);
}

#[test]
fn a_stale_read_is_proved_by_an_operation_between_the_write_and_the_read() {
    let check = |lines: &[&str], bad: usize, expected: Option<Option<usize>>| {
        let record = record(lines);
        let pairs = record.history.pairs();
        let found = stale(&pairs, &record.history.ops[bad]);
        let witness = found.map(|it| it.witness.map(|it| it.invocation.index));
        assert_eq!(witness, expected, "{lines:?}");
    };
    let stale = [
        "0 invoke write 1",
        "0 ok write 1",
        "1 invoke write 2",
        "1 ok write 2",
        "2 invoke read null",
        "2 ok read 1",
    ];
    check(&stale, 5, Some(Some(2)));
    // A compare-and-set proves the value, too, and fails with an old one.
    let by_cas = [
        "0 invoke write 1",
        "0 ok write 1",
        "1 invoke cas [1,2]",
        "1 ok cas [1,2]",
        "2 invoke cas [1,3]",
        "2 ok cas [1,3]",
    ];
    check(&by_cas, 5, Some(Some(2)));
    // The value may have been written again, by an operation that never completed.
    let again = [
        "0 invoke write 1",
        "0 ok write 1",
        "0 invoke write 1",
        "0 info write 1",
        "1 invoke write 2",
        "1 ok write 2",
        "2 invoke read null",
        "2 ok read 1",
    ];
    check(&again, 7, None);
    check(&["0 invoke read null", "0 ok read 7"], 1, Some(None));
}

#[test]
fn processes_get_their_nodes_except_in_quotes() {
    let (settings, record) = (settings(), record(&[]));
    let scene = Scene::new(&settings, &record);
    let check = |text: &str, expected: &str| assert_eq!(scene.with_nodes(text), expected);
    check(
        "process 4 (op 1), process 2",
        "process 4 on n1 (op 1), process 2 on n2",
    );
    check(
        "process 4 on n1, process x, the process",
        "process 4 on n1, process x, the process",
    );
    check(
        r#"read "process 1 \" process 2" of process 0"#,
        r#"read "process 1 \" process 2" of process 0 on n0"#,
    );
    check(
        "process 99999999999999999999999",
        "process 99999999999999999999999",
    );
    check("é process 1é", "é process 1 on n1é");
}

#[test]
fn the_reason_of_a_lost_value_without_messages_is_at_most_a_kill() {
    let kill = [
        "nemesis info start-kill null",
        r#"nemesis info start-kill ["killed",["n2"]]"#,
        r#"nemesis info stop-kill ["restarted",["n2"]]"#,
    ];
    let added = ["2 invoke add 17", "2 ok add 17"];
    let reads = [
        "0 invoke read null",
        "0 ok read []",
        "0 invoke add 18",
        "0 ok add 18",
        "0 invoke read null",
        "0 ok read [18]",
    ];
    let judge = |history: &History| {
        let result = checkers::set_full(history, "add").unwrap();
        Verdict::judge(history, checkers::WorkloadResult::Set(result), None, None)
    };
    let check = |lines: &[&str], at: &str, expected: Option<&str>| {
        let (headline, reason) = story(&record(lines), judge);
        let start =
            "1 of 2 acknowledged values was lost; the first, 17, was acknowledged by n2 at ";
        assert_eq!(headline, format!("{start}{at}"));
        assert_eq!(reason.as_deref(), expected);
    };
    check(&[&added[..], &reads].concat(), "1.000 s (op 1)", None);
    let after = [&added[..], &kill, &reads].concat();
    check(&after, "1.000 s (op 1)", Some("n2 was killed at 2.000 s"));
    let before = [&kill[..], &added, &reads].concat();
    check(&before, "4.000 s (op 4)", None);
}

#[test]
fn a_read_of_what_a_failed_operation_wrote_names_it() {
    let judge = |history: &History| {
        let result = checkers::register(history).unwrap();
        Verdict::judge(
            history,
            checkers::WorkloadResult::Registers(result),
            None,
            None,
        )
    };
    let denied = [
        "0 invoke write 1",
        "0 ok write 1",
        "1 invoke cas [5,4]",
        "1 fail cas [5,4]",
        "2 invoke read null",
        "2 ok read 4",
    ];
    let (headline, _) = story(&record(&denied), judge);
    let expected =
        "process 2 on n2 read 4 at 5.000 s (op 5), which only op 3 wrote, and that failed";
    assert!(headline.ends_with(expected), "{headline}");
    let overwritten = [&["0 invoke write 4", "0 ok write 4"][..], &denied].concat();
    let (headline, _) = story(&record(&overwritten), judge);
    let expected = "process 2 on n2 read 4 at 7.000 s (op 7), but 1 had been written by process 0 on n0 at \
                    3.000 s (op 3), before op 7 began; only op 5 of process 1 on n1, which failed, could \
                    write 4 after that";
    assert!(headline.ends_with(expected), "{headline}");
}

#[test]
fn a_run_without_a_kind_of_anomaly_is_grouped_by_its_headline_without_numbers() {
    let story = Story {
        headline: "n12 did not answer within 10.5 s\nat all".to_owned(),
        ..Story::default()
    };
    assert_eq!(story.kind(), "n# did not answer within #.# s");
}
