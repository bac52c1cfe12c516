//! Replies to requests: their form, errors and timeouts.

use super::bench::{Case, check, echo};

fn unique_ids() -> Case {
    echo().flags("-w unique-ids")
}

#[test]
fn a_correct_node_is_valid() {
    check([
        echo().prints([" 0 failed, 0 indeterminate", "echo: valid (seed "]),
        echo().flags("--node-count 3 --availability total"),
        echo().flags("--rate 0").prints(["0 operations"]),
        unique_ids().flags("--node-count 3 --availability total"),
        unique_ids().flags("--node-count 3 --latency 5 --nemesis partition"),
        unique_ids().steps([r#"{"type":"generate_ok","id":$n}"#]),
    ]);
}

#[test]
fn a_reply_has_exactly_the_fields_of_its_type() {
    let check_echo = |(answer, problem): (&str, &str)| {
        let texts = [
            "malformed answer",
            problem,
            "; it was {",
            "node n0 gave ",
            "no echo succeeded",
        ];
        echo().steps([answer]).exits(1).prints(texts)
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
    // A reply that is too long for a terminal is cut in the output.
    let long = [r#"{"type":"echo_ok","echo":$echo,"long":"$long"}"#, "ok"];
    let long = echo()
        .flags("--time-limit 6")
        .steps(long)
        .prints([r#""long" does not belong into"#, "xxx… (10000"]);
    for run in check(cases.map(check_echo).into_iter().chain([long])) {
        run.assert(run.text.len() < 10_000, "the output is short");
    }
}

#[test]
fn of_repeated_keys_the_last_counts_and_integers_have_any_size() {
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
fn a_request_without_a_timely_reply_is_indeterminate_and_one_reply_is_enough() {
    let findings = [
        "no echo succeeded",
        "node n0 did not answer 1 request in time",
    ];
    let silent = || echo().exits(1).prints(findings);
    let once = || echo().steps(["ok", "silence"]);
    let part = "1 of 2 operations succeeded, a fraction of 0.5; required: ";
    let late = ["sleep 7", "ok"];
    let gone = "it answered client c2, which had timed out and left";
    check([
        silent().steps(["silence"]),
        silent().steps(["close-stdout"]),
        silent().node("closes-stdin.sh"),
        silent()
            .steps(["line "])
            .prints(["it printed: (an empty line)"]),
        // Replies to another request, or to none.
        silent().steps([r#"{"type":"echo_ok","echo":$echo,"in_reply_to":99}"#]),
        silent().steps([r#"{"type":"echo_ok","echo":$echo,"in_reply_to":"$id"}"#]),
        silent().steps([r#"{"type":"echo_ok","echo":$echo,"in_reply_to":$id.0}"#]),
        silent().steps([r#"{"type":"echo_ok","echo":$echo,"in_reply_to":null}"#]),
        once().prints([
            "2 operations",
            "1 ok, 0 failed, 1 indeterminate",
            "echo: valid",
        ]),
        once().flags("--availability 0.5"),
        once()
            .flags("--availability 0.9")
            .exits(1)
            .prints([part, findings[1]]),
        once()
            .flags("--availability total")
            .exits(1)
            .prints([part, findings[1]]),
        // Clients time out after five seconds and are replaced by new ones. A node that replies to
        // the old one is silenced.
        echo()
            .flags("--time-limit 7")
            .steps(late)
            .exits(1)
            .prints(["node n0, at ", gone]),
        // Clients of this workload are not replaced, and ignore late replies.
        unique_ids()
            .flags("--time-limit 7")
            .steps(late)
            .prints(["1 indeterminate"]),
    ]);
}

#[test]
fn a_definite_error_is_a_failure_and_a_failed_echo_is_wrong() {
    let busy = r#"{"type":"error","code":11,"text":"busy"}"#;
    let reported = [
        "node n0 answered 1 request with the error temporarily-unavailable",
        ": busy",
    ];
    let refused = ["sent \"Please echo ", "and received an error at "];
    let check_unknown = |code: &str, name: &str| {
        let error = format!(r#"{{"type":"error","code":{code},"text":"too hot"}}"#);
        let known = format!("requests with the error {name}; the first, echo, at ");
        let findings = ["no echo succeeded: 0 failed", &known, ": too hot"];
        echo().steps([error]).exits(1).prints(findings)
    };
    check([
        echo()
            .steps([busy, "ok"])
            .exits(1)
            .prints(reported.into_iter().chain(refused)),
        unique_ids()
            .steps([busy, "ok"])
            .prints([", 1 failed, 0 indeterminate"]),
        check_unknown("0", "timeout"),
        check_unknown("13", "crash"),
        check_unknown("1000", "unknown"),
        check_unknown("11.0", "unknown"),
        check_unknown("\"11\"", "unknown"),
        // Unknown outcomes are allowed as long as something succeeds.
        echo()
            .flags("--time-limit 6")
            .steps([r#"{"type":"error","code":13,"text":"$long"}"#, "ok"]),
    ]);
}

#[test]
fn a_wrong_echo_is_invalid() {
    let [open, close] = ["[", "]"].map(|it| it.repeat(500));
    let deep = format!(r#"{{"type":"echo_ok","echo":{open}$n{close}}}"#);
    check([
        echo()
            .steps([r#"{"type":"echo_ok","echo":"Polly"}"#, "ok"])
            .exits(1)
            .prints([
                "process 0 on n0 sent \"Please echo ",
                "and received {\"type\":\"echo_ok\",\"echo\":\"Polly\",\"in_reply_to\":1}",
            ]),
        echo()
            .steps([r#"{"type":"echo_ok","echo":null}"#, "ok"])
            .exits(1),
        echo()
            .steps([deep.as_str(), "ok"])
            .exits(1)
            .prints(["and received {"]),
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
            .prints(["id 7 was returned ", "process 0 on n0 at"]),
        unique_ids()
            .steps([id("\"a\""), id("\"a\""), "ok".to_owned()])
            .exits(1),
        unique_ids()
            .steps([id("\"a\""), id("$n")])
            .exits(2)
            .prints(["cannot compare the ids \"a\""]),
        unique_ids()
            .steps([id(r#"{"a":$n}"#)])
            .exits(2)
            .prints(["cannot compare the ids {"]),
        unique_ids().steps([id("1"), id("1.0"), id("$n")]),
        unique_ids().steps([id(&format!("{open}$n{close}"))]),
    ]);
}

#[test]
fn services_reply_to_a_node_and_requests_they_do_not_support_are_reported() {
    let asks = |requests: &[&str]| {
        echo()
            .node("asks-services.py")
            .steps(requests.iter().copied())
    };
    let reported = |service: &str, request: &str, why: &str| {
        let node = "node n0, at ";
        let what = format!("its request to {service} gets no answer: {why}");
        asks(&[service, request]).exits(1).prints([
            node,
            &what,
            "it printed: {",
            "no echo succeeded",
        ])
    };
    let write = r#"{"type":"write","key":"k","value":[1]}"#;
    let cas = r#"{"type":"cas","key":"k","from":[1],"to":2}"#;
    let read = r#"{"type":"read","key":"k"}"#;
    let kv = ["lin-kv", "seq-kv"]
        .map(|kv| [kv, write, kv, cas, kv, read])
        .concat();
    let all = [&kv[..], &["lww-kv", cas, "lin-tso", r#"{"type":"ts"}"#]].concat();
    let runs = check([
        asks(&all)
            .flags("--latency 5")
            .prints(["16 between servers"]),
        reported(
            "lin-kv",
            r#"{"type":"delete","key":"k"}"#,
            r#"lin-kv answers read, write and cas"#,
        ),
        reported("lin-tso", read, r#"lin-tso answers ts, not "read""#),
        reported("seq-kv", r#"{"key":"k"}"#, "malformed request"),
        reported("lww-kv", r#"{"type":7}"#, "malformed request"),
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
