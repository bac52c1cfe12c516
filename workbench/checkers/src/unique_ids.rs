//! Unique ids: nothing may be handed out twice.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::element::Element;
use super::{Validity, Verdict, told};
use history::edn::{self, Edn};
use history::{History, Kind, Op};

/// How many duplicates a result lists.
const LISTED: usize = 48;

/// Judges unique ids: invalid if an id is the result of more than one operation `generate`.
///
/// Unknown if ids cannot be compared with one another (numbers and strings mixed, objects): the
/// range of ids is part of the result, and Jepsen stumbles over it too.
pub fn unique_ids(history: &History) -> Verdict {
    let is_generate = |op: &&Op| op.f == "generate" && op.process.client().is_some();
    let ops = || history.ops.iter().filter(is_generate);
    let attempted = ops().filter(|op| op.kind == Kind::Invoke).count();
    let mut owners: HashMap<Element, Vec<&Op>> = HashMap::new();
    let mut acknowledged = 0;
    let mut range: Option<(Element, Element)> = None;
    for op in ops().filter(|op| op.kind == Kind::Ok) {
        let id = Element::of(op);
        acknowledged += 1;
        range = match widened(range, &id) {
            Ok(range) => Some(range),
            Err(other) => {
                return Verdict::unknown(format!("cannot compare the ids {other} and {id}"));
            }
        };
        owners.entry(id).or_default().push(op);
    }

    let mut duplicates: Vec<_> = owners
        .into_iter()
        .filter(|(_, ops)| ops.len() > 1)
        .collect();
    duplicates.sort_by(|(a, a_ops), (b, b_ops)| b_ops.len().cmp(&a_ops.len()).then(a.cmp(b)));
    let listed = duplicates.iter().take(LISTED);
    let (least, most) = range.map_or((Edn::Nil, Edn::Nil), |(a, b)| (a.to_edn(), b.to_edn()));
    let mut verdict = Verdict::new(
        Validity::of(duplicates.is_empty()),
        [
            ("attempted-count", edn::count(attempted)),
            ("acknowledged-count", edn::count(acknowledged)),
            ("duplicated-count", edn::count(duplicates.len())),
            (
                "duplicated",
                edn::map_of(
                    listed
                        .map(|(id, ops)| (id.to_edn(), edn::count(ops.len())))
                        .collect(),
                ),
            ),
            ("range", Edn::Vector(vec![least, most])),
        ],
    );
    verdict.findings = told(
        duplicates.len(),
        duplicates.iter().map(|(id, ops)| tell(id, ops)),
    );
    verdict
}

/// The smallest and the largest id, once this one is counted in; the offender if that cannot be.
fn widened(range: Option<(Element, Element)>, id: &Element) -> Result<(Element, Element), Element> {
    let Some((least, most)) = range else {
        return Ok((id.clone(), id.clone()));
    };
    match (id.compare(&least), id.compare(&most)) {
        (None, _) => Err(least),
        (_, None) => Err(most),
        (Some(Ordering::Less), _) => Ok((id.clone(), most)),
        (_, Some(Ordering::Greater)) => Ok((least, id.clone())),
        _ => Ok((least, most)),
    }
}

fn tell(id: &Element, ops: &[&Op]) -> String {
    let owners = ops.iter().take(3);
    let owners = owners.map(|op| format!("process {} at {:.3} s", op.process, op.seconds()));
    let owners: Vec<_> = owners.collect();
    let times = ops.len();
    let more = if times > owners.len() { ", ..." } else { "" };
    format!(
        "id {id} was handed out {times} times: to {}{more}",
        owners.join(", to ")
    )
}

#[cfg(test)]
mod tests {
    use super::unique_ids;
    use crate::Validity;
    use history::History;
    use history::edn::compact;

