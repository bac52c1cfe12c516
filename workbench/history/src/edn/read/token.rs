//! Reads strings, characters, numbers and names of EDN.

use std::borrow::Cow;
use std::io::Read;

use super::{END, Position, Reader, is_blank, quoted};
use crate::edn::number::integer;
use crate::edn::{Decimal, Edn, Name, Ratio, float};

/// Keywords of operations, borrowed so that they need no allocation.
const KNOWN_KEYWORDS: [&str; 14] = [
    "index", "time", "type", "process", "f", "value", "error", "invoke", "ok", "info", "fail", "r",
    "append", "w",
];

impl<R: Read> Reader<R> {
    /// Reads up to the next blank or bracket.
    pub(super) fn token(&mut self) -> anyhow::Result<String> {
        if let Some(token) = self.take_buffered(ends_token) {
            return Ok(token);
        }
        let start = self.position;
        let mut bytes = Vec::new();
        while let Some(byte) = self.peek()?.filter(|byte| !ends_token(*byte)) {
            bytes.push(byte);
            self.bump();
        }
        String::from_utf8(bytes).map_err(|_| start.error("UTF-8", "invalid bytes"))
    }

    /// Reads up to an end byte in the usual case: all of it is buffered, ASCII, and on one line.
    fn take_buffered(&mut self, is_end: impl Fn(u8) -> bool) -> Option<String> {
        let buffered = self.source.buffered();
        let length = buffered.iter().position(|byte| is_end(*byte))?;
        let text = &buffered[..length];
        let is_plain = |byte: &u8| byte.is_ascii() && *byte != b'\n';
        let text = text.iter().all(is_plain).then(|| text.to_vec())?;
        let text = String::from_utf8(text).ok()?;
        self.source.consume(length);
        self.position.column += length as u64;
        Some(text)
    }

