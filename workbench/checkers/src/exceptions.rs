//! Exceptions: answers that no client could make sense of, and errors that it was not to make sense
//! of. They decide nothing by themselves, but they often tell why another checker complains.

use std::borrow::Cow;

use super::{Validity, Verdict};
use history::edn::{self, Edn};
use history::text::quoted;
use history::{History, Kind, MALFORMED, Op, OpError};

/// Counts exceptions, by class, the most frequent first, each with its first operation as an
/// example. These are the operations that are `info` with an error of the kind
/// [`Malformed`](OpError::Malformed) or [`Thrown`](OpError::Thrown). Always valid.
pub fn exceptions(history: &History) -> Verdict {
    let mut classes: Vec<Class<'_>> = Vec::new();
    for op in history.ops.iter().filter(|op| op.kind == Kind::Info) {
        let (name, text) = match op.error.as_deref() {
            Some(OpError::Malformed { text }) => (MALFORMED, text),
            Some(OpError::Thrown { class, text }) => (&**class, text),
            Some(OpError::NetTimeout | OpError::Rpc { .. } | OpError::Other { .. }) | None => {
                continue;
            }
        };
        match classes.iter_mut().find(|class| class.name == name) {
            Some(class) => class.count += 1,
            None => classes.push(Class {
                name,
                count: 1,
                example: op,
                text,
            }),
        }
    }
    if classes.is_empty() {
        return Verdict::new(Validity::Valid, []);
    }
    classes.sort_by_key(|class| std::cmp::Reverse(class.count));
    let list = classes.iter().map(Class::to_edn).collect();
    let mut verdict = Verdict::new(Validity::Valid, [("exceptions", Edn::List(list))]);
    verdict.findings = classes.iter().map(Class::tell).collect();
    verdict
}

/// Exceptions of one kind.
struct Class<'a> {
    name: &'a str,
    count: usize,
    example: &'a Op,
    text: &'a str,
}

impl Class<'_> {
    fn to_edn(&self) -> Edn {
        edn::map([
            ("count", edn::count(self.count)),
            ("class", Edn::Symbol(Cow::Owned(self.name.to_owned()))),
            ("example", self.example.to_edn()),
        ])
    }

    fn tell(&self) -> String {
        let Op { process, f, .. } = self.example;
        let time = self.example.seconds();
        let text = quoted(self.text.lines().next().unwrap_or_default());
        let what = match self.name {
            MALFORMED => "malformed answers",
            class => class,
        };
        let count = self.count;
        format!("{what}: {count}; the first, to {f} of process {process} at {time:.3} s: {text}")
    }
}

#[cfg(test)]
mod tests {
    use super::exceptions;
    use crate::Validity;
    use history::History;
    use history::edn::compact;

    const INVOKE: &str = "{:index 0, :type :invoke, :process 4, :f :echo}";
    const INFO: &str =
        "{:index 1, :time 1500000000, :type :info, :process 4, :f :echo, :value nil, ";

    fn check(error: &str, results: &str, findings: &[&str]) {
        let verdict =
            exceptions(&History::read_edn(format!("{INVOKE}{INFO}{error}}}").as_bytes()).unwrap());
        assert_eq!(verdict.valid, Validity::Valid);
        assert_eq!(compact(&verdict.results), results);
        assert_eq!(verdict.findings, findings);
    }

    #[test]
    fn time_outs_and_error_answers_are_no_exceptions() {
        check(":error :net-timeout", "{:valid? true}", &[]);
        check(":error [:crash \"x\"]", "{:valid? true}", &[]);
        check(":final? true", "{:valid? true}", &[]);
    }

    #[test]
    fn malformed_answers_are_counted_and_one_is_shown() {
        let exception = ":exception {:cause \"odd\", :via [{:type malformed-response, \
                         :message \"odd\"}]}, :error \"indeterminate: odd\"";
        check(
            exception,
            &format!(
                "{{:exceptions ({{:class malformed-response, :count 1, \
                 :example {INFO}{exception}}}}}), :valid? true}}"
            ),
            &["malformed answers: 1; the first, to echo of process 4 at 1.500 s: odd"],
        );
    }

    #[test]
    fn errors_that_were_thrown_have_classes_of_their_own_and_the_largest_comes_first() {
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
        let told = |class, count, process| {
            format!(
                "{class}: {count}; the first, to add of process {process} at 0.000 s: no answer"
            )
        };
        assert_eq!(
            verdict.findings,
            [told("net-timeout", 2, 1), told("rpc-error", 1, 0)]
        );
    }
}
