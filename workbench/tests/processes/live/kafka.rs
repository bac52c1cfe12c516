//! Kafka: the requests of producers and consumers, the history, and the final phase. Each run waits
//! ten seconds for the network to recover, so the runs of a test are parallel.

use std::collections::{BTreeMap, BTreeSet};

use history::{Kind, Op, Pair};
use serde_json::{Value, json};

use super::bench::{Run, check, run};
use super::keeper::{
    assert_one_failure, assert_successors, exceptions, failures, invoked_by, keeper, phases,
    requests,
};

type Messages = BTreeMap<String, Vec<(i64, u64)>>;

#[test]
fn with_a_correct_node_messages_are_sent_polled_committed_and_read_at_the_end() {
    // With this seed, a consumer is assigned all unread keys early.
    let seeded = || keeper("kafka", []).flags("--seed 1");
    let runs = check([
        seeded().prints(["kafka: valid", " 0 failed"]),
        seeded().flags("--concurrency 2n --rate 100"),
        seeded().flags("--node-count 2 --concurrency 2n --latency 5"),
        seeded().flags("--key-count 1 --max-writes-per-key 3"),
        seeded().flags("--availability 0.5"),
        // A crash of a client is never ok.
        seeded()
            .flags("--availability total")
            .exits(1)
            .prints(["operations succeeded, a fraction of 0.", "; required: "]),
    ]);
    for run in &runs {
        let history = run.history();
        for pair in history.pairs() {
            assert_form(run, pair);
        }
        let values = sent(&history.ops, Kind::Invoke);
        let in_order = |values: &Vec<u64>| (1..).zip(values).all(|(number, it)| number == *it);
        run.assert(
            values.values().all(in_order),
            "the values of a key count from 1",
        );
        run.assert(
            exceptions(run).is_empty() && failures(run).is_empty(),
            "nothing fails",
        );
        assert_successors(run);
        assert_offsets_listed_and_committed(run);
        assert_final_phase(run);
    }
    let Some(run) = runs.first() else { return };
    let first = &run.history().ops[0];
    run.assert(first.f == "crash", "the first operation is a crash");
    let edn = run.read("history.edn");
    for text in [
        ":f :crash, :value nil",
        ":value [[:send \"9\" 1]]",
        ":value [[:send \"9\" [0 1]]]",
        ":value [[:poll]], :poll-ms 1000}",
        ":value [[:poll {\"",
        ", :seek-to-beginning? true}",
        ", :unseen {",
    ] {
        run.assert(edn.contains(text), text);
    }
    // Only crashes may have no ok operation.
    let results = run.read("results.edn");
    let exempt = ":ok-count 0, :valid? false}";
    run.assert(results.matches(exempt).count() == 1, exempt);
}

/// The values that were sent to each key, in order, by operations of this kind.
fn sent(ops: &[Op], kind: Kind) -> BTreeMap<String, Vec<u64>> {
    let mut sent: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for op in ops.iter().filter(|op| op.f == "send" && op.kind == kind) {
        let [(_, key, value)]: [(String, String, Value); 1] = op.value.parse().unwrap();
        // A pair of offset and message, or the message alone.
        let value = value.get(1).unwrap_or(&value);
        sent.entry(key).or_default().push(value.as_u64().unwrap());
    }
    sent
}

/// The messages that a poll returned.
fn polled(poll: &Op) -> Messages {
    let [(_, messages)]: [(String, Messages); 1] = poll.value.parse().unwrap();
    messages
}

