//! What nodes print, and how it gets onto the network.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use shared::NodeId;

use super::Run;
use crate::history::null;
use crate::network::Unroutable;

impl Run {
    /// Takes a node's line onto the network.
    pub(super) fn accept(&mut self, now: Duration, line: &str) -> Result<(), String> {
        let Line { src, dest, body } = parse_line(line)?;
        let sent = self
            .network
            .send(now, &NodeId::from(&*src), &NodeId::from(&*dest), body);
        sent.map_err(|unroutable| match unroutable {
            Unroutable::Receiver(name) if self.clients.is_gone(&name) => {
                format!("it answered client {name}, which had given up and gone")
            }
            Unroutable::Receiver(name) => {
                format!("it sent a message to {name:?}, and nobody has that name")
            }
            Unroutable::Sender(name) => {
                format!("it sent a message as {name:?}, and nobody has that name")
            }
        })
    }
}

/// What a node may print.
struct Line {
    src: String,
    dest: String,
    body: Box<RawValue>,
}

/// Reads a line as a message, as strictly and as loosely as Maelstrom does: no other fields may
/// stand beside these, but what follows the object on the same line is not looked at.
fn parse_line(line: &str) -> Result<Line, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Loose {
        src: String,
        dest: String,
        #[serde(default)]
        body: Option<Box<RawValue>>,
        #[serde(default, rename = "id")]
        _id: Option<i64>,
    }
    let mut values = serde_json::Deserializer::from_str(line).into_iter::<Loose>();
    let Loose {
        src, dest, body, ..
    } = match values.next() {
        Some(Ok(message)) => message,
        Some(Err(error)) if error.is_data() => {
            return Err(format!(
                "it printed a line that is no message of the protocol ({error})"
            ));
        }
        Some(Err(_)) | None => {
            return Err(
                "it printed a line that is not JSON (stdout is for messages, anything \
                        else belongs on stderr)"
                    .to_owned(),
            );
        }
    };
    let body =
        body.unwrap_or_else(|| RawValue::from_string("{}".into()).unwrap_or_else(|_| null()));
    if !body.get().starts_with('{') {
        return Err("it sent a message whose body is not an object".to_owned());
    }
    Ok(Line { src, dest, body })
}
