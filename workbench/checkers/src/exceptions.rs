//! Exceptions: replies and errors that a client could not interpret. They decide no verdict, but
//! often explain the findings of another checker.

use std::borrow::Cow;
use std::fmt;

use crate::finding::{Finding, counted};
use crate::{CheckerResult, Validity};
use history::edn::{self, Edn};
use history::text::quoted;
use history::{History, Kind, MALFORMED, Op, OpError};

/// Exceptions by class, the most frequent first.
#[derive(Debug, Clone, Default)]
pub struct Exceptions {
    /// The classes.
    pub classes: Vec<ExceptionClass>,
}

/// Exceptions of one class.
#[derive(Debug, Clone)]
pub struct ExceptionClass {
    /// The class, such as `malformed-response`.
    pub name: String,
    /// The number of exceptions.
    pub count: usize,
    /// The first operation that ended with one.
    pub example: Op,
}

/// Counts exceptions by class, each with its first operation as an example. An exception is an
/// operation that is `info` with an error of kind [`Malformed`](OpError::Malformed) or
/// [`Thrown`](OpError::Thrown). Always valid.
pub fn exceptions(history: &History) -> Exceptions {
    let mut classes: Vec<ExceptionClass> = Vec::new();
    for op in history.ops.iter().filter(|op| op.kind == Kind::Info) {
        let Some((name, _)) = exception(op) else {
            continue;
        };
        match classes.iter_mut().find(|class| class.name == name) {
            Some(class) => class.count += 1,
            None => classes.push(ExceptionClass {
                name: name.to_owned(),
                count: 1,
                example: op.clone(),
            }),
        }
    }
    classes.sort_by_key(|class| std::cmp::Reverse(class.count));
    Exceptions { classes }
}

/// The class and the text of an operation's exception.
fn exception(op: &Op) -> Option<(&str, &str)> {
    match op.error.as_deref()? {
        OpError::Malformed { text } => Some((MALFORMED, text)),
        OpError::Thrown { class, text } => Some((class, text)),
        OpError::NetTimeout | OpError::Rpc { .. } | OpError::Other { .. } => None,
    }
}

impl CheckerResult for Exceptions {
    fn validity(&self) -> Validity {
        Validity::Valid
    }

    fn findings(&self) -> Vec<Finding<'_>> {
        self.classes.iter().map(Finding::Exceptions).collect()
    }

    fn to_edn(&self) -> Edn {
        let mut map = edn::map([("valid?", Edn::Bool(true))]);
        if !self.classes.is_empty() {
            let classes = self.classes.iter().map(|class| {
                edn::map([
                    ("count", edn::count(class.count)),
                    ("class", Edn::Symbol(Cow::Owned(class.name.clone()))),
                    ("example", class.example.to_edn()),
                ])
            });
            edn::insert(&mut map, "exceptions", Edn::List(classes.collect()));
        }
        map
    }
}

impl fmt::Display for ExceptionClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Op {
            process, f: name, ..
        } = &self.example;
        let time = self.example.seconds();
        let text = exception(&self.example).map_or("", |(_, text)| text);
        let text = quoted(text.lines().next().unwrap_or_default());
        let what = match (&*self.name, self.count) {
            (MALFORMED, count) => match count {
                1 => "1 malformed reply".to_owned(),
                _ => format!("{count} malformed replies"),
            },
            (class, count) => format!("{} with {class}", counted(count, "operation")),
        };
        write!(
            f,
            "{what}; the first, to the {name} of process {process} at {time:.3} s: {text}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::exceptions;
    use crate::{CheckerResult as _, Validity};
    use history::History;
    use history::edn::compact;

    const INVOKE: &str = "{:index 0, :type :invoke, :process 4, :f :echo}";
    const INFO: &str =
        "{:index 1, :time 1500000000, :type :info, :process 4, :f :echo, :value nil, ";

    fn check(error: &str, results: &str, findings: &[&str]) {
        let verdict =
            exceptions(&History::read_edn(format!("{INVOKE}{INFO}{error}}}").as_bytes()).unwrap());
        assert_eq!(verdict.validity(), Validity::Valid);
        assert_eq!(compact(&verdict.to_edn()), results);
        assert_eq!(verdict.sentences(), findings);
    }

    #[test]
    fn timeouts_and_error_replies_are_not_exceptions() {
        check(":error :net-timeout", "{:valid? true}", &[]);
        check(":error [:crash \"x\"]", "{:valid? true}", &[]);
        check(":final? true", "{:valid? true}", &[]);
    }

    #[test]
    fn malformed_answers_are_counted_and_the_first_is_shown() {
        let exception = ":exception {:cause \"odd\", :via [{:type malformed-response, \
                         :message \"odd\"}]}, :error \"indeterminate: odd\"";
        check(
            exception,
            &format!(
                "{{:exceptions ({{:class malformed-response, :count 1, \
                 :example {INFO}{exception}}}}}), :valid? true}}"
            ),
            &["1 malformed reply; the first, to the echo of process 4 at 1.500 s: odd"],
        );
    }

    #[test]
    fn thrown_errors_have_their_own_classes_and_the_most_frequent_comes_first() {
        let thrown = |process: u64, class: &str| {
            format!(
                "{{:time 0, :type :invoke, :process {process}, :f :add, :value 1}}
                 {{:time 0, :type :info, :process {process}, :f :add, :value 1, :exception \
                 {{:via [{{:type {class}}}]}}, :error \"indeterminate: no answer\"}}\n"
            )
        };
        let lines = [
            thrown(0, "rpc-error"),
            thrown(1, "net-timeout"),
            thrown(2, "net-timeout"),
        ];
        let verdict = exceptions(&History::read_edn(lines.concat().as_bytes()).unwrap());
        let sentence = |class, count, process| {
            let plural = if count == 1 { "" } else { "s" };
            format!(
                "{count} operation{plural} with {class}; the first, to the add of process {process} at \
                 0.000 s: no answer"
            )
        };
        assert_eq!(
            verdict.sentences(),
            [sentence("net-timeout", 2, 1), sentence("rpc-error", 1, 0)]
        );
    }
}
