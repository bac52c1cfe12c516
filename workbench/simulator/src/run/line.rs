//! Lines that nodes print: parsed, checked and sent on the network.

use std::borrow::Cow;
use std::time::Duration;

use super::Run;
use crate::message::Body;
use crate::network::Unroutable;
use history::fields::{Fields, is_integer, text};

impl Run {
    /// Parses a node's line and sends the message.
    pub(super) fn send_printed_line(&mut self, now: Duration, line: &str) -> Result<(), LineError> {
        let Line { src, dest, body } = parse_line(line)?;
        let sent = self.network.send(now, &src, &dest, body);
        // With faults beyond partitions even a correct node may answer late.
        let is_lenient = self.settings.faults.go_beyond_maelstrom();
        let Err(unroutable) = sent else {
            return Ok(());
        };
        let is_about_src = matches!(unroutable, Unroutable::Sender(_));
        let what = match unroutable {
            Unroutable::Receiver(name) if self.clients.is_gone(&name) => {
                if is_lenient {
                    return Ok(());
                }
                format!("it answered client {name}, which had timed out and left")
            }
            Unroutable::Receiver(name) => {
                format!(
                    "it sent a message to {name:?}, but no node, client or service has that name"
                )
            }
            Unroutable::Sender(name) => {
                format!(
                    "it sent a message as {name:?}, but no node, client or service has that name"
                )
            }
        };
        Err(LineError { what, is_about_src })
    }
}

/// Why a line cannot be sent.
pub(super) struct LineError {
    /// What is wrong with it.
    pub(super) what: String,
    /// Whether the sender's name is wrong.
    pub(super) is_about_src: bool,
}

impl From<String> for LineError {
    fn from(what: String) -> Self {
        let is_about_src = false;
        LineError { what, is_about_src }
    }
}

/// The longest line that is read, to bound memory: as much as our nodes read.
pub const MAX_LINE_BYTES: usize = 64 << 20;

/// The fields of a message.
const PARTS: [&str; 4] = ["src", "dest", "body", "id"];

/// A message that a node has printed.
struct Line<'a> {
    src: Cow<'a, str>,
    dest: Cow<'a, str>,
    body: Body,
}

/// Reads a line as a message, exactly as strictly as Maelstrom: other fields are an error, but
/// text after the object on the same line is ignored.
fn parse_line(line: &str) -> Result<Line<'_>, LineError> {
    if line.len() > MAX_LINE_BYTES {
        let most = MAX_LINE_BYTES >> 20;
        return Err(format!("it printed a line of more than {most} MiB").into());
    }
    let fields = match Fields::first_of(line) {
        Some(Ok(fields)) => fields,
        Some(Err(error)) if error.is_data() => {
            return Err(invalid_message("it is not an object").into());
        }
        Some(Err(_)) | None => {
            return Err(
                "it printed a line that is not JSON (stdout is for messages, anything \
                        else belongs on stderr)"
                    .to_owned()
                    .into(),
            );
        }
    };
    if let Some((name, _)) = fields.iter().find(|(name, _)| !PARTS.contains(name)) {
        return Err(invalid_message(&format!("the field {name:?} does not belong there")).into());
    }
    if fields.get("id").is_some_and(|id| !is_integer(id)) {
        return Err(invalid_message("the field \"id\" should be an integer").into());
    }
    let name = |field: &str| match fields.get(field).map(text) {
        None => Err(invalid_message(&format!("the field {field:?} is missing"))),
        Some(None) => Err(invalid_message(&format!(
            "the field {field:?} should be a string"
        ))),
        Some(Some(name)) => Ok(name),
    };
    let body = match fields.get("body") {
        None => Body::default(),
        Some("null") => Body::default(),
        Some(body) if body.starts_with('{') => Body::of_json(body),
        Some(_) => return Err(invalid_message("the field \"body\" should be an object").into()),
    };
    Ok(Line {
        src: name("src").map_err(|what| LineError {
            what,
            is_about_src: true,
        })?,
        dest: name("dest")?,
        body,
    })
}

fn invalid_message(why: &str) -> String {
    format!("it printed a line that is not a message of the protocol ({why})")
}
