//! The wire: a message is one line of JSON, and its body's `type` names a variant of an enum.
//!
//! serde's own `#[serde(tag = "type")]` would do, but it reads every body into a tree first, which
//! costs more than all the rest and loses the text of `RawValue` fields. Here `type` is found in a
//! first, skimming pass and handed to the enum as its variant; the fields are then read in place.

use std::borrow::Cow;
use std::cell::Cell;

use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};
use serde::ser::{Impossible, SerializeMap, SerializeStructVariant};
use serde::{Deserialize, Serialize, Serializer, forward_to_deserialize_any};
use serde_json::value::RawValue;

use crate::error::RpcError;

/// A line that crossed the network, taken apart but for its body.
#[derive(Debug, Clone, Deserialize)]
pub struct Message<'a> {
    /// Who sent it.
    #[serde(borrow)]
    pub src: Cow<'a, str>,
    /// For whom it is.
    #[serde(borrow)]
    pub dest: Cow<'a, str>,
    /// What it says: JSON text, an object if all is well.
    #[serde(borrow)]
    pub body: &'a RawValue,
}

/// The fields that every body may have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Header<'a> {
    /// What kind of message; empty if the body does not say.
    #[serde(borrow, default, rename = "type")]
    pub kind: Cow<'a, str>,
    /// The number by which an answer will name this message; none if none is wanted.
    #[serde(default)]
    pub msg_id: Option<u64>,
    /// The number of the message that this one answers.
    #[serde(default)]
    pub in_reply_to: Option<u64>,
}

impl<'a> Message<'a> {
    /// Takes a line apart.
    ///
    /// # Errors
    /// When the line is not a JSON object with the texts `src` and `dest` and a `body`.
    pub fn parse(line: &'a str) -> serde_json::Result<Self> {
        serde_json::from_str(line)
    }

    /// The body's common fields.
    ///
    /// # Errors
    /// When the body is not an object, or one of these fields is not of its type.
    pub fn header(&self) -> serde_json::Result<Header<'a>> {
        let mut json = serde_json::Deserializer::from_str(self.body.get());
        // Through `deserialize_map`, since a derived struct would also take an array.
        Header::deserialize(MapOnly(&mut json))
    }
}

/// Why a body could not be read as one of an enum's variants.
#[derive(Debug)]
pub enum BodyError {
    /// No variant has that name.
    UnknownType(String),
    /// The variant is known, its fields are not as they should be.
    Malformed(serde_json::Error),
}

/// Reads a body as the variant that `kind` names. A variant's fields are the body's; what the
/// variant does not know is passed over.
///
/// # Errors
/// See [`BodyError`].
pub fn read_body<'a, T: Deserialize<'a>>(kind: &str, body: &'a str) -> Result<T, BodyError> {
    let known = Cell::new(false);
    let mut json = serde_json::Deserializer::from_str(body);
    T::deserialize(Body {
        kind,
        json: &mut json,
        known: &known,
    })
    .map_err(|error| {
        if known.get() {
            BodyError::Malformed(error)
        } else {
            BodyError::UnknownType(kind.to_owned())
        }
    })
}

/// Which numbers a body that is written carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ids {
    /// Its own.
    pub msg_id: Option<u64>,
    /// That of the message it answers.
    pub in_reply_to: Option<u64>,
}

/// Appends a whole message as one line. `body` is an enum whose variants are unit or struct ones.
pub fn write_message<T: Serialize>(out: &mut Vec<u8>, src: &str, dest: &str, ids: Ids, body: &T) {
    open_message(out, src, dest);
    write_body(out, ids, body);
    out.extend_from_slice(b"}\n");
}

/// Appends a message up to where its body begins.
pub(crate) fn open_message(out: &mut Vec<u8>, src: &str, dest: &str) {
    out.extend_from_slice(b"{\"src\":");
    write_json(out, src);
    out.extend_from_slice(b",\"dest\":");
    write_json(out, dest);
    out.extend_from_slice(b",\"body\":");
}

