//! The value of a kafka operation: a list of sends and polls.
//!
//! Messages stay raw JSON here, without a copy: polls repeat the same messages, and most of them
//! are known already.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::element::Element;
use history::edn::tagged;
use history::{Kind, Op};

/// One step of an operation.
pub(super) enum MicroOp<'a> {
    /// `["send", key, message]`, or `["send", key, [offset, message]]` once the offset is known.
    Send(KeyName<'a>, RawMessage<'a>),
    /// `["poll", {key: [[offset, message], …]}]`, or `["poll"]` without a result.
    Poll(Vec<(KeyName<'a>, Vec<RawMessage<'a>>)>),
}

/// The name of a key: Maelstrom's are strings, Jepsen's numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum KeyName<'a> {
    /// A string, copied only if it has escapes.
    Text(Cow<'a, str>),
    /// Anything else.
    Other(Element),
}

impl<'a> KeyName<'a> {
    pub(super) fn to_owned(&self) -> KeyName<'static> {
        match self {
            KeyName::Text(text) => KeyName::Text(Cow::Owned(text.to_string())),
            KeyName::Other(element) => KeyName::Other(element.clone()),
        }
    }

    pub(super) fn parse(json: &'a RawValue) -> serde_json::Result<Self> {
        Ok(if json.get().starts_with('"') {
            let Text(text) = serde_json::from_str(json.get())?;
            KeyName::Text(text)
        } else {
            KeyName::Other(Element::parse(json.get()))
        })
    }

    pub(super) fn to_element(&self) -> Element {
        match self {
            KeyName::Text(text) => Element::text(text),
            KeyName::Other(element) => element.clone(),
        }
    }
}

impl fmt::Display for KeyName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyName::Text(text) => write!(f, "{text:?}"),
            KeyName::Other(element) => element.fmt(f),
        }
    }
}

/// A message, and its offset if it is known.
#[derive(serde::Deserialize)]
#[serde(expecting = "[offset, message]")]
pub(super) struct RawMessage<'a>(
    pub(super) Option<i64>,
    #[serde(borrow)] pub(super) &'a RawValue,
);

/// The micro-operations of a completion. Its value may repeat that of its invocation: then a
/// message that is a list of two is not a pair of offset and message.
///
/// # Errors
/// When the value is of another form.
pub(super) fn micro_ops<'a>(
    op: &'a Op,
    invocation: Option<&Op>,
) -> serde_json::Result<Vec<MicroOp<'a>>> {
    let is_repeated = invocation.is_some_and(|it| it.value.json() == op.value.json());
    let parts: Vec<Part<'a>> = serde_json::from_str(op.value.json())?;
    let parts = parts.into_iter().map(|part| match part {
        Part::Send(key, value) => Ok(MicroOp::Send(key, sent(op.kind, is_repeated, value)?)),
        Part::Poll(polled) => Ok(MicroOp::Poll(polled)),
    });
    parts.collect()
}

fn sent<'a>(
    kind: Kind,
    is_repeated: bool,
    value: &'a RawValue,
) -> serde_json::Result<RawMessage<'a>> {
    let is_list = value.get().starts_with('[');
    let message = || serde_json::from_str(value.get());
    match kind {
        Kind::Ok if is_list => message(),
        Kind::Info | Kind::Fail if is_list && !is_repeated => {
            Ok(message().unwrap_or(RawMessage(None, value)))
        }
        Kind::Invoke | Kind::Ok | Kind::Info | Kind::Fail => Ok(RawMessage(None, value)),
    }
}

/// A micro-operation whose send may have an offset.
enum Part<'a> {
    Send(KeyName<'a>, &'a RawValue),
    Poll(Vec<(KeyName<'a>, Vec<RawMessage<'a>>)>),
}

/// A string that is copied only if it has escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The result of a poll by key, in textual order.
struct Polled<'a>(Vec<(KeyName<'a>, Vec<RawMessage<'a>>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Part<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(PartVisitor)
    }
}

