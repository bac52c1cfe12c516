//! The nodes in `examples`: what they print, and the test in the head of each.

use serde_json::Value;

use example::check;

#[path = "../../common/example.rs"]
pub(super) mod example;

#[test]
fn every_example_is_valid_by_the_command_in_its_head() {
    check(|example| example.problem("test"));
}

/// Lines that are no messages, and messages that are hard to read.
pub(super) const HARD: &str = r#"{"id":1,"src":"c1","dest":"n\"1","body":{"type":"init","node_id":"n\"1","node_ids":["n\"1"],"msg_id":1}}

hello
[1, 2
{"src":"c1","dest":"n1","body":7}
{"src":"c1","dest":"n1","body":{"type":"ec
{"body":{"x":{"type":"z","q":"a\\"},"y":[[{"msg_id":9}],"\u00e9 \"}, {"], "type" : "tango","msg_id":2} ,"src":"c1","dest":"n1"}
{"src":"c1","dest":"n1","body":{"type":"tango"}}
"#;

#[test]
fn examples_print_only_messages_whatever_their_input_is() {
    check(|example| {
        let printed = example.output_for(HARD);
        let read = |line| serde_json::from_str(line).unwrap_or(Value::Null);
        let messages: Vec<Value> = printed.lines().map(read).collect();
        let is_message = |at: usize, dest: &str, kind: &str, to: u64| {
            let Some(Value::Object(message)) = messages.get(at) else {
                return false;
            };
            let body = &message["body"];
            message.len() == 3
                && message["dest"] == dest
                && (body["type"] == kind && body["in_reply_to"] == to)
        };
        let is_correct = messages.len() == 2
            && is_message(0, "c1", "init_ok", 1)
            && is_message(1, "c1", "error", 2);
        (!is_correct).then(|| format!("{} printed:\n{printed}", example.file.display()))
    });
}
