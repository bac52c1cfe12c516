//! Definitions of requests and of the exact form of their answers. Clients build requests from
//! them, answers are checked against them, and `workbench doc` shows them, so that the
//! documentation is what is checked.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;
use shared::NodeId;

use crate::message::push_quoted;
use history::fields::{Fields, is_integer};
use history::{OpError, Value};

/// The timeout of a request, unless its workload has another one.
pub const RPC_TIMEOUT: Duration = Duration::from_secs(5);

/// The definition of a request and of its answer.
///
/// An answer must have exactly these fields: an additional one makes it malformed, just as a
/// missing one does. This is Maelstrom's rule, and verdicts depend on it.
#[derive(Debug, PartialEq, Eq)]
pub struct Rpc {
    /// The request's type.
    pub request: &'static str,
    /// A description in a sentence or two.
    pub meaning: &'static str,
    /// The request's fields, besides `type` and `msg_id`.
    pub arguments: &'static [Field],
    /// The answer's type.
    pub response: &'static str,
    /// The answer's fields, besides `type`, `in_reply_to` and perhaps `msg_id`.
    pub response_fields: &'static [Field],
}

/// A field of a request or of an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub field_type: FieldType,
    /// An example of a value, as JSON text.
    pub example: &'static str,
    /// A description in a phrase.
    pub meaning: &'static str,
    /// Whether a request may omit it. Answers have all their fields.
    pub is_optional: bool,
}

impl Field {
    /// A required field.
    pub const fn new(
        name: &'static str,
        field_type: FieldType,
        example: &'static str,
        meaning: &'static str,
    ) -> Self {
        Field {
            name,
            field_type,
            example,
            meaning,
            is_optional: false,
        }
    }

    /// The same field, but a request may omit it.
    pub const fn optional(self) -> Self {
        Field {
            is_optional: true,
            ..self
        }
    }
}

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// Any JSON.
    Any,
    /// A list, or `null`, which counts as an empty one.
    List,
    /// An integer of any size.
    Integer,
    /// A string.
    String,
    /// `true` or `false`.
    Bool,
    /// An object whose values are lists of nodes.
    Neighbours,
    /// An object whose values are integers.
    Offsets,
    /// An object whose values are lists of pairs, each an integer and a message.
    Messages,
    /// A list of `["r", key, value]` and `["w", key, value]`.
    RegisterTransaction,
    /// A list of `["r", key, list]` and `["append", key, value]`; a list may be `null`.
    ListTransaction,
}

impl FieldType {
    /// Whether a value, the text of valid JSON, has this type.
    pub fn accepts(self, value: &str) -> bool {
        match self {
            FieldType::Any => true,
            FieldType::List => is_list(value),
            FieldType::Integer => is_integer(value),
            FieldType::String => value.starts_with('"'),
            FieldType::Bool => matches!(value, "true" | "false"),
            FieldType::Neighbours => are_neighbours(value),
            FieldType::Offsets => Fields::of(value)
                .is_ok_and(|offsets| offsets.iter().all(|(_, offset)| is_integer(offset))),
            FieldType::Messages => Fields::of(value)
                .is_ok_and(|keys| keys.iter().all(|(_, messages)| are_messages(messages))),
            FieldType::RegisterTransaction => are_micro_ops(value, r#""w""#, |_| true),
            FieldType::ListTransaction => are_micro_ops(value, r#""append""#, is_list),
        }
    }

    /// A description in a phrase.
    pub fn description(self) -> &'static str {
        match self {
            FieldType::Any => "any value",
            FieldType::List => "a list",
            FieldType::Integer => "an integer",
            FieldType::String => "a string",
            FieldType::Bool => "true or false",
            FieldType::Neighbours => "an object of lists of nodes",
            FieldType::Offsets => "an object of integers",
            FieldType::Messages => "an object of lists of [offset, message]",
            FieldType::RegisterTransaction => {
                "a list of [\"r\", key, value] and [\"w\", key, value]"
            }
            FieldType::ListTransaction => {
                "a list of [\"r\", key, list] and [\"append\", key, value]"
            }
        }
    }
}

fn are_neighbours(value: &str) -> bool {
    serde_json::from_str::<BTreeMap<NodeId, Vec<NodeId>>>(value).is_ok()
}

fn are_messages(value: &str) -> bool {
    let pairs = serde_json::from_str::<Option<Vec<(&RawValue, IgnoredAny)>>>(value);
    let mut pairs = pairs.map(|pairs| pairs.into_iter().flatten());
    (pairs.as_mut()).is_ok_and(|pairs| pairs.all(|(offset, _)| is_integer(offset.get())))
}

fn is_list(value: &str) -> bool {
    value.starts_with('[') || value == "null"
}

/// Whether a value is a list of writes, and of reads whose values can be read.
fn are_micro_ops(value: &str, write: &str, can_be_read: fn(&str) -> bool) -> bool {
    type MicroOp<'a> = (&'a RawValue, IgnoredAny, &'a RawValue);
    let micro_ops: serde_json::Result<Option<Vec<MicroOp<'_>>>> = serde_json::from_str(value);
    let fits = |(f, _, value): MicroOp<'_>| match f.get() {
        r#""r""# => can_be_read(value.get()),
        f => f == write,
    };
    micro_ops.is_ok_and(|micro_ops| micro_ops.into_iter().flatten().all(fits))
}

