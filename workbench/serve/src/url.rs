//! Paths in the store as parts of URLs.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::error_page::ErrorPage;
use crate::runs::StorePath;

/// The path that a part of a URL names.
pub(super) fn parse_path(path: &str) -> Result<StorePath, ErrorPage> {
    // Split first, then decode once: no escape can become a slash or hide another escape.
    let names = path.split('/').map(|name| {
        let name = percent_decode_str(name).decode_utf8().ok()?;
        Some(name.into_owned())
    });
    let names: Option<Vec<String>> = names.collect();
    names
        .and_then(StorePath::new)
        .ok_or_else(ErrorPage::invalid_path)
}

/// The URL of a path, behind this prefix.
pub(super) fn href(prefix: &str, path: &StorePath) -> String {
    let names = path.names().iter().map(|name| encode(name));
    format!("{prefix}{}", names.collect::<Vec<_>>().join("/"))
}

/// Percent-encodes a name as part of a URL.
pub(super) fn encode(name: &str) -> String {
    const SPECIAL: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'+')
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(name, SPECIAL).to_string()
}
