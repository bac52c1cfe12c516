//! Splits the JSON of a transaction into its micro-operations, in the usual case.

use smallvec::SmallVec;

/// The function, the key and the value of each micro-operation, as JSON; the function without its
/// quotes.
pub(super) type Parts<'a> = SmallVec<[[&'a str; 3]; 4]>;

/// Splits valid JSON such as `[["r",5,[1,2]],["w",6,7]]`, whose keys are integers and whose values
/// are integers, `null` or lists of integers, without blanks. `None` for any other.
pub(super) fn split(json: &str) -> Option<Parts<'_>> {
    let mut all = Parts::new();
    let mut rest = json.strip_prefix('[')?;
    while let Some(micro_op) = rest.strip_prefix("[\"") {
        let (f, after) = take(micro_op, |byte| byte.is_ascii_alphanumeric());
        let (key, after) = take(after.strip_prefix("\",")?, is_of_integer);
        let after = after.strip_prefix(',')?;
        let (value, after) = match after.as_bytes().first()? {
            b'n' => after.split_at_checked("null".len())?,
            b'[' => {
                let (_, end) = take(&after[1..], |byte| is_of_integer(byte) || byte == b',');
                end.starts_with(']').then_some(())?;
                after.split_at(after.len() - end.len() + 1)
            }
            _ => take(after, is_of_integer),
        };
        if key.is_empty() || value.is_empty() {
            return None;
        }
        all.push([f, key, value]);
        let after = after.strip_prefix(']')?;
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    (rest == "]").then_some(all)
}

/// Splits after the first bytes that are as they should be, which are ASCII.
fn take(text: &str, is_taken: impl Fn(u8) -> bool) -> (&str, &str) {
    let length = text.bytes().position(|byte| !is_taken(byte));
    text.split_at(length.unwrap_or(text.len()))
}

fn is_of_integer(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn usual_transactions_are_split() {
        let check = |json: &str, expected: &[[&str; 3]]| {
            assert_eq!(split(json).unwrap()[..], *expected, "{json}");
        };
        check("[]", &[]);
        check(
            r#"[["r",5,[1,-2]],["w",-6,7],["r",10,null],["append",1,[]]]"#,
            &[
                ["r", "5", "[1,-2]"],
                ["w", "-6", "7"],
                ["r", "10", "null"],
                ["append", "1", "[]"],
            ],
        );
    }

    #[test]
    fn other_transactions_are_not() {
        for json in [
            "null",
            "5",
            "{}",
            "[5]",
            r#"["r",5,6]"#,
            r#"[["r",5]]"#,
            r#"[["r",5],["w",6,7]]"#,
            r#"[["r",5,6,7]]"#,
            r#"[["r", 5, 6]]"#,
            r#"[["r",5,6], ["r",5,6]]"#,
            r#"[["r","x",6]]"#,
            r#"[["r",5,"x"]]"#,
            r#"[["r",5,[[1]]]]"#,
            r#"[["r",5,[null]]]"#,
            r#"[["r",5.5,6]]"#,
            r#"[["r",5,6.5]]"#,
            r#"[["r",5,1e3]]"#,
            r#"[["r",5,true]]"#,
            r#"[["\u0072",5,6]]"#,
            r#"[[1,5,6]]"#,
            r#"[["r",5,{"n":1}]]"#,
        ] {
            assert_eq!(split(json), None, "{json}");
        }
    }
}
