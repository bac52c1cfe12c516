//! Prints EDN on one line or wrapped, so that Clojure reads the same value back.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Double, Edn, number};

/// Maximum width of a wrapped line, in characters.
const WIDTH: usize = 96;

/// Keys that Jepsen's files put first, in this order: those of results, then those of operations.
/// Numbers follow by size, then all other keys in the order of the map.
const FIRST_KEYS: [&str; 16] = [
    "perf",
    "timeline",
    "exceptions",
    "stats",
    "availability",
    "net",
    "workload",
    "index",
    "time",
    "type",
    "process",
    "f",
    "value",
    "exception",
    "error",
    "final?",
];

/// Prints on one line, as Clojure's `pr` does.
pub fn compact(edn: &Edn) -> String {
    let mut out = String::new();
    write_compact(&mut out, edn);
    out
}

/// Prints wrapped and indented, without a line break at the end.
pub fn pretty(edn: &Edn) -> String {
    let mut out = String::new();
    write_pretty(&mut out, edn, 0);
    out
}

fn write_compact(out: &mut String, edn: &Edn) {
    match edn {
        Edn::Map(map) => {
            out.push('{');
            for (position, (key, value)) in in_order(map).into_iter().enumerate() {
                out.push_str(if position == 0 { "" } else { ", " });
                write_compact(out, key);
                out.push(' ');
                write_compact(out, value);
            }
            out.push('}');
        }
        Edn::Tagged(tag, inner) => {
            append(out, format_args!("#{tag} "));
            write_compact(out, inner);
        }
        other => match Sequence::of(other) {
            Some(Sequence { open, items, close }) => {
                out.push_str(open);
                for (position, item) in items.into_iter().enumerate() {
                    out.push_str(if position == 0 { "" } else { " " });
                    write_compact(out, item);
                }
                out.push_str(close);
            }
            None => write_atom(out, other),
        },
    }
}

/// Writes a value that starts at `column`; further lines are indented from there.
fn write_pretty(out: &mut String, edn: &Edn, column: usize) {
    let line = compact(edn);
    if column + line.chars().count() <= WIDTH {
        out.push_str(&line);
        return;
    }
    match edn {
        Edn::Map(map) => {
            out.push('{');
            for (position, (key, value)) in in_order(map).into_iter().enumerate() {
                if position > 0 {
                    out.push(',');
                    break_line(out, column + 1);
                }
                let key = compact(key);
                out.push_str(&key);
                out.push(' ');
                write_pretty(out, value, column + key.chars().count() + 2);
            }
            out.push('}');
        }
        Edn::Tagged(tag, inner) => {
            append(out, format_args!("#{tag} "));
            write_pretty(out, inner, column + tag.chars().count() + 2);
        }
        other => match Sequence::of(other) {
            Some(sequence) => write_sequence(out, &sequence, column),
            None => out.push_str(&line),
        },
    }
}

/// Writes atoms like words of a text; if an item is larger than that, each gets a line of its own.
fn write_sequence(out: &mut String, Sequence { open, items, close }: &Sequence<'_>, column: usize) {
    out.push_str(open);
    let indent = column + open.len();
    let are_atoms = items.iter().all(|item| is_atom(item));
    let mut reached = indent;
    for (position, item) in items.iter().enumerate() {
        let width = if are_atoms {
            compact(item).chars().count() + 1
        } else {
            WIDTH
        };
        if position > 0 && reached + width > WIDTH {
            break_line(out, indent);
            reached = indent;
        } else if position > 0 {
            out.push(' ');
        }
        write_pretty(out, item, reached);
        reached += width;
    }
    out.push_str(close);
}

/// A vector, a list or a set.
struct Sequence<'a> {
    open: &'static str,
    items: Vec<&'a Edn>,
    close: &'static str,
}

impl<'a> Sequence<'a> {
    fn of(edn: &'a Edn) -> Option<Self> {
        let (open, items, close) = match edn {
            Edn::Vector(items) => ("[", items.iter().collect(), "]"),
            Edn::List(items) => ("(", items.iter().collect(), ")"),
            Edn::Set(items) => ("#{", items.iter().collect(), "}"),
            _ => return None,
        };
        Some(Sequence { open, items, close })
    }
}

fn is_atom(edn: &Edn) -> bool {
    !matches!(
        edn,
        Edn::Vector(_) | Edn::List(_) | Edn::Set(_) | Edn::Map(_) | Edn::Tagged(..)
    )
}

