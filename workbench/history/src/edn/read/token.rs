//! Strings, characters, numbers and names of EDN.

use std::borrow::Cow;
use std::io::Read;

use super::{Position, Reader, is_blank, quoted};
use crate::edn::number::integer;
use crate::edn::{Decimal, Edn, Name, Ratio, float};

/// The keywords of an operation: they come up on every line, and need no memory of their own.
const COMMON: [&str; 14] = [
    "index", "time", "type", "process", "f", "value", "error", "invoke", "ok", "info", "fail", "r",
    "append", "w",
];

impl<R: Read> Reader<R> {
    /// Everything up to the next blank or bracket.
    pub(super) fn token(&mut self) -> anyhow::Result<String> {
        if let Some(token) = self.read_in(ends_token) {
            return Ok(token);
        }
        let start = self.position;
        let mut bytes = Vec::new();
        while let Some(byte) = self.peek()?.filter(|byte| !ends_token(*byte)) {
            bytes.push(byte);
            self.bump();
        }
        String::from_utf8(bytes).map_err(|_| start.error("bytes that are no text", "UTF-8"))
    }

    /// Everything up to a byte that ends it, if all of that has been read in, is ASCII and on one
    /// line: the usual case.
    fn read_in(&mut self, ends: impl Fn(u8) -> bool) -> Option<String> {
        let rest = self.source.rest();
        let length = rest.iter().position(|byte| ends(*byte))?;
        let text = &rest[..length];
        let is_plain = |byte: &u8| byte.is_ascii() && *byte != b'\n';
        let text = text.iter().all(is_plain).then(|| text.to_vec())?;
        let text = String::from_utf8(text).ok()?;
        self.source.skip(length);
        self.position.column += length as u64;
        Some(text)
    }

    /// An integer of at most 18 digits, if one comes next and all of it has been read in. Long lists
    /// are made of these.
    pub(super) fn small_integer(&mut self) -> Option<i64> {
        const MAX_DIGITS: usize = 18;
        let rest = self.source.rest();
        let (is_negative, digits) = match rest.strip_prefix(b"-") {
            Some(digits) => (true, digits),
            None => (false, rest),
        };
        let count = digits
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let is_plain = (1..=MAX_DIGITS).contains(&count) && (count == 1 || digits[0] != b'0');
        if !is_plain || !digits.get(count).copied().is_some_and(ends_token) {
            return None;
        }
        let number = digits[..count].iter();
        let number = number.fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
        let length = count + usize::from(is_negative);
        self.source.skip(length);
        self.position.column += length as u64;
        Some(if is_negative { -number } else { number })
    }

    /// A number, a keyword, a symbol, `nil`, `true` or `false`.
    pub(super) fn atom(&mut self, start: Position) -> anyhow::Result<Edn> {
        let token = self.token()?;
        let mut bytes = token.bytes();
        let first = bytes.next().unwrap_or(b' ');
        let is_signed = matches!(first, b'+' | b'-') && bytes.next().is_some_and(is_digit);
        if is_digit(first) || is_signed {
            let number = number(&token);
            return number.ok_or_else(|| start.error(&quoted(&token), "a number"));
        }
        if let Some(name) = token.strip_prefix(':') {
            if name.is_empty() || name.starts_with([':', '/']) || name.ends_with(':') {
                return Err(start.error(&quoted(&token), "a keyword, as :name,"));
            }
            let common = COMMON.iter().find(|common| **common == name);
            let name: Name = common.map_or_else(|| name.to_owned().into(), |it| (*it).into());
            return Ok(Edn::Key(name));
        }
        Ok(match token.as_str() {
            "nil" => Edn::Nil,
            "true" => Edn::Bool(true),
            "false" => Edn::Bool(false),
            _ if token.chars().any(char::is_control) => {
                return Err(start.error(&quoted(&token), "text"));
            }
            _ => Edn::Symbol(Cow::Owned(token)),
        })
    }

