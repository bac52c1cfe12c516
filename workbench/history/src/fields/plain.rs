//! Checks the usual form of JSON in one quick pass: integers, strings without escapes, truth values
//! and `null`, in lists and objects that are not nested deeply. Everything else, and whatever is
//! wrong, is left to serde, which takes many times as long for a list of integers.

use std::borrow::Cow;
use std::ops::Range;

/// How deeply lists and objects may be nested in a field.
const MAX_LEVELS: usize = 32;

/// The fields of the object at the start of a text, in their order, with their values as JSON text;
/// `None` if it is not of the usual form.
pub(super) fn object(text: &str) -> Option<Vec<(Cow<'_, str>, &str)>> {
    let mut fields = Vec::new();
    let mut scan = Scan {
        bytes: text.as_bytes(),
        at: 0,
    };
    if scan.peek()? != b'{' {
        return None;
    }
    scan.items(b'}', |scan| {
        let (name, value) = scan.field(MAX_LEVELS)?;
        fields.push((Cow::Borrowed(&text[name]), &text[value]));
        Some(())
    })?;
    Some(fields)
}

/// Bytes, and the index of the next one. Methods take what is next, or return `None`.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn skip_blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, levels: usize) -> Option<()> {
        let inside = || levels.checked_sub(1);
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'[' => {
                let inside = inside()?;
                self.items(b']', |scan| {
                    scan.skip_integers();
                    scan.value(inside)
                })
            }
            b'{' => {
                let inside = inside()?;
                self.items(b'}', |scan| scan.field(inside).map(drop))
            }
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.integer(),
        }
    }

    /// Takes a name and a value. Returns where they are.
    fn field(&mut self, levels: usize) -> Option<(Range<usize>, Range<usize>)> {
        let name = self.string()?;
        self.skip_blank();
        self.expect(b':')?;
        self.skip_blank();
        let start = self.at;
        self.value(levels)?;
        Some((name, start..self.at))
    }

    /// Takes a list or an object that ends with `close`.
    fn items(&mut self, close: u8, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.at += 1;
        self.skip_blank();
        if self.expect(close).is_some() {
            return Some(());
        }
        loop {
            item(self)?;
            self.skip_blank();
            if self.expect(b',').is_none() {
                return self.expect(close);
            }
            self.skip_blank();
        }
    }

    /// Skips integers before others of a list, the usual content of long ones: a chunk of bytes is
    /// checked at once. After a digit comes a digit or a comma, and after a comma no zero: `0`
    /// itself is left to `integer`.
    fn skip_integers(&mut self) {
        const CHUNK: usize = 32;
        if !matches!(self.peek(), Some(b'1'..=b'9')) {
            return;
        }
        let fits = |(before, byte): (&u8, &u8)| {
            matches!(byte, b'1'..=b'9') | ((*before != b',') & matches!(byte, b'0' | b','))
        };
        let mut end = self.at;
        while let Some(chunk) = self.bytes.get(end..=end + CHUNK) {
            let pairs = chunk.iter().zip(&chunk[1..]);
            if !pairs.fold(true, |all, pair| all & fits(pair)) {
                break;
            }
            end += CHUNK;
        }
        let skipped = &self.bytes[self.at..end];
        self.at += skipped
            .iter()
            .rposition(|byte| *byte == b',')
            .map_or(0, |it| it + 1);
    }

    /// Takes a string. Returns where its content is.
    fn string(&mut self) -> Option<Range<usize>> {
        self.expect(b'"')?;
        let start = self.at;
        let is_end = |byte: &u8| matches!(byte, b'"' | b'\\' | ..b' ');
        self.at += self.bytes[start..].iter().position(is_end)?;
        self.expect(b'"')?;
        Some(start..self.at - 1)
    }

    /// What follows is not checked: neither a list nor an object goes on with a digit, `.` or `e`.
    fn integer(&mut self) -> Option<()> {
        let _ = self.expect(b'-');
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        let digits = self.at - start;
        (digits == 1 || digits > 1 && self.bytes[start] != b'0').then_some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.bytes[self.at..].starts_with(word).then_some(())?;
        self.at += word.len();
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::object;
    use crate::fields::Fields;

    /// Whether the object at the start of a text is of the usual form; if so, serde must agree.
    fn is_usual(text: &str) -> bool {
        let Some(fields) = object(text) else {
            return false;
        };
        let naive = serde_json::Deserializer::from_str(text).into_iter().next();
        let naive: Fields<'_> = naive.expect("a value").expect(text);
        let fields = Fields::new(fields);
        assert!(fields.iter().eq(naive.iter()), "{text}");
        true
    }

    #[test]
    fn the_fields_of_an_object_of_the_usual_form_are_those_that_serde_finds() {
        let numbers = |from: u32| (from..from + 200).map(|it| format!("{it},")).collect();
        let [long, longer]: [String; 2] = [1, 99_990].map(numbers);
        for text in [
            "{}",
            "{ } rest",
            r#"{"a":[1, 0,30,  4,-20,0 ,-0,5],"ä":{"b":"x y","":null},"t":true , "f" : false}}"#,
            "{\"a\":\t123456789012345678901234567890}{",
            "{\"a\" :[[],[ ],{},[\"\"]],\"a\":1}x",
            &format!("{{\"a\":[{long}0,{longer}7],\"b\":[0,{longer}\"x\",{long} 1]}}"),
        ] {
            assert!(is_usual(text), "{text}");
        }
        for wrong in [",", ",,7", "01,7", "-,7", "1.5,7", "x7", ",7]", ""] {
            for at in 0..40 {
                let before: String = longer.split_inclusive(',').skip(at).collect();
                let text = format!("{{\"a\":[{before}{wrong}{longer}7]}}");
                assert!(wrong.is_empty() == is_usual(&text), "{text}");
            }
        }
        let nested = |levels| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(is_usual(&nested(32)) && !is_usual(&nested(33)));
    }

    #[test]
    fn whatever_text_it_accepts_serde_accepts_too() {
        const PARTS: [&str; 20] = [
            "{", "}", "[", "]", ",", ":", "\"a\"", "\"", "0", "12", "-", ".5", "e1", "true",
            "null", " ", "\\n", "\u{7}", "n", "ß",
        ];
        let mut number = 1_u64;
        for _ in 0..200_000 {
            let mut text = "{\"a\":".to_owned();
            for _ in 0..8 {
                number = number
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                text.push_str(PARTS[(number >> 33) as usize % PARTS.len()]);
            }
            text.push('}');
            is_usual(&text);
        }
    }
}
