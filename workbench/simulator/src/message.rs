//! A message on the network: the exact JSON text of its body, and its header, which is parsed once
//! when the message is sent. Histories, traces and lines keep the text as it is; network and
//! clients need only the header, and only the receiver parses the other fields.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;
use shared::NodeId;

use history::fields::{skim, text};

/// A message under way.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// Its number in the whole run.
    pub id: u64,
    /// The sender.
    pub src: NodeId,
    /// The receiver.
    pub dest: NodeId,
    /// The body.
    pub body: Body,
}

impl Envelope {
    /// The message as a node reads it: one line of JSON, its newline included.
    pub fn to_line(&self) -> String {
        let mut line = String::with_capacity(self.body.get().len() + 80);
        self.push_line(&mut line);
        line
    }

    /// Appends the message as a node reads it.
    pub fn push_line(&self, out: &mut String) {
        let _ = write!(out, "{{\"id\":{}", self.id);
        for (key, name) in [(",\"src\":", &self.src), (",\"dest\":", &self.dest)] {
            out.push_str(key);
            push_quoted(out, name.as_str());
        }
        out.push_str(",\"body\":");
        out.push_str(self.body.get());
        out.push_str("}\n");
    }
}

/// Appends a text as JSON.
pub(crate) fn push_quoted(out: &mut String, text: &str) {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if text.bytes().all(is_plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::Value::from(text).to_string());
    }
}

/// The body of a message: JSON text, and the header parsed from it.
#[derive(Debug, Clone)]
pub struct Body {
    /// Shared, since a set-up request is as large as the cluster, and goes to every node.
    json: Arc<str>,
    /// `None` if the text is not an object, or if a key is not Unicode text.
    header: Option<Header>,
}

/// The fields of a body that network and clients need. Of equal keys the last one counts, as in
/// Maelstrom.
#[derive(Debug, Clone, Default)]
pub struct Header {
    /// `type`, if it is a string.
    pub message_type: Option<Cow<'static, str>>,
    /// `in_reply_to`, of any type, as JSON text.
    pub in_reply_to: Option<Box<str>>,
    /// Whether there are several keys `type`.
    is_ambiguous: bool,
    /// Whether there are fields besides `type`, `msg_id` and `in_reply_to`.
    has_content: bool,
}

impl Body {
    /// Writes a client's request of this type, which is not parsed again.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    pub fn of_request(kind: &'static str, value: &impl Serialize) -> serde_json::Result<Self> {
        let header = Header {
            message_type: Some(kind.into()),
            ..Header::default()
        };
        Ok(Body {
            json: serde_json::to_string(value)?.into(),
            header: Some(header),
        })
    }

    /// A body of this text, which is valid JSON.
    pub(crate) fn of_json(json: &str) -> Self {
        Body {
            header: Header::of(json),
            json: json.into(),
        }
    }

    /// The JSON text.
    pub fn get(&self) -> &str {
        &self.json
    }

    /// The header; `None` if the fields of the body cannot be read.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// The `type`, if it is a string.
    pub fn message_type(&self) -> Option<&str> {
        self.header.as_ref()?.message_type.as_deref()
    }

    /// The type under which statistics count the message: `?` unless it is a single string.
    pub fn counted_type(&self) -> &str {
        let header = self.header.as_ref().filter(|it| !it.is_ambiguous);
        let message_type = header.and_then(|header| header.message_type.as_deref());
        message_type.unwrap_or("?")
    }

    /// Whether the message does nothing but acknowledge others: a reply without content, or a
    /// message of the type `ack` or `…_ack`.
    pub fn only_acknowledges(&self) -> bool {
        let Some(header) = &self.header else {
            return false;
        };
        let message_type = header.message_type.as_deref().unwrap_or_default();
        let is_ack = message_type == "ack" || message_type.ends_with("_ack");
        is_ack || (header.in_reply_to.is_some() && !header.has_content)
    }
}

impl Default for Body {
    /// An empty object.
    fn default() -> Self {
        Body {
            json: "{}".into(),
            header: Some(Header::default()),
        }
    }
}

