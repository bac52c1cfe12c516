//! A client that is producer and consumer: its state is the next offset of each assigned key.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::rpc::{Answer, ClientRequest, Field, FieldType, Rpc};
use crate::workload::{Completion, Invocation, Session, Step};
use history::{Kind, OpError, json};

static SEND: Rpc = Rpc {
    request: "send",
    meaning: "Appends a message to a log.",
    arguments: &[
        Field::new("key", FieldType::String, "\"8\"", "which log"),
        Field::new("msg", FieldType::Any, "4", "the message, an integer"),
    ],
    response: "send_ok",
    response_fields: &[Field::new(
        "offset",
        FieldType::Integer,
        "3",
        "its position in the log, which no other message may have",
    )],
};
static POLL: Rpc = Rpc {
    request: "poll",
    meaning: "Reads the next messages of some logs.",
    arguments: &[Field::new(
        "offsets",
        FieldType::Offsets,
        r#"{"8":2,"9":0}"#,
        "for each log, the first offset to return",
    )],
    response: "poll_ok",
    response_fields: &[Field::new(
        "msgs",
        FieldType::Messages,
        r#"{"8":[[2,3],[3,4]]}"#,
        "for each log, messages with their offsets in order, none skipped; any number of them",
    )],
};
static COMMIT: Rpc = Rpc {
    request: "commit_offsets",
    meaning: "Commits offsets: a client has processed all messages up to them.",
    arguments: &[Field::new(
        "offsets",
        FieldType::Offsets,
        r#"{"8":3}"#,
        "for each log, the offset of the last one",
    )],
    response: "commit_offsets_ok",
    response_fields: &[],
};
static COMMITTED: Rpc = Rpc {
    request: "list_committed_offsets",
    meaning: "Reads committed offsets.",
    arguments: &[Field::new(
        "keys",
        FieldType::List,
        r#"["8","9"]"#,
        "the logs",
    )],
    response: "list_committed_offsets_ok",
    response_fields: &[Field::new(
        "offsets",
        FieldType::Offsets,
        r#"{"8":3}"#,
        "for each log the last committed offset; logs without one are left out",
    )],
};

/// All requests of the client.
pub(super) fn requests() -> Vec<&'static Rpc> {
    vec![&SEND, &POLL, &COMMIT, &COMMITTED]
}

/// The result of a poll: the messages of each key, with their offsets; `null` stands for none.
pub(super) type Messages = BTreeMap<String, Option<Vec<Message>>>;

/// A message and its offset.
pub(super) type Message = (i64, Box<RawValue>);

/// The client's state.
#[derive(Debug, Default)]
pub(super) struct Client {
    /// The next offset to poll of each assigned key.
    next: BTreeMap<String, i64>,
    /// The result of the poll whose offsets are being committed.
    result: Option<Box<RawValue>>,
}

impl Session for Client {
    fn begin(&mut self, invocation: &Invocation) -> Step {
        // If a commit has failed, the previous poll was completed without it.
        self.result = None;
        match invocation.f {
            "crash" => Step::Done(Completion {
                kind: Kind::Info,
                value: None,
                error: None,
            }),
            "assign" if invocation.meta.seek_to_beginning => {
                self.next.clear();
                self.next
                    .extend(keys(invocation).into_iter().map(|key| (key, 0)));
                Step::Done(Completion::done())
            }
            "assign" => {
                let keys = vec![("keys", invocation.value.clone())];
                Step::Send(ClientRequest::new(&COMMITTED, keys))
            }
            "send" => {
                let (key, message) = send(invocation);
                Step::Send(ClientRequest::new(
                    &SEND,
                    vec![("key", key), ("msg", message)],
                ))
            }
            _ => {
                let offsets = vec![("offsets", json(&self.next))];
                Step::Send(ClientRequest::new(&POLL, offsets))
            }
        }
    }

    fn on_reply(&mut self, invocation: &Invocation, answer: &Answer<'_>) -> Step {
        match invocation.f {
            "assign" => match answer.parse::<BTreeMap<String, i64>>("offsets") {
                Ok(committed) => {
                    self.assign(keys(invocation), &committed);
                    Step::Done(Completion::done())
                }
                Err(why) => malformed(&COMMITTED, &why, answer),
            },
            "send" => {
                let (key, message) = send(invocation);
                let offset = answer.field("offset");
                let sent = format!("[[\"send\",{key},[{offset},{message}]]]");
                Step::Done(Completion::ok(raw(sent)))
            }
            _ => match self.result.take() {
                Some(result) => Step::Done(Completion::ok(result)),
                None => self.on_polled(answer),
            },
        }
    }
}

impl Client {
    /// Polls exactly these keys from now on, each from this client's own offset, or else from the
    /// committed one, or else from the beginning.
    fn assign(&mut self, keys: Vec<String>, committed: &BTreeMap<String, i64>) {
        let before = std::mem::take(&mut self.next);
        for key in keys {
            let start = before.get(&key).or_else(|| committed.get(&key)).copied();
            self.next.insert(key, start.unwrap_or(0));
        }
    }

    /// Receives the answer to a poll; if it has messages, commits their offsets before the poll
    /// completes.
    fn on_polled(&mut self, answer: &Answer<'_>) -> Step {
        let messages: Messages = match answer.parse("msgs") {
            Ok(messages) => messages,
            Err(why) => return malformed(&POLL, &why, answer),
        };
        let mut has_messages = false;
        let mut highest: BTreeMap<String, i64> = BTreeMap::new();
        for (key, messages) in &messages {
            let offsets = messages.iter().flatten().map(|(offset, _)| *offset);
            has_messages |= messages.as_ref().is_some_and(|it| !it.is_empty());
            let last = offsets.max().unwrap_or(-1);
            let next = self.next.entry(key.clone()).or_default();
            *next = last.saturating_add(1).max(*next);
            highest.insert(key.clone(), last.max(0));
        }
        let result = raw(format!("[[\"poll\",{}]]", answer.field("msgs")));
        if !has_messages {
            return Step::Done(Completion::ok(result));
        }
        self.result = Some(result);
        Step::Send(ClientRequest::new(
            &COMMIT,
            vec![("offsets", json(&highest))],
        ))
    }
}

