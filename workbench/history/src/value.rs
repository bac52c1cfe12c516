//! Arguments and results of operations: any value that EDN or JSON can express.
//!
//! A value is stored as tagged JSON (see [`crate::edn::tagged`]), which is compact; a checker
//! parses just what it needs.

use std::borrow::Cow;
use std::fmt;

use compact_str::CompactString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::edn::{self, Edn, tagged};

/// Value of an operation. Equality is structural: `1` and `1.0` differ, and so do a list and a
/// vector.
#[derive(Clone)]
pub struct Value(CompactString);

impl Value {
    /// `nil`.
    pub fn nil() -> Self {
        Value(CompactString::const_new("null"))
    }

    /// Converts JSON of a message, in which an object is never a tag. The text is valid JSON.
    pub fn from_wire(json: &str) -> Self {
        if tagged::may_be_tagged(json)
            && let Ok(value) = tagged::from_wire(json)
        {
            return Value::from_edn(&value);
        }
        Value(json.into())
    }

    /// Converts JSON of a history, in which values that JSON lacks are tagged.
    ///
    /// # Errors
    /// When the content of a tag is not a value of that tag.
    pub fn from_tagged(json: &RawValue) -> anyhow::Result<Self> {
        let text = json.get();
        // A line break would end the operation's line in a history.
        if tagged::may_be_tagged(text) || text.contains(['\n', '\r']) {
            return Ok(Value::from_edn(&tagged::from_tagged(json)?));
        }
        Ok(Value(text.into()))
    }

    /// Takes tagged JSON that is on one line.
    pub(crate) fn from_text(json: &str) -> Self {
        Value(json.into())
    }

    /// Converts an EDN value.
    pub fn from_edn(value: &Edn) -> Self {
        // Copied to drop the spare capacity.
        Value(CompactString::new(tagged::to_tagged(value)))
    }

    /// Parses the value. One that is nested too deeply becomes a string of its JSON.
    pub fn to_edn(&self) -> Edn {
        let json = serde_json::from_str(self.json());
        let value = json.ok().and_then(|json| tagged::from_tagged(json).ok());
        value.unwrap_or_else(|| edn::text(self.json()))
    }

    /// The value as tagged JSON, on one line.
    pub fn json(&self) -> &str {
        &self.0
    }

    /// The value as plain JSON, as on the wire: without the tags of values that JSON lacks.
    pub fn plain(&self) -> Cow<'_, str> {
        if tagged::may_be_tagged(self.json()) {
            Cow::Owned(edn::to_json(&self.to_edn()).to_string())
        } else {
            Cow::Borrowed(self.json())
        }
    }

    /// Whether this is `nil`.
    pub fn is_nil(&self) -> bool {
        self.json() == "null"
    }

    /// Parses the tagged JSON as a `T`.
    ///
    /// # Errors
    /// When it does not have the form of a `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.json())
    }
}

impl From<Box<RawValue>> for Value {
    /// Converts JSON of a message.
    fn from(json: Box<RawValue>) -> Self {
        Value::from_wire(json.get())
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json() || self.to_edn() == other.to_edn()
    }
}

impl Eq for Value {}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.json())
    }
}

/// Prints plain JSON, for people.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.plain())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json: &RawValue =
            serde_json::from_str(self.json()).map_err(serde::ser::Error::custom)?;
        json.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        Value::from_tagged(&json).map_err(serde::de::Error::custom)
    }
}
