//! Text for a terminal that is Markdown as well.

use serde_json::value::RawValue;

use simulator::rpc::{Field, Rpc};

/// How many characters a line has at most, unless it is an example.
pub(super) const WIDTH: usize = 100;

/// What has been written so far.
#[derive(Debug, Default)]
pub(super) struct Page(String);

impl Page {
    /// All of it.
    pub(super) fn text(self) -> String {
        self.0
    }

    /// The first line.
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

    /// A point of a list.
    pub(super) fn item(&mut self, text: &str) {
        // A list stands off from the text above it.
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

    /// Something that stands on a line of its own, as it is.
    pub(super) fn example(&mut self, line: &str) {
        if !self.ends_example() {
            self.line("");
        }
        self.line(&format!("    {line}"));
    }

    /// A request and its answer, with an example of each: who asks whom.
    pub(super) fn request(&mut self, rpc: &Rpc, client: &str, server: &str) {
        self.line("");
        self.line(&format!("### {} ({client} to {server})", rpc.request));
        self.paragraph(rpc.meaning);
        self.fields(rpc.arguments);
        self.example(&rpc.example_request());
        self.paragraph(&format!("Answer: {}", rpc.response));
        self.fields(rpc.fields);
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
            let optional = if *is_optional {
                ", may be left out"
            } else {
                ""
            };
            let field_type = field_type.description();
            self.item(&format!("`{name}` ({field_type}{optional}): {meaning}."));
        }
    }

    /// Columns as wide as what stands in them; the last one is not filled up.
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

    /// Words in lines of no more than the width; the first begins with the mark, the others are
    /// indented as far.
    fn wrapped(&mut self, mark: &str, text: &str) {
        let mut line = mark.to_owned();
        let mut is_empty = true;
        for word in text.split_whitespace() {
            if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.line(&line);
                line = " ".repeat(mark.len());
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

/// JSON text that is known to be that.
pub(super) fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap_or_else(|_| history::null())
}
