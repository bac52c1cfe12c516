//! Replies with a wrong `in_reply_to`: they do not count as replies, as with Maelstrom, but the
//! bench reports that the node did reply.

use serde_json::Value;

use super::bench::{Case, check, check_one, echo};

/// A node that replies to echo with this field in place of `in_reply_to`.
fn replies(field: &str) -> Case {
    let body = format!(r#"{{"type":"echo_ok","echo":$echo,{field}}}"#);
    echo().steps([body]).exits(1)
}

#[test]
fn replies_with_a_wrong_in_reply_to_are_reported_once_with_their_number() {
    let (node, must) = (
        "node n0, at ",
        "; it must be the number 1, the request's msg_id",
    );
    let cases = [
        (
            r#""in_reply_to":"$id""#,
            r#"with "in_reply_to":"1", a string"#,
        ),
        (
            r#""in_reply_to":$id.0"#,
            r#"with "in_reply_to":1.0, no integer"#,
        ),
        (
            r#""in_reply_to":[$id]"#,
            r#"with "in_reply_to":[1], no number"#,
        ),
        (r#""in_reply_to":null"#, r#"with "in_reply_to":null"#),
        (r#""note":"in_reply_to""#, r#"without "in_reply_to""#),
        (
            r#""in_reply_to":99999"#,
            r#"with "in_reply_to":99999, a msg_id that client c2 has never used"#,
        ),
    ];
    let cases = cases.map(|(field, problem)| {
        let finding = format!(": it answered echo {problem}{must}");
        let printed = r#"it printed: {"src":"n0","dest":"c2","body":{"type":"echo_ok","echo":"#;
        replies(field).flags("--concurrency 3").prints([
            node,
            &finding,
            printed,
            "(3 times in all)",
            "n0 did not answer 3 requests in time",
        ])
    });
    for run in check(cases) {
        let results: Value = serde_json::from_str(&run.read("results.json")).unwrap();
        assert_eq!(
            results["incidents"].as_array().unwrap().len(),
            1,
            "{results}"
        );
        let log = run.read("jepsen.log");
        run.assert(log.contains("it answered echo with"), "jepsen.log has it");
    }
}

#[test]
fn a_reply_to_init_with_a_wrong_in_reply_to_aborts_the_run() {
    let broken = |field: &str, problem: &str| {
        let step = format!(r#"init:{{"type":"init_ok",{field}}}"#);
        let text = format!(
            "the run was aborted: node n0 answered init {problem}; it must be the number 1,"
        );
        let line = r#"{"src":"n0","dest":"c0","body":{"type":"init_ok","#;
        echo()
            .steps([step])
            .exits(255)
            .prints([text.as_str(), line])
    };
    check([
        broken(
            r#""in_reply_to":"$id""#,
            r#"with "in_reply_to":"1", a string"#,
        ),
        broken(
            r#""in_reply_to":$id.0"#,
            r#"with "in_reply_to":1.0, no integer"#,
        ),
        broken(r#""note":"in_reply_to""#, r#"without "in_reply_to""#),
        broken(
            r#""in_reply_to":7"#,
            r#"with "in_reply_to":7, a msg_id that client c0 has never used"#,
        ),
        // The set-up request of broadcast.
        echo()
            .flags("-w broadcast")
            .steps([r#"{"type":"topology_ok","in_reply_to":"$id"}"#])
            .exits(255)
            .prints([r#"node n0 answered topology with "in_reply_to":"1", a string; it must be"#]),
    ]);
}

#[test]
fn late_and_repeated_replies_are_not_reported() {
    let twice =
        r#"{"src":"$me","dest":"$you","body":{"type":"echo_ok","echo":$echo,"in_reply_to":$id}}"#;
    // Clients of unique-ids go on after a timeout.
    let late = [r"sleep 6", "ok"];
    let runs = check([
        echo().steps([format!("line {twice}")]),
        echo()
            .flags("-w unique-ids --time-limit 8")
            .steps(late)
            .exits(0),
    ]);
    for run in runs {
        run.assert(!run.text.contains("it answered"), "nothing is reported");
    }
}

#[test]
fn under_duplication_an_unknown_msg_id_is_allowed_but_not_a_wrong_type() {
    let flags = "--nemesis duplicate";
    let unknown = replies(r#""in_reply_to":99999"#).flags(flags);
    if let Some(run) = check_one(unknown) {
        run.assert(!run.text.contains("it answered"), "it is not reported");
    }
    check_one(
        replies(r#""in_reply_to":"$id""#)
            .flags(flags)
            .prints(["\"1\", a string"]),
    );
}

#[test]
fn a_node_that_prints_no_whole_line_is_reported_with_advice() {
    let late = "the run was aborted: node n0 did not answer init within 10 s; n0 printed no";
    let broken = || echo().exits(255).prints([late]);
    check([
        broken()
            .steps(["init:silence"])
            .prints(["n0 printed nothing: is its output flushed after each line?"]),
        broken()
            .node("no-newline.sh")
            .prints(["no whole line: does each message end with a newline"]),
    ]);
}

#[test]
fn a_reply_before_init_is_handled_is_reported_as_a_race() {
    let race =
        "\n    this may be a race in the node: another node's message reached it before it had";
    let two = || echo().flags("--node-count 2");
    let racy = || {
        two()
            .node("race.sh")
            .prints([race, "--latency 1 mostly hides such a race\n"])
    };
    let runs = check([
        racy().steps(["before"]).exits(255),
        racy().steps(["after"]).exits(1),
        // A line that is no message has other causes.
        two().node("race.sh").steps(["noise"]).exits(255),
    ]);
    if let Some(run) = runs.last() {
        run.assert(
            !run.text.contains("may be a race"),
            "a line that is no message is no race",
        );
    }
}
