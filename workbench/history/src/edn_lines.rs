//! Histories in EDN. They are written like Jepsen's `history.edn`, with one map per line and
//! keywords where Jepsen has them, and read in any layout.

mod plain;
mod usual;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use anyhow::{Context, bail};

use super::builder::{Builder, Draft};
use super::{
    History, Kind, MALFORMED, Op, OpError, OpMeta, Process, Unseen, Value, boxed_unless_empty,
    names,
};
use crate::edn::{self, Edn, Reader, brief};

/// Prefix of the message of an error that leaves the outcome indeterminate.
const INDETERMINATE: &str = "indeterminate: ";

impl History {
    /// Writes one EDN map per line.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn write_edn(&self, out: &mut impl Write) -> io::Result<()> {
        for op in &self.ops {
            let mut line = usual::line(op).unwrap_or_else(|| edn::compact(&op.to_edn()));
            line.push('\n');
            out.write_all(line.as_bytes())?;
        }
        Ok(())
    }

    /// Writes one entry per line in Jepsen's text format: process, type, function, value and error,
    /// if any, separated by tabs.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        for op in &self.ops {
            if let Some(fields) = usual::fields(op) {
                writeln!(out, "{}", fields.join("\t"))?;
                continue;
            }
            let op = op.to_edn();
            let fields = ["process", "type", "f", "value", "error"];
            let fields = fields.iter().filter_map(|name| edn::get(&op, &[name]));
            let fields: Vec<_> = fields.map(edn::compact).collect();
            writeln!(out, "{}", fields.join("\t"))?;
        }
        Ok(())
    }

    /// Reads a sequence, a list or a vector of EDN maps or records in any layout. Unknown keys are
    /// ignored.
    ///
    /// # Errors
    /// When reading fails, a value is not an operation, or the history is not well formed: the
    /// error says at which line and column, what was expected and what was found.
    pub fn read_edn(input: impl Read) -> anyhow::Result<Self> {
        let mut reader = Reader::new(input);
        let mut builder = Builder::default();
        let mut json = Vec::new();
        let opening = reader.open()?;
        loop {
            let plain = reader.take_buffered_value(|bytes| plain::operation(bytes, &mut json))?;
            let draft = match plain {
                Some(draft) => Ok(draft),
                None => {
                    let value = match opening {
                        Some(bracket) => reader.next_item(bracket)?,
                        None => reader.next()?,
                    };
                    let Some(value) = value else {
                        break;
                    };
                    Draft::from_edn(value)
                }
            };
            let start = reader.start();
            let pushed = draft.and_then(|draft| builder.push(start.line, draft));
            pushed.with_context(|| format!("line {}, column {}", start.line, start.column))?;
        }
        if opening.is_some() && reader.next()?.is_some() {
            let edn::Position { line, column } = reader.start();
            bail!(
                "line {line}, column {column}: expected the end after the list of all operations, \
                 found another value"
            );
        }
        builder.finish()
    }
}

impl Op {
    /// The entry as an EDN map, in Jepsen's form.
    pub fn to_edn(&self) -> Edn {
        let mut map = edn::map([
            ("index", edn::count(self.index)),
            ("time", edn::integer(self.time)),
            ("type", edn::key(self.kind.name())),
            ("process", self.process.to_edn()),
            ("f", edn::keyword_or_string(&self.f)),
            ("value", self.value_edn()),
        ]);
        match self.error.as_deref() {
            None => {}
            Some(OpError::NetTimeout) => edn::insert(&mut map, "error", edn::key("net-timeout")),
            Some(OpError::Rpc { name, text }) => {
                let error = Edn::Vector(vec![edn::keyword_or_string(name), edn::text(text)]);
                edn::insert(&mut map, "error", error);
            }
            Some(OpError::Malformed { text }) => insert_thrown(&mut map, MALFORMED, text),
            Some(OpError::Thrown { class, text }) => insert_thrown(&mut map, class, text),
            Some(OpError::Other { value }) => edn::insert(&mut map, "error", value.to_edn()),
        }
        self.meta.insert_into(&mut map);
        map
    }

