//! Histories in JSON. They are written with one entry per line and values as tagged JSON (see
//! [`crate::edn::tagged`]), and read in any layout.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use anyhow::Context;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::builder::{Builder, Draft};
use super::json_objects::Objects;
use super::{
    History, Kind, Op, OpError, OpMeta, Process, Unseen, Value, boxed_unless_empty, names,
};

/// Fields of an entry. Others are ignored.
#[derive(Deserialize)]
struct JsonOp<'a> {
    index: Option<usize>,
    time: Option<u64>,
    #[serde(rename = "type")]
    kind: Kind,
    process: Process,
    #[serde(borrow)]
    f: Cow<'a, str>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(default, rename = "final?")]
    is_final: bool,
    #[serde(default, rename = "seek-to-beginning?")]
    seek_to_beginning: bool,
    #[serde(default, rename = "poll-ms")]
    poll_ms: Option<u32>,
    #[serde(default)]
    unseen: BTreeMap<String, Unseen>,
}

impl History {
    /// Writes one JSON object per line.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn write_json_lines(&self, out: &mut impl Write) -> io::Result<()> {
        for op in &self.ops {
            out.write_all(&json_line(op)?)?;
        }
        Ok(())
    }

    /// Reads a sequence or an array of JSON objects in any layout.
    ///
    /// # Errors
    /// When reading fails, an object is not an operation, or the history is not well formed: the
    /// error says in which line, what was expected and what was found.
    pub fn read_json(input: impl Read) -> anyhow::Result<Self> {
        let mut objects = Objects::new(input);
        let mut builder = Builder::default();
        while let Some((line, object)) = objects.next()? {
            let draft = draft(object, line)?;
            let pushed = builder.push(line, draft);
            pushed.with_context(|| format!("line {line}"))?;
        }
        builder.finish()
    }
}

/// Not generic over the file, as serde's code is optimized as this package is, and not as its user is.
fn json_line(op: &Op) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(op)?;
    line.push(b'\n');
    Ok(line)
}

fn draft(object: &[u8], line: u64) -> anyhow::Result<Draft> {
    let parsed: serde_json::Result<JsonOp<'_>> = serde_json::from_slice(object);
    let op = parsed.map_err(|error| {
        let line = line + (error.line() as u64).saturating_sub(1);
        let text = error.to_string();
        let problem = text.split(" at line ").next().unwrap_or_default();
        anyhow::anyhow!(
            "line {line}, column {} of the operation: {problem}",
            error.column()
        )
    })?;
    let value = op.value.map_or(Ok(Value::nil()), Value::from_tagged);
    let mut value = value.with_context(|| format!("line {line}"))?;
    if names::has_names(op.process, &op.f) && value.json().contains("\"#") {
        value = Value::from_edn(&names::to_strings(op.process, &op.f, value.to_edn()));
    }
    Ok(Draft {
        index: op.index,
        time: op.time,
        kind: op.kind,
        process: op.process,
        f: super::operation_name(&op.f),
        value,
        error: op
            .error
            .map(error)
            .transpose()
            .with_context(|| format!("line {line}"))?,
        meta: OpMeta {
            is_final: op.is_final,
            seek_to_beginning: op.seek_to_beginning,
            poll_ms: op.poll_ms,
            unseen: boxed_unless_empty(op.unseen),
        },
    })
}