    /// The rest of a string, after its opening quote.
    pub(super) fn string(&mut self) -> anyhow::Result<String> {
        let start = self.position;
        let begun = self.read_in(|byte| matches!(byte, b'"' | b'\\'));
        let mut bytes = begun.map(String::into_bytes).unwrap_or_default();
        loop {
            let at = self.position;
            let Some(byte) = self.peek()? else {
                let Position { line, column } = start;
                let expected =
                    format!("the quote that ends the string of line {line}, column {column},");
                return Err(at.error("the input ends", &expected));
            };
            self.bump();
            match byte {
                b'"' => break,
                b'\\' => {
                    let character = self.escape(at)?;
                    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                _ => bytes.push(byte),
            }
        }
        String::from_utf8(bytes).map_err(|_| start.error("a string that is no text", "UTF-8"))
    }

    /// What follows a backslash in a string.
    fn escape(&mut self, at: Position) -> anyhow::Result<char> {
        let Some(byte) = self.peek()? else {
            return Err(at.error("the input ends", "the rest of an escape"));
        };
        if byte.is_ascii_digit() {
            return self.code(at, 8, 3, false);
        }
        self.bump();
        Ok(match byte {
            b't' => '\t',
            b'r' => '\r',
            b'n' => '\n',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'\\' | b'"' | b'/' => char::from(byte),
            b'u' => return self.unicode(at),
            _ => {
                let found = format!("\\{}", char::from(byte));
                return Err(at.error(&found, "an escape such as \\n, \\\" or \\u00e9"));
            }
        })
    }

    /// Four hexadecimal digits, or two times four, as halves of a surrogate pair.
    fn unicode(&mut self, at: Position) -> anyhow::Result<char> {
        let first = self.digits(16, 4);
        let first = first?
            .filter(|(count, _)| *count == 4)
            .map(|(_, code)| code);
        let first = first.ok_or_else(|| at.error("\\u", "four hexadecimal digits behind it"))?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first).ok_or_else(|| half(at));
        }
        for expected in *b"\\u" {
            if self.peek()? != Some(expected) {
                return Err(half(at));
            }
            self.bump();
        }
        let second = self.digits(16, 4)?.map_or(0, |(_, code)| code);
        let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400);
        let code = low.map(|low| 0x10000 + ((first - 0xd800) << 10) + low);
        code.and_then(char::from_u32).ok_or_else(|| half(at))
    }

    fn code(&mut self, at: Position, base: u32, most: usize, exact: bool) -> anyhow::Result<char> {
        let digits = self.digits(base, most)?;
        let digits = digits.filter(|(count, _)| *count == most || !exact);
        let code = digits.and_then(|(_, code)| char::from_u32(code));
        code.filter(|code| base != 8 || u32::from(*code) <= 0o377)
            .ok_or_else(|| at.error("an escape of no character", "a code, as \\o101"))
    }

    /// At most so many digits: how many there were, and their number.
    fn digits(&mut self, base: u32, most: usize) -> anyhow::Result<Option<(usize, u32)>> {
        let (mut count, mut number) = (0, 0);
        while count < most
            && let Some(digit) = self.peek()?.and_then(|it| char::from(it).to_digit(base))
        {
            number = number * base + digit;
            count += 1;
            self.bump();
        }
        Ok((count > 0).then_some((count, number)))
    }

    /// The rest of a character literal, after its backslash.
    pub(super) fn character(&mut self, start: Position) -> anyhow::Result<char> {
        // The first character counts whatever it is: \( is one.
        let mut bytes = Vec::new();
        while let Some(byte) = self.peek()?
            && (bytes.is_empty() || (bytes[0] >= 0x80 && byte & 0xc0 == 0x80) || !ends_token(byte))
        {
            bytes.push(byte);
            self.bump();
        }
        let name = String::from_utf8(bytes).map_err(|_| start.error("bytes", "a character"))?;
        let code = |digits: &str, base| {
            let digits = Some(digits).filter(|it| it.chars().all(|c| c.is_digit(base)));
            char::from_u32(u32::from_str_radix(digits?, base).ok()?)
        };
        let mut characters = name.chars();
        let first = characters.next();
        let found = match (name.as_str(), first, characters.as_str()) {
            (_, Some(only), "") => Some(only),
            ("newline", ..) => Some('\n'),
            ("space", ..) => Some(' '),
            ("tab", ..) => Some('\t'),
            ("return", ..) => Some('\r'),
            ("backspace", ..) => Some('\u{8}'),
            ("formfeed", ..) => Some('\u{c}'),
            (_, Some('u'), digits) if digits.len() == 4 => code(digits, 16),
            (_, Some('o'), digits) if digits.len() <= 3 => {
                code(digits, 8).filter(|code| u32::from(*code) <= 0o377)
            }
            _ => None,
        };
        let found_text = format!("\\{name}");
        found.ok_or_else(|| start.error(&found_text, "a character, as \\a, \\newline or \\u00e9,"))
    }
}

fn half(at: Position) -> anyhow::Error {
    at.error("half of a surrogate pair", "a character")
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

fn ends_token(byte: u8) -> bool {
    is_blank(byte) || b";\"^()[]{}\\".contains(&byte)
}

/// An integer of any size and base, a float, a decimal or a ratio.
fn number(token: &str) -> Option<Edn> {
    if let Ok(number) = token.parse() {
        // Zeros in front make it octal, as in C.
        let digits = token.trim_start_matches(['+', '-']);
        if digits == "0" || !digits.starts_with('0') {
            return Some(Edn::Int(number));
        }
    }
    if let Some(decimal) = token.strip_suffix('M') {
        return Some(Edn::Decimal(Box::new(Decimal::parse(decimal)?)));
    }
    if token.contains('/') {
        return Ratio::parse(token);
    }
    if let Some(number) = whole(token.strip_suffix('N').unwrap_or(token)) {
        return Some(Edn::from(number));
    }
    // Digits alone are no octal number here, and so none at all.
    let is_float = token.contains(['.', 'e', 'E']);
    let is_plain = |c: char| c.is_ascii_digit() || ".eE+-".contains(c);
    let number = Some(token).filter(|token| is_float && token.chars().all(is_plain));
    number?.parse().ok().map(float)
}

fn whole(token: &str) -> Option<num_bigint::BigInt> {
    let (sign, digits) = match token.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", token.strip_prefix('+').unwrap_or(token)),
    };
    let signed = |digits: &str, base| integer(&format!("{sign}{digits}"), base);
    if let Some(digits) = digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        return signed(digits, 16);
    }
    if let Some((base, digits)) = digits.split_once(['r', 'R']) {
        let base = base.parse().ok().filter(|base| (2..=36).contains(base));
        return signed(digits, base?);
    }
    let is_octal = digits.len() > 1 && digits.starts_with('0');
    signed(digits, if is_octal { 8 } else { 10 })
}
