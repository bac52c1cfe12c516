//! A history from a file, whatever its notation.

use std::io::{BufRead, BufReader, Cursor, Read};

use anyhow::Context;
use flate2::bufread::MultiGzDecoder;

use super::History;

/// How a gzipped file begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

impl History {
    /// Reads JSON lines, or the `history.edn` that Maelstrom or Jepsen wrote, gzipped or not.
    ///
    /// # Errors
    /// When it cannot be read, or a line is no operation in its place: the error names the line.
    pub fn read(input: impl Read) -> anyhow::Result<Self> {
        let mut input = BufReader::new(input);
        let start = input.fill_buf().context("the history cannot be read")?;
        if start.starts_with(&GZIP) {
            read_plain(BufReader::new(MultiGzDecoder::new(input)))
        } else {
            read_plain(input)
        }
    }
}

fn read_plain(mut input: impl BufRead) -> anyhow::Result<History> {
    // The first line that is not blank tells: an object's first key is a string, a map's a keyword.
    let mut start = Vec::new();
    while start.trim_ascii().is_empty() {
        let read = input.read_until(b'\n', &mut start);
        if read.context("the history cannot be read")? == 0 {
            break;
        }
    }
    let is_json = start
        .trim_ascii()
        .strip_prefix(b"{")
        .is_some_and(|inside| inside.trim_ascii_start().starts_with(b"\""));
    let input = Cursor::new(start).chain(input);
    if is_json {
        History::read_json_lines(input)
    } else {
        History::read_edn(input)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::History;

    const JSON: &str = r#"
 { "index":0,"time":5,"type":"invoke","process":0,"f":"read","value":null}
"#;
    const EDN: &str = "\n{:index 0, :time 5, :type :invoke, :process 0, :f :read, :value nil}\n";
    const TAGGED: &str = "#jepsen.history.Op{:type :invoke, :process 0, :f :read, :value nil, \
                          :time 5}";

    #[test]
    fn both_notations_are_read_gzipped_or_not() {
        let check = |bytes: &[u8]| {
            let history = History::read(bytes).unwrap();
            let mut written = Vec::new();
            history.write_edn(&mut written).unwrap();
            assert_eq!(String::from_utf8(written).unwrap(), EDN[1..]);
        };
        for text in [JSON, EDN, TAGGED] {
            check(text.as_bytes());
            let mut zipped = GzEncoder::new(Vec::new(), Compression::fast());
            zipped.write_all(text.as_bytes()).unwrap();
            check(&zipped.finish().unwrap());
        }
        assert!(History::read(&b"\n \n"[..]).unwrap().ops.is_empty());
    }

    #[test]
    fn what_is_no_history_is_refused_with_a_line() {
        let check = |bytes: &[u8], complaint: &str| {
            let error = format!("{:#}", History::read(bytes).unwrap_err());
            assert!(error.contains(complaint), "{error}");
        };
        check(b"\n\nnonsense", "history, line 3");
        check(b"{\"index\":0}", "history, line 1: missing field");
        check(b"\x1f\x8bnonsense", "the history cannot be read");
    }
}
