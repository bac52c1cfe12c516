//! Unique ids: no id may be returned twice.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;

use crate::element::Element;
use crate::finding::{Finding, first, named};
use crate::{CheckerResult, Unjudged, Validity};
use history::edn::{self, Edn};
use history::{History, Kind, Op};

/// The number of duplicates that a result map lists.
const MAX_LISTED: usize = 48;

/// The ids that were returned.
#[derive(Debug, Clone)]
pub struct IdsResult {
    /// Operations invoked.
    pub attempted: usize,
    /// Operations that returned an id.
    pub acknowledged: usize,
    /// Ids that several operations returned, the most frequent first.
    pub duplicates: Vec<DuplicateId>,
    /// The smallest id and the largest.
    pub range: Option<(Element, Element)>,
}

/// An id that was returned more than once.
#[derive(Debug, Clone)]
pub struct DuplicateId {
    /// The id.
    pub id: Element,
    /// The operations that returned it, in order of time.
    pub ops: Vec<Op>,
}

/// Judges unique ids: invalid if an id is the result of more than one operation `generate`.
///
/// # Errors
/// When ids cannot be compared (numbers mixed with strings, or objects): the range of ids is part
/// of the result, and Jepsen's checker fails on them, too.
pub fn unique_ids(history: &History) -> Result<IdsResult, Unjudged> {
    let is_generate = |op: &&Op| op.f == "generate" && op.process.client().is_some();
    let ops = || history.ops.iter().filter(is_generate);
    let attempted = ops().filter(|op| op.kind == Kind::Invoke).count();
    let mut ops_of_id: HashMap<Element, Vec<&Op>> = HashMap::new();
    let mut acknowledged = 0;
    let mut range: Option<(Element, Element)> = None;
    for op in ops().filter(|op| op.kind == Kind::Ok) {
        let id = Element::of(op);
        acknowledged += 1;
        range = match extend_range(range, &id) {
            Ok(range) => Some(range),
            Err(other) => {
                let error = format!("cannot compare the ids {other} and {id}");
                return Err(Unjudged::new(error));
            }
        };
        ops_of_id.entry(id).or_default().push(op);
    }
    let duplicates = ops_of_id.into_iter().filter(|(_, ops)| ops.len() > 1);
    let mut duplicates: Vec<DuplicateId> = duplicates
        .map(|(id, ops)| DuplicateId {
            id,
            ops: ops.into_iter().cloned().collect(),
        })
        .collect();
    duplicates.sort_by(|a, b| b.ops.len().cmp(&a.ops.len()).then(a.id.cmp(&b.id)));
    Ok(IdsResult {
        attempted,
        acknowledged,
        duplicates,
        range,
    })
}

impl CheckerResult for IdsResult {
    fn validity(&self) -> Validity {
        Validity::of(self.duplicates.is_empty())
    }

    fn findings(&self) -> Vec<Finding<'_>> {
        let findings = self.duplicates.iter().map(Finding::DuplicateId);
        first(self.duplicates.len(), findings)
    }

    fn to_edn(&self) -> Edn {
        let listed = self.duplicates.iter().take(MAX_LISTED);
        let listed = listed.map(|it| (it.id.to_edn(), edn::count(it.ops.len())));
        let range = match &self.range {
            Some((min, max)) => vec![min.to_edn(), max.to_edn()],
            None => vec![Edn::Nil, Edn::Nil],
        };
        edn::map([
            ("attempted-count", edn::count(self.attempted)),
            ("acknowledged-count", edn::count(self.acknowledged)),
            ("duplicated-count", edn::count(self.duplicates.len())),
            ("duplicated", edn::map_of(listed.collect())),
            ("range", Edn::Vector(range)),
            ("valid?", self.validity().to_edn()),
        ])
    }
}

impl fmt::Display for DuplicateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DuplicateId { id, ops } = self;
        let times = ops.len();
        let returns = ops.iter();
        let returns =
            returns.map(|op| format!("to process {} at {:.3} s", op.process, op.seconds()));
        let returns = named(times, returns);
        write!(f, "id {id} was returned {times} times: {returns}")
    }
}

/// The range extended to include `id`; the incomparable id as the error.
fn extend_range(
    range: Option<(Element, Element)>,
    id: &Element,
) -> Result<(Element, Element), Element> {
    let Some((min, max)) = range else {
        return Ok((id.clone(), id.clone()));
    };
    match (id.compare(&min), id.compare(&max)) {
        (None, _) => Err(min),
        (_, None) => Err(max),
        (Some(Ordering::Less), _) => Ok((id.clone(), max)),
        (_, Some(Ordering::Greater)) => Ok((min, id.clone())),
        _ => Ok((min, max)),
    }
}

#[cfg(test)]
mod tests {
    use super::unique_ids;
    use crate::{CheckerResult as _, Validity};
    use history::History;
    use history::edn::compact;

    /// Operations that return these ids, and one that never completes.
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
        assert_eq!(verdict.validity(), valid, "{ids:?}");
        let results = format!(
            "{{:acknowledged-count {}, :attempted-count {}, {results}, :valid? {}}}",
            ids.len(),
            ids.len() + 1,
            valid.to_edn()
        );
        assert_eq!(compact(&verdict.to_edn()), results);
    }

    fn check_unknown(ids: &[&str], error: &str) {
        let verdict = unique_ids(&history(ids));
        assert_eq!(verdict.validity(), Validity::Unknown, "{ids:?}");
        assert_eq!(verdict.sentences(), [error]);
    }

    #[test]
    fn distinct_ids_of_any_comparable_kind_are_valid() {
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
    fn an_id_returned_twice_is_invalid() {
        let ids = ["7", "8", "7", "9", "8", "7", "7", "7", "7", "7"];
        check(
            &ids,
            Validity::Invalid,
            ":duplicated {7 7, 8 2}, :duplicated-count 2, :range [7 9]",
        );
        assert_eq!(
            unique_ids(&history(&ids)).sentences(),
            [
                "id 7 was returned 7 times: to process 0 at 1.000 s, to process 2 at 5.000 s, \
                 to process 5 at 11.000 s, to process 6 at 13.000 s, to process 7 at 15.000 s \
                 and 2 more",
                "id 8 was returned 2 times: to process 1 at 3.000 s, to process 4 at 9.000 s",
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
            unique_ids(&history(&ids)).sentences().last().unwrap(),
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
