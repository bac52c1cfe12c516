//! A history as Jepsen's `history.edn`: one map a line, with keywords where Jepsen has them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use anyhow::{Context, anyhow, bail};

use super::builder::{Builder, Draft};
use super::{History, Kind, MALFORMED, Marks, Op, OpError, Process, Unseen, Value, names, some};
use crate::edn::{self, Edn, Reader, brief};

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

    /// Reads operations as EDN maps or records, one after the other or as one list or vector, however
    /// they are laid out. Keys that an operation does not have here are ignored.
    ///
    /// # Errors
    /// When it cannot be read, a value is no operation, or the operations are no history: the error
    /// names line and column.
    pub fn read_edn(input: impl Read) -> anyhow::Result<Self> {
        let mut reader = Reader::new(input);
        let mut builder = Builder::default();
        let opening = reader.open()?;
        loop {
            let value = match opening {
                Some(bracket) => reader.next_item(bracket)?,
                None => reader.next()?,
            };
            let Some(value) = value else {
                break;
            };
            let start = reader.start();
            let draft = Draft::from_edn(value);
            let pushed = draft.and_then(|draft| builder.push(start.line, draft));
            pushed.with_context(|| format!("line {}, column {}", start.line, start.column))?;
        }
        if opening.is_some() && reader.next()?.is_some() {
            let edn::Position { line, column } = reader.start();
            bail!("line {line}, column {column}: something follows the list of all operations");
        }
        builder.finish()
    }
}

impl Op {
    /// The operation as a map, as Jepsen prints it.
    pub fn to_edn(&self) -> Edn {
        let mut map = edn::map([
            ("index", edn::count(self.index)),
            ("time", edn::integer(self.time)),
            ("type", edn::key(self.kind.name())),
            ("process", self.process.to_edn()),
            ("f", edn::word(&self.f)),
            (
                "value",
                names::to_keywords(self.process, &self.f, &self.value),
            ),
        ]);
        match self.error.as_deref() {
            None => {}
            Some(OpError::NetTimeout) => edn::insert(&mut map, "error", edn::key("net-timeout")),
            Some(OpError::Rpc { name, text }) => {
                let error = Edn::Vector(vec![edn::word(name), edn::text(text)]);
                edn::insert(&mut map, "error", error);
            }
            Some(OpError::Malformed { text }) => insert_thrown(&mut map, MALFORMED, text),
            Some(OpError::Thrown { class, text }) => insert_thrown(&mut map, class, text),
            Some(OpError::Other { value }) => edn::insert(&mut map, "error", value.to_edn()),
        }
        self.marks.insert_into(&mut map);
        map
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
                "an operation was expected, as {{:type :invoke, …}}, and this is {}",
                brief(&value)
            );
        };
        let mut field = |name: &'static str| fields.remove(&edn::key(name));
        let missing = |name| format!("an operation needs :{name}");
        let kind = Kind::from_edn(&field("type").with_context(|| missing("type"))?)?;
        let process = Process::from_edn(&field("process").with_context(|| missing("process"))?)?;
        let f = name("f", &field("f").with_context(|| missing("f"))?)?;
        let whole_field = |name, field: Option<Edn>| match field {
            None | Some(Edn::Nil) => Ok(None),
            Some(number) => whole(name, &number).map(Some),
        };
        let index = whole_field("index", field("index"))?;
        let time = whole_field("time", field("time"))?;
        let value = names::to_strings(process, &f, field("value").unwrap_or(Edn::Nil));
        let (error, exception) = (field("error"), field("exception"));
        Ok(Draft {
            index: index.map(usize::try_from).transpose()?,
            time,
            kind,
            process,
            f,
            value: Value::from_edn(&value),
            error: error.and_then(|error| error_from_edn(error, exception.as_ref())),
            marks: Marks {
                is_final: is_true(field("final?").as_ref()),
                seek_to_beginning: is_true(field("seek-to-beginning?").as_ref()),
                poll_ms: field("poll-ms")
                    .and_then(|ms| u32::try_from(whole("poll-ms", &ms).ok()?).ok()),
                unseen: field("unseen")
                    .and_then(|unseen| unseen_from_edn(&unseen))
                    .and_then(some),
            },
        })
    }
}