/// An answer that has the form of its definition.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The whole body, as JSON text.
    pub body: &'a str,
    fields: Fields<'a>,
}

impl Answer<'_> {
    /// A field of the definition as the value of an operation.
    pub fn value(&self, name: &str) -> Value {
        Value::from_wire(self.text(name))
    }

    /// The JSON of a field of the definition, as a part of another value.
    pub fn field(&self, name: &str) -> Box<RawValue> {
        RawValue::from_string(self.text(name).to_owned()).unwrap_or_else(|_| history::null())
    }

    fn text(&self, name: &str) -> &str {
        self.fields.get(name).unwrap_or("null")
    }

    /// Parses a field as a `T`.
    ///
    /// # Errors
    /// Describes what is wrong: an integer of any size has the right form, but may not fit into
    /// `T`.
    pub fn parse<T: DeserializeOwned>(&self, name: &str) -> Result<T, String> {
        serde_json::from_str(self.text(name))
            .map_err(|error| format!("the field {name:?}: {error}"))
    }
}

impl Rpc {
    /// Describes why an answer is malformed.
    pub fn describe_malformed(&self, why: &str, body: &str) -> String {
        let request = self.request;
        format!("malformed answer to {request:?}: {why}; it was {body}")
    }

    /// An example of a request's body.
    pub fn example_request(&self) -> String {
        example(self.request, "msg_id", self.arguments)
    }

    /// An example of an answer's body.
    pub fn example_response(&self) -> String {
        example(self.response, "in_reply_to", self.response_fields)
    }

    /// Reads a body, the text of valid JSON, as an answer to this request.
    ///
    /// # Errors
    /// Describes what is wrong with it.
    pub fn read<'a>(&self, body: &'a str) -> Result<Answer<'a>, String> {
        let fields =
            Fields::of(body).map_err(|error| format!("its body is not an object: {error}"))?;
        let mut expected = String::with_capacity(self.response.len() + 2);
        push_quoted(&mut expected, self.response);
        match fields.get("type") {
            Some(kind) if kind == expected => {}
            Some(kind) => return Err(format!("its type is {kind} and should be {expected}")),
            None => return Err(format!("it has no type, which should be {expected}")),
        }
        for Field {
            name, field_type, ..
        } in self.response_fields
        {
            match fields.get(name) {
                None => return Err(format!("the field {name:?} is missing")),
                Some(value) if !field_type.accepts(value) => {
                    let field_type = field_type.description();
                    return Err(format!("the field {name:?} should be {field_type}"));
                }
                Some(_) => {}
            }
        }
        for (name, value) in fields.iter() {
            let is_id = matches!(name, "in_reply_to" | "msg_id");
            if is_id && !is_integer(value) {
                return Err(format!("the field {name:?} should be an integer"));
            }
            let known = self.response_fields.iter().any(|field| field.name == name);
            if !known && !is_id && name != "type" {
                return Err(format!(
                    "the field {name:?} does not belong into {expected}"
                ));
            }
        }
        if fields.get("in_reply_to").is_none() {
            return Err("the field \"in_reply_to\" is missing".to_owned());
        }
        Ok(Answer { body, fields })
    }
}

/// A body of this type, with an id of this name, and an example of each field.
fn example(kind: &str, number: &str, fields: &[Field]) -> String {
    let fields: String = fields
        .iter()
        .map(|Field { name, example, .. }| format!(",\"{name}\":{example}"))
        .collect();
    format!("{{\"type\":\"{kind}\",\"{number}\":1{fields}}}")
}

/// A request of a client to its node.
#[derive(Debug)]
pub struct ClientRequest {
    /// The definition of the request and of its answer.
    pub rpc: &'static Rpc,
    /// The request's fields, except `type` and `msg_id`.
    pub arguments: Vec<(&'static str, Box<RawValue>)>,
    /// How long the client waits for the answer.
    pub timeout: Duration,
}

impl ClientRequest {
    /// A request with the timeout [`RPC_TIMEOUT`].
    pub fn new(rpc: &'static Rpc, arguments: Vec<(&'static str, Box<RawValue>)>) -> Self {
        ClientRequest {
            rpc,
            arguments,
            timeout: RPC_TIMEOUT,
        }
    }
}