fn keys(assign: &Invocation) -> Vec<String> {
    serde_json::from_str(assign.value.get()).unwrap_or_default()
}

/// The key and the message of `[["send", key, message]]`.
fn send(invocation: &Invocation) -> (Box<RawValue>, Box<RawValue>) {
    type Send = (String, Box<RawValue>, Box<RawValue>);
    let sends: Result<[Send; 1], _> = serde_json::from_str(invocation.value.get());
    let nothing = |_| (history::null(), history::null());
    sends.map_or_else(nothing, |[(_, key, message)]| (key, message))
}

fn malformed(rpc: &Rpc, why: &str, answer: &Answer<'_>) -> Step {
    let text = rpc.describe_malformed(why, answer.body);
    Step::Done(Completion {
        kind: Kind::Info,
        value: None,
        error: Some(OpError::Malformed { text }),
    })
}

fn raw(text: String) -> Box<RawValue> {
    RawValue::from_string(text).unwrap_or_else(|_| history::null())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::tests::{describe, on_reply};
    use history::OpMeta;

    fn invocation(f: &'static str, value: &str) -> Invocation {
        Invocation::new(f, raw(value.to_owned()))
    }

    fn begin(client: &mut Client, operation: &Invocation) -> String {
        describe(client.begin(operation))
    }

    #[test]
    fn a_send_completes_with_the_offset() {
        let mut client = Client::default();
        let send = invocation("send", r#"[["send","8",{"a": 1}]]"#);
        assert_eq!(begin(&mut client, &send), r#"send key="8" msg={"a": 1}"#);
        assert_eq!(
            on_reply(&mut client, &send, &SEND, r#","offset":12"#),
            r#"Ok [["send","8",[12,{"a": 1}]]] "#
        );
    }

    #[test]
    fn the_offsets_of_a_poll_are_committed_before_it_completes() {
        let mut client = Client::default();
        let poll = invocation("poll", r#"[["poll"]]"#);
        assert_eq!(begin(&mut client, &poll), "poll offsets={}");
        assert_eq!(
            on_reply(&mut client, &poll, &POLL, r#","msgs":{}"#),
            r#"Ok [["poll",{}]] "#
        );
        begin(&mut client, &poll);
        // A key that was not requested becomes one of the client's.
        let msgs = r#","msgs":{"8":[[3,"x"],[5,"y"]],"9":null}"#;
        assert_eq!(
            on_reply(&mut client, &poll, &POLL, msgs),
            r#"commit_offsets offsets={"8":5,"9":0}"#
        );
        assert_eq!(
            on_reply(&mut client, &poll, &COMMIT, ""),
            r#"Ok [["poll",{"8":[[3,"x"],[5,"y"]],"9":null}]] "#
        );
        assert_eq!(begin(&mut client, &poll), r#"poll offsets={"8":6,"9":0}"#);
    }

    #[test]
    fn messages_whose_commit_has_failed_are_not_polled_again() {
        let mut client = Client::default();
        let poll = invocation("poll", r#"[["poll"]]"#);
        client.next.insert("8".to_owned(), 0);
        begin(&mut client, &poll);
        on_reply(&mut client, &poll, &POLL, r#","msgs":{"8":[[3,"x"]]}"#);
        // The commit fails; the client continues after the messages of the poll.
        assert_eq!(begin(&mut client, &poll), r#"poll offsets={"8":4}"#);
        assert_eq!(
            on_reply(&mut client, &poll, &POLL, r#","msgs":{}"#),
            r#"Ok [["poll",{}]] "#
        );
    }

    #[test]
    fn an_assignment_starts_at_the_clients_offset_or_the_committed_one_or_the_beginning() {
        let mut client = Client::default();
        client.next.insert("1".to_owned(), 4);
        client.next.insert("0".to_owned(), 9);
        let assign = invocation("assign", r#"["1","2","3"]"#);
        assert_eq!(
            begin(&mut client, &assign),
            r#"list_committed_offsets keys=["1","2","3"]"#
        );
        let offsets = r#","offsets":{"1":2,"2":7}"#;
        assert_eq!(on_reply(&mut client, &assign, &COMMITTED, offsets), "Ok - ");
        let poll = invocation("poll", r#"[["poll"]]"#);
        assert_eq!(
            begin(&mut client, &poll),
            r#"poll offsets={"1":4,"2":7,"3":0}"#
        );

        let mut seek = invocation("assign", r#"["1","2"]"#);
        seek.meta = OpMeta {
            seek_to_beginning: true,
            ..OpMeta::default()
        };
        assert_eq!(begin(&mut client, &seek), "Ok - ");
        assert_eq!(begin(&mut client, &poll), r#"poll offsets={"1":0,"2":0}"#);
    }

    #[test]
    fn a_crash_is_indeterminate_and_an_offset_beyond_64_bits_is_malformed() {
        let mut client = Client::default();
        assert_eq!(begin(&mut client, &invocation("crash", "null")), "Info - ");
        let poll = invocation("poll", r#"[["poll"]]"#);
        let msgs = r#","msgs":{"8":[[99999999999999999999,1]]}"#;
        assert_eq!(on_reply(&mut client, &poll, &POLL, msgs), "Info - error");
    }
}