impl From<Box<RawValue>> for Body {
    fn from(json: Box<RawValue>) -> Self {
        Body::of_json(json.get())
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}

impl Header {
    /// Reads the header of a body; `None` if its fields cannot be read.
    fn of(body: &str) -> Option<Self> {
        let mut header = Header::default();
        let mut has_type = false;
        for field in skim(body)? {
            let (name, value) = field?;
            match &*name {
                "type" => {
                    header.is_ambiguous |= has_type;
                    has_type = true;
                    header.message_type = text(value).map(|it| it.into_owned().into());
                }
                "in_reply_to" => header.in_reply_to = Some(value.into()),
                "msg_id" => {}
                _ => header.has_content = true,
            }
        }
        Some(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use history::fields::Fields;
    use serde::Deserialize;

    fn body(text: &str) -> Body {
        RawValue::from_string(text.to_owned()).unwrap().into()
    }

    #[test]
    fn a_body_keeps_its_text_and_knows_its_header() {
        let text = r#"{ "in_reply_to": 7e0, "value": 1.10, "t\u0079pe": "re\u0061d" }"#;
        let body = body(text);
        assert_eq!(body.to_string(), text);
        let in_reply_to = body.header().unwrap().in_reply_to.as_deref();
        assert_eq!(in_reply_to, Some("7e0"));
        assert_eq!(
            (body.message_type(), body.counted_type()),
            (Some("read"), "read")
        );
    }

    #[test]
    fn a_type_that_is_no_single_string_is_counted_as_unknown() {
        let check = |text: &str, kind: Option<&str>| {
            let body = body(text);
            assert_eq!(
                (body.message_type(), body.counted_type()),
                (kind, "?"),
                "{text}"
            );
        };
        check("{}", None);
        check(r#"{"type":7}"#, None);
        check(r#"{"type":null}"#, None);
        check(r#"{"type":["read"]}"#, None);
        check(r#"{"type":"\ud800"}"#, None);
        check(r#"{"type":"a","type":"b"}"#, Some("b"));
        check(r#"{"type":1,"type":"b"}"#, Some("b"));
        check(r#"{"type":"a","type":1}"#, None);
        assert!(Body::default().header().is_some());
    }

    #[test]
    fn messages_without_content_only_acknowledge() {
        let check = |text: &str, expected: bool| {
            assert_eq!(body(text).only_acknowledges(), expected, "{text}");
        };
        check(r#"{"type":"gossip_ok","in_reply_to":1}"#, true);
        check(r#"{"type":"gossip_ok","in_reply_to":1,"msg_id":2}"#, true);
        check(r#"{"type":"gossip_ack","upto":7}"#, true);
        check(r#"{"type":"ack","of":[1,2]}"#, true);
        check(r#"{"type":"gossip_ok","in_reply_to":1,"values":[]}"#, false);
        check(r#"{"type":"gossip"}"#, false);
        check(r#"{"type":"stack"}"#, false);
        check("[]", false);
    }

    #[test]
    fn of_two_in_reply_to_the_last_one_counts() {
        let body = body(r#"{"in_reply_to":1,"in_reply_to":"2"}"#);
        let in_reply_to = body.header().unwrap().in_reply_to.as_deref();
        assert_eq!(in_reply_to, Some("\"2\""));
    }

    #[test]
    fn fields_that_cannot_be_read_make_no_header() {
        for text in [
            "[]",
            "[\"read\"]",
            "7",
            "null",
            r#"{"type":"a","\ud800":1}"#,
        ] {
            let body = body(text);
            assert!(body.header().is_none(), "{text}");
            assert_eq!(
                (body.message_type(), body.counted_type()),
                (None, "?"),
                "{text}"
            );
        }
    }

    /// The type of a body as serde reads it, which rejects equal keys.
    #[derive(Deserialize)]
    struct Typed {
        r#type: String,
    }

    #[test]
    fn the_header_is_what_reading_all_fields_finds() {
        let names = ["type", "t\\u0079pe", "in_reply_to", "x", "\\ud800"];
        let values = [
            r#""a""#,
            r#""\u0062""#,
            r#""\ud800""#,
            "7",
            "7e0",
            "null",
            "[{}]",
        ];
        let fields = names.iter().flat_map(|name| {
            let field = move |value| format!(r#""{name}": {value}"#);
            values.iter().map(field)
        });
        let fields: Vec<String> = fields.collect();
        let extended = |all: &[String]| -> Vec<String> {
            let with = |one: &String| fields.iter().map(|it| format!("{one}, {it}")).collect();
            all.iter().flat_map::<Vec<String>, _>(with).collect()
        };
        let pairs = extended(&fields);
        let triples = extended(&pairs);
        for fields in fields.iter().chain(&pairs).chain(&triples) {
            let body = body(&format!("{{{fields}}}"));
            let all = serde_json::from_str::<Fields<'_>>(body.get()).ok();
            let header = body.header();
            assert_eq!(header.is_some(), all.is_some(), "{body}");
            let in_reply_to = header.and_then(|it| it.in_reply_to.as_deref());
            let expected = all.as_ref().and_then(|all| all.get("in_reply_to"));
            assert_eq!(in_reply_to, expected);
            let expected = all.as_ref().and_then(|all| all.text("type"));
            assert_eq!(body.message_type(), expected.as_deref(), "{body}");
            let typed = serde_json::from_str(body.get()).map(|Typed { r#type }| r#type);
            assert_eq!(
                body.counted_type(),
                typed.as_deref().unwrap_or("?"),
                "{body}"
            );
        }
    }

    #[test]
    fn values_that_nest_deeply_do_not_matter() {
        let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
        let body = body(&format!(r#"{{"value":{open}{close},"type":"read"}}"#));
        assert_eq!(body.message_type(), Some("read"));
    }
}