    /// The value in Jepsen's form, in which names are keywords.
    pub fn value_edn(&self) -> Edn {
        names::to_keywords(self.process, &self.f, &self.value)
    }
}

impl Draft {
    fn from_edn(value: Edn) -> anyhow::Result<Self> {
        let mut value = value;
        while let Edn::Tagged(_, record) = value {
            value = *record;
        }
        let Edn::Map(mut fields) = value else {
            bail!(
                "expected an operation, as {{:type :invoke, …}}, found {}",
                brief(&value)
            );
        };
        let mut field = |name: &'static str| fields.remove(&edn::key(name));
        let missing = |name| format!("missing field :{name} of the operation");
        let kind = Kind::from_edn(&field("type").with_context(|| missing("type"))?)?;
        let process = Process::from_edn(&field("process").with_context(|| missing("process"))?)?;
        let f = name("f", &field("f").with_context(|| missing("f"))?)?;
        let optional_number = |name, field: Option<Edn>| match field {
            None | Some(Edn::Nil) => Ok(None),
            Some(number) => unsigned(&number)
                .map(Some)
                .with_context(|| expected("an integer of 0 or more", name, &number)),
        };
        let index = optional_number("index", field("index"))?;
        let time = optional_number("time", field("time"))?;
        let value = names::to_strings(process, &f, field("value").unwrap_or(Edn::Nil));
        let (error, exception) = (field("error"), field("exception"));
        Ok(Draft {
            index: index.map(usize::try_from).transpose()?,
            time,
            kind,
            process,
            f,
            value: Value::from_edn(&value),
            error: error.and_then(|error| error_from_edn(&error, exception.as_ref())),
            meta: OpMeta {
                is_final: is_true(field("final?").as_ref()),
                seek_to_beginning: is_true(field("seek-to-beginning?").as_ref()),
                poll_ms: field("poll-ms").and_then(|ms| u32::try_from(unsigned(&ms)?).ok()),
                unseen: field("unseen")
                    .and_then(|unseen| unseen_from_edn(&unseen))
                    .and_then(boxed_unless_empty),
            },
        })
    }
}

impl OpMeta {
    fn insert_into(&self, map: &mut Edn) {
        if self.is_final {
            edn::insert(map, "final?", Edn::Bool(true));
        }
        if self.seek_to_beginning {
            edn::insert(map, "seek-to-beginning?", Edn::Bool(true));
        }
        if let Some(ms) = self.poll_ms {
            edn::insert(map, "poll-ms", edn::integer(ms.into()));
        }
        if let Some(unseen) = &self.unseen {
            let entry = |(key, unseen): (&String, &Unseen)| {
                let Unseen { polled, sent } = *unseen;
                let offsets = edn::map([("polled", Edn::Int(polled)), ("sent", Edn::Int(sent))]);
                (
                    key.parse().map_or_else(|_| edn::text(key), Edn::Int),
                    offsets,
                )
            };
            let unseen = unseen.iter().map(entry).collect();
            edn::insert(map, "unseen", Edn::Map(unseen));
        }
    }
}

fn is_true(edn: Option<&Edn>) -> bool {
    matches!(edn, Some(Edn::Bool(true)))
}

/// Parses a map from keys to offsets; `None` if it has another form, as no checker relies on it.
fn unseen_from_edn(edn: &Edn) -> Option<BTreeMap<String, Unseen>> {
    let Edn::Map(entries) = edn else {
        return None;
    };
    let offset = |offsets: &Edn, name| match edn::get(offsets, &[name]) {
        Some(Edn::Int(offset)) => Some(*offset),
        _ => None,
    };
    let entries = entries.iter().map(|(key, offsets)| {
        let unseen = Unseen {
            polled: offset(offsets, "polled")?,
            sent: offset(offsets, "sent")?,
        };
        Some((unsigned(key)?.to_string(), unseen))
    });
    entries.collect()
}