fn assert_form(run: &Run, pair: Pair<'_>) {
    let (invoked, completed) = (pair.invocation, pair.completion.unwrap());
    let meta = &invoked.meta;
    let fits = match &*invoked.f {
        "crash" => {
            invoked.value.json() == "null"
                && completed.error.is_none()
                && completed.kind == Kind::Info
        }
        "assign" => {
            let keys: Vec<String> = invoked.value.parse().unwrap();
            let is_there = |key: &String| keys.contains(key);
            !keys.is_empty()
                && keys.iter().all(|key| key.parse::<u64>().is_ok())
                && meta.unseen.iter().flat_map(|it| it.keys()).all(is_there)
                && invoked.value.json() == completed.value.json()
        }
        "send" => {
            let [(f, key, value)]: [(String, String, u64); 1] = invoked.value.parse().unwrap();
            let [(done_f, done_key, (_, done))]: [(String, String, (i64, u64)); 1] =
                completed.value.parse().unwrap();
            f == "send" && done_f == f && (done_key, done) == (key, value)
        }
        "poll" => invoked.value.json() == r#"[["poll"]]"# && polled(completed).len() <= 20,
        _ => false,
    };
    run.assert(
        fits,
        &format!("operation {} has the right form", invoked.index),
    );
    run.assert(
        *meta == completed.meta,
        "invocation and completion have the same meta",
    );
}

/// Asserts that committed offsets are requested for each assignment that does not seek to the
/// beginning, and that consumers commit the offsets they have polled.
fn assert_offsets_listed_and_committed(run: &Run) {
    let requested = |kind: &str, field: &str| -> BTreeMap<String, u64> {
        let requests = requests(run);
        let these = requests.iter().filter(|(_, body)| body["type"] == kind);
        count(these.map(|(_, body)| body[field].to_string()))
    };
    let ops = run.history().ops;
    let assigned = ops
        .iter()
        .filter(|op| op.f == "assign" && op.kind == Kind::Ok);
    let assigned = assigned.filter(|op| !op.meta.seek_to_beginning);
    let assigned = count(assigned.map(|op| op.value.json().to_owned()));
    run.assert(
        !assigned.is_empty(),
        "there is an assignment in the main phase",
    );
    assert_eq!(requested("list_committed_offsets", "keys"), assigned);

    let polls = ops
        .iter()
        .filter(|op| op.f == "poll" && op.kind == Kind::Ok);
    let last = |messages: Messages| -> BTreeMap<String, i64> {
        let last = |(key, messages): (String, Vec<(i64, u64)>)| (key, messages.last().unwrap().0);
        messages.into_iter().map(last).collect()
    };
    let offsets = polls
        .map(|poll| last(polled(poll)))
        .filter(|it| !it.is_empty());
    let offsets = count(offsets.map(|it| json!(it).to_string()));
    assert_eq!(requested("commit_offsets", "offsets"), offsets);
}

fn count(texts: impl Iterator<Item = String>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for text in texts {
        *counts.entry(text).or_default() += 1;
    }
    counts
}

/// Asserts that every worker crashes, assigns itself all keys, and polls exactly until nothing is
/// missing.
fn assert_final_phase(run: &Run) {
    let [main, last] = phases(run);
    let sent = sent(&main, Kind::Ok);
    for worker in 0..run.test()["concurrency"].as_u64().unwrap() {
        let invoked = invoked_by(worker, run, &last);
        let [crash, assign, polls @ ..] = &invoked[..] else {
            panic!("worker {worker} stopped too early: {invoked:?}")
        };
        run.assert(
            [&*crash.f, &*assign.f] == ["crash", "assign"],
            "it crashes first",
        );
        run.assert(assign.meta.seek_to_beginning, "it begins at the beginning");
        let keys: BTreeSet<String> = assign.value.parse().unwrap();
        run.assert(keys.iter().eq(sent.keys()), "it reads all keys");
        let is_poll = |op: &Op| op.f == "poll" && op.meta.poll_ms == Some(1000);
        run.assert(
            !polls.is_empty() && polls.iter().all(is_poll),
            "then it polls",
        );

        let mut missing: BTreeSet<(String, u64)> = BTreeSet::new();
        for (key, values) in &sent {
            missing.extend(values.iter().map(|value| (key.clone(), *value)));
        }
        let completed = |op: &&Op| op.process == polls[0].process && op.kind == Kind::Ok;
        for poll in last.iter().filter(completed).filter(|op| op.f == "poll") {
            run.assert(!missing.is_empty(), "no poll comes after the last message");
            for (key, messages) in polled(poll) {
                for (_, value) in messages {
                    missing.remove(&(key.clone(), value));
                }
            }
        }
        run.assert(missing.is_empty(), "everything is read in the end");
    }
}