impl Marks {
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

/// Of a map from keys to offsets; nothing if it has another form, since nobody relies on it.
fn unseen_from_edn(edn: &Edn) -> Option<BTreeMap<String, Unseen>> {
    let Edn::Map(entries) = edn else {
        return None;
    };
    let offset = |of: &Edn, name| match edn::get(of, &[name]) {
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

    fn from_edn(edn: &Edn) -> anyhow::Result<Self> {
        let name = name("type", edn)?;
        let kinds = [Kind::Invoke, Kind::Ok, Kind::Fail, Kind::Info];
        kinds
            .into_iter()
            .find(|kind| kind.name() == name)
            .with_context(|| format!("no type: {name}"))
    }
}

impl Process {
    fn to_edn(self) -> Edn {
        self.client().map_or(edn::key("nemesis"), edn::integer)
    }

    fn from_edn(edn: &Edn) -> anyhow::Result<Self> {
        match edn {
            Edn::Key(name) if name == "nemesis" => Ok(Process::NEMESIS),
            number => whole("process", number).map(Process::Client),
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

/// The class of an exception: the type of the outermost one.
fn class_of<'a>(exception: &'a Edn) -> Option<&'a str> {
    let Some(Edn::Vector(via)) = edn::get(exception, &["via"]) else {
        return None;
    };
    match edn::get(via.first()?, &["type"])? {
        Edn::Symbol(class) => Some(class),
        _ => None,
    }
}

/// Ours by their form; any other error is a value.
fn error_from_edn(error: Edn, exception: Option<&Edn>) -> Option<OpError> {
    let rpc = |name: &str, text: &str| OpError::Rpc {
        name: Cow::Owned(name.to_owned()),
        text: text.to_owned(),
    };
    let class = exception.and_then(class_of);
    Some(match (&error, class) {
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
                value: Value::from_edn(&error),
            },
        },
    })
}

fn whole(field: &str, edn: &Edn) -> anyhow::Result<u64> {
    match edn {
        Edn::Int(number) => u64::try_from(*number).map_err(|_| anyhow!(":{field} is negative")),
        other => bail!(":{field} is no number: {}", brief(other)),
    }
}

/// A keyword or a string; the usual ones take no memory of their own.
fn name(field: &str, edn: &Edn) -> anyhow::Result<Cow<'static, str>> {
    match edn {
        Edn::Key(name) | Edn::Str(name) => Ok(super::operation_name(name)),
        other => bail!(":{field} is no name: {}", brief(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::History;

    const SAMPLE: &str = r##"{:index 0, :time 5, :type :info, :process :nemesis, :f :start-partition, :value :one}
{:index 1, :time 6, :type :info, :process :nemesis, :f :start-partition, :value [:isolated {"n0" #{"n1" "n2"}, "n1" #{}}]}
{:index 2, :time 7, :type :invoke, :process 0, :f :echo, :value "Please echo 5"}
{:index 3, :time 7, :type :ok, :process 0, :f :echo, :value {:type "echo_ok", :echo {"a" [1]}, :in_reply_to 1}}
{:index 4, :time 8, :type :invoke, :process 1, :f :read, :value nil, :final? true}
{:index 5, :time 8, :type :fail, :process 1, :f :read, :value nil, :error :net-timeout, :final? true}
{:index 6, :time 8, :type :invoke, :process 1, :f :read, :value nil}
{:index 7, :time 9, :type :fail, :process 1, :f :read, :value [1 2.0 "x"], :error [:temporarily-unavailable "busy"]}
{:index 8, :time 9, :type :invoke, :process 1, :f :read, :value nil}
{:index 9, :time 9, :type :info, :process 1, :f :read, :value 18446744073709551615N, :exception {:cause "a \"b\"", :via [{:type malformed-response, :message "a \"b\""}]}, :error "indeterminate: a \"b\""}
{:index 10, :time 9, :type :invoke, :process 2, :f :txn, :value [[:r 1 nil] [:append 2 [3 "r"]]]}
{:index 11, :time 9, :type :ok, :process 2, :f :txn, :value [[:r 1 nil] [:append 2 [3 "r"]]]}
{:index 12, :time 9, :type :invoke, :process 2, :f :poll, :value [[:poll]], :poll-ms 1000}
{:index 13, :time 9, :type :ok, :process 2, :f :poll, :value [[:poll {"8" [[0 1]]}]]}
{:index 14, :time 9, :type :info, :process :nemesis, :f :stop-partition, :value nil}
{:index 15, :time 9, :type :invoke, :process 3, :f :add, :value 1}
{:index 16, :time 9, :type :info, :process 3, :f :add, :value 1, :exception {:cause "late", :via [{:type net-timeout, :message "late"}]}, :error "indeterminate: late"}
{:index 17, :time 9, :type :invoke, :process 3, :f :assign, :value ["8"], :seek-to-beginning? true}
{:index 18, :time 9, :type :ok, :process 3, :f :assign, :value ["8"], :error :timeout}
{:index 20, :time 9, :type :invoke, :process 3, :f :assign, :value ["8" "9"], :unseen {8 {:polled -1, :sent 3}, 9 {:polled 2, :sent 4}}}
{:index 25, :time 9, :type :info, :process :nemesis, :f :start-kill, :value [:killed #{"n1"}]}
{:index 26, :time 9, :type :info, :process :nemesis, :f :start-skew, :value [:skewed {"n0" {:ahead-ms 70, :pace 1.05}}]}
{:index 27, :time 9, :type :info, :process :nemesis, :f :odd, :value [:b {:a 1/2, "a" \x}]}
{:index 28, :time 9, :type :invoke, :process 4, :f :write, :value (:k #{1 nil} 2/3 1.50M ##NaN #inst "2026" {"#set" 1} {1 [:x sym]})}
"##;

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
        let check = |index: usize, json: &str| assert_eq!(history.ops[index].value.json(), json);
        check(0, r#""one""#);
        check(1, r#"["isolated",{"n0":["n1","n2"],"n1":[]}]"#);
        check(3, r#"{"echo":{"a":[1]},"in_reply_to":1,"type":"echo_ok"}"#);
        check(9, "18446744073709551615");
        check(10, r#"[["r",1,null],["append",2,[3,"r"]]]"#);
        check(14, "null");
    }

    #[test]
    fn both_notations_hold_the_same_history() {
        let history = History::read_edn(SAMPLE.as_bytes()).unwrap();
        let mut json = Vec::new();
        history.write_json_lines(&mut json).unwrap();
        let mut edn = Vec::new();
        History::read_json(&*json)
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
        check(
            ":index 2,",
            ":index 1,",
            "line 3, column 1: index 1 after index 1",
        );
        check(
            ":process 0",
            ":process -1",
            "line 3, column 1: :process is negative",
        );
        check(
            ":process 0",
            ":process me",
            "line 3, column 1: :process is no number: me",
        );
        check(
            ":type :fail",
            ":type :failed",
            "line 6, column 1: no type: failed",
        );
        check(":f :read, ", "", "line 5, column 1: an operation needs :f");
        check(":f :read", ":f 5", "line 5, column 1: :f is no name: 5");
        check(
            "}\n",
            "\n",
            "line 25, column 1: the input ends, where a value, or } for the {",
        );
        check(
            "one}",
            "one)",
            "line 1, column 86: \")\", where a value, or } for the { at line 1",
        );
        check(
            "{:index 0",
            "5 {:index 0",
            "line 1, column 1: an operation was expected",
        );
        check(
            ":time 5",
            ":time 99999999999999999999",
            "line 1, column 1: :time is no number",
        );
        check(
            ":type :fail, :process 1",
            ":type :invoke, :process 1",
            "line 6, column 1: process 1 invokes an operation (index 5) before its last one (index 4)",
        );
        check(
            ":type :ok, :process 0",
            ":type :ok, :process 7",
            "line 4, column 1: process 7 completes an operation (index 3) that it never invoked",
        );
        check(
            ":type :invoke, :process 2, :f :poll",
            ":type :ok, :process 2, :f :poll",
            "line 13, column 1: process 2 completes an operation (index 12) a second time",
        );
    }

    #[test]
    fn results_are_no_history() {
        let results = SAMPLE.lines().filter(|line| !line.contains(":invoke"));
        let results: String = results.collect();
        let error = History::read_edn(results.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("no invocations: these are results"),
            "{error}"
        );
    }

    #[test]
    fn one_list_or_vector_of_all_is_a_history_too() {
        for (open, close) in [("[", "]"), ("; by hand\n(", ") #_ {}\n")] {
            let history = History::read_edn(format!("{open}{SAMPLE}{close}").as_bytes()).unwrap();
            let mut out = Vec::new();
            history.write_edn(&mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), SAMPLE);
        }
        let check = |edn: &str, complaint: &str| {
            let error = format!("{:#}", History::read_edn(edn.as_bytes()).unwrap_err());
            assert!(error.contains(complaint), "{error}");
        };
        check(
            "[] {}",
            "line 1, column 4: something follows the list of all operations",
        );
        check(
            "[",
            "line 1, column 2: the input ends, where an operation or ] was expected",
        );
        check(
            "[)",
            "line 1, column 2: \")\", where an operation or ] was expected",
        );
    }

    #[test]
    fn without_times_the_order_counts() {
        let edn = "{:type :invoke :process 0 :f :read} {:type :ok :process 0 :f :read}";
        let history = History::read_edn(edn.as_bytes()).unwrap();
        let numbers: Vec<_> = history.ops.iter().map(|op| (op.index, op.time)).collect();
        assert_eq!(numbers, [(0, 0), (1, 1)]);
    }

    #[test]
    fn unknown_keys_unknown_errors_and_record_tags_are_taken_as_they_come() {
        let line = r#"#jepsen.history.Op{:index 0, :time 1, :type :invoke, :process 3, :f :assign,
            :value ["9"], :seek-to-beginning? true, :error {:no 1}}"#;
        let history = History::read_edn(line.replace('\n', " ").as_bytes()).unwrap();
        let error = format!("{:?}", history.ops[0].error);
        assert_eq!(
            error,
            r##"Some(Other { value: {"#map":[[{"#keyword":"no"},1]]} })"##
        );
    }
}
