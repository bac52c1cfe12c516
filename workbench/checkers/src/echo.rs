//! Echo: every answer must hold what was sent.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Validity, Verdict, told};
use history::edn::{self, Edn};
use history::{History, Kind, Op, Pair};

/// Judges echoes: the result of every operation is an object whose field `echo` is equal to the
/// operation's argument. An operation that is `info` is not judged; one that is `fail` is an error,
/// since its value has no such field.
pub fn echo(history: &History) -> Verdict {
    let pairs = history.pairs();
    let judged = pairs.iter().filter_map(
        |Pair {
             invocation,
             completion,
         }| {
            completion
                .filter(|op| op.kind != Kind::Info)
                .map(|completion| (*invocation, completion))
        },
    );
    let wrong: Vec<_> = judged
        .filter(|(sent, received)| !is_echo(sent, received))
        .collect();

    let errors = wrong.iter().map(|(sent, received)| {
        Edn::Vector(vec![
            edn::text("Expected a message with :echo"),
            value(sent),
            edn::text("But received"),
            value(received),
        ])
    });
    let errors = ("errors", Edn::List(errors.collect()));
    let mut verdict = Verdict::new(Validity::of(wrong.is_empty()), [errors]);
    verdict.findings = told(
        wrong.len(),
        wrong.iter().map(|(sent, received)| tell(sent, received)),
    );
    verdict
}

/// The part of an answer that counts.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    echo: &'a RawValue,
}

fn is_echo(sent: &Op, received: &Op) -> bool {
    // Nearly always it is there to the letter.
    if let Ok(Answer { echo }) = serde_json::from_str(received.value.json())
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

fn tell(sent: &Op, received: &Op) -> String {
    let (process, time) = (sent.process, received.seconds());
    let sent = &sent.value;
    match received.kind {
        Kind::Fail => format!("process {process} was refused the echo of {sent} at {time:.3} s"),
        Kind::Invoke | Kind::Ok | Kind::Info => {
            let received = &received.value;
            format!("process {process} sent {sent} and received {received} at {time:.3} s")
        }
    }
}

fn value(op: &Op) -> Edn {
    let op = op.to_edn();
    edn::get(&op, &["value"]).cloned().unwrap_or(Edn::Nil)
}

#[cfg(test)]
mod tests {
    use super::echo;
    use crate::Validity;
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
        assert_eq!(verdict.valid, valid);
        let results = format!("{{:errors {errors}, :valid? {}}}", valid.to_edn());
        assert_eq!(compact(&verdict.results), results);
        assert_eq!(verdict.findings.join("\n"), finding);
    }

    #[test]
    fn the_same_text_is_ok() {
        check(
            &[r#":type :ok, PF, :value {:type "echo_ok", :echo "a"}"#],
            Validity::Valid,
            "()",
            "",
        );
        check(&[], Validity::Valid, "()", "");
    }

    #[test]
    fn an_open_end_is_ok() {
        check(
            &[r#":type :info, PF, :value "a", :error :net-timeout"#],
            Validity::Valid,
            "()",
            "",
        );
    }

    #[test]
    fn another_text_a_missing_field_and_a_refusal_are_bad() {
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
             process 2 was refused the echo of \"a\" at 2.000 s",
        );
    }
}
