//! Reading a history in either notation, gzipped or not.

use std::io::{Cursor, Read};

use anyhow::Context;

use super::History;

/// First bytes of a gzipped file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// How many bytes are inspected to distinguish JSON from EDN.
const MAX_START: usize = 64 * 1024;

impl History {
    /// Reads JSON or EDN, such as the `history.edn` of Maelstrom or Jepsen. Gzipped input requires
    /// the feature `gzip`.
    ///
    /// # Errors
    /// When reading fails or the input is not a history: the error says in which line, what was
    /// expected and what was found.
    pub fn read(mut input: impl Read) -> anyhow::Result<Self> {
        read(&mut input)
    }
}

/// Not generic, as all that it calls is optimized as this package is, and not as its user is.
fn read(mut input: &mut dyn Read) -> anyhow::Result<History> {
    let start = start(&mut input, |start| {
        (start.len() >= GZIP_MAGIC.len()).then_some(())
    });
    let start = start.context("the history cannot be read")?;
    let is_gzipped = start.starts_with(&GZIP_MAGIC);
    let input = Cursor::new(start).chain(input);
    let history = if is_gzipped {
        read_gzipped(input)
    } else {
        read_plain(input)
    };
    history.context("history")
}

#[cfg(feature = "gzip")]
fn read_gzipped(input: impl Read) -> anyhow::Result<History> {
    read_plain(flate2::read::MultiGzDecoder::new(input))
}

#[cfg(not(feature = "gzip"))]
fn read_gzipped(_: impl Read) -> anyhow::Result<History> {
    anyhow::bail!("the input is gzipped, and this program was built without the feature \"gzip\"")
}

fn read_plain(mut input: impl Read) -> anyhow::Result<History> {
    let start = start(&mut input, is_json).context("the input cannot be read")?;
    let is_json = is_json(&start).unwrap_or(false);
    let input = Cursor::new(start).chain(input);
    if is_json {
        History::read_json(input)
    } else {
        History::read_edn(input)
    }
}

/// Reads until `decide` returns a result, or to the end of the input.
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

/// Distinguishes JSON from EDN by the first key, which is a string in JSON and a keyword in EDN.
/// `None` if more input is needed.
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
            let mut gzipped = GzEncoder::new(Vec::new(), Compression::fast());
            gzipped.write_all(text.as_bytes()).unwrap();
            check(&gzipped.finish().unwrap());
        }
        assert!(History::read(&b"\n \n"[..]).unwrap().ops.is_empty());
    }

    #[test]
    fn other_input_is_rejected_with_its_line() {
        let check = |bytes: &[u8], expected: &str| {
            let error = format!("{:#}", History::read(bytes).unwrap_err());
            assert!(error.contains(expected), "{error}");
        };
        check(b"\n\nnonsense", "history: line 3");
        check(
            b"{\"index\":0}",
            "history: line 1, column 11 of the operation: missing field",
        );
        check(b"\x1f\x8bnonsense", "history: the input cannot be read");
    }
}