impl Kind {
    /// `invoke`, `ok`, `fail` or `info`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Invoke => "invoke",
            Kind::Ok => "ok",
            Kind::Fail => "fail",
            Kind::Info => "info",
        }
    }

    fn from_edn(edn: &Edn) -> anyhow::Result<Self> {
        let name = name("type", edn)?;
        let kinds = [Kind::Invoke, Kind::Ok, Kind::Fail, Kind::Info];
        kinds
            .into_iter()
            .find(|kind| kind.name() == name)
            .with_context(|| expected(":invoke, :ok, :fail or :info", "type", edn))
    }
}

impl Process {
    fn to_edn(self) -> Edn {
        self.client().map_or(edn::key("nemesis"), edn::integer)
    }

    fn from_edn(edn: &Edn) -> anyhow::Result<Self> {
        match edn {
            Edn::Key(name) if name == "nemesis" => Ok(Process::NEMESIS),
            number => unsigned(number).map(Process::Client).with_context(|| {
                expected("an integer of 0 or more, or :nemesis,", "process", number)
            }),
        }
    }
}

fn insert_thrown(map: &mut Edn, class: &str, text: &str) {
    let error = edn::text(&format!("{INDETERMINATE}{text}"));
    edn::insert(map, "error", error);
    let class = Edn::Symbol(Cow::Owned(class.to_owned()));
    let via = edn::map([("type", class), ("message", edn::text(text))]);
    let exception = edn::map([("via", Edn::Vector(vec![via])), ("cause", edn::text(text))]);
    edn::insert(map, "exception", exception);
}

/// Class of an exception: the type of the outermost one.
fn class_of(exception: &Edn) -> Option<&str> {
    let Some(Edn::Vector(via)) = edn::get(exception, &["via"]) else {
        return None;
    };
    match edn::get(via.first()?, &["type"])? {
        Edn::Symbol(class) => Some(class),
        _ => None,
    }
}

/// Recognizes our errors by their form. Any other error is kept as a value.
fn error_from_edn(error: &Edn, exception: Option<&Edn>) -> Option<OpError> {
    let rpc = |name: &str, text: &str| OpError::Rpc {
        name: Cow::Owned(name.to_owned()),
        text: text.to_owned(),
    };
    let class = exception.and_then(class_of);
    Some(match (error, class) {
        (Edn::Nil, _) => return None,
        (Edn::Key(name), _) if name == "net-timeout" => OpError::NetTimeout,
        (Edn::Str(text), Some(class)) => {
            let text = text.strip_prefix(INDETERMINATE).unwrap_or(text).to_owned();
            match class {
                MALFORMED => OpError::Malformed { text },
                class => OpError::Thrown {
                    class: Cow::Owned(class.to_owned()),
                    text,
                },
            }
        }
        _ => match error.items() {
            Some([Edn::Key(name), Edn::Str(text)]) => rpc(name, text),
            Some([Edn::Key(name), Edn::Nil]) => rpc(name, ""),
            _ => OpError::Other {
                value: Value::from_edn(error),
            },
        },
    })
}

fn unsigned(edn: &Edn) -> Option<u64> {
    match edn {
        Edn::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

fn expected(what: &str, field: &str, found: &Edn) -> String {
    format!("expected {what} as :{field}, found {}", brief(found))
}

/// Parses a keyword or a string.
fn name(field: &str, edn: &Edn) -> anyhow::Result<Cow<'static, str>> {
    match edn {
        Edn::Key(name) | Edn::Str(name) => Ok(super::operation_name(name)),
        other => bail!(expected("a keyword or a string", field, other)),
    }
}

#[cfg(test)]
mod tests;
