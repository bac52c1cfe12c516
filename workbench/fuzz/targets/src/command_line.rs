//! Command lines: each is refused with a text, or has a command that repeats it, which means the same.
//! Options survive the way through flags.

use std::ffi::OsString;

use workbench::cli;
use workbench::flags::{pins, to_flags};

/// Each line of the input is a word.
pub(crate) fn drive(input: &[u8]) {
    let words = input.split(|byte| *byte == b'\n');
    let words: Vec<OsString> = words.map(word).collect();
    let program = [OsString::from("workbench")];
    match cli::parse(&[&program[..], &words].concat()) {
        Err(text) => assert!(!text.trim().is_empty(), "refused without a word"),
        Ok(again) => check_again(&again),
    }
    let texts: Option<Vec<&str>> = words.iter().map(|word| word.to_str()).collect();
    // A file of names can be any file of this machine.
    let texts = texts.filter(|words| !words.iter().any(|word| word.contains("file")));
    if let Some(Ok(options)) = texts.map(pins) {
        let flags = to_flags(&options);
        let again = pins(flags.iter().map(String::as_str));
        let again = again.unwrap_or_else(|error| panic!("{error:#}: {flags:?}"));
        assert_eq!(again, options, "{flags:?}");
    }
}

#[cfg(unix)]
fn word(bytes: &[u8]) -> OsString {
    let word: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(bytes);
    word.to_owned()
}

#[cfg(not(unix))]
fn word(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// Asserts that a command that repeats another one is repeated by itself.
fn check_again(command: &str) {
    let words = shlex::split(command).unwrap_or_else(|| panic!("no shell reads {command}"));
    let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
    match cli::parse(&words) {
        Ok(again) => assert_eq!(again, command),
        Err(error) => panic!("{command}\n{error}"),
    }
}
