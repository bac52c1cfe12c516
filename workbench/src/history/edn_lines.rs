//! A history as Jepsen's `history.edn`: one map a line, with keywords where Jepsen has them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use anyhow::{Context, anyhow, bail};
use clojure_reader::edn::Edn;
use serde_json::Value;

use super::{History, Kind, MALFORMED, Marks, Op, OpError, Process, Unseen};
use crate::edn::{self, Keys};

/// What stands before the message of an error that leaves everything open.
const INDETERMINATE: &str = "indeterminate: ";

impl History {
    /// Writes one EDN map a line.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn write_edn(&self, out: &mut impl Write) -> io::Result<()> {
        for op in &self.ops {
            writeln!(out, "{}", edn::compact(&op.to_edn()))?;
        }
        Ok(())
    }

    /// Writes one operation a line for people, as Jepsen does: process, type, name, value and, if
    /// there is one, error, with tabs in between.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        for op in &self.ops {
            let op = op.to_edn();
            let fields = ["process", "type", "f", "value", "error"];
            let fields = fields.iter().filter_map(|name| edn::get(&op, &[name]));
            let fields: Vec<_> = fields.map(edn::compact).collect();
            writeln!(out, "{}", fields.join("\t"))?;
        }
        Ok(())
    }

    /// Reads the `history.edn` of our runs and of Maelstrom's. Keywords become strings and sets
    /// arrays; keys that an operation does not have here are passed over.
    ///
    /// # Errors
    /// When a line cannot be read as an operation, or is not in its place: the error names it.
    pub fn read_edn(input: impl BufRead) -> anyhow::Result<Self> {
        Self::read_lines(input, |line, position| {
            Op::from_edn(&edn::read(line)?, position)
        })
    }
}

impl Op {
    /// The operation as a map, as Jepsen prints it.
    pub fn to_edn(&self) -> Edn<'static> {
        let mut map = edn::map([
            ("index", edn::count(self.index)),
            ("time", edn::integer(self.time)),
            ("type", edn::key(self.kind.name())),
            ("process", self.process.to_edn()),
            ("f", edn::word(&self.f)),
            ("value", value_to_edn(self)),
        ]);
        match &self.error {
            None => {}
            Some(OpError::NetTimeout) => edn::insert(&mut map, "error", edn::key("net-timeout")),
            Some(OpError::Rpc { name, text }) => {
                let error = Edn::Vector(vec![edn::word(name), edn::text(text)]);
                edn::insert(&mut map, "error", error);
            }
            Some(OpError::Malformed { text }) => insert_thrown(&mut map, MALFORMED, text),
            Some(OpError::Thrown { class, text }) => insert_thrown(&mut map, class, text),
        }
        self.marks.insert_into(&mut map);
        map
    }

    /// Jepsen does not always write an index; it is the position then.
    fn from_edn(map: &Edn<'_>, position: usize) -> anyhow::Result<Self> {
        let field = |name: &'static str| edn::get(map, &[name]);
        let due =
            |name: &'static str| field(name).with_context(|| format!("an operation needs :{name}"));
        let value = edn::to_json(field("value").unwrap_or(&Edn::Nil));
        let index = field("index").map_or(Ok(position as u64), |index| whole("index", index))?;
        Ok(Op {
            index: usize::try_from(index)?,
            time: whole("time", due("time")?)?,
            kind: Kind::from_edn(due("type")?)?,
            process: Process::from_edn(due("process")?)?,
            f: Cow::Owned(name("f", due("f")?)?.to_owned()),
            value: serde_json::value::to_raw_value(&value)?,
            error: field("error").and_then(|error| error_from_edn(error, field("exception"))),
            marks: Marks {
                is_final: is_true(field("final?")),
                seek_to_beginning: is_true(field("seek-to-beginning?")),
                poll_ms: field("poll-ms").and_then(|ms| whole("poll-ms", ms).ok()),
                unseen: field("unseen")
                    .and_then(unseen_from_edn)
                    .unwrap_or_default(),
            },
        })
    }
}