/// Appends a body.
///
/// # Panics
/// When `body` is not an enum of unit and struct variants, or a field has no JSON form: both are
/// mistakes in the program, whatever the input.
pub fn write_body<T: Serialize>(out: &mut Vec<u8>, ids: Ids, body: &T) {
    let mut json = serde_json::Serializer::new(out);
    if let Err(error) = body.serialize(BodyWriter {
        json: &mut json,
        ids,
    }) {
        panic!("this type is no message body: {error}");
    }
}

pub(crate) fn write_json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    if let Err(error) = serde_json::to_writer(out, value) {
        panic!("this value has no JSON form: {error}");
    }
}

/// The body of an error.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorBody<'a> {
    Error { code: u64, text: &'a str },
}

impl<'a> From<&'a RpcError> for ErrorBody<'a> {
    fn from(error: &'a RpcError) -> Self {
        ErrorBody::Error {
            code: error.code.into(),
            text: &error.text,
        }
    }
}

type Json<'de> = serde_json::Deserializer<serde_json::de::StrRead<'de>>;

struct MapOnly<'j, 'de>(&'j mut Json<'de>);

impl<'de> de::Deserializer<'de> for MapOnly<'_, 'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        de::Deserializer::deserialize_map(self.0, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

/// A body seen as an enum: the variant comes from `kind`, its content from the object itself.
struct Body<'j, 'k, 'de> {
    kind: &'k str,
    json: &'j mut Json<'de>,
    known: &'k Cell<bool>,
}

impl<'de> de::Deserializer<'de> for Body<'_, '_, 'de> {
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

impl<'j, 'de> de::EnumAccess<'de> for Body<'j, '_, 'de> {
    type Error = serde_json::Error;
    type Variant = Fields<'j, 'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self::Variant), Self::Error> {
        let name: de::value::StrDeserializer<'_, Self::Error> = self.kind.into_deserializer();
        let variant = seed.deserialize(name)?;
        self.known.set(true);
        Ok((variant, Fields(self.json)))
    }
}

struct Fields<'j, 'de>(&'j mut Json<'de>);

impl<'de> de::VariantAccess<'de> for Fields<'_, 'de> {
    type Error = serde_json::Error;