/// Parses an error. One in another form than ours is kept as a value.
fn error(json: &RawValue) -> anyhow::Result<OpError> {
    let known = serde_json::from_str(json.get());
    known.or_else(|_| {
        Ok(OpError::Other {
            value: Value::from_tagged(json)?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::History;

    const SAMPLE: &str = r##"{"index":0,"time":5,"type":"invoke","process":0,"f":"read","value":null}
{"index":1,"time":6,"type":"info","process":"nemesis","f":"start-partition","value":["isolated",{"n0":["n1"]}]}
{"index":2,"time":7,"type":"fail","process":0,"f":"read","value":null,"error":"net-timeout"}
{"index":3,"time":8,"type":"invoke","process":1,"f":"add","value":340282366920938463463374607431768211456}
{"index":4,"time":9,"type":"info","process":1,"f":"add","value":1.50,"error":{"rpc":{"name":"crash","text":"é\n"}}}
{"index":5,"time":9,"type":"invoke","process":2,"f":"read","value":null,"final?":true}
{"index":6,"time":10,"type":"info","process":2,"f":"read","value":[1, 2],"error":{"malformed":{"text":"?"}},"final?":true}
{"index":7,"time":10,"type":"invoke","process":4,"f":"add","value":1}
{"index":8,"time":10,"type":"info","process":4,"f":"add","value":1,"error":{"thrown":{"class":"net-timeout","text":"late"}}}
{"index":9,"time":10,"type":"invoke","process":5,"f":"add","value":{"#keyword":"a"}}
{"index":10,"time":10,"type":"info","process":5,"f":"add","value":1,"error":{"other":{"value":{"#keyword":"timeout"}}}}
{"index":11,"time":10,"type":"invoke","process":5,"f":"assign","value":["8"],"seek-to-beginning?":true,"poll-ms":1000,"unseen":{"8":{"polled":-1,"sent":3}}}
"##;

    #[test]
    fn a_history_reads_back_byte_for_byte() {
        let history = History::read_json(SAMPLE.as_bytes()).unwrap();
        let mut out = Vec::new();
        history.write_json_lines(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), SAMPLE);
    }

    #[test]
    fn a_malformed_line_is_reported_with_its_number() {
        let check = |from: &str, to: &str, expected: &str| {
            let malformed = SAMPLE.replacen(from, to, 1);
            let error = format!(
                "{:#}",
                History::read_json(malformed.as_bytes()).unwrap_err()
            );
            assert!(error.contains(expected), "{error}");
        };
        check(
            "\"index\":2",
            "\"index\":1",
            "line 3: expected an index of at least 2, as indices must increase, found 1",
        );
        check(
            "\"process\":0",
            "\"process\":-1",
            "line 1, column 48 of the operation: expected an integer of 0 or more, or \"nemesis\"",
        );
        check(
            "\"process\":\"nemesis\"",
            "\"process\":\"me\"",
            "line 2, column",
        );
        check(
            "\"type\":\"fail\"",
            "\"type\":\"failed\"",
            "line 3, column 35 of the operation: unknown variant",
        );
        check("\"value\":1.50", "\"value\":1.5.0", "line 5, column");
        check(
            "\"f\":\"read\",",
            "",
            "line 1, column 61 of the operation: missing field `f`",
        );
        check("\"final?\":true}", "\"final?\":true", "line 7, column");
        check(
            "{\"#keyword\":\"a\"}",
            "{\"#keyword\":1}",
            "line 10: expected a keyword, found {\"#keyword\":1}",
        );
        check(
            "\"type\":\"fail\",\"process\":0",
            "\"type\":\"fail\",\"process\":9",
            "line 3: process 9 completes",
        );
    }

    #[test]
    fn every_layout_is_read() {
        let array = format!("\u{feff}[{}]", SAMPLE.trim_end().replace('\n', ",\n"));
        let pretty = SAMPLE
            .replace(",\"", ",\n  \"")
            .replace("[1, 2]", "[1,\r\n 2]");
        for text in [array, pretty, SAMPLE.replace('\n', " ")] {
            let history = History::read_json(text.as_bytes()).unwrap();
            let mut out = Vec::new();
            history.write_json_lines(&mut out).unwrap();
            let written = String::from_utf8(out).unwrap();
            assert_eq!(written.replace("[1,2]", "[1, 2]").lines().count(), 12);
            let again = History::read_json(written.as_bytes()).unwrap();
            for (one, other) in history.ops.iter().zip(&again.ops) {
                assert_eq!(one.value, other.value);
            }
        }
        let check = |json: &str, expected: &str| {
            let error = format!("{:#}", History::read_json(json.as_bytes()).unwrap_err());
            assert!(error.contains(expected), "{error}");
        };
        check("[", "line 1: expected ], found the end of the input");
        check(
            "[]\n x",
            "line 2: expected the end after the array, found 'x'",
        );
        check("{} 5", "missing field");
        check(
            "\n5",
            "line 2: expected an operation, as {\"type\":\"invoke\",…}, found '5'",
        );
    }

    #[test]
    fn errors_of_other_programs_are_values() {
        let json = r##"{"type":"invoke","process":0,"f":"add"}
            {"type":"info","process":0,"f":"add","error":["a",{"#keyword":"b"}]}"##;
        let history = History::read_json(json.as_bytes()).unwrap();
        let error = format!("{:?}", history.ops[1].error);
        assert_eq!(error, r##"Some(Other { value: ["a",{"#keyword":"b"}] })"##);
    }

    #[test]
    fn invalid_utf_8_is_reported_with_its_line() {
        let error = History::read_json(&b"\n{\"\xff\"}"[..]).unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