impl Marks {
    fn insert_into(&self, map: &mut Edn<'static>) {
        if self.is_final {
            edn::insert(map, "final?", Edn::Bool(true));
        }
        if self.seek_to_beginning {
            edn::insert(map, "seek-to-beginning?", Edn::Bool(true));
        }
        if let Some(ms) = self.poll_ms {
            edn::insert(map, "poll-ms", edn::integer(ms));
        }
        if !self.unseen.is_empty() {
            let entry = |(key, unseen): (&String, &Unseen)| {
                let Unseen { polled, sent } = *unseen;
                let offsets = edn::map([("polled", Edn::Int(polled)), ("sent", Edn::Int(sent))]);
                (
                    key.parse().map_or_else(|_| edn::text(key), Edn::Int),
                    offsets,
                )
            };
            let unseen = self.unseen.iter().map(entry).collect();
            edn::insert(map, "unseen", Edn::Map(unseen));
        }
    }
}

fn is_true(edn: Option<&Edn<'_>>) -> bool {
    matches!(edn, Some(Edn::Bool(true)))
}

/// Of a map from keys to offsets; nothing if it has another form, since nobody relies on it.
fn unseen_from_edn(edn: &Edn<'_>) -> Option<BTreeMap<String, Unseen>> {
    let Edn::Map(entries) = edn else {
        return None;
    };
    let offset = |of: &Edn<'_>, name| match edn::get(of, &[name]) {
        Some(Edn::Int(offset)) => Some(*offset),
        _ => None,
    };
    let entries = entries.iter().map(|(key, of)| {
        let unseen = Unseen {
            polled: offset(of, "polled")?,
            sent: offset(of, "sent")?,
        };
        Some((whole("unseen", key).ok()?.to_string(), unseen))
    });
    entries.collect()
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Invoke => "invoke",
            Kind::Ok => "ok",
            Kind::Fail => "fail",
            Kind::Info => "info",
        }
    }

    fn from_edn(edn: &Edn<'_>) -> anyhow::Result<Self> {
        let name = name("type", edn)?;
        let kinds = [Kind::Invoke, Kind::Ok, Kind::Fail, Kind::Info];
        kinds
            .into_iter()
            .find(|kind| kind.name() == name)
            .with_context(|| format!("no type: {name}"))
    }
}

impl Process {
    fn to_edn(self) -> Edn<'static> {
        self.client().map_or(edn::key("nemesis"), edn::integer)
    }

    fn from_edn(edn: &Edn<'_>) -> anyhow::Result<Self> {
        match edn {
            Edn::Key(name) if name == "nemesis" => Ok(Process::NEMESIS),
            number => whole("process", number).map(Process::Client),
        }
    }
}

/// Gives a value the keywords and sets that Jepsen would have used; this depends on the operation.
fn value_to_edn(op: &Op) -> Edn<'static> {
    let Ok(json) = op.parse::<Value>() else {
        // Nested beyond reason: its text says it all.
        return edn::text(op.value.get());
    };
    match (op.process, &*op.f) {
        (Process::Nemesis(_), _) => fault(&json),
        (Process::Client(_), "echo") => message(&json),
        (Process::Client(_), "txn" | "send" | "poll") => micro_ops(&json),
        (Process::Client(_), _) => edn::from_json(&json, Keys::Strings),
    }
}

/// A fault is named by a keyword, `:one`, or told in full: `[:isolated {"n0" #{"n1"}, "n1"
/// #{"n0"}}]`, who hears nothing from whom; `[:killed #{"n1"}]`, who is hit.
fn fault(json: &Value) -> Edn<'static> {
    let names = |json: &Value| match json {
        Value::Array(names) => Edn::Set(
            names
                .iter()
                .map(|name| edn::from_json(name, Keys::Strings))
                .collect(),
        ),
        other => edn::from_json(other, Keys::Keywords),
    };
    match json {
        Value::String(name) => edn::word(name),
        Value::Array(parts) => {
            let part = |part: &Value| match part {
                Value::Array(_) => names(part),
                other => fault(other),
            };
            Edn::Vector(parts.iter().map(part).collect())
        }
        Value::Object(cut) => Edn::Map(
            cut.iter()
                .map(|(node, others)| (edn::text(node), names(others)))
                .collect(),
        ),
        other => edn::from_json(other, Keys::Strings),
    }
}

/// A message body: its own fields are keywords, what stands in them is data.
fn message(json: &Value) -> Edn<'static> {
    match json {
        Value::Object(fields) => Edn::Map(
            fields
                .iter()
                .map(|(field, value)| (edn::word(field), edn::from_json(value, Keys::Strings)))
                .collect(),
        ),
        other => edn::from_json(other, Keys::Strings),
    }
}

