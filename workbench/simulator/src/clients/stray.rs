//! Messages that a waiting client ignores since their `in_reply_to` is not its request's `msg_id`.
//! Maelstrom drops them silently, and the node seems not to answer. The outcome is the same here,
//! but an incident reports what is wrong with the message.

use std::fmt;

use crate::message::Envelope;
use history::fields::is_integer;
use history::text::shortened;

/// What is wrong with the `in_reply_to` of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mismatch {
    /// There is none, or it is null.
    Missing,
    /// It is a string.
    Text,
    /// It is a number with a fraction or an exponent.
    Fraction,
    /// It is neither a number nor a string.
    NoNumber,
    /// It is a number that the client has never used as a `msg_id`.
    Unknown,
}

/// A message that a waiting client has ignored. `Display` writes a predicate without a subject:
/// "answered echo without …".
#[derive(Debug)]
pub struct Stray {
    /// What is wrong.
    pub mismatch: Mismatch,
    /// The message.
    pub message: Envelope,
    /// The `in_reply_to`, abridged; empty if there is none.
    given: String,
    /// The type of the client's request.
    request: &'static str,
    /// The `msg_id` of the client's request.
    msg_id: u64,
    /// Whether the message seems to answer an earlier request, of this `msg_id`.
    earlier: Option<u64>,
}

impl Stray {
    /// Examines a message to a client that waits for the reply to its last request. `None` if it is
    /// only late: a reply to an earlier request.
    pub(super) fn new(message: Envelope, request: &'static str, msg_id: u64) -> Option<Self> {
        const SHOWN: usize = 40;
        let in_reply_to = message.body.header()?.in_reply_to.as_deref();
        let given = in_reply_to.unwrap_or_default();
        let mismatch = match in_reply_to {
            None => Mismatch::Missing,
            Some(_) if given == "null" => Mismatch::Missing,
            Some(_) if given.starts_with('"') => Mismatch::Text,
            Some(value) if is_integer(value) => Mismatch::Unknown,
            Some(_) if given.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {
                Mismatch::Fraction
            }
            Some(_) => Mismatch::NoNumber,
        };
        let meant = given.trim_matches('"').parse::<f64>().ok();
        let earlier = meant.filter(|it| it.fract() == 0.0 && *it >= 1.0 && *it < msg_id as f64);
        if mismatch == Mismatch::Unknown && earlier.is_some() {
            return None;
        }
        Some(Stray {
            mismatch,
            given: shortened(given, SHOWN),
            message,
            request,
            msg_id,
            earlier: earlier.map(|it| it as u64),
        })
    }

    /// The message as the node may have printed it, without the network's id.
    pub fn line(&self) -> String {
        let Envelope {
            src, dest, body, ..
        } = &self.message;
        let [src, dest] = [src, dest].map(|name| serde_json::Value::from(name.as_str()));
        format!("{{\"src\":{src},\"dest\":{dest},\"body\":{body}}}")
    }
}

impl fmt::Display for Stray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (given, msg_id) = (&self.given, self.earlier.unwrap_or(self.msg_id));
        match self.earlier {
            None => write!(f, "answered {} ", self.request)?,
            Some(_) => write!(f, "answered an earlier request ")?,
        }
        match self.mismatch {
            Mismatch::Missing if given.is_empty() => write!(f, "without \"in_reply_to\"")?,
            Mismatch::Missing => write!(f, "with \"in_reply_to\":{given}")?,
            Mismatch::Text => write!(f, "with \"in_reply_to\":{given}, a string")?,
            Mismatch::Fraction => write!(f, "with \"in_reply_to\":{given}, no integer")?,
            Mismatch::NoNumber => write!(f, "with \"in_reply_to\":{given}, no number")?,
            Mismatch::Unknown => {
                let client = &self.message.dest;
                write!(
                    f,
                    "with \"in_reply_to\":{given}, a msg_id that client {client} has never used"
                )?;
            }
        }
        write!(f, "; it must be the number {msg_id}, the request's msg_id")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Body;
    use shared::NodeId;

    /// The text about this `in_reply_to`, for a client that waits for the reply to its request 7.
    fn describe(in_reply_to: Option<&str>) -> Option<String> {
        let body = match in_reply_to {
            Some(value) => format!(r#"{{"in_reply_to":{value}}}"#),
            None => "{}".to_owned(),
        };
        let message = Envelope {
            id: 9,
            src: NodeId::from("n0"),
            dest: NodeId::from("c3"),
            body: Body::of_json(&body),
        };
        Some(Stray::new(message, "echo", 7)?.to_string())
    }

    #[test]
    fn every_wrong_in_reply_to_is_described_by_its_kind() {
        for (given, part) in [
            (
                None,
                r#"answered echo without "in_reply_to"; it must be the number 7, "#,
            ),
            (
                Some("null"),
                r#"answered echo with "in_reply_to":null; it must be"#,
            ),
            (
                Some(r#""7""#),
                r#"answered echo with "in_reply_to":"7", a string; it must be the number 7,"#,
            ),
            (
                Some(r#""x""#),
                r#"answered echo with "in_reply_to":"x", a string; it must be the number 7,"#,
            ),
            (
                Some("7.0"),
                r#""in_reply_to":7.0, no integer; it must be the number 7,"#,
            ),
            (
                Some("7e0"),
                r#""in_reply_to":7e0, no integer; it must be the number 7,"#,
            ),
            (
                Some("[7]"),
                r#""in_reply_to":[7], no number; it must be the number 7,"#,
            ),
            (Some("true"), r#""in_reply_to":true, no number; "#),
            (
                Some("8"),
                r#""in_reply_to":8, a msg_id that client c3 has never used; it must be"#,
            ),
            (Some("0"), "has never used"),
            (Some("-7"), "has never used"),
            (Some("123456789012345678901234567890"), "has never used"),
            (
                Some(r#""3""#),
                r#"an earlier request with "in_reply_to":"3", a string; it must be the number 3,"#,
            ),
            (
                Some("3.0"),
                r#"an earlier request with "in_reply_to":3.0, no integer; it must be the number 3,"#,
            ),
        ] {
            let text = describe(given).unwrap_or_else(|| panic!("{given:?} is accepted"));
            assert!(text.contains(part), "{given:?}: {text}");
        }
    }

    #[test]
    fn a_late_answer_to_an_earlier_request_is_no_mistake() {
        for given in ["1", "3", "6"] {
            assert_eq!(describe(Some(given)), None);
        }
    }
}