struct PartVisitor;

impl<'de> Visitor<'de> for PartVisitor {
    type Value = Part<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[\"send\", key, message] or [\"poll\", {key: [[offset, message]]}]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Part<'de>, A::Error> {
        let missing = |count| A::Error::invalid_length(count, &self);
        let Text(name) = seq.next_element()?.ok_or_else(|| missing(0))?;
        let part = match &*name {
            "send" => {
                let key = seq.next_element()?.ok_or_else(|| missing(1))?;
                let key = KeyName::parse(key).map_err(A::Error::custom)?;
                Part::Send(key, seq.next_element()?.ok_or_else(|| missing(2))?)
            }
            "poll" => {
                let polled: Option<Option<Polled<'de>>> = seq.next_element()?;
                Part::Poll(polled.flatten().map_or_else(Vec::new, |Polled(keys)| keys))
            }
            other => return Err(A::Error::unknown_variant(other, &["send", "poll"])),
        };
        match seq.next_element::<IgnoredAny>()? {
            None => Ok(part),
            Some(_) => Err(A::Error::custom(format!("{name} has too many parts"))),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Polled<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PolledVisitor)
    }
}

struct PolledVisitor;

impl<'de> Visitor<'de> for PolledVisitor {
    type Value = Polled<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{key: [[offset, message]]}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Polled<'de>, A::Error> {
        let mut keys: Vec<(KeyName<'de>, Vec<RawMessage<'de>>)> = Vec::new();
        let mut indices: HashMap<KeyName<'de>, usize> = HashMap::new();
        // Of equal keys the last counts, as for the client; null is an empty list.
        while let Some(Text(key)) = map.next_key()? {
            // Keys that are not strings are encoded as a list of pairs, see `edn::tagged`.
            if key == "#map" {
                let pairs: Vec<(&RawValue, Option<Vec<RawMessage<'de>>>)> = map.next_value()?;
                for (key, messages) in pairs {
                    let key = KeyName::parse(key).map_err(A::Error::custom)?;
                    keys.push((key, messages.unwrap_or_default()));
                }
                continue;
            }
            let key = KeyName::Text(key);
            let messages: Option<_> = map.next_value()?;
            let messages = messages.unwrap_or_default();
            match indices.entry(key.clone()) {
                Entry::Occupied(index) => keys[*index.get()].1 = messages,
                Entry::Vacant(index) => {
                    index.insert(keys.len());
                    keys.push((key, messages));
                }
            }
        }
        // A single key may be escaped, so that it is not taken for a tag.
        if indices.len() == 1
            && let [(KeyName::Text(key), _)] = &mut keys[..]
            && tagged::unescaped(key) != key
        {
            *key = Cow::Owned(tagged::unescaped(key).to_owned());
        }
        Ok(Polled(keys))
    }
}

#[cfg(test)]
mod tests {
    use super::{MicroOp, RawMessage, micro_ops};
    use history::{History, Op};

