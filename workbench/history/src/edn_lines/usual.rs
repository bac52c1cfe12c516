//! Prints the usual operations of Maelstrom and Jepsen straight from their JSON: without an error
//! and further fields, and with values of integers, strings without escapes, `null`, truth values
//! and lists. Everything else is left to the printer of all EDN, whose text is the same: it builds
//! a tree first, which takes most of the time after a run with long reads.

use crate::{KNOWN_NAMES, Op, OpMeta};

/// How deeply lists may be nested.
const MAX_DEPTH: usize = 16;

/// Digits of the longest integers that fit 64 bits, whatever they are.
const MAX_DIGITS: usize = 18;

/// Names of micro-operations, which are keywords.
const MICRO_OPERATIONS: [&str; 5] = ["r", "w", "append", "send", "poll"];

/// The fields of an operation in Jepsen's form: process, type, function and value. `None` if it is
/// not a usual one.
pub(super) fn fields(op: &Op) -> Option<[String; 4]> {
    let process = op.process.client()?;
    let is_usual = op.error.is_none() && op.meta == OpMeta::default();
    if !is_usual || !KNOWN_NAMES.contains(&&*op.f) {
        return None;
    }
    let value = value(op)?;
    let [kind, f] = [op.kind.name(), &op.f].map(|name| format!(":{name}"));
    Some([process.to_string(), kind, f, value])
}

/// The line of an operation; `None` if it is not a usual one.
pub(super) fn line(op: &Op) -> Option<String> {
    let [process, kind, f, value] = fields(op)?;
    let (index, time) = (op.index, op.time);
    Some(format!(
        "{{:index {index}, :time {time}, :type {kind}, :process {process}, :f {f}, :value {value}}}"
    ))
}

fn value(op: &Op) -> Option<String> {
    let has_names = match &*op.f {
        "echo" => return None,
        "txn" | "send" | "poll" => true,
        _ => false,
    };
    let json = op.value.json();
    let mut out = String::with_capacity(json.len());
    let (mut at, mut depth) = (0, 0);
    while let Some(byte) = json.as_bytes().get(at) {
        let rest = &json[at..];
        let (text, length) = match byte {
            b'[' => {
                depth += 1;
                ("[", 1)
            }
            b']' => {
                depth -= 1;
                ("]", 1)
            }
            b',' => (" ", 1),
            b' ' => ("", 1),
            b'n' => ("nil", 4),
            b't' => ("true", 4),
            b'f' => ("false", 5),
            b'0'..=b'9' => {
                let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                (&rest[..digits], digits)
            }
            b'"' => {
                let name = &rest[1..1 + rest[1..].find('"')?];
                let length = name.len() + 2;
                if has_names && depth == 2 && out.ends_with('[') {
                    MICRO_OPERATIONS.contains(&name).then(|| out.push(':'))?;
                    (name, length)
                } else {
                    (&rest[..length], length)
                }
            }
            _ => return None,
        };
        let is_long = byte.is_ascii_digit() && length > MAX_DIGITS;
        if is_long || depth > MAX_DEPTH || text.contains('\\') {
            return None;
        }
        out.push_str(text);
        at += length;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::{fields, line};
    use crate::{History, edn};

    #[test]
    fn a_usual_operation_is_printed_as_its_tree_is() {
        let check = |f: &str, value: &str, is_usual: bool| {
            let text = format!(r#"{{"type":"invoke","process":3,"f":"{f}","value":{value}}}"#);
            let op = &History::read(text.as_bytes()).unwrap().ops[0];
            assert_eq!(line(op).is_some(), is_usual, "{text}");
            let tree = op.to_edn();
            assert!(
                line(op).is_none_or(|line| line == edn::compact(&tree)),
                "{text}"
            );
            let values = fields(op).map(|[.., value]| value);
            let value = edn::get(&tree, &["value"]).map(edn::compact);
            assert!(values.is_none() || values == value, "{text}");
        };
        for f in ["read", "txn", "send", "poll"] {
            for value in [
                "null",
                "7",
                "[]",
                "[0, 12,[3] ]",
                "\"ä b\"",
                "[true,false,\"r\"]",
            ] {
                check(f, value, true);
            }
            for value in [
                "-1",
                "1.5",
                "1e3",
                "{\"8\":1}",
                "\"\\u0041\"",
                "1234567890123456789",
            ] {
                check(f, value, false);
                check(f, &format!("[[{value}]]"), false);
            }
            check(f, &format!("{}{}", "[".repeat(17), "]".repeat(17)), false);
        }
        check(
            "txn",
            r#"[["r",1,null],["append",2,"r"],["w","r",[["r"]]]]"#,
            true,
        );
        check("txn", r#"[["no name",1]]"#, false);
        check("read", r#"[["no name",1]]"#, true);
        check("echo", "7", false);
        check("unknown", "7", false);
    }
}