/// A list of micro-operations: `[[:r 1 nil] [:append 1 2]]`.
fn micro_ops(json: &Value) -> Edn<'static> {
    let mut edn = edn::from_json(json, Keys::Strings);
    if let Edn::Vector(micro_ops) = &mut edn {
        for micro_op in micro_ops {
            if let Edn::Vector(parts) = micro_op
                && let Some(first) = parts.first_mut()
                && let Edn::Str(name) = first
            {
                *first = edn::word(name);
            }
        }
    }
    edn
}

fn insert_thrown(map: &mut Edn<'static>, class: &str, text: &str) {
    let error = edn::text(&format!("{INDETERMINATE}{text}"));
    edn::insert(map, "error", error);
    let class = Edn::Symbol(Cow::Owned(class.to_owned()));
    let via = edn::map([("type", class), ("message", edn::text(text))]);
    let exception = edn::map([("via", Edn::Vector(vec![via])), ("cause", edn::text(text))]);
    edn::insert(map, "exception", exception);
}

/// The class of an exception: the type of the outermost one.
fn class_of<'a>(exception: &'a Edn<'_>) -> Option<&'a str> {
    let Some(Edn::Vector(via)) = edn::get(exception, &["via"]) else {
        return None;
    };
    match edn::get(via.first()?, &["type"])? {
        Edn::Symbol(class) => Some(class),
        _ => None,
    }
}

/// An error that is none of ours is kept as what it prints as.
fn error_from_edn(edn: &Edn<'_>, exception: Option<&Edn<'_>>) -> Option<OpError> {
    let rpc = |name: &str, text: &str| OpError::Rpc {
        name: Cow::Owned(name.to_owned()),
        text: text.to_owned(),
    };
    Some(match edn {
        Edn::Nil => return None,
        Edn::Key(name) if name == "net-timeout" => OpError::NetTimeout,
        Edn::Str(text) => {
            let text = text.strip_prefix(INDETERMINATE).unwrap_or(text).to_owned();
            match exception.and_then(class_of) {
                None | Some(MALFORMED) => OpError::Malformed { text },
                Some(class) => OpError::Thrown {
                    class: Cow::Owned(class.to_owned()),
                    text,
                },
            }
        }
        Edn::Vector(parts) => match parts.as_slice() {
            [Edn::Key(name), Edn::Str(text)] => rpc(name, text),
            [Edn::Key(name), Edn::Nil] => rpc(name, ""),
            _ => OpError::Malformed {
                text: edn::compact(edn),
            },
        },
        other => OpError::Malformed {
            text: edn::compact(other),
        },
    })
}

fn whole(field: &str, edn: &Edn<'_>) -> anyhow::Result<u64> {
    match edn {
        Edn::Int(number) => u64::try_from(*number).map_err(|_| anyhow!(":{field} is negative")),
        other => bail!(":{field} is no number: {}", edn::compact(other)),
    }
}

