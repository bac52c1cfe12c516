//! The operations read, write and cas, and the two simple stores. A request concerns one key, so
//! its effect is a function of that key's value; the stores differ only in which state they use.
//!
//! Keys and values are any JSON, and equal when their structure is: the order of an object's keys
//! and the escapes in a string are irrelevant, but `1` is not `1.0`. Values keep the text that was
//! written, and are parsed only to compare texts that differ.

use std::collections::BTreeMap;

use rand::RngExt;
use serde_json::Value;
use serde_json::value::RawValue;

use super::reply::Reply;
use crate::rng::SeededRng;

/// A request to a store.
pub(super) struct Request<'a> {
    pub(super) key: Key,
    pub(super) op: KvOp<'a>,
}

/// An operation on a key.
#[derive(Clone, Copy)]
pub(super) enum KvOp<'a> {
    Read,
    Write {
        value: &'a RawValue,
    },
    Cas {
        from: &'a RawValue,
        to: &'a RawValue,
        create: bool,
    },
}

/// A key in canonical form: equal keys are equal strings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(String);

/// lin-kv: applies every request to one current state.
#[derive(Debug, Default)]
pub(super) struct MapStore {
    values: BTreeMap<Key, Box<RawValue>>,
}

/// lww-kv: two replicas, one of which is drawn for each request. They never exchange anything, so
/// that timestamps never matter and are not kept.
#[derive(Debug)]
pub(super) struct LwwKv {
    replicas: [MapStore; 2],
    rng: SeededRng,
}

impl<'a> KvOp<'a> {
    /// The reply when the key's value is `current`, and the value to write, if any.
    pub(super) fn apply_to(self, current: Option<&RawValue>) -> (Reply, Option<&'a RawValue>) {
        match (self, current) {
            (KvOp::Read, Some(value)) => (
                Reply::ReadOk {
                    value: value.to_owned(),
                },
                None,
            ),
            (KvOp::Write { value }, _) => (Reply::WriteOk, Some(value)),
            (KvOp::Cas { from, to, .. }, Some(value)) if json_eq(from, value) => {
                (Reply::CasOk, Some(to))
            }
            (KvOp::Cas { from, .. }, Some(value)) => (mismatch(from, value), None),
            (
                KvOp::Cas {
                    to, create: true, ..
                },
                None,
            ) => (Reply::CasOk, Some(to)),
            (KvOp::Read | KvOp::Cas { create: false, .. }, None) => (no_such_key(), None),
        }
    }

    /// The same operation, but a cas does not create an absent key.
    fn without_create(self) -> KvOp<'a> {
        match self {
            KvOp::Cas {
                from,
                to,
                create: _,
            } => KvOp::Cas {
                from,
                to,
                create: false,
            },
            KvOp::Read | KvOp::Write { .. } => self,
        }
    }
}

impl Key {
    /// # Errors
    /// When the JSON is nested too deeply, or contains a number beyond the range of floats.
    pub(super) fn parse(json: &RawValue) -> serde_json::Result<Key> {
        serde_json::from_str::<Value>(json.get()).map(|value| Key(value.to_string()))
    }
}

impl MapStore {
    pub(super) fn handle(&mut self, request: Request<'_>) -> Reply {
        let current = self.values.get(&request.key).map(|value| &**value);
        let (reply, written) = request.op.apply_to(current);
        if let Some(value) = written {
            self.values.insert(request.key, value.to_owned());
        }
        reply
    }
}

impl LwwKv {
    pub(super) fn new(rng: SeededRng) -> LwwKv {
        LwwKv {
            replicas: [MapStore::default(), MapStore::default()],
            rng,
        }
    }

    pub(super) fn handle(&mut self, request: Request<'_>) -> Reply {
        let replica = usize::from(self.rng.random::<bool>());
        let op = request.op.without_create();
        self.replicas[replica].handle(Request { op, ..request })
    }
}

/// Whether two JSON values are equal. A text that is too deep to parse equals only itself.
pub(super) fn json_eq(one: &RawValue, other: &RawValue) -> bool {
    let parse = |json: &RawValue| serde_json::from_str::<Value>(json.get());
    one.get() == other.get()
        || parse(one).is_ok_and(|one| parse(other).is_ok_and(|other| one == other))
}

fn no_such_key() -> Reply {
    Reply::Error {
        code: 20,
        text: "no such key".to_owned(),
    }
}

fn mismatch(expected: &RawValue, found: &RawValue) -> Reply {
    Reply::Error {
        code: 22,
        text: format!("expected {expected}, but found {found}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::{Key, json_eq};

    fn check(equal: bool, one: &str, other: &str) {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let key = |text: &str| Key::parse(&raw(text)).unwrap();
        assert_eq!(json_eq(&raw(one), &raw(other)), equal, "{one} {other}");
        assert_eq!(key(one) == key(other), equal, "{one} {other}");
    }

    #[test]
    fn json_is_equal_when_its_structure_is() {
        check(
            true,
            r#"{"a": 1, "b": [2, null]}"#,
            r#"{"b":[2,null],"a":1}"#,
        );
        check(true, r#""\u0061""#, r#""a""#);
        check(true, "1.50", "15e-1");
    }

    #[test]
    fn json_of_another_type_or_order_is_different() {
        check(false, "1", "1.0");
        check(false, "1", r#""1""#);
        check(false, "[1, 2]", "[2, 1]");
        check(false, "null", "false");
        check(false, r#"{"a": null}"#, "{}");
        check(false, "18446744073709551615", "18446744073709551614");
    }

    #[test]
    fn values_too_deep_to_parse_equal_only_themselves() {
        let deep = |bottom: &str| {
            let text = format!("{}{bottom}{}", "[".repeat(5000), "]".repeat(5000));
            RawValue::from_string(text).unwrap()
        };
        assert!(json_eq(&deep("1"), &deep("1")));
        assert!(!json_eq(&deep("1"), &deep(" 1")));
    }
}
