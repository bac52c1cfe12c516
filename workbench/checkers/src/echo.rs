//! Echo: every reply must return what was sent.

use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::finding::{Finding, first};
use crate::{CheckerResult, Validity};
use history::edn::{self, Edn};
use history::{History, Kind, Op};

/// The replies that do not echo their requests.
#[derive(Debug, Clone, Default)]
pub struct EchoResult {
    /// In the order of the requests.
    pub mismatches: Vec<EchoMismatch>,
}

/// A reply that does not echo its request.
#[derive(Debug, Clone)]
pub struct EchoMismatch {
    /// The invocation.
    pub sent: Op,
    /// The completion: `ok` with another text, or `fail`.
    pub received: Op,
}

/// Judges echoes: the result of every operation must be an object whose field `echo` equals the
/// operation's argument. An operation that is `info` is not judged. One that is `fail` is an error,
/// since its value has no such field.
pub fn echo(history: &History) -> EchoResult {
    let pairs = history.pairs().into_iter();
    let completed = pairs.filter_map(|pair| Some((pair.invocation, pair.completion?)));
    let judged = completed.filter(|(_, received)| received.kind != Kind::Info);
    let wrong = judged.filter(|(sent, received)| !is_echo(sent, received));
    let mismatches = wrong.map(|(sent, received)| EchoMismatch {
        sent: sent.clone(),
        received: received.clone(),
    });
    EchoResult {
        mismatches: mismatches.collect(),
    }
}

impl CheckerResult for EchoResult {
    fn validity(&self) -> Validity {
        Validity::of(self.mismatches.is_empty())
    }

    fn findings(&self) -> Vec<Finding<'_>> {
        let findings = self.mismatches.iter().map(Finding::Echo);
        first(self.mismatches.len(), findings)
    }

    fn to_edn(&self) -> Edn {
        let value = |op: &Op| op.value_edn();
        let errors = self.mismatches.iter().map(|it| {
            Edn::Vector(vec![
                edn::text("Expected a message with :echo"),
                value(&it.sent),
                edn::text("But received"),
                value(&it.received),
            ])
        });
        edn::map([
            ("errors", Edn::List(errors.collect())),
            ("valid?", self.validity().to_edn()),
        ])
    }
}

impl fmt::Display for EchoMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Op {
            process,
            value,
            kind,
            ..
        } = &self.received;
        let (sent, time) = (&self.sent.value, self.received.seconds());
        match kind {
            Kind::Fail => {
                write!(
                    f,
                    "process {process} sent {sent} and received an error at {time:.3} s"
                )
            }
            Kind::Invoke | Kind::Ok | Kind::Info => {
                write!(
                    f,
                    "process {process} sent {sent} and received {value} at {time:.3} s"
                )
            }
        }
    }
}

/// The part of a reply that is judged.
#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    echo: &'a RawValue,
}

fn is_echo(sent: &Op, received: &Op) -> bool {
    // Fast path: nearly always the texts are equal byte for byte.
    if let Ok(Reply { echo }) = serde_json::from_str(received.value.json())
        && echo.get() == sent.value.json()
    {
        return true;
    }
    let sent = sent.value.to_edn().canonical();
    match received.value.to_edn().canonical() {
        Edn::Map(fields) => *fields.get(&edn::text("echo")).unwrap_or(&Edn::Nil) == sent,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::echo;
    use crate::{CheckerResult as _, Validity};
    use history::History;
    use history::edn::compact;

    fn check(ends: &[&str], valid: Validity, errors: &str, finding: &str) {
        let mut edn = String::new();
        for (process, end) in ends.iter().enumerate() {
            let index = 2 * process;
            let begin = "{:index I, :time 0, :type :invoke, :process P, :f :echo, :value \"a\"}\n";
            edn += &begin
                .replace('I', &index.to_string())
                .replace('P', &process.to_string());
            let end = format!("{{:index {}, :time 2000000000, {end}}}\n", index + 1);
            edn += &end.replace("PF", &format!(":process {process}, :f :echo"));
        }
        let verdict = echo(&History::read_edn(edn.as_bytes()).unwrap());
        assert_eq!(verdict.validity(), valid);
        let results = format!("{{:errors {errors}, :valid? {}}}", valid.to_edn());
        assert_eq!(compact(&verdict.to_edn()), results);
        assert_eq!(verdict.sentences().join("\n"), finding);
    }

    #[test]
    fn an_equal_text_is_valid() {
        check(
            &[r#":type :ok, PF, :value {:type "echo_ok", :echo "a"}"#],
            Validity::Valid,
            "()",
            "",
        );
        check(&[], Validity::Valid, "()", "");
    }

    #[test]
    fn an_indeterminate_echo_is_not_judged() {
        check(
            &[r#":type :info, PF, :value "a", :error :net-timeout"#],
            Validity::Valid,
            "()",
            "",
        );
    }

    #[test]
    fn another_text_a_missing_field_and_an_error_are_invalid() {
        check(
            &[
                r#":type :ok, PF, :value {:type "echo_ok", :echo "b"}"#,
                r#":type :ok, PF, :value {:type "echo_ok"}"#,
                r#":type :fail, PF, :value "a", :error [:temporarily-unavailable "busy"]"#,
            ],
            Validity::Invalid,
            "([\"Expected a message with :echo\" \"a\" \"But received\" {:type \"echo_ok\", :echo \"b\"}] \
             [\"Expected a message with :echo\" \"a\" \"But received\" {:type \"echo_ok\"}] \
             [\"Expected a message with :echo\" \"a\" \"But received\" \"a\"])",
            "process 0 sent \"a\" and received {\"echo\":\"b\",\"type\":\"echo_ok\"} at 2.000 s\n\
             process 1 sent \"a\" and received {\"type\":\"echo_ok\"} at 2.000 s\n\
             process 2 sent \"a\" and received an error at 2.000 s",
        );
    }
}
