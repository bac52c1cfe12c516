//! Answers to requests: their form, errors, and how late they may come.

use super::bench::{Case, check, echo};

fn unique_ids() -> Case {
    echo().flags("-w unique-ids")
}

#[test]
fn a_correct_node_is_valid() {
    check([
        echo().says([" 0 failed, 0 unknown", "echo: valid (seed "]),
        echo().flags("--node-count 3 --availability total"),
        echo().flags("--rate 0").says(["0 operations"]),
        unique_ids().flags("--node-count 3 --availability total"),
        unique_ids().flags("--node-count 3 --latency 5 --nemesis partition"),
        unique_ids().steps([r#"{"type":"generate_ok","id":$n}"#]),
    ]);
}

#[test]
fn an_answer_has_just_the_fields_of_its_type() {
    let check_echo = |(answer, flaw): (&str, &str)| {
        let says = [
            "malformed answer",
            flaw,
            "; it was {",
            "node n0 gave ",
            "no echo was ever ok",
        ];
        echo().steps([answer]).exits(1).says(says)
    };
    let cases = [
        (r#"{"type":"echo_ok"}"#, r#"the field "echo" is missing"#),
        (
            r#"{"type":"echo_ok","echo":$echo,"ok":1}"#,
            r#""ok" does not belong into "echo_ok""#,
        ),
        (
            r#"{"type":"echo","echo":$echo}"#,
            r#"its type is "echo" and should be "echo_ok""#,
        ),
        (r#"{"echo":$echo}"#, "it has no type"),
        (
            r#"{"type":"echo_ok","echo":$echo,"msg_id":"1"}"#,
            r#""msg_id" should be an integer"#,
        ),
        (
            r#"{"type":"echo_ok","echo":$echo,"msg_id":1.0}"#,
            r#""msg_id" should be an integer"#,
        ),
    ];
    // One that is too long for a terminal is cut there.
    let long = [r#"{"type":"echo_ok","echo":$echo,"long":"$long"}"#, "ok"];
    let long = echo()
        .flags("--time-limit 6")
        .steps(long)
        .says([r#""long" does not belong into"#, "xxx… (10000"]);
    for run in check(cases.map(check_echo).into_iter().chain([long])) {
        run.demand(run.text.len() < 10_000, "the output is short");
    }
}

#[test]
fn of_equal_keys_the_last_counts_and_integers_have_any_size() {
    check([
        echo().steps([
            r#"{"type":"x","type":"echo_ok","echo":$echo,"in_reply_to":0,"in_reply_to":$id}"#,
        ]),
        echo()
            .steps([r#"{"type":"echo_ok","echo":$echo,"msg_id":123456789012345678901234567890}"#]),
        unique_ids().steps([r#"{"type":"generate_ok","id":123456789012345678901234567890$n}"#]),
    ]);
}

#[test]
fn a_request_without_an_answer_in_time_is_in_doubt_and_one_answer_is_enough() {
    let says = [
        "no echo was ever ok",
        "node n0 gave 1 request no answer in time",
    ];
    let silent = || echo().exits(1).says(says);
    let once = || echo().steps(["ok", "silence"]);
    let part = "1 of 2 operations were ok, a fraction of 0.5; asked for was ";
    let late = ["sleep 7", "ok"];
    let gone = "it answered client c2, which had timed out and left";
    check([
        silent().steps(["silence"]),
        silent().steps(["close-stdout"]),
        silent().node("deaf.sh"),
        silent()
            .steps(["line "])
            .says(["it printed: (an empty line)"]),
        // Answers to something else, or to nothing.
        silent().steps([r#"{"type":"echo_ok","echo":$echo,"in_reply_to":99}"#]),
        silent().steps([r#"{"type":"echo_ok","echo":$echo,"in_reply_to":"$id"}"#]),
        silent().steps([r#"{"type":"echo_ok","echo":$echo,"in_reply_to":$id.0}"#]),
        silent().steps([r#"{"type":"echo_ok","echo":$echo,"in_reply_to":null}"#]),
        once().says(["2 operations", "1 ok, 0 failed, 1 unknown", "echo: valid"]),
        once().flags("--availability 0.5"),
        once()
            .flags("--availability 0.9")
            .exits(1)
            .says([part, says[1]]),
        once()
            .flags("--availability total")
            .exits(1)
            .says([part, says[1]]),
        // Clients wait for five seconds. Then somebody else takes their place, and who answers
        // them after that is silenced.
        echo()
            .flags("--time-limit 7")
            .steps(late)
            .exits(1)
            .says(["node n0, at ", gone]),
        // Those of this workload stay, and are only surprised.
        unique_ids()
            .flags("--time-limit 7")
            .steps(late)
            .says(["1 unknown"]),
    ]);
}

#[test]
fn an_error_is_a_failure_if_it_is_definite_and_a_wrong_echo_then() {
    let busy = r#"{"type":"error","code":11,"text":"busy"}"#;
    let told = [
        "node n0 answered 1 request with the error temporarily-unavailable",
        ": busy",
    ];
    let refused = ["was refused the echo of \"Please echo "];
    let check_unknown = |code: &str, name: &str| {
        let error = format!(r#"{{"type":"error","code":{code},"text":"too hot"}}"#);
        let known = format!("requests with the error {name}; the first, echo, at ");
        let says = ["no echo was ever ok: 0 failed", &known, ": too hot"];
        echo().steps([error]).exits(1).says(says)
    };
    check([
        echo()
            .steps([busy, "ok"])
            .exits(1)
            .says(told.into_iter().chain(refused)),
        unique_ids()
            .steps([busy, "ok"])
            .says([", 1 failed, 0 unknown"]),
        check_unknown("0", "timeout"),
        check_unknown("13", "crash"),
        check_unknown("1000", "unknown"),
        check_unknown("11.0", "unknown"),
        check_unknown("\"11\"", "unknown"),
        // Unknown ends are nobody's fault as long as something succeeds.
        echo()
            .flags("--time-limit 6")
            .steps([r#"{"type":"error","code":13,"text":"$long"}"#, "ok"]),
    ]);
}

#[test]
fn an_echo_of_something_else_is_invalid() {
    let [open, close] = ["[", "]"].map(|it| it.repeat(500));
    let deep = format!(r#"{{"type":"echo_ok","echo":{open}$n{close}}}"#);
    check([
        echo()
            .steps([r#"{"type":"echo_ok","echo":"Polly"}"#, "ok"])
            .exits(1)
            .says([
                "process 0 sent \"Please echo ",
                "and received {\"type\":\"echo_ok\",\"echo\":\"Polly\",\"in_reply_to\":1}",
            ]),
        echo()
            .steps([r#"{"type":"echo_ok","echo":null}"#, "ok"])
            .exits(1),
        echo()
            .steps([deep.as_str(), "ok"])
            .exits(1)
            .says(["and received {"]),
    ]);
}

#[test]
fn ids_are_unique_and_of_one_kind() {
    let id = |id: &str| format!(r#"{{"type":"generate_ok","id":{id}}}"#);
    let [open, close] = ["[", "]"].map(|it| it.repeat(500));
    check([
        unique_ids()
            .steps([id("7")])
            .exits(1)
            .says(["id 7 was handed out ", "process 0 at"]),
        unique_ids()
            .steps([id("\"a\""), id("\"a\""), "ok".to_owned()])
            .exits(1),
        unique_ids()
            .steps([id("\"a\""), id("$n")])
            .exits(2)
            .says(["cannot compare the ids \"a\""]),
        unique_ids()
            .steps([id(r#"{"a":$n}"#)])
            .exits(2)
            .says(["cannot compare the ids {"]),
        unique_ids().steps([id("1"), id("1.0"), id("$n")]),
        unique_ids().steps([id(&format!("{open}$n{close}"))]),
    ]);
}

#[test]
fn services_answer_a_node_and_what_they_do_not_understand_is_told() {
    let asks = |questions: &[&str]| echo().node("asks.py").steps(questions.iter().copied());
    let told = |service: &str, request: &str, why: &str| {
        let whom = "node n0, at ";
        let what = format!("its request to {service} gets no answer: {why}");
        asks(&[service, request])
            .exits(1)
            .says([whom, &what, "it printed: {", "no echo was ever"])
    };
    let write = r#"{"type":"write","key":"k","value":[1]}"#;
    let cas = r#"{"type":"cas","key":"k","from":[1],"to":2}"#;
    let read = r#"{"type":"read","key":"k"}"#;
    let kv = ["lin-kv", "seq-kv"]
        .map(|kv| [kv, write, kv, cas, kv, read])
        .concat();
    let all = [&kv[..], &["lww-kv", cas, "lin-tso", r#"{"type":"ts"}"#]].concat();
    let runs = check([
        asks(&all).flags("--latency 5").says(["16 among servers"]),
        told(
            "lin-kv",
            r#"{"type":"delete","key":"k"}"#,
            r#"lin-kv answers read, write and cas"#,
        ),
        told("lin-tso", read, r#"lin-tso answers ts, not "read""#),
        told("seq-kv", r#"{"key":"k"}"#, "malformed request"),
        told("lww-kv", r#"{"type":7}"#, "malformed request"),
    ]);
    let Some(run) = runs.first() else { return };
    let kv = |kv| {
        format!(
            "{kv} answers {{\"type\": \"write_ok\", \"in_reply_to\": #}}\n\
             {kv} answers {{\"type\": \"cas_ok\", \"in_reply_to\": #}}\n\
             {kv} answers {{\"type\": \"read_ok\", \"value\": 2, \"in_reply_to\": #}}\n"
        )
    };
    let log = run.read("node-logs/n0.log");
    let mut expected = kv("lin-kv") + &kv("seq-kv");
    for number in 1..=6 {
        expected = expected.replacen('#', &number.to_string(), 1);
    }
    assert!(log.starts_with(&expected), "{log}");
    assert!(
        log.contains("lww-kv answers {\"type\": \"error\", \"code\": 20"),
        "{log}"
    );
    assert!(
        log.ends_with("lin-tso answers {\"type\": \"ts_ok\", \"ts\": 0, \"in_reply_to\": 8}\n")
    );
}
