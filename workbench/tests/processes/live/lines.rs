//! What nodes print: which lines are messages, and that the first one that is none is the last
//! that counts. Maelstrom's reader stops there, and so the verdict depends on it.

use serde_json::Value;

use super::bench::{Case, check, echo};

/// Two nodes, of which n0 is innocent; every operation must succeed.
fn two() -> Case {
    echo().flags("--node-count 2 --availability total")
}

/// How a line is shown.
fn told(line: &str) -> String {
    match line.trim() {
        "" => "it printed: (an empty line)".to_owned(),
        r"\xff\xfe" => "it printed: \u{fffd}\u{fffd}".to_owned(),
        "$long" => "xxx… (10000000 bytes)".to_owned(),
        line => format!("it printed: {}", line.replace("$me", "n1")),
    }
}

const NOT_JSON: &str = "it printed a line that is not JSON (stdout is for messages";

/// Lines, and what is wrong with them.
const BAD: [(&str, &str); 24] = [
    ("", NOT_JSON),
    ("  ", NOT_JSON),
    ("starting on port 8080", NOT_JSON),
    (r#"{"src":"$me","dest":"n0","body":{}"#, NOT_JSON),
    (r"{'src':'$me','dest':'n0','body':{}}", NOT_JSON),
    (r"\xff\xfe", NOT_JSON),
    ("$long", NOT_JSON),
    // JSON, and yet no message:
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
    // From or to nobody:
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
    // Another answer to `init`: the client that asked has gone.
    (
        INIT_OK,
        "it answered client c1, which had timed out and left",
    ),
];

/// Another answer to the init of n1.
pub const INIT_OK: &str = r#"{"src":"$me","dest":"c1","body":{"type":"init_ok","in_reply_to":1}}"#;

#[test]
fn a_line_that_is_no_message_is_told_and_the_last_that_counts() {
    let cases = BAD.map(|(line, flaw)| {
        let ignored = "; everything that it prints after this is ignored";
        let says = [
            "node n1, at ",
            flaw,
            ignored,
            &told(line),
            "n1 gave 1 request no answer",
        ];
        // It answers rightly after the line, but nobody listens any more.
        two().steps([format!("n1:line {line}")]).exits(1).says(says)
    });
    for run in check(cases) {
        run.demand(!run.text.contains("node n0"), "n0 is innocent");
        let results: Value = serde_json::from_str(&run.read("results.json")).unwrap();
        let incidents = results["incidents"].as_array().unwrap();
        assert_eq!(incidents.len(), 1, "{incidents:?}");
        assert_eq!(incidents[0]["node"], "n1");
        let shown = format!("it printed: {}\n", incidents[0]["line"].as_str().unwrap());
        run.demand(run.text.contains(&shown), &shown);
    }
}

#[test]
fn what_maelstrom_takes_is_taken() {
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
        // In another's name, as long as there is somebody of that name.
        r#"{"src":"n1","dest":"n0","body":{}}"#,
        r#"{"src":"lin-kv","dest":"n0","body":{}}"#,
        r#"{"src":"c2","dest":"n1","body":{}}"#,
    ];
    let cases = lines.map(|line| two().steps([&format!("line {line}"), "ok"]));
    for run in check(cases) {
        run.demand(!run.text.contains("node n"), "nobody is to blame");
    }
}

#[test]
fn a_flood_of_lines_drowns_nobody() {
    let noise = ["nonsense", "2000000"];
    let message = [r#"{"src":"n0","dest":"n0","body":{"type":"x"}}"#, "20000"];
    let flood = || echo().node("floods.sh").exits(1);
    check([
        flood()
            .steps(noise)
            .says(["node n0, at", NOT_JSON, "it printed: nonsense"]),
        // It does not read what it sends itself, either.
        flood()
            .steps(message)
            .says(["no echo was ever ok", "20000 among servers"]),
    ]);
}

#[test]
fn stderr_is_kept_line_by_line_and_shown_on_request() {
    let hello = || echo().steps(["say I am $me", "ok"]).flags("--node-count 2");
    let shown = hello()
        .flags("--log-stderr")
        .says(["n0 │ I am n0\n", "n1 │ I am n1\n"]);
    let runs = check([hello(), shown, echo().node("chatty.py")]);
    let [hidden, _, chatty] = &runs[..] else {
        return;
    };
    hidden.demand(!hidden.text.contains("I am"), "nobody asked for stderr");
    assert_eq!(hidden.read("node-logs/n1.log"), "I am n1\n");

    let log = chatty.read("node-logs/n0.log");
    let answers = chatty.history().pairs().len().min(10);
    let remarks = |n| (0..1000).map(move |i| format!("remark {n}.{i} bla"));
    let remarks = (1..=answers).flat_map(remarks);
    let remarks: Vec<String> = remarks.collect();
    chatty.demand(log.lines().count() == remarks.len(), "the log is whole");
    for (line, remark) in log.lines().zip(&remarks) {
        assert!(line.starts_with(remark), "{remark} became {line}");
    }
}
