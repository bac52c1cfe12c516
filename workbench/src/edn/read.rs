//! Reading EDN with the crate's reader, and two things that it does not know.

use std::iter::Peekable;
use std::str::Chars;

use anyhow::{anyhow, ensure};
use clojure_reader::edn::{self, Edn};

use super::BIG;

/// Everything here that walks a value is recursive; nothing that is deeper comes in.
const DEPTH: usize = 128;

/// Reads the one value that a text holds.
///
/// # Errors
/// When it is not EDN, when more follows, or when it is nested more than 128 levels deep.
pub fn read(text: &str) -> anyhow::Result<Edn<'_>> {
    // Before it becomes values: a hundred bytes for each bracket, and a level of recursion.
    ensure!(
        opens_within(text, DEPTH),
        "nested more than {DEPTH} levels deep"
    );
    let edn = read_one(text).or_else(|error| {
        let respelled = respell(text);
        read_one(&respelled).map(Edn::into_owned).map_err(|_| error)
    })?;
    ensure!(
        is_within(&edn, DEPTH),
        "nested more than {DEPTH} levels deep"
    );
    Ok(edn)
}

fn read_one(text: &str) -> anyhow::Result<Edn<'_>> {
    let (edn, rest) = edn::read(text).map_err(|error| match (error.line, error.column) {
        (Some(1), Some(column)) => anyhow!("not EDN at column {column}: {:?}", error.code),
        (Some(line), Some(column)) => {
            anyhow!("not EDN at line {line}, column {column}: {:?}", error.code)
        }
        _ => anyhow!("not EDN: {:?}", error.code),
    })?;
    ensure!(rest.trim().is_empty(), "something follows the value");
    Ok(edn)
}

/// Whether no more brackets than these are open at a time.
fn opens_within(text: &str, levels: usize) -> bool {
    let mut depth: usize = 0;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            // A character literal, which may be a bracket or a quote.
            b'\\' => drop(bytes.next()),
            b';' => drop(bytes.find(|byte| *byte == b'\n')),
            b'"' => {
                while let Some(byte) = bytes.next().filter(|byte| *byte != b'"') {
                    if byte == b'\\' {
                        bytes.next();
                    }
                }
            }
            _ => {}
        }
        if depth > levels {
            return false;
        }
    }
    true
}

fn is_within(edn: &Edn<'_>, levels: usize) -> bool {
    let Some(left) = levels.checked_sub(1) else {
        return false;
    };
    match edn {
        Edn::Vector(items) | Edn::List(items) => items.iter().all(|item| is_within(item, left)),
        Edn::Set(items) => items.iter().all(|item| is_within(item, left)),
        Edn::Map(entries) => {
            let mut entries = entries.iter();
            entries.all(|(key, value)| is_within(key, left) && is_within(value, left))
        }
        Edn::Tagged(_, inner) => is_within(inner, left),
        _ => true,
    }
}

/// Spells out what Clojure prints and the crate cannot read: integers beyond 64 bits (`5N`, or
/// simply too long) become tagged literals, the escapes `\b` and `\f` in strings what they mean.
fn respell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(first) = chars.next() {
        if first == '"' {
            out.push(first);
            respell_string(&mut chars, &mut out);
        } else if first == '\\' {
            // A character literal, which may be a quote.
            out.push(first);
            out.extend(chars.next());
        } else if ends_token(first) {
            out.push(first);
        } else {
            let mut token = String::from(first);
            while let Some(next) = chars.next_if(|next| !ends_token(*next)) {
                token.push(next);
            }
            out.push_str(&respell_token(token));
        }
    }
    out
}

fn respell_string(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    while let Some(next) = chars.next() {
        match next {
            '"' => {
                out.push(next);
                return;
            }
            '\\' => match chars.next() {
                Some('b') => out.push('\u{8}'),
                Some('f') => out.push('\u{c}'),
                escaped => {
                    out.push(next);
                    out.extend(escaped);
                }
            },
            _ => out.push(next),
        }
    }
}

fn respell_token(token: String) -> String {
    let digits = token.strip_suffix('N').unwrap_or(&token);
    let bare = digits.strip_prefix('-').unwrap_or(digits);
    if bare.is_empty() || !bare.bytes().all(|byte| byte.is_ascii_digit()) {
        return token;
    }
    match digits.parse::<i64>() {
        Ok(number) => number.to_string(),
        Err(_) => format!("#{BIG} \"{digits}\""),
    }
}

fn ends_token(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ';' | '"' | '(' | ')' | '[' | ']' | '{' | '}')
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::edn::{big, compact, text};

    #[test]
    fn what_is_not_one_value_is_refused_with_a_reason() {
        let check = |edn: &str, reason: &str| {
            let error = read(edn).unwrap_err().to_string();
            assert!(error.contains(reason), "{edn}: {error}");
        };
        check("", "UnexpectedEOF");
        check("{:a [1 2}", "column 9");
        check("{:a}", "not EDN");
        check("1 2", "something follows");
        check("\"\\q\"", "InvalidEscape");
        check(&"[".repeat(100_000), "nested");
        check(&("[".repeat(100_000) + &"]".repeat(100_000)), "nested");
    }

    #[test]
    fn what_only_looks_like_a_bracket_opens_none() {
        let many = "[({".repeat(100);
        for edn in [
            format!("[\"{many}\\\"{many}\" 1]"),
            format!("[; {many}\n1]"),
            format!("[{}]", "\\[ ".repeat(300)),
            format!("[\\\" {} \\\"]", "[] ".repeat(300)),
        ] {
            assert!(read(&edn).is_ok(), "{edn}");
        }
    }

    #[test]
    fn long_integers_and_rare_escapes_are_read() {
        let long = "123456789012345678901234567890";
        let edn = format!(r#"[-{long} {long}N 5N "5N \b\\b\f" \" a5N #{{{long}}}]"#);
        let read = read(&edn).unwrap();
        assert_eq!(read.nth(0), Some(&big(&format!("-{long}"))));
        assert_eq!(read.nth(1), Some(&big(long)));
        assert_eq!(read.nth(3), Some(&text("5N \u{8}\\b\u{c}")));
        let printed = format!("[-{long}N {long}N 5 \"5N \u{8}\\\\b\u{c}\" \\\" a5N #{{{long}N}}]");
        assert_eq!(compact(&read), printed);
    }
}