type Entry<'a> = (&'a Edn, &'a Edn);

fn in_order<'a>(map: &'a BTreeMap<Edn, Edn>) -> Vec<Entry<'a>> {
    let rank = |key: &Edn| match key {
        Edn::Key(name) => FIRST_KEYS
            .iter()
            .position(|first| first == name)
            .unwrap_or(FIRST_KEYS.len() + 1),
        other if number(other).is_some() => FIRST_KEYS.len(),
        _ => FIRST_KEYS.len() + 1,
    };
    let size = |key: &Edn| number(key).unwrap_or_default();
    let mut entries: Vec<_> = map
        .iter()
        .map(|entry| (rank(entry.0), size(entry.0), entry))
        .collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    entries.into_iter().map(|(_, _, entry)| entry).collect()
}

fn break_line(out: &mut String, indent: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}

/// Writes a value that has no parts.
fn write_atom(out: &mut String, edn: &Edn) {
    match edn {
        Edn::Nil => out.push_str("nil"),
        Edn::Bool(truth) => append(out, format_args!("{truth}")),
        Edn::Int(number) => append(out, format_args!("{number}")),
        Edn::Big(number) => append(out, format_args!("{number}N")),
        Edn::Ratio(ratio) => append(out, format_args!("{ratio}")),
        Edn::Decimal(decimal) => append(out, format_args!("{decimal}M")),
        Edn::Double(Double(number)) if number.is_nan() => out.push_str("##NaN"),
        Edn::Double(Double(number)) if number.is_infinite() => {
            out.push_str(if *number > 0.0 { "##Inf" } else { "##-Inf" });
        }
        // Keeps `.0`, so that it does not read back as an integer.
        Edn::Double(Double(number)) => append(out, format_args!("{number:?}")),
        Edn::Char(character) => write_char(out, *character),
        Edn::Str(text) => write_string(out, text),
        Edn::Key(name) => append(out, format_args!(":{name}")),
        Edn::Symbol(name) => out.push_str(name),
        Edn::Vector(_) | Edn::List(_) | Edn::Set(_) | Edn::Map(_) | Edn::Tagged(..) => {}
    }
}

fn write_char(out: &mut String, character: char) {
    out.push('\\');
    match character {
        '\n' => out.push_str("newline"),
        ' ' => out.push_str("space"),
        '\t' => out.push_str("tab"),
        '\r' => out.push_str("return"),
        '\u{8}' => out.push_str("backspace"),
        '\u{c}' => out.push_str("formfeed"),
        other if other.is_control() => append(out, format_args!("u{:04x}", u32::from(other))),
        other => out.push(other),
    }
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            other => out.push(other),
        }
    }
    out.push('"');
}

pub(super) fn append(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::pretty;
    use crate::edn::{Keys, compact, from_json, read, text};

    #[test]
    fn keys_of_an_operation_print_in_the_order_of_jepsen() {
        let json = serde_json::json!({
            "value": null, "final?": true, "f": "read", "process": 1, "type": "ok", "time": 5,
            "index": 0, "error": "e"
        });
        assert_eq!(
            compact(&from_json(&json, Keys::Keywords)),
            r#"{:index 0, :time 5, :type "ok", :process 1, :f "read", :value nil, :error "e", :final? true}"#
        );
    }

    #[test]
    fn quantiles_print_by_size() {
        let edn = "{0 0, 0.5 1, 0.95 2, 0.99 3, 1 4, :other 5}";
        assert_eq!(compact(&read(edn).unwrap()), edn);
    }

    #[test]
    fn numbers_fill_lines_and_maps_take_one_line_per_entry() {
        let lost = (0..60).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        let edn = format!("{{:workload {{:lost ({lost}), :valid? false}}, :valid? false}}");
        let wrapped = "\
{:workload {:lost (0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28
                   29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53
                   54 55 56 57 58 59),
            :valid? false},
 :valid? false}";
        assert_eq!(pretty(&read(&edn).unwrap()), wrapped);
    }

    #[test]
    fn every_character_of_a_string_reads_back_from_one_line() {
        let all: String = (0_u8..128)
            .map(char::from)
            .chain("é\u{85}\u{2028}😀".chars())
            .collect();
        let printed = compact(&text(&all));
        assert!(!printed.contains(['\n', '\r']), "{printed:?}");
        assert_eq!(read(&printed).unwrap(), text(&all));
    }
}