#[test]
fn a_final_phase_without_progress_ends_after_ten_seconds() {
    let blind = keeper("kafka", [r#"poll:{"type":"poll_ok","msgs":{}}"#]).flags("--concurrency 2n");
    for run in run(&[blind]) {
        let [_, last] = phases(&run);
        let [first, .., end] = &last[..] else {
            panic!("the final phase is empty")
        };
        let seconds = (end.time - first.time) as f64 / 1e9;
        run.assert(
            (9.0..12.0).contains(&seconds),
            &format!("{seconds} s are about ten"),
        );
        for worker in [0, 1] {
            let invoked = invoked_by(worker, &run, &last).len();
            // Five a second, on average.
            run.assert(
                (20..100).contains(&invoked),
                &format!("{invoked} operations"),
            );
        }
    }
}

/// The outcome of a request, and the function, kind and error of the operation that contains it.
const FAILURES: [(&str, &str, Kind, &str); 18] = [
    ("send:error 11", "send", Kind::Fail, BUSY),
    ("send:error 13", "send", Kind::Info, "crash: busy"),
    ("send:silence", "send", Kind::Info, "net-timeout"),
    (
        r#"send:{"type":"send_ok","offset":"0"}"#,
        "send",
        Kind::Info,
        "should be an integer",
    ),
    ("poll:error 11", "poll", Kind::Fail, BUSY),
    ("poll:error 1000", "poll", Kind::Info, "unknown: busy"),
    (
        r#"poll:{"type":"poll_ok","msgs":[]}"#,
        "poll",
        Kind::Info,
        NO_MESSAGES,
    ),
    (
        r#"poll:{"type":"poll_ok","msgs":{"9":[["0",1]]}}"#,
        "poll",
        Kind::Info,
        NO_MESSAGES,
    ),
    (
        r#"poll:{"type":"poll_ok","msgs":{"9":[0,1]}}"#,
        "poll",
        Kind::Info,
        NO_MESSAGES,
    ),
    (
        r#"poll:{"type":"poll_ok","msgs":{},"n":1}"#,
        "poll",
        Kind::Info,
        "\"n\" does not belong",
    ),
    // Messages that were polled but not committed are lost to the consumer.
    ("commit_offsets:error 11", "poll", Kind::Fail, BUSY),
    ("commit_offsets:error 13", "poll", Kind::Info, "crash: busy"),
    ("commit_offsets:nothing", "poll", Kind::Info, "net-timeout"),
    (
        r#"commit_offsets:{"type":"poll_ok"}"#,
        "poll",
        Kind::Info,
        "\"commit_offsets_ok\"",
    ),
    // Listing offsets changes nothing, so that it fails for certain.
    (
        "list_committed_offsets:error 11",
        "assign",
        Kind::Fail,
        BUSY,
    ),
    (
        "list_committed_offsets:error 13",
        "assign",
        Kind::Fail,
        "crash: busy",
    ),
    (
        "list_committed_offsets:nothing",
        "assign",
        Kind::Fail,
        "net-timeout",
    ),
    (
        r#"list_committed_offsets:{"type":"error_ok"}"#,
        "assign",
        Kind::Info,
        "its type is",
    ),
];

const BUSY: &str = "temporarily-unavailable: busy";

const NO_MESSAGES: &str = r#"the field "msgs" should be an object of lists of [offset, message]"#;

#[test]
fn an_error_is_a_failure_if_it_is_certain() {
    // With this seed, there is an assignment early, and messages are polled soon.
    let cases = FAILURES.map(|(outcome, ..)| {
        let request = outcome.split(':').next().unwrap();
        let outcomes = ["send:ok", outcome, &format!("{request}:ok")];
        keeper("kafka", outcomes).flags("--seed 8")
    });
    for (run, (_, f, kind, error)) in check(cases).iter().zip(FAILURES) {
        assert_one_failure(run, f, kind, error);
    }
}
