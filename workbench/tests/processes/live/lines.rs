//! Lines that nodes print: which are messages, and that all lines after the first invalid one are
//! ignored. Maelstrom's reader stops there, too, so the verdict depends on it.

use serde_json::Value;

use super::bench::{Case, check, echo};

/// Two nodes, of which n0 is correct; every operation must succeed.
fn two() -> Case {
    echo().flags("--node-count 2 --availability total")
}

/// How a line is printed.
fn printed(line: &str) -> String {
    match line.trim() {
        "" => "it printed: (an empty line)".to_owned(),
        r"\xff\xfe" => "it printed: \u{fffd}\u{fffd}".to_owned(),
        "$long" => "xxx… (10000000 bytes)".to_owned(),
        line => format!("it printed: {}", line.replace("$me", "n1")),
    }
}

const NOT_JSON: &str = "it printed a line that is not JSON (stdout is for messages";

/// Invalid lines, and what is wrong with them.
const INVALID: [(&str, &str); 24] = [
    ("", NOT_JSON),
    ("  ", NOT_JSON),
    ("starting on port 8080", NOT_JSON),
    (r#"{"src":"$me","dest":"n0","body":{}"#, NOT_JSON),
    (r"{'src':'$me','dest':'n0','body':{}}", NOT_JSON),
    (r"\xff\xfe", NOT_JSON),
    ("$long", NOT_JSON),
    // JSON that is no message:
    ("7", "it is not an object"),
    ("null", "it is not an object"),
    (r#"["$me","n0",{"type":"x"},1]"#, "it is not an object"),
    ("{}", r#"the field "src" is missing"#),
    (
        r#"{"src":"$me","body":{}}"#,
        r#"the field "dest" is missing"#,
    ),
    (
        r#"{"src":"$me","dest":0,"body":{}}"#,
        r#"the field "dest" should be a string"#,
    ),
    (
        r#"{"src":null,"dest":"n0","body":{}}"#,
        r#"the field "src" should be a string"#,
    ),
    (
        r#"{"src":"$me","dest":"n0","body":[]}"#,
        r#"the field "body" should be an object"#,
    ),
    (
        r#"{"src":"$me","dest":"n0","body":"x"}"#,
        r#"the field "body" should be an object"#,
    ),
    (
        r#"{"src":"$me","dest":"n0","body":{},"id":1.0}"#,
        r#""id" should be an integer"#,
    ),
    (
        r#"{"src":"$me","dest":"n0","body":{},"id":null}"#,
        r#""id" should be an integer"#,
    ),
    (
        r#"{"src":"$me","dest":"n0","body":{},"at":5}"#,
        r#""at" does not belong there"#,
    ),
    // From or to an unknown name:
    (
        r#"{"src":"$me","dest":"n2","body":{}}"#,
        r#"to "n2", but no node, client or service has that name"#,
    ),
    (
        r#"{"src":"$me","dest":"kv","body":{}}"#,
        r#"to "kv", but no node, client or service has that name"#,
    ),
    (
        r#"{"src":"$me","dest":"c99","body":{}}"#,
        r#"to "c99", but no node, client or service has that name"#,
    ),
    (
        r#"{"src":"n2","dest":"n0","body":{}}"#,
        r#"as "n2", but no node, client or service has that name"#,
    ),
    // A second reply to `init`, whose client has gone.
    (
        INIT_OK,
        "it answered client c1, which had timed out and left",
    ),
];

/// A second reply to the init of n1.
pub const INIT_OK: &str = r#"{"src":"$me","dest":"c1","body":{"type":"init_ok","in_reply_to":1}}"#;

#[test]
fn the_first_invalid_line_is_reported_and_later_lines_are_ignored() {
    let cases = INVALID.map(|(line, problem)| {
        let ignored = "; everything that it prints after this is ignored";
        let texts = [
            "node n1, at ",
            problem,
            ignored,
            &printed(line),
            "n1 did not answer 1 request",
        ];
        // It replies correctly after the line, but that is ignored.
        two()
            .steps([format!("n1:line {line}")])
            .exits(1)
            .prints(texts)
    });
    for run in check(cases) {
        run.assert(!run.text.contains("node n0"), "n0 is not blamed");
        let results: Value = serde_json::from_str(&run.read("results.json")).unwrap();
        let incidents = results["incidents"].as_array().unwrap();
        assert_eq!(incidents.len(), 1, "{incidents:?}");
        assert_eq!(incidents[0]["node"], "n1");
        let shown = format!("it printed: {}\n", incidents[0]["line"].as_str().unwrap());
        run.assert(run.text.contains(&shown), &shown);
    }
}

#[test]
fn lines_that_maelstrom_accepts_are_accepted() {
    let [open, close] = [r#"{"a":["#, "]}"].map(|it| it.repeat(250));
    let deep = format!(r#"{{"src":"$me","dest":"$me","body":{open}1{close}}}"#);
    let lines = [
        r#"{"src":"$me","dest":"$me","body":{}} and more text"#,
        r#"  {"src":"$me","dest":"$me","body":{}}  "#,
        r#"{"src":"$me","dest":"$me","body":{}}\r"#,
        r#"{"src":"$me","dest":"$me"}"#,
        r#"{"src":"$me","dest":"$me","body":null}"#,
        r#"{"src":"$me","dest":"$me","body":{"type":7},"id":5}"#,
        r#"{"src":"$me","dest":"$me","body":{},"id":123456789012345678901234567890}"#,
        r#"{"src":"n9","src":"$me","dest":"$me","body":[],"body":{"a":1,"a":2}}"#,
        r#"{"src":"$me","dest":"$me","body":{"text":"\xff\xfe"}}"#,
        r#"{"src":"$me","dest":"$me","body":{"text":"$long"}}"#,
        r#"{"src":"$me","dest":"$me","body":{"n":-0.1,"o":123456789012345678901}}"#,
        &deep,
        // From another name, as long as it exists.
        r#"{"src":"n1","dest":"n0","body":{}}"#,
        r#"{"src":"lin-kv","dest":"n0","body":{}}"#,
        r#"{"src":"c2","dest":"n1","body":{}}"#,
    ];
    let cases = lines.map(|line| two().steps([&format!("line {line}"), "ok"]));
    for run in check(cases) {
        run.assert(!run.text.contains("node n"), "no node is blamed");
    }
}

#[test]
fn a_flood_of_lines_does_not_stop_the_bench() {
    let noise = ["nonsense", "2000000"];
    let message = [r#"{"src":"n0","dest":"n0","body":{"type":"x"}}"#, "20000"];
    let flood = || echo().node("floods.sh").exits(1);
    check([
        flood()
            .steps(noise)
            .prints(["node n0, at", NOT_JSON, "it printed: nonsense"]),
        // It does not read its own messages either.
        flood()
            .steps(message)
            .prints(["no echo succeeded", "20,000 between servers"]),
    ]);
}

#[test]
fn stderr_is_logged_by_line_and_printed_on_request() {
    let hello = || echo().steps(["say I am $me", "ok"]).flags("--node-count 2");
    let shown = hello()
        .flags("--log-stderr")
        .prints(["n0 │ I am n0\n", "n1 │ I am n1\n"]);
    let runs = check([hello(), shown, echo().node("chatty.py")]);
    let [hidden, _, chatty] = &runs[..] else {
        return;
    };
    hidden.assert(
        !hidden.text.contains("I am"),
        "stderr is not printed by default",
    );
    assert_eq!(hidden.read("node-logs/n1.log"), "I am n1\n");

    let log = chatty.read("node-logs/n0.log");
    let answers = chatty.history().pairs().len().min(10);
    let remarks = |n| (0..1000).map(move |i| format!("remark {n}.{i} bla"));
    let remarks = (1..=answers).flat_map(remarks);
    let remarks: Vec<String> = remarks.collect();
    chatty.assert(log.lines().count() == remarks.len(), "the log is complete");
    for (line, remark) in log.lines().zip(&remarks) {
        assert!(line.starts_with(remark), "{remark} became {line}");
    }
}
