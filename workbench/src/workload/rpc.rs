//! Requests and the exact form of their answers.

use serde_json::value::RawValue;

use crate::fields::{Fields, is_integer};

/// A kind of request, and the answer that it asks for.
///
/// Answers are taken at their word: a field too many makes an answer malformed just as one too few
/// does. That is Maelstrom's rule, and verdicts depend on it.
#[derive(Debug, PartialEq, Eq)]
pub struct Rpc {
    /// The request's type.
    pub request: &'static str,
    /// The answer's type.
    pub response: &'static str,
    /// The answer's fields, beside `type`, `in_reply_to` and perhaps `msg_id`.
    pub fields: &'static [(&'static str, Shape)],
}

/// What a field may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Any JSON.
    Any,
    /// A list, or `null`, which counts as an empty one.
    List,
}

impl Shape {
    fn fits(self, value: &RawValue) -> bool {
        match self {
            Shape::Any => true,
            Shape::List => value.get().starts_with('[') || value.get() == "null",
        }
    }

    fn described(self) -> &'static str {
        match self {
            Shape::Any => "any value",
            Shape::List => "a list",
        }
    }
}

/// An answer of the right form.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The whole body.
    pub body: &'a RawValue,
    fields: Fields<'a>,
}

impl Answer<'_> {
    /// The text of a field; every field of the form is there.
    pub fn field(&self, name: &str) -> Box<RawValue> {
        self.fields.get(name).unwrap_or(RawValue::NULL).to_owned()
    }
}

impl Rpc {
    /// Reads a body as this request's answer.
    ///
    /// # Errors
    /// Says in words what is wrong with it.
    pub fn read<'a>(&self, body: &'a RawValue) -> Result<Answer<'a>, String> {
        let fields =
            Fields::of(body).map_err(|error| format!("its body is not an object: {error}"))?;
        let expected = serde_json::Value::from(self.response).to_string();
        match fields.get("type") {
            Some(kind) if kind.get() == expected => {}
            Some(kind) => return Err(format!("its type is {kind} and should be {expected}")),
            None => return Err(format!("it has no type, which should be {expected}")),
        }
        for (name, shape) in self.fields {
            match fields.get(name) {
                None => return Err(format!("the field {name:?} is missing")),
                Some(value) if !shape.fits(value) => {
                    let shape = shape.described();
                    return Err(format!("the field {name:?} should be {shape}"));
                }
                Some(_) => {}
            }
        }
        for (name, value) in fields.iter() {
            let is_id = matches!(name, "in_reply_to" | "msg_id");
            if is_id && !is_integer(value) {
                return Err(format!("the field {name:?} should be an integer"));
            }
            let known = self.fields.iter().any(|(field, _)| *field == name);
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

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Rpc = Rpc {
        request: "read",
        response: "read_ok",
        fields: &[("messages", Shape::List)],
    };

    fn check(body: &str, expected: Result<&str, &str>) {
        let body = RawValue::from_string(body.to_owned()).unwrap();
        let read = READ
            .read(&body)
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
}