/// The error reply of a node, as in a history.
pub fn rpc_error(code: shared::ErrorCode, text: String) -> OpError {
    OpError::Rpc {
        name: Cow::Borrowed(code.name()),
        text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Rpc = Rpc {
        request: "read",
        response: "read_ok",
        meaning: "",
        arguments: &[],
        response_fields: &[Field::new("messages", FieldType::List, "[]", "")],
    };

    fn check(body: &str, expected: Result<&str, &str>) {
        let read = READ
            .read(body)
            .map(|answer| answer.field("messages").get().to_owned());
        match (read, expected) {
            (Ok(read), Ok(expected)) => assert_eq!(read, expected),
            (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
            (read, _) => panic!("{body}: {read:?}"),
        }
    }

    #[test]
    fn an_answer_has_exactly_the_fields_of_its_form() {
        check(
            r#"{"type":"read_ok","in_reply_to":1,"messages":[1, 2]}"#,
            Ok("[1, 2]"),
        );
        check(
            r#"{"messages":null,"msg_id":3,"in_reply_to":1,"type":"read_ok"}"#,
            Ok("null"),
        );
        check(
            r#"{"type":"read_ok","messages":[]}"#,
            Err("\"in_reply_to\" is missing"),
        );
        check(
            r#"{"type":"read_ok","in_reply_to":1}"#,
            Err("\"messages\" is missing"),
        );
        check(r#"{"in_reply_to":1,"messages":[]}"#, Err("no type"));
        check(
            r#"{"type":"ok","in_reply_to":1,"messages":[]}"#,
            Err("should be \"read_ok\""),
        );
        check(
            r#"{"type":"read_ok","in_reply_to":1,"messages":{}}"#,
            Err("should be a list"),
        );
        check(
            r#"{"type":"read_ok","in_reply_to":1.0,"messages":[]}"#,
            Err("an integer"),
        );
        check(
            r#"{"type":"read_ok","in_reply_to":1,"msg_id":null,"messages":[]}"#,
            Err("integer"),
        );
        let extra = r#"{"type":"read_ok","in_reply_to":1,"messages":[],"from":"n0"}"#;
        check(extra, Err("\"from\" does not belong"));
        check("[]", Err("not an object"));
    }

    #[test]
    fn each_field_type_accepts_what_maelstrom_takes() {
        let check = |field_type: FieldType, good: &[&str], bad: &[&str]| {
            let fits = |text: &&str| field_type.accepts(text);
            assert!(good.iter().all(fits), "{field_type:?}");
            assert!(!bad.iter().any(fits), "{field_type:?}");
        };
        check(
            FieldType::Integer,
            &["0", "-7", "99999999999999999999"],
            &["1.0", "null", "\"1\""],
        );
        check(
            FieldType::String,
            &["\"\"", "\"a\""],
            &["1", "null", "[\"a\"]"],
        );
        check(
            FieldType::Bool,
            &["true", "false"],
            &["null", "0", "\"true\""],
        );
        check(
            FieldType::Neighbours,
            &["{}", r#"{"n0": [], "n1": ["n0"]}"#],
            &["null", "[]", r#"{"n0": "n1"}"#, r#"{"n0": [1]}"#],
        );
        check(
            FieldType::Offsets,
            &["{}", r#"{"8": 3, "9": -1}"#],
            &["null", "[]", r#"{"8": null}"#, r#"{"8": 1.5}"#],
        );
        check(
            FieldType::Messages,
            &[
                "{}",
                r#"{"8": []}"#,
                r#"{"8": null}"#,
                r#"{"8": [[0, null], [1, {"a": 2}]]}"#,
            ],
            &[
                "null",
                "[]",
                r#"{"8": 3}"#,
                r#"{"8": [[0]]}"#,
                r#"{"8": [["0", 1]]}"#,
                r#"{"8": [[0, 1, 2]]}"#,
            ],
        );
        check(
            FieldType::RegisterTransaction,
            &["null", "[]", r#"[["r", 1, null], ["w", "x", [2]]]"#],
            &[
                "{}",
                r#"[["r", 1]]"#,
                r#"[["append", 1, 2]]"#,
                r#"[["r", 1, 2, 3]]"#,
                "[null]",
            ],
        );
        check(
            FieldType::ListTransaction,
            &[
                "null",
                "[]",
                r#"[["r", 1, null], ["r", "x", []], ["r", [2], ["a", null]]]"#,
                r#"[["append", 1, null], ["append", 1, [2]]]"#,
            ],
            &[
                "{}",
                r#"[["r", 1]]"#,
                r#"[["r", 1, 2]]"#,
                r#"[["r", 1, {}]]"#,
                r#"[["r", 1, "[]"]]"#,
                r#"[["w", 1, 2]]"#,
                r#"[["append", 1, 2, 3]]"#,
                "[null]",
            ],
        );
    }
}
