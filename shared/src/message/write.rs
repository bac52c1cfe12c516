//! Writing messages: an enum's variant becomes an object with `type` first.

use serde::ser::{Impossible, SerializeStructVariant};
use serde::{Serialize, Serializer};

use crate::error::RpcError;

/// The numbers in a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ids {
    /// The message's own number.
    pub msg_id: Option<u64>,
    /// The number of the message that it answers.
    pub in_reply_to: Option<u64>,
}

/// Appends a whole message as one line. `body` is an enum of unit and struct variants.
pub fn write_message<T: Serialize>(out: &mut Vec<u8>, src: &str, dest: &str, ids: Ids, body: &T) {
    open_message(out, src, dest);
    write_body(out, ids, body);
    out.extend_from_slice(b"}\n");
}

/// Appends a message's beginning, up to its body.
pub(crate) fn open_message(out: &mut Vec<u8>, src: &str, dest: &str) {
    out.extend_from_slice(b"{\"src\":");
    write_json(out, src);
    out.extend_from_slice(b",\"dest\":");
    write_json(out, dest);
    out.extend_from_slice(b",\"body\":");
}

/// Appends a body, an enum of unit and struct variants.
///
/// # Panics
/// When `body` is of another type, or a field has no JSON form: both are programming errors,
/// independent of the input.
pub fn write_body<T: Serialize>(out: &mut Vec<u8>, ids: Ids, body: &T) {
    if let Err(error) = body.serialize(BodyWriter { out, ids }) {
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

struct BodyWriter<'w> {
    out: &'w mut Vec<u8>,
    ids: Ids,
}

impl<'w> BodyWriter<'w> {
    fn open(self, variant: &'static str) -> FieldWriter<'w> {
        let BodyWriter { out, ids } = self;
        out.extend_from_slice(b"{\"type\":");
        write_json(out, variant);
        if let Some(msg_id) = ids.msg_id {
            out.extend_from_slice(b",\"msg_id\":");
            write_json(out, &msg_id);
        }
        if let Some(in_reply_to) = ids.in_reply_to {
            out.extend_from_slice(b",\"in_reply_to\":");
            write_json(out, &in_reply_to);
        }
        FieldWriter(out)
    }
}

struct FieldWriter<'w>(&'w mut Vec<u8>);

impl SerializeStructVariant for FieldWriter<'_> {
    type Ok = ();
    type Error = serde_json::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Self::Error> {
        self.0.push(b',');
        write_json(self.0, key);
        self.0.push(b':');
        serde_json::to_writer(&mut *self.0, value)
    }

    fn end(self) -> Result<(), Self::Error> {
        self.0.push(b'}');
        Ok(())
    }
}

/// Methods for all that is neither a unit nor a struct variant: they return the same error.
macro_rules! reject {
    ($($method:ident($($argument:ty),*) -> $ok:ty;)*) => {$(
        fn $method(self, $(_: $argument),*) -> Result<$ok, Self::Error> {
            Err(serde::ser::Error::custom("a body is an enum's unit or struct variant"))
        }
    )*};
}

impl<'w> Serializer for BodyWriter<'w> {
    type Ok = ();
    type Error = serde_json::Error;
    type SerializeSeq = Impossible<(), serde_json::Error>;
    type SerializeTuple = Impossible<(), serde_json::Error>;
    type SerializeTupleStruct = Impossible<(), serde_json::Error>;
    type SerializeTupleVariant = Impossible<(), serde_json::Error>;
    type SerializeMap = Impossible<(), serde_json::Error>;
    type SerializeStruct = Impossible<(), serde_json::Error>;
    type SerializeStructVariant = FieldWriter<'w>;

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Self::Error> {
        self.open(variant).end()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<FieldWriter<'w>, Self::Error> {
        Ok(self.open(variant))
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

    reject! {
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
