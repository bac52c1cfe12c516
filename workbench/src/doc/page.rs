//! Text for a terminal that is also Markdown.

use serde_json::value::RawValue;

use simulator::rpc::{Field, Rpc};

/// The maximum width of a line, except of examples.
pub(super) const MAX_WIDTH: usize = 100;

/// The text so far.
#[derive(Debug, Default)]
pub(super) struct Page(String);

impl Page {
    /// The whole text.
    pub(super) fn text(self) -> String {
        self.0
    }

    /// Adds the title.
    pub(super) fn title(&mut self, text: &str) {
        self.line(&format!("# {text}"));
    }

    pub(super) fn section(&mut self, text: &str) {
        self.line("");
        self.line(&format!("## {text}"));
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.line("");
        self.wrapped("", text);
    }

    /// Adds an item of a list.
    pub(super) fn item(&mut self, text: &str) {
        // An empty line comes before a list.
        if self
            .0
            .lines()
            .last()
            .is_some_and(|it| !it.starts_with([' ', '-']))
            || self.ends_example()
        {
            self.line("");
        }
        self.wrapped("- ", text);
    }

    /// Adds a line that is not wrapped.
    pub(super) fn example(&mut self, line: &str) {
        if !self.ends_example() {
            self.line("");
        }
        self.line(&format!("    {line}"));
    }

    /// Adds a request from `client` to `server` and its reply, with an example of each.
    pub(super) fn request(&mut self, rpc: &Rpc, client: &str, server: &str) {
        self.line("");
        self.line(&format!("### {} ({client} to {server})", rpc.request));
        self.paragraph(rpc.meaning);
        self.fields(rpc.arguments);
        self.example(&rpc.example_request());
        self.paragraph(&format!("Reply: {}", rpc.response));
        self.fields(rpc.response_fields);
        self.example(&rpc.example_response());
    }

    fn fields(&mut self, fields: &[Field]) {
        for field in fields {
            let Field {
                name,
                field_type,
                meaning,
                is_optional,
                ..
            } = field;
            let optional = if *is_optional { ", optional" } else { "" };
            let field_type = field_type.description();
            self.item(&format!("`{name}` ({field_type}{optional}): {meaning}."));
        }
    }

    /// Adds a table with columns as wide as their contents.
    pub(super) fn table<const N: usize>(
        &mut self,
        head: &[[String; N]],
        rows: impl Iterator<Item = [String; N]>,
    ) {
        let rows: Vec<[String; N]> = head.iter().cloned().chain(rows).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let widths: [usize; N] = std::array::from_fn(width);
        for row in &rows {
            let cells = row.iter().zip(widths);
            let line: String = cells
                .map(|(cell, width)| format!("{cell:width$}  "))
                .collect();
            self.example(line.trim_end());
        }
    }

    fn ends_example(&self) -> bool {
        self.0
            .lines()
            .last()
            .is_some_and(|it| it.starts_with("    "))
    }

    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    /// Adds wrapped text. The first line begins with `bullet`, the others are indented as far.
    fn wrapped(&mut self, bullet: &str, text: &str) {
        let mut line = bullet.to_owned();
        let mut is_empty = true;
        for word in text.split_whitespace() {
            if !is_empty && line.chars().count() + 1 + word.chars().count() > MAX_WIDTH {
                self.line(&line);
                line = " ".repeat(bullet.len());
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
        self.line(&line);
    }
}

/// Text that is known to be JSON.
pub(super) fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap_or_else(|_| history::null())
}
