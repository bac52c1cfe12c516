//! Edits of messages: what a hostile peer, a service or a broken node may send, close enough to what is
//! valid that it gets deep into the receiver.

use std::mem;

use serde_json::{Map, Value, json};

use crate::bytes::Bytes;

/// The most elements that an edit repeats a value to.
const MAX_REPEATED: usize = 50;

/// A copy of a line, with one place of its JSON replaced. Lines that are not JSON stay as they are.
pub(crate) fn edited(line: &str, bytes: &mut Bytes<'_>) -> String {
    let Ok(mut message) = serde_json::from_str::<Value>(line) else {
        return line.to_owned();
    };
    let whole = message.clone();
    edit(place(&mut message, bytes), &whole, bytes);
    message.to_string()
}

/// A place in a JSON tree, most often deep in it.
fn place<'v>(mut value: &'v mut Value, bytes: &mut Bytes<'_>) -> &'v mut Value {
    loop {
        let count = match &value {
            Value::Object(fields) => fields.len(),
            Value::Array(items) => items.len(),
            _ => 0,
        };
        let choice = bytes.byte();
        if count == 0 || choice % 8 == 7 {
            return value;
        }
        let index = usize::from(choice) / 8 % count;
        let inner = match value {
            Value::Object(fields) => fields.values_mut().nth(index),
            Value::Array(items) => items.get_mut(index),
            _ => None,
        };
        value = inner.expect("the index is below the count");
    }
}

/// Replaces the value at a place. `whole` is the message, parts of which may be inserted.
fn edit(value: &mut Value, whole: &Value, bytes: &mut Bytes<'_>) {
    let choice = bytes.byte();
    *value = match (choice % 16, mem::take(value)) {
        (0, _) => Value::Null,
        (1, _) => number(bytes),
        (2, old) => match old.as_u64() {
            Some(number) => json!(number.wrapping_add(1)),
            None => number(bytes),
        },
        (3, old) => match old.as_u64() {
            Some(number) => json!(number.wrapping_sub(1)),
            None => number(bytes),
        },
        (4, _) => text(bytes),
        (5, _) => json!(choice > 127),
        (6, _) => json!([]),
        (7, _) => json!({}),
        (8, old) => json!([old]),
        (9, old) => json!({ "a": old }),
        (10, old) => json!(vec![old; bytes.below(MAX_REPEATED)]),
        (11, Value::Array(mut items)) if !items.is_empty() => {
            items.remove(bytes.below(items.len()));
            Value::Array(items)
        }
        (12, Value::Array(mut items)) => {
            items.reverse();
            Value::Array(items)
        }
        (11 | 12, Value::Object(fields)) => Value::Object(without_one(fields, bytes)),
        (13, Value::Object(mut fields)) => {
            let key = text(bytes).as_str().unwrap_or_default().to_owned();
            fields.insert(key, number(bytes));
            Value::Object(fields)
        }
        (14, old) => {
            // Another part of the message in place of this one.
            let mut copy = whole.clone();
            match bytes.byte() {
                0 => old,
                _ => mem::take(place(&mut copy, bytes)),
            }
        }
        (15, _) => deep(usize::from(bytes.byte())),
        (_, old) => old,
    };
}

fn without_one(fields: Map<String, Value>, bytes: &mut Bytes<'_>) -> Map<String, Value> {
    let out = bytes.below(fields.len().max(1));
    let kept = fields.into_iter().enumerate();
    let kept = kept.filter(|(index, _)| *index != out);
    kept.map(|(_, field)| field).collect()
}

fn number(bytes: &mut Bytes<'_>) -> Value {
    match bytes.byte() {
        0 => json!(u64::MAX),
        1 => json!(i64::MAX),
        2 => json!(i64::MIN),
        3 => json!(-1),
        4 => json!(1_u64 << 53),
        5 => json!(u32::MAX),
        6 => json!(0.5),
        7 => json!(1e300),
        8 => json!(u64::MAX - 1),
        small => json!(small - 9),
    }
}

fn text(bytes: &mut Bytes<'_>) -> Value {
    let texts = [
        "",
        "n0",
        "n1",
        "n2",
        "c1",
        "lin-kv",
        "seq-kv",
        "lww-kv",
        "init",
        "read",
        "read_ok",
        "error",
        "write_ok",
        "cas_ok",
        "type",
        "msg_id",
        "in_reply_to",
        "code",
        "value",
        "\u{0}",
        "\u{feff}é",
        "1",
        "-1",
        "18446744073709551615",
        "9007199254740993",
        "0x1",
    ];
    json!(bytes.pick(&texts))
}

fn deep(depth: usize) -> Value {
    (0..depth).fold(json!(1), |inner, _| json!([inner]))
}
