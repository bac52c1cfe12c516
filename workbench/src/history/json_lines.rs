//! A history as JSON lines: our own format, one operation a line, its value as it crossed the wire.

use std::io::{self, BufRead, Write};

use anyhow::{Context, ensure};

use super::{History, Op};

impl History {
    /// Writes one JSON object a line.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn write_json_lines(&self, out: &mut impl Write) -> io::Result<()> {
        for op in &self.ops {
            serde_json::to_writer(&mut *out, op)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }

    /// Reads what `write_json_lines` wrote; blank lines do not count.
    ///
    /// # Errors
    /// When a line cannot be read as an operation, or is not in its place: the error names it.
    pub fn read_json_lines(input: impl BufRead) -> anyhow::Result<Self> {
        Self::read_lines(input, |line, _| Ok(serde_json::from_str(line)?))
    }

    /// One operation a line, however it is spelt; `read` is told its position, too. Checkers rely
    /// on an index being a position.
    pub(super) fn read_lines(
        input: impl BufRead,
        read: impl Fn(&str, usize) -> anyhow::Result<Op>,
    ) -> anyhow::Result<Self> {
        let mut ops = Vec::new();
        for (number, line) in input.lines().enumerate() {
            let at = || format!("history, line {}", number + 1);
            let line = line.with_context(at)?;
            if line.trim().is_empty() {
                continue;
            }
            let due = ops.len();
            let op = read(&line, due).with_context(at)?;
            ensure!(
                op.index == due,
                "{}: index {} where {due} is due",
                at(),
                op.index
            );
            ops.push(op);
        }
        Ok(History { ops })
    }
}

#[cfg(test)]
mod tests {
    use super::History;

    const SAMPLE: &str = r#"{"index":0,"time":5,"type":"invoke","process":0,"f":"read","value":null}
{"index":1,"time":6,"type":"info","process":"nemesis","f":"start-partition","value":["isolated",{"n0":["n1"]}]}
{"index":2,"time":7,"type":"fail","process":0,"f":"read","value":null,"error":"net-timeout"}
{"index":3,"time":8,"type":"invoke","process":1,"f":"add","value":340282366920938463463374607431768211456}
{"index":4,"time":9,"type":"info","process":1,"f":"add","value":1.50,"error":{"rpc":{"name":"crash","text":"é\n"}}}
{"index":5,"time":10,"type":"info","process":2,"f":"read","value":[1, 2],"error":{"malformed":{"text":"?"}},"final?":true}
{"index":6,"time":10,"type":"info","process":4,"f":"add","value":1,"error":{"thrown":{"class":"net-timeout","text":"late"}}}
{"index":7,"time":10,"type":"invoke","process":4,"f":"assign","value":["8"],"seek-to-beginning?":true,"poll-ms":1000,"unseen":{"8":{"polled":-1,"sent":3}}}
"#;

    #[test]
    fn a_history_reads_back_byte_for_byte() {
        let history = History::read_json_lines(SAMPLE.as_bytes()).unwrap();
        let mut out = Vec::new();
        history.write_json_lines(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), SAMPLE);
    }

    #[test]
    fn a_spoilt_line_is_named_and_nothing_panics() {
        let check = |from: &str, to: &str, complaint: &str| {
            let spoilt = SAMPLE.replacen(from, to, 1);
            let error = format!(
                "{:#}",
                History::read_json_lines(spoilt.as_bytes()).unwrap_err()
            );
            assert!(error.contains(complaint), "{error}");
        };
        check(
            "\"index\":2",
            "\"index\":3",
            "line 3: index 3 where 2 is due",
        );
        check("\"process\":0", "\"process\":-1", "line 1");
        check("\"process\":\"nemesis\"", "\"process\":\"me\"", "line 2");
        check(
            "\"type\":\"fail\"",
            "\"type\":\"failed\"",
            "line 3: unknown variant `failed`",
        );
        check("\"value\":1.50", "\"value\":1.5.0", "line 5");
        check("\"f\":\"read\",", "", "line 1: missing field `f`");
        check("\"net-timeout\"", "\"net\"", "line 3");
        check("\"final?\":true}", "\"final?\":true", "line 6");
    }

    #[test]
    fn bytes_that_are_no_text_are_an_error_with_a_line_number() {
        let error = History::read_json_lines(&b"\n\xff\n"[..]).unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
