//! The fields of a JSON object that is known to be valid, without parsing their values: their ends
//! are found by searching for quotes and brackets. Serde reads every byte, and long
//! bodies are skimmed for two short fields.

use std::borrow::Cow;

use memchr::{memchr2, memchr3};

/// The fields of an object, the text of valid JSON, in their order: name, and value as JSON text.
/// `None` if the value is no object; the last item is `None` if a name is not Unicode text.
pub fn skim(object: &str) -> Option<Skim<'_>> {
    object.starts_with('{').then_some(Skim {
        text: object,
        at: 1,
    })
}

/// The fields that are left, from `at`.
pub struct Skim<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Skim<'a> {
    type Item = Option<(Cow<'a, str>, &'a str)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.skip_over(|byte| byte == b',' || byte.is_ascii_whitespace());
        let name = (self.text.as_bytes().get(self.at) == Some(&b'"')).then(|| self.value())?;
        self.skip_over(|byte| byte == b':' || byte.is_ascii_whitespace());
        let value = self.value();
        let inner = &name[1..name.len() - 1];
        let name = if inner.contains('\\') {
            serde_json::from_str(name).ok().map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(inner))
        };
        if name.is_none() {
            self.at = self.text.len();
        }
        Some(name.map(|name| (name, value)))
    }
}

impl<'a> Skim<'a> {
    fn skip_over(&mut self, is_skipped: impl Fn(u8) -> bool) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().take_while(|byte| is_skipped(**byte)).count();
    }

    /// Takes the value that begins here.
    fn value(&mut self) -> &'a str {
        let start = self.at;
        match self.text.as_bytes()[start] {
            b'"' => self.skip_string(),
            b'[' => self.skip_nested(b'[', b']'),
            b'{' => self.skip_nested(b'{', b'}'),
            _ => self.skip_over(|byte| !matches!(byte, b',' | b'}') && !byte.is_ascii_whitespace()),
        }
        &self.text[start..self.at]
    }

    fn skip_string(&mut self) {
        self.at += 1;
        while let Some(found) = memchr2(b'"', b'\\', &self.text.as_bytes()[self.at..]) {
            let is_end = self.text.as_bytes()[self.at + found] == b'"';
            self.at += found + if is_end { 1 } else { 2 };
            if is_end {
                return;
            }
        }
    }

    /// Only brackets of the outer kind count: in valid JSON the others are balanced between them.
    fn skip_nested(&mut self, open: u8, close: u8) {
        let mut depth = 0;
        while let Some(found) = memchr3(b'"', open, close, &self.text.as_bytes()[self.at..]) {
            self.at += found;
            match self.text.as_bytes()[self.at] {
                b'"' => {
                    self.skip_string();
                    continue;
                }
                bracket if bracket == open => depth += 1,
                _ => depth -= 1,
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }
}