    fn op(kind: &str, value: &str) -> Op {
        let line =
            |kind: &str| format!(r#"{{"type":"{kind}","process":0,"f":"txn","value":{value}}}"#);
        let lines = line("invoke") + &line(kind).repeat(usize::from(kind != "invoke"));
        History::read_json(lines.as_bytes())
            .unwrap()
            .ops
            .pop()
            .unwrap()
    }

    /// The micro-operations of a completion as text.
    fn describe(op: &Op, invocation: Option<&Op>) -> String {
        let message = |RawMessage(offset, message): &RawMessage<'_>| match offset {
            Some(offset) => format!("{offset}={}", message.get()),
            None => message.get().to_owned(),
        };
        let part = |part: &MicroOp<'_>| match part {
            MicroOp::Send(key, sent) => format!("send {key} {}", message(sent)),
            MicroOp::Poll(keys) => {
                let key = |(key, messages): &(_, Vec<_>)| {
                    let messages: Vec<_> = messages.iter().map(message).collect();
                    format!(" {key} [{}]", messages.join(" "))
                };
                let keys: Vec<_> = keys.iter().map(key).collect();
                format!("poll{}", keys.concat())
            }
        };
        let parts = match micro_ops(op, invocation) {
            Ok(parts) => parts,
            Err(error) => return format!("{error}"),
        };
        parts.iter().map(part).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn sends_and_polls_are_read_in_their_order() {
        let check = |value: &str, expected: &str| {
            assert_eq!(describe(&op("ok", value), None), expected, "{value}");
        };
        check("[]", "");
        check(
            r#"[["poll"],["poll",null],["poll",{}]]"#,
            "poll, poll, poll",
        );
        check(
            r#"[["send","8",[3,{"a":1}]],["poll",{"9":[[0,1],[null,"x"]],"1":[]}]]"#,
            r#"send "8" 3={"a":1}, poll "9" [0=1 "x"] "1" []"#,
        );
        check(
            r#"[["\u0070oll",{"\u0041":[[-1,null]]}]]"#,
            "poll \"A\" [-1=null]",
        );
        check(
            r#"[["send","8",5],["send","8",[null,5]]]"#,
            "send \"8\" 5, send \"8\" 5",
        );
    }

    #[test]
    fn keys_may_be_anything() {
        let value = r##"[["send",8,5],["poll",{"#map":[[8,[[0,1]]],["8",[]]]}]]"##;
        assert_eq!(
            describe(&op("ok", value), None),
            r#"send 8 5, poll "8" [] 8 [0=1]"#
        );
        let polled = |json: &str| describe(&op("ok", &format!(r#"[["poll",{json}]]"#)), None);
        assert_eq!(polled(r###"{"##map":[[0,1]]}"###), r##"poll "#map" [0=1]"##);
        assert_eq!(
            polled(r###"{"##map":[[0,1]],"8":[]}"###),
            r###"poll "##map" [0=1] "8" []"###
        );
    }

    #[test]
    fn a_list_that_was_sent_is_a_message_without_an_offset() {
        let invocation = op("invoke", r#"[["send","8",[1,2]]]"#);
        let check = |kind: &str, value: &str, expected: &str| {
            assert_eq!(describe(&op(kind, value), Some(&invocation)), expected);
        };
        check("info", r#"[["send","8",[1,2]]]"#, "send \"8\" [1,2]");
        check("fail", r#"[["send","8",[1,2]]]"#, "send \"8\" [1,2]");
        check("info", r#"[["send","8",[7,[1,2]]]]"#, "send \"8\" 7=[1,2]");
        check("info", r#"[["send","8",["a"]]]"#, "send \"8\" [\"a\"]");
        check("ok", r#"[["send","8",[7,[1,2]]]]"#, "send \"8\" 7=[1,2]");
    }

    #[test]
    fn any_other_value_is_refused_with_a_reason() {
        let check = |value: &str, reason: &str| {
            let description = describe(&op("ok", value), None);
            assert!(description.contains(reason), "{value}: {description}");
        };
        check("null", "expected a sequence");
        check("[null]", "expected [\"send\"");
        check("[[]]", "invalid length 0");
        check(r#"[["send"]]"#, "invalid length 1");
        check(r#"[["send","8"]]"#, "invalid length 2");
        check(r#"[["send","8",[]]]"#, "invalid length 0");
        check(r#"[["send","8",[1,2,3]]]"#, "trailing characters");
        check(r#"[["send","8",[1.5,2]]]"#, "expected i64");
        check(r#"[["send","8",[9223372036854775808,2]]]"#, "expected i64");
        check(r#"[["send","8",1,1]]"#, "send has too many parts");
        check(r#"[["poll",{"8":[5]}]]"#, "expected [offset, message]");
        check(r#"[["poll",[]]]"#, "expected {key: [[offset, message]]}");
        check(r#"[["append","8",1]]"#, "unknown variant `append`");
    }
}