    fn unit_variant(self) -> Result<(), Self::Error> {
        // The skimming pass has already seen that this is an object.
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, Self::Error> {
        seed.deserialize(MapOnly(self.0))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Self::Error> {
        Err(de::Error::custom("a body has named fields"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        de::Deserializer::deserialize_map(self.0, visitor)
    }
}

/// The way back: a variant becomes an object with `type` first.
struct BodyWriter<'j, 'w> {
    json: &'j mut serde_json::Serializer<&'w mut Vec<u8>>,
    ids: Ids,
}

type JsonMap<'j, 'w> =
    <&'j mut serde_json::Serializer<&'w mut Vec<u8>> as Serializer>::SerializeMap;

impl<'j, 'w> BodyWriter<'j, 'w> {
    fn open(self, variant: &'static str) -> Result<JsonMap<'j, 'w>, serde_json::Error> {
        let mut map = self.json.serialize_map(None)?;
        map.serialize_entry("type", variant)?;
        if let Some(msg_id) = self.ids.msg_id {
            map.serialize_entry("msg_id", &msg_id)?;
        }
        if let Some(in_reply_to) = self.ids.in_reply_to {
            map.serialize_entry("in_reply_to", &in_reply_to)?;
        }
        Ok(map)
    }
}

struct FieldWriter<'j, 'w>(JsonMap<'j, 'w>);

impl SerializeStructVariant for FieldWriter<'_, '_> {
    type Ok = ();
    type Error = serde_json::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Self::Error> {
        self.0.serialize_entry(key, value)
    }

    fn end(self) -> Result<(), Self::Error> {
        SerializeMap::end(self.0)
    }
}

/// Everything that is not a unit or struct variant is refused, all in the same words.
macro_rules! refuse {
    ($($method:ident($($argument:ty),*) -> $ok:ty;)*) => {$(
        fn $method(self, $(_: $argument),*) -> Result<$ok, Self::Error> {
            Err(serde::ser::Error::custom("a body is an enum's unit or struct variant"))
        }
    )*};
}

impl<'j, 'w> Serializer for BodyWriter<'j, 'w> {
    type Ok = ();
    type Error = serde_json::Error;
    type SerializeSeq = Impossible<(), serde_json::Error>;
    type SerializeTuple = Impossible<(), serde_json::Error>;
    type SerializeTupleStruct = Impossible<(), serde_json::Error>;
    type SerializeTupleVariant = Impossible<(), serde_json::Error>;
    type SerializeMap = Impossible<(), serde_json::Error>;
    type SerializeStruct = Impossible<(), serde_json::Error>;
    type SerializeStructVariant = FieldWriter<'j, 'w>;

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Self::Error> {
        SerializeMap::end(self.open(variant)?)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<FieldWriter<'j, 'w>, Self::Error> {
        Ok(FieldWriter(self.open(variant)?))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Self::Error> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Self::Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Self::Error> {
        Err(serde::ser::Error::custom(
            "a body is an enum's unit or struct variant",
        ))
    }

    refuse! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize)
            -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
    }
}

#[cfg(test)]
mod tests {
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

    fn written(ids: Ids, body: &Sample) -> String {
        let mut out = Vec::new();
        write_message(&mut out, "n1", "c\"2", ids, body);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_written_is_read_back_and_keeps_the_text_of_values() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let big = "123456789012345678901234567890.10";
        let body = Sample::KeepText {
            value: Texts(vec![raw(big), raw("{\"a\": [1]}")]),
            n: None,
        };
        let line = written(
            Ids {
                msg_id: Some(4),
                in_reply_to: Some(9),
            },
            &body,
        );
        assert!(line.contains(big), "{line}");
        let message = Message::parse(&line).unwrap();
        assert_eq!((&*message.src, &*message.dest), ("n1", "c\"2"));
        let header = message.header().unwrap();
        assert_eq!((header.msg_id, header.in_reply_to), (Some(4), Some(9)));
        assert_eq!(
            read_body::<Sample>(&header.kind, message.body.get()).unwrap(),
            body
        );
    }

    #[test]
    fn a_unit_variant_is_an_object_with_nothing_but_a_type() {
        assert_eq!(
            written(Ids::default(), &Sample::Ping),
            "{\"src\":\"n1\",\"dest\":\"c\\\"2\",\"body\":{\"type\":\"ping\"}}\n"
        );
        assert_eq!(
            read_body::<Sample>("ping", "{\"extra\":1}").unwrap(),
            Sample::Ping
        );
    }

    #[test]
    fn an_unknown_type_and_a_missing_field_are_told_apart() {
        let unknown = read_body::<Sample>("pong", "{}").unwrap_err();
        assert!(matches!(unknown, BodyError::UnknownType(kind) if kind == "pong"));
        let missing = read_body::<Sample>("keep_text", "{\"n\":1}").unwrap_err();
        let BodyError::Malformed(error) = missing else {
            panic!("{missing:?}")
        };
        assert!(
            error.to_string().contains("missing field `value`"),
            "{error}"
        );
    }

    #[test]
    fn the_order_of_fields_and_escapes_in_names_carry_no_meaning() {
        let line = r#"{"body":{"n":3,"value":[],"type":"keep\u005ftext"},"dest":"a","src":"b"}"#;
        let message = Message::parse(line).unwrap();
        let header = message.header().unwrap();
        let body = read_body::<Sample>(&header.kind, message.body.get()).unwrap();
        assert_eq!(
            body,
            Sample::KeepText {
                value: Texts(vec![]),
                n: Some(3)
            }
        );
    }

    #[test]
    fn a_body_that_is_no_object_has_no_header() {
        for body in ["[]", "7", "null", "\"type\"", "[\"ping\",1,2]"] {
            let line = format!("{{\"src\":\"a\",\"dest\":\"b\",\"body\":{body}}}");
            assert!(Message::parse(&line).unwrap().header().is_err(), "{body}");
        }
    }
}
