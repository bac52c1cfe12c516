//! EDN and JSON, written and read again: what was read is what was written.

use history::{History, edn};

/// The input is a text of EDN, and one of a history.
pub(crate) fn drive(input: &[u8]) {
    if let Some(value) = std::str::from_utf8(input)
        .ok()
        .and_then(|it| edn::read(it).ok())
    {
        for text in [edn::compact(&value), edn::pretty(&value)] {
            // At the start of a text this is a byte order mark, elsewhere a character of a symbol.
            if text.starts_with('\u{feff}') {
                continue;
            }
            let again = edn::read(&text).unwrap_or_else(|error| panic!("{error:#}: {text}"));
            assert_eq!(again, value, "{text}");
        }
        edn::to_json(&value);
    }
    let Ok(history) = History::read(input) else {
        return;
    };
    let write = |write: &dyn Fn(&mut Vec<u8>) -> std::io::Result<()>| {
        let mut text = Vec::new();
        write(&mut text).expect("memory can be written");
        text
    };
    let json = write(&|out| history.write_json_lines(out));
    let edn = write(&|out| history.write_edn(out));
    write(&|out| history.write_text(out));
    let shown = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
    // JSON has fewer types than EDN, so a history need not be equal to what was read, but what is
    // written of it stays the same from then on.
    for text in [json, edn] {
        let read = |text: &[u8]| {
            History::read(text).unwrap_or_else(|error| panic!("{error:#}: {}", shown(text)))
        };
        let again = read(&text);
        assert_eq!(again.ops.len(), history.ops.len(), "{}", shown(&text));
        let is_json = text.first() == Some(&b'{') && text.get(1) == Some(&b'"');
        let written = write(&|out| match is_json {
            true => again.write_json_lines(out),
            false => again.write_edn(out),
        });
        assert_eq!(shown(&written), shown(&text));
    }
}