    /// Reads an integer of at most 18 digits if one is next and buffered: the fast path for long
    /// lists.
    pub(super) fn small_integer(&mut self) -> Option<i64> {
        const MAX_DIGITS: usize = 18;
        let buffered = self.source.buffered();
        let (is_negative, digits) = match buffered.strip_prefix(b"-") {
            Some(digits) => (true, digits),
            None => (false, buffered),
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
        self.source.consume(length);
        self.position.column += length as u64;
        Some(if is_negative { -number } else { number })
    }

    /// Reads a number, a keyword, a symbol, `nil`, `true` or `false`.
    pub(super) fn atom(&mut self, start: Position) -> anyhow::Result<Edn> {
        let token = self.token()?;
        let mut bytes = token.bytes();
        let first = bytes.next().unwrap_or(b' ');
        let is_signed = matches!(first, b'+' | b'-') && bytes.next().is_some_and(is_digit);
        if is_digit(first) || is_signed {
            let number = number(&token);
            return number.ok_or_else(|| start.error("a number", &quoted(&token)));
        }
        if let Some(name) = token.strip_prefix(':') {
            if name.is_empty() || name.starts_with([':', '/']) || name.ends_with(':') {
                return Err(start.error("a keyword, as :name", &quoted(&token)));
            }
            let known = KNOWN_KEYWORDS.iter().find(|known| **known == name);
            let name: Name = known.map_or_else(|| name.to_owned().into(), |it| (*it).into());
            return Ok(Edn::Key(name));
        }
        Ok(match token.as_str() {
            "nil" => Edn::Nil,
            "true" => Edn::Bool(true),
            "false" => Edn::Bool(false),
            _ if token.chars().any(char::is_control) => {
                return Err(start.error("a symbol", &quoted(&token)));
            }
            _ => Edn::Symbol(Cow::Owned(token)),
        })
    }

    /// Reads the rest of a string, after its opening quote.
    pub(super) fn string(&mut self) -> anyhow::Result<String> {
        let start = self.position;
        let prefix = self.take_buffered(|byte| matches!(byte, b'"' | b'\\'));
        let mut bytes = prefix.map(String::into_bytes).unwrap_or_default();
        loop {
            let at = self.position;
            let Some(byte) = self.peek()? else {
                let Position { line, column } = start;
                let expected =
                    format!("the closing quote of the string at line {line}, column {column}");
                return Err(at.error(&expected, END));
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
        String::from_utf8(bytes).map_err(|_| start.error("UTF-8", "a string with invalid bytes"))
    }

    /// Reads what follows a backslash in a string.
    fn escape(&mut self, at: Position) -> anyhow::Result<char> {
        let Some(byte) = self.peek()? else {
            return Err(at.error("the rest of an escape", END));
        };
        if byte.is_ascii_digit() {
            return self.octal(at);
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
                return Err(at.error("an escape such as \\n, \\\" or \\u00e9", &found));
            }
        })
    }

    /// Reads four hexadecimal digits; if they are half of a surrogate pair, the other half, too.
    fn unicode(&mut self, at: Position) -> anyhow::Result<char> {
        let first = self.digits(16, 4);
        let first = first?
            .filter(|(count, _)| *count == 4)
            .map(|(_, code)| code);
        let first = first.ok_or_else(|| at.error("four hexadecimal digits after \\u", "fewer"))?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first).ok_or_else(|| half_pair(at));
        }
        for expected in *b"\\u" {
            if self.peek()? != Some(expected) {
                return Err(half_pair(at));
            }
            self.bump();
        }
        let second = self.digits(16, 4)?.map_or(0, |(_, code)| code);
        let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400);
        let code = low.map(|low| 0x10000 + ((first - 0xd800) << 10) + low);
        code.and_then(char::from_u32).ok_or_else(|| half_pair(at))
    }

    /// Reads one to three octal digits.
    fn octal(&mut self, at: Position) -> anyhow::Result<char> {
        let code = self.digits(8, 3)?.map(|(_, code)| code);
        code.filter(|code| *code <= 0o377)
            .and_then(char::from_u32)
            .ok_or_else(|| at.error("octal digits up to \\377", "another number"))
    }

    /// Reads at most `max` digits: their count and their value; `None` if there are none.
    fn digits(&mut self, base: u32, max: usize) -> anyhow::Result<Option<(usize, u32)>> {
        let (mut count, mut number) = (0, 0);
        while count < max
            && let Some(digit) = self.peek()?.and_then(|it| char::from(it).to_digit(base))
        {
            number = number * base + digit;
            count += 1;
            self.bump();
        }
        Ok((count > 0).then_some((count, number)))
    }

    /// Reads the rest of a character literal, after its backslash.
    pub(super) fn character(&mut self, start: Position) -> anyhow::Result<char> {
        // The first character belongs to the literal even if it would end a token, as in \(.
        let mut bytes = Vec::new();
        while let Some(byte) = self.peek()?
            && (bytes.is_empty() || (bytes[0] >= 0x80 && byte & 0xc0 == 0x80) || !ends_token(byte))
        {
            bytes.push(byte);
            self.bump();
        }
        let name =
            String::from_utf8(bytes).map_err(|_| start.error("a character", "invalid bytes"))?;
        let code = |digits: &str, base| {
            let digits = Some(digits).filter(|it| it.chars().all(|c| c.is_digit(base)));
            char::from_u32(u32::from_str_radix(digits?, base).ok()?)
        };
        let mut characters = name.chars();
        let first = characters.next();
        let character = match (name.as_str(), first, characters.as_str()) {
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
        let found = format!("\\{name}");
        character.ok_or_else(|| start.error("a character, as \\a, \\newline or \\u00e9", &found))
    }
}

fn half_pair(at: Position) -> anyhow::Error {
    at.error("a character", "half of a surrogate pair")
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

fn ends_token(byte: u8) -> bool {
    is_blank(byte) || b";\"^()[]{}\\".contains(&byte)
}

/// Parses an integer of any size and base, a float, a decimal or a ratio.
fn number(token: &str) -> Option<Edn> {
    if let Ok(number) = token.parse() {
        // A leading zero makes it octal, as in C.
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
    if let Some(number) = integer_of_any_base(token.strip_suffix('N').unwrap_or(token)) {
        return Some(Edn::from(number));
    }
    // Digits alone are not a float: at this point they are an invalid octal number.
    let is_float = token.contains(['.', 'e', 'E']);
    let is_plain = |c: char| c.is_ascii_digit() || ".eE+-".contains(c);
    let number = Some(token).filter(|token| is_float && token.chars().all(is_plain));
    number?.parse().ok().map(float)
}

fn integer_of_any_base(token: &str) -> Option<num_bigint::BigInt> {
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