    /// Operations with these ids, beside one that was never answered.
    fn history(ids: &[&str]) -> History {
        let mut lines = Vec::new();
        let mut line = |kind: &str, id: &str| {
            let index = lines.len();
            let process = index / 2;
            lines.push(format!(
                r#"{{"index":{index},"time":{},"type":"{kind}","process":{process},"f":"generate","value":{id}}}"#,
                index * 1_000_000_000
            ));
        };
        for id in ids {
            line("invoke", "null");
            line("ok", id);
        }
        line("invoke", "null");
        line("info", "null");
        History::read_json(lines.join("\n").as_bytes()).unwrap()
    }

    fn check(ids: &[&str], valid: Validity, results: &str) {
        let verdict = unique_ids(&history(ids));
        assert_eq!(verdict.valid, valid, "{ids:?}");
        let results = format!(
            "{{:acknowledged-count {}, :attempted-count {}, {results}, :valid? {}}}",
            ids.len(),
            ids.len() + 1,
            valid.to_edn()
        );
        assert_eq!(compact(&verdict.results), results);
    }

    fn check_unknown(ids: &[&str], error: &str) {
        let verdict = unique_ids(&history(ids));
        assert_eq!(verdict.valid, Validity::Unknown, "{ids:?}");
        assert_eq!(verdict.findings, [error]);
    }

    #[test]
    fn distinct_ids_of_any_comparable_kind_are_ok() {
        let ok = |ids: &[&str], range: &str| {
            let results = format!(":duplicated {{}}, :duplicated-count 0, :range {range}");
            check(ids, Validity::Valid, &results);
        };
        ok(&[], "[nil nil]");
        ok(&["3", "1", "2"], "[1 3]");
        ok(&["2", "2.0", "1.5"], "[1.5 2]");
        ok(&[r#""b""#, r#""a""#], r#"["a" "b"]"#);
        ok(&["[2,0]", "[1,9]", "null"], "[nil [2 0]]");
        ok(
            &[r#"{"one":"object"}"#],
            r#"[{"one" "object"} {"one" "object"}]"#,
        );
        let (a, b) = ("18446744073709551616", "18446744073709551617");
        ok(&[a, "5", b], &format!("[5 {b}N]"));
    }

    #[test]
    fn an_id_handed_out_twice_is_bad() {
        let ids = ["7", "8", "7", "9", "8", "7", "7"];
        check(
            &ids,
            Validity::Invalid,
            ":duplicated {7 4, 8 2}, :duplicated-count 2, :range [7 9]",
        );
        assert_eq!(
            unique_ids(&history(&ids)).findings,
            [
                "id 7 was handed out 4 times: to process 0 at 1.000 s, to process 2 at 5.000 s, \
                 to process 5 at 11.000 s, ...",
                "id 8 was handed out 2 times: to process 1 at 3.000 s, to process 4 at 9.000 s",
            ]
        );
    }

    #[test]
    fn at_most_48_duplicates_are_listed_the_most_frequent_first() {
        let ids: Vec<_> = (0..60)
            .chain(0..60)
            .chain(50..60)
            .map(|id| id.to_string())
            .collect();
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        let listed: Vec<_> = (0..38).map(|id| format!("{id} 2")).collect();
        let often: Vec<_> = (50..60).map(|id| format!("{id} 3")).collect();
        let listed = [listed, often].concat().join(", ");
        let results = format!(":duplicated {{{listed}}}, :duplicated-count 60, :range [0 59]");
        check(&ids, Validity::Invalid, &results);
        assert_eq!(
            unique_ids(&history(&ids)).findings.last().unwrap(),
            "... and 50 more"
        );
    }

    #[test]
    fn ids_that_cannot_be_compared_are_not_judged() {
        check_unknown(&["1", r#""1""#], r#"cannot compare the ids 1 and "1""#);
        check_unknown(&["1", "1", "true"], "cannot compare the ids 1 and true");
        check_unknown(&["{}", "{}"], "cannot compare the ids {} and {}");
        check_unknown(&["null", "1", "[1]"], "cannot compare the ids 1 and [1]");
    }
}
