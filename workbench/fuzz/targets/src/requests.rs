//! Bytes of a client into `serve`: whatever it sends, every answer is one of the site's, and nothing
//! outside the store is in it.

use crate::site::Site;

/// Content of the store's files.
const FILES: [(&str, &[u8]); 4] = [
    ("test.json", br#"{"workload": "echo", "seed": 1}"#),
    ("summary.json", br#"{"valid?": true}"#),
    ("report.html", b"<p>report</p>"),
    ("history.jsonl", b"{}\n"),
];

thread_local! {
    static SITE: Site = Site::of_run(&FILES);
}

pub(crate) fn drive(input: &[u8]) {
    let answer = SITE.with(|site| site.answer(input));
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1."),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    let has = |text: &[u8]| answer.windows(text.len()).any(|it| it == text);
    assert!(
        !has(b"Internal error"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    // Of this machine's files: a path that leads out of the store most likely leads there.
    assert!(!has(b"root:x:0:0"), "a file outside the store");
}
