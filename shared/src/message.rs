//! The wire format: a message is one line of JSON, whose body's `type` names a variant of an enum.
//!
//! serde's own `#[serde(tag = "type")]` would do, but it reads every body into a tree first, which
//! takes most of the time and loses the text of `RawValue` fields. Here one pass parses the line:
//! it reads the fields that all bodies have, and keeps references to the text of the others, from
//! which the variant that the type names reads the fields that it needs.

mod write;

use std::borrow::Cow;
use std::cell::Cell;

use serde::de::value::MapDeserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use serde_json::value::RawValue;

pub(crate) use write::{ErrorBody, open_message, write_json};
pub use write::{Ids, write_body, write_message};

/// The maximum number of fields in a body beside the common ones: a reference to a field takes more
/// memory than the text of a short field.
const MAX_FIELDS: usize = 1000;

/// A parsed message.
#[derive(Debug, Clone, Deserialize)]
pub struct Message<'a> {
    /// The sender's name.
    #[serde(borrow)]
    pub src: Cow<'a, str>,
    /// The receiver's name.
    #[serde(borrow)]
    pub dest: Cow<'a, str>,
    /// The content.
    #[serde(borrow)]
    pub body: Body<'a>,
}

/// A message's body: the fields that every body may have, and the text of all others.
#[derive(Debug, Clone, Default)]
pub struct Body<'a> {
    /// The body's `type`; empty if it has none.
    pub kind: Cow<'a, str>,
    /// The message's number, to which an answer refers; none if no answer is expected.
    pub msg_id: Option<u64>,
    /// The `msg_id` of the message that this one answers.
    pub in_reply_to: Option<u64>,
    fields: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Message<'a> {
    /// Parses a line.
    ///
    /// # Errors
    /// When the line is not a JSON object with the strings `src` and `dest` and an object `body`
    /// whose common fields have their types.
    pub fn parse(line: &'a str) -> serde_json::Result<Self> {
        serde_json::from_str(line)
    }
}

/// Why a body could not be deserialized as one of an enum's variants.
#[derive(Debug)]
pub enum BodyError {
    /// No variant has this name.
    UnknownType(String),
    /// The variant exists, but the fields do not fit it.
    Malformed(serde_json::Error),
}

impl<'a> Body<'a> {
    /// Deserializes the body as the variant that `kind` names. A variant's fields are the body's;
    /// fields that the variant does not have are ignored.
    ///
    /// # Errors
    /// See [`BodyError`].
    pub fn read<T: Deserialize<'a>>(&self) -> Result<T, BodyError> {
        let known = Cell::new(false);
        T::deserialize(AsEnum {
            body: self,
            known: &known,
        })
        .map_err(|error| {
            if known.get() {
                BodyError::Malformed(error)
            } else {
                BodyError::UnknownType(self.kind.clone().into_owned())
            }
        })
    }
}

/// A string that is not copied unless it contains escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

impl<'a, 'de: 'a> Deserialize<'de> for Body<'a> {
    fn deserialize<D: de::Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(BodyVisitor)
    }
}

struct BodyVisitor;

impl<'de> Visitor<'de> for BodyVisitor {
    type Value = Body<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a message's body")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body<'de>, A::Error> {
        let (mut kind, mut msg_id, mut in_reply_to) = (None, None, None);
        let mut fields = Vec::new();
        while let Some(Text(key)) = map.next_key()? {
            let is_repeated = match &*key {
                "type" => kind.replace(map.next_value::<Text<'de>>()?.0).is_some(),
                "msg_id" => msg_id.replace(map.next_value()?).is_some(),
                "in_reply_to" => in_reply_to.replace(map.next_value()?).is_some(),
                _ if fields.len() == MAX_FIELDS => {
                    let text = format!("more than {MAX_FIELDS} fields");
                    return Err(de::Error::custom(text));
                }
                _ => {
                    fields.push((key, map.next_value()?));
                    continue;
                }
            };
            if is_repeated {
                return Err(de::Error::custom(format!("duplicate field `{key}`")));
            }
        }
        Ok(Body {
            kind: kind.unwrap_or_default(),
            msg_id: msg_id.flatten(),
            in_reply_to: in_reply_to.flatten(),
            fields,
        })
    }
}

/// A body as an enum: its type is the variant's name, its other fields are the variant's content.
struct AsEnum<'b, 'k, 'de> {
    body: &'b Body<'de>,
    known: &'k Cell<bool>,
}

impl<'de> de::Deserializer<'de> for AsEnum<'_, '_, 'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_enum(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

impl<'b, 'de> de::EnumAccess<'de> for AsEnum<'b, '_, 'de> {
    type Error = serde_json::Error;
    type Variant = Fields<'b, 'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self::Variant), Self::Error> {
        let name: de::value::StrDeserializer<'_, Self::Error> =
            (*self.body.kind).into_deserializer();
        let variant = seed.deserialize(name)?;
        self.known.set(true);
        Ok((variant, Fields(&self.body.fields)))
    }
}

