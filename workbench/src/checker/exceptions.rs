//! Exceptions: answers that no client could make sense of. They decide nothing by themselves, but
//! they often tell why another checker complains.

use clojure_reader::edn::Edn;

use super::{Validity, Verdict};
use crate::edn;
use crate::history::{History, Kind, MALFORMED, Op, OpError};

/// Counts the operations that ended in an exception, with the first as an example. Always valid.
pub fn exceptions(history: &History) -> Verdict {
    let mut thrown = history
        .ops
        .iter()
        .filter(|op| op.kind == Kind::Info)
        .filter_map(|op| {
            let Some(OpError::Malformed { text }) = &op.error else {
                return None;
            };
            Some((op, text))
        });
    let Some((example, text)) = thrown.next() else {
        return Verdict::new(Validity::Valid, []);
    };
    let count = 1 + thrown.count();
    let class = edn::map([
        ("count", edn::count(count)),
        ("class", Edn::symbol(MALFORMED)),
        ("example", example.to_edn()),
    ]);
    let mut verdict = Verdict::new(Validity::Valid, [("exceptions", Edn::List(vec![class]))]);
    verdict.findings.push(tell(count, example, text));
    verdict
}

fn tell(count: usize, example: &Op, text: &str) -> String {
    let Op { process, f, .. } = example;
    let time = example.seconds();
    let text = text.lines().next().unwrap_or_default();
    format!(
        "malformed answers: {count}; the first, to {f} of process {process} at {time:.3} s: {text}"
    )
}

#[cfg(test)]
mod tests {
    use super::exceptions;
    use crate::checker::Validity;
    use crate::edn::compact;
    use crate::history::History;

    const INFO: &str =
        "{:index 0, :time 1500000000, :type :info, :process 4, :f :echo, :value nil, ";

    fn check(error: &str, results: &str, findings: &[&str]) {
        let verdict =
            exceptions(&History::read_edn(format!("{INFO}{error}}}").as_bytes()).unwrap());
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
}