fn name<'a>(field: &str, edn: &'a Edn<'_>) -> anyhow::Result<&'a str> {
    match edn {
        Edn::Key(name) | Edn::Str(name) => Ok(name),
        other => bail!(":{field} is no name: {}", edn::compact(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::History;

    const SAMPLE: &str = r#"{:index 0, :time 5, :type :info, :process :nemesis, :f :start-partition, :value :one}
{:index 1, :time 6, :type :info, :process :nemesis, :f :start-partition, :value [:isolated {"n0" #{"n1" "n2"}, "n1" #{}}]}
{:index 2, :time 7, :type :invoke, :process 0, :f :echo, :value "Please echo 5"}
{:index 3, :time 7, :type :ok, :process 0, :f :echo, :value {:type "echo_ok", :echo {"a" [1]}, :in_reply_to 1}}
{:index 4, :time 8, :type :fail, :process 1, :f :read, :value nil, :error :net-timeout, :final? true}
{:index 5, :time 9, :type :fail, :process 1, :f :read, :value [1 2.0 "x"], :error [:temporarily-unavailable "busy"]}
{:index 6, :time 9, :type :info, :process 1, :f :read, :value 18446744073709551615N, :exception {:cause "a \"b\"", :via [{:type malformed-response, :message "a \"b\""}]}, :error "indeterminate: a \"b\""}
{:index 7, :time 9, :type :ok, :process 2, :f :txn, :value [[:r 1 nil] [:append 2 [3 "r"]]]}
{:index 8, :time 9, :type :ok, :process 2, :f :poll, :value [[:poll {"8" [[0 1]]}]]}
{:index 9, :time 9, :type :info, :process :nemesis, :f :stop-partition, :value nil}
{:index 10, :time 9, :type :info, :process 3, :f :add, :value 1, :exception {:cause "late", :via [{:type net-timeout, :message "late"}]}, :error "indeterminate: late"}
{:index 11, :time 9, :type :invoke, :process 3, :f :assign, :value ["8"], :seek-to-beginning? true}
{:index 12, :time 9, :type :invoke, :process 3, :f :assign, :value ["8" "9"], :unseen {8 {:polled -1, :sent 3}, 9 {:polled 2, :sent 4}}}
{:index 13, :time 9, :type :invoke, :process 3, :f :poll, :value [[:poll]], :poll-ms 1000}
{:index 14, :time 9, :type :info, :process :nemesis, :f :start-kill, :value [:killed #{"n1"}]}
{:index 15, :time 9, :type :info, :process :nemesis, :f :start-skew, :value [:skewed {"n0" {:ahead-ms 70, :pace 1.05}}]}
"#;

    #[test]
    fn a_history_reads_back_byte_for_byte() {
        let history = History::read_edn(SAMPLE.as_bytes()).unwrap();
        let mut out = Vec::new();
        history.write_edn(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), SAMPLE);
    }

    #[test]
    fn keywords_and_sets_become_strings_and_arrays() {
        let history = History::read_edn(SAMPLE.as_bytes()).unwrap();
        let check = |index: usize, json: &str| assert_eq!(history.ops[index].value.get(), json);
        check(0, r#""one""#);
        check(1, r#"["isolated",{"n0":["n1","n2"],"n1":[]}]"#);
        check(3, r#"{"echo":{"a":[1]},"in_reply_to":1,"type":"echo_ok"}"#);
        check(6, "18446744073709551615");
        check(7, r#"[["r",1,null],["append",2,[3,"r"]]]"#);
        check(9, "null");
    }

    #[test]
    fn both_notations_hold_the_same_history() {
        let history = History::read_edn(SAMPLE.as_bytes()).unwrap();
        let mut json = Vec::new();
        history.write_json_lines(&mut json).unwrap();
        let mut edn = Vec::new();
        History::read_json_lines(&*json)
            .unwrap()
            .write_edn(&mut edn)
            .unwrap();
        assert_eq!(String::from_utf8(edn).unwrap(), SAMPLE);
    }

    #[test]
    fn a_spoilt_line_is_named_and_nothing_panics() {
        let check = |from: &str, to: &str, complaint: &str| {
            let spoilt = SAMPLE.replacen(from, to, 1);
            let error = format!("{:#}", History::read_edn(spoilt.as_bytes()).unwrap_err());
            assert!(error.contains(complaint), "{error}");
        };
        check(":index 2", ":index 1", "line 3: index 1 where 2 is due");
        check(":process 0", ":process -1", "line 3: :process is negative");
        check(
            ":process 0",
            ":process me",
            "line 3: :process is no number: me",
        );
        check(":type :fail", ":type :failed", "line 5: no type: failed");
        check(":f :read, ", "", "line 5: an operation needs :f");
        check(":f :read", ":f 5", "line 5: :f is no name: 5");
        check("}\n", "\n", "line 1: not EDN at column");
        check("{:index 0", "[:index 0", "line 1: not EDN at column");
        check(
            ":time 5",
            ":time 99999999999999999999",
            "line 1: :time is no number",
        );
    }

    #[test]
    fn unknown_keys_unknown_errors_and_record_tags_are_taken_as_they_come() {
        let line = r#"#jepsen.history.Op{:index 0, :time 1, :type :fail, :process 3, :f :assign,
            :value ["9"], :seek-to-beginning? true, :error {:no 1}}"#;
        let history = History::read_edn(line.replace('\n', " ").as_bytes()).unwrap();
        let error = format!("{:?}", history.ops[0].error);
        assert_eq!(error, r#"Some(Malformed { text: "{:no 1}" })"#);
    }
}