struct Fields<'b, 'de>(&'b [(Cow<'de, str>, &'de RawValue)]);

impl<'b, 'de> Fields<'b, 'de> {
    fn as_map(
        &self,
    ) -> MapDeserializer<
        'de,
        impl Iterator<Item = (&'b str, &'de RawValue)> + use<'b, 'de>,
        serde_json::Error,
    > {
        MapDeserializer::new(self.0.iter().map(|(key, value)| (&**key, *value)))
    }
}

impl<'de> de::VariantAccess<'de> for Fields<'_, 'de> {
    type Error = serde_json::Error;

    fn unit_variant(self) -> Result<(), Self::Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, Self::Error> {
        seed.deserialize(self.as_map())
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Self::Error> {
        Err(de::Error::custom("a body has named fields"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        // Fields that the variant does not have remain, so the map need not be at its end.
        visitor.visit_map(self.as_map())
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Sample {
        Ping,
        KeepText { value: Texts, n: Option<u64> },
    }

    #[derive(Debug, Serialize, Deserialize)]
    struct Texts(Vec<Box<RawValue>>);

    impl PartialEq for Texts {
        fn eq(&self, other: &Self) -> bool {
            self.0
                .iter()
                .map(|text| text.get())
                .eq(other.0.iter().map(|text| text.get()))
        }
    }

    fn write(ids: Ids, body: &Sample) -> String {
        let mut out = Vec::new();
        write_message(&mut out, "n1", "c\"2", ids, body);
        String::from_utf8(out).unwrap()
    }

    fn read(body: &str) -> Result<Sample, BodyError> {
        serde_json::from_str::<Body<'_>>(body).unwrap().read()
    }

    #[test]
    fn a_written_message_is_read_back_with_the_same_text_of_raw_values() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let big = "123456789012345678901234567890.10";
        let body = Sample::KeepText {
            value: Texts(vec![raw(big), raw("{\"a\": [1]}")]),
            n: None,
        };
        let line = write(
            Ids {
                msg_id: Some(4),
                in_reply_to: Some(9),
            },
            &body,
        );
        assert!(line.contains(big), "{line}");
        let message = Message::parse(&line).unwrap();
        assert_eq!((&*message.src, &*message.dest), ("n1", "c\"2"));
        let read = &message.body;
        assert_eq!((read.msg_id, read.in_reply_to), (Some(4), Some(9)));
        assert_eq!(read.read::<Sample>().unwrap(), body);
    }

    #[test]
    fn a_unit_variant_is_an_object_with_only_a_type() {
        assert_eq!(
            write(Ids::default(), &Sample::Ping),
            "{\"src\":\"n1\",\"dest\":\"c\\\"2\",\"body\":{\"type\":\"ping\"}}\n"
        );
        assert_eq!(read(r#"{"type":"ping","extra":1}"#).unwrap(), Sample::Ping);
    }

    #[test]
    fn an_unknown_type_and_a_missing_field_are_different_errors() {
        let unknown = read(r#"{"type":"pong"}"#).unwrap_err();
        assert!(matches!(unknown, BodyError::UnknownType(kind) if kind == "pong"));
        let missing = read(r#"{"n":1,"type":"keep_text"}"#).unwrap_err();
        let BodyError::Malformed(error) = missing else {
            panic!("{missing:?}")
        };
        assert!(
            error.to_string().contains("missing field `value`"),
            "{error}"
        );
    }

    #[test]
    fn fields_may_have_any_order_and_strings_may_have_escapes() {
        let line = r#"{"body":{"n":3,"value":[],"type":"keep\u005ftext"},"dest":"a","src":"b"}"#;
        let message = Message::parse(line).unwrap();
        let body = message.body.read::<Sample>().unwrap();
        assert_eq!(
            body,
            Sample::KeepText {
                value: Texts(vec![]),
                n: Some(3)
            }
        );
    }

    #[test]
    fn a_body_with_too_many_fields_is_rejected() {
        let line = |fields: usize| {
            let fields: String = (0..fields).map(|i| format!(",\"f{i}\":0")).collect();
            format!(r#"{{"src":"a","dest":"b","body":{{"type":"ping"{fields}}}}}"#)
        };
        assert!(Message::parse(&line(MAX_FIELDS)).is_ok());
        assert!(Message::parse(&line(MAX_FIELDS + 1)).is_err());
    }

    #[test]
    fn a_body_that_is_not_an_object_is_rejected() {
        for body in ["[]", "7", "null", "\"type\"", "[\"ping\",1,2]"] {
            let line = format!("{{\"src\":\"a\",\"dest\":\"b\",\"body\":{body}}}");
            let error = Message::parse(&line).unwrap_err().to_string();
            assert!(
                error.contains("expected a message's body"),
                "{body}: {error}"
            );
        }
    }

    #[test]
    fn a_body_may_be_optional_or_in_a_newtype_but_a_type_without_fields_by_name_is_an_error() {
        #[derive(Serialize)]
        struct Wrapped(Sample);

        #[derive(Serialize)]
        enum Nameless {
            Pong(u64),
        }

        let mut out = Vec::new();
        write_body(&mut out, Ids::default(), &Some(Wrapped(Sample::Ping)));
        assert_eq!(out, b"{\"type\":\"ping\"}");
        let write = || write_body(&mut Vec::new(), Ids::default(), &Nameless::Pong(7));
        assert!(std::panic::catch_unwind(write).is_err());
    }
}
