//! A history from a file, whatever its notation.

use std::io::{Cursor, Read};

use anyhow::Context;

use super::History;

/// How a gzipped file begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// How much is looked at, in bytes, to tell JSON from EDN.
const MAX_START: usize = 64 * 1024;

impl History {
    /// Reads JSON, or the `history.edn` that Maelstrom or Jepsen wrote; gzipped ones with the feature
    /// `gzip` alone.
    ///
    /// # Errors
    /// When it cannot be read, or it is no history: the error names the line.
    pub fn read(mut input: impl Read) -> anyhow::Result<Self> {
        let start = start(&mut input, |start| {
            (start.len() >= GZIP.len()).then_some(())
        });
        let start = start.context("the history cannot be read")?;
        let is_zipped = start.starts_with(&GZIP);
        let input = Cursor::new(start).chain(input);
        let history = if is_zipped {
            read_gzipped(input)
        } else {
            read_plain(input)
        };
        history.context("history")
    }
}

#[cfg(feature = "gzip")]
fn read_gzipped(input: impl Read) -> anyhow::Result<History> {
    read_plain(flate2::read::MultiGzDecoder::new(input))
}

#[cfg(not(feature = "gzip"))]
fn read_gzipped(_: impl Read) -> anyhow::Result<History> {
    anyhow::bail!("it is gzipped, and this program was built without the feature \"gzip\"")
}

fn read_plain(mut input: impl Read) -> anyhow::Result<History> {
    let start = start(&mut input, is_json).context("it cannot be read")?;
    let is_json = is_json(&start).unwrap_or(false);
    let input = Cursor::new(start).chain(input);
    if is_json {
        History::read_json(input)
    } else {
        History::read_edn(input)
    }
}

/// As much of the input as it takes to decide, or all there is.
fn start<T>(
    input: &mut impl Read,
    decide: impl Fn(&[u8]) -> Option<T>,
) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::new();
    while start.len() < MAX_START && decide(&start).is_none() {
        let missing = (MAX_START - start.len()) as u64;
        if input.by_ref().take(missing).read_to_end(&mut start)? == 0 {
            break;
        }
    }
    Ok(start)
}

/// An object's first key is a string, a map's a keyword; and so in a list of them. `None` if it is not
/// yet to be seen.
fn is_json(start: &[u8]) -> Option<bool> {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let mut bytes = start.iter().filter(|byte| !byte.is_ascii_whitespace());
    let mut next = *bytes.next()?;
    if next == b'[' {
        next = *bytes.next()?;
    }
    Some(next == b'{' && *bytes.next()? == b'"')
}

#[cfg(all(test, feature = "gzip"))]
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
        check(b"\n\nnonsense", "history: line 3");
        check(
            b"{\"index\":0}",
            "history: line 1, column 11 of the operation: missing field",
        );
        check(b"\x1f\x8bnonsense", "history: it cannot be read");
    }
}
