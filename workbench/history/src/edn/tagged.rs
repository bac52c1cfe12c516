//! Converts values of operations to tagged JSON and back, without loss. A value that JSON lacks
//! becomes an object with one field, named after the kind of the value.
//!
//! ```text
//! :key  sym  \c  2/3  1.5M     {"#keyword":"key"} {"#symbol":"sym"} {"#char":"c"} {"#ratio":"2/3"} {"#decimal":"1.5"}
//! ##NaN  ##Inf  ##-Inf         {"#double":"NaN"} {"#double":"Infinity"} {"#double":"-Infinity"}
//! (1 2)  #{1 2}  {1 2}         {"#list":[1,2]} {"#set":[1,2]} {"#map":[[1,2]]}
//! #inst "2026"                 {"#tagged":["inst","2026"]}
//! ```
//!
//! An object that already has such a name gets a further `#`: `{"##set":[1]}`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use serde_json::value::RawValue;

use super::print::append;
use super::{Decimal, Double, Edn, MAX_DEPTH, Name, Ratio, number, text};
use crate::fields::Fields;

/// Names of the tags, without their `#`.
const TAGS: [&str; 10] = [
    "keyword", "symbol", "char", "ratio", "decimal", "double", "list", "set", "map", "tagged",
];

/// Whether a name is a tag with one or more leading `#`.
fn is_tag(name: &str) -> bool {
    name.strip_prefix('#')
        .is_some_and(|rest| TAGS.contains(&rest.trim_start_matches('#')))
}

/// Removes the `#` that escapes the name of an object's only field.
pub fn unescaped(name: &str) -> &str {
    match name.strip_prefix('#') {
        Some(rest) if is_tag(rest) => rest,
        _ => name,
    }
}

/// Whether JSON text may contain a tag; a fast check without false negatives.
pub fn may_be_tagged(json: &str) -> bool {
    json.contains("\"#") || json.contains("\\u0023")
}

/// Converts to tagged JSON, on one line.
pub fn to_tagged(edn: &Edn) -> String {
    let mut out = String::new();
    write_tagged(&mut out, edn);
    out
}

fn write_tagged(out: &mut String, edn: &Edn) {
    match edn {
        Edn::Nil => out.push_str("null"),
        Edn::Bool(truth) => append(out, format_args!("{truth}")),
        Edn::Int(number) => append(out, format_args!("{number}")),
        Edn::Big(number) => append(out, format_args!("{number}")),
        Edn::Double(Double(number)) if number.is_finite() => {
            append(out, format_args!("{number:?}"));
        }
        Edn::Double(Double(number)) => write_tag(out, "double", |out| {
            let name = if number.is_nan() {
                "NaN"
            } else if *number > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            };
            write_string(out, name);
        }),
        Edn::Ratio(ratio) => write_tag(out, "ratio", |out| write_string(out, &ratio.to_string())),
        Edn::Decimal(it) => write_tag(out, "decimal", |out| write_string(out, &it.to_string())),
        Edn::Char(it) => write_tag(out, "char", |out| write_string(out, &it.to_string())),
        Edn::Key(name) => write_tag(out, "keyword", |out| write_string(out, name)),
        Edn::Symbol(name) => write_tag(out, "symbol", |out| write_string(out, name)),
        Edn::Str(text) => write_string(out, text),
        Edn::Vector(items) => write_all(out, items, write_tagged),
        Edn::List(items) => write_tag(out, "list", |out| write_all(out, items, write_tagged)),
        Edn::Set(items) => write_tag(out, "set", |out| write_all(out, items, write_tagged)),
        Edn::Map(entries) => write_map(out, entries),
        Edn::Tagged(tag, inner) => write_tag(out, "tagged", |out| {
            out.push('[');
            write_string(out, tag);
            out.push(',');
            write_tagged(out, inner);
            out.push(']');
        }),
    }
}

/// Writes an object if all keys are strings, and otherwise a tagged list of pairs.
fn write_map(out: &mut String, entries: &BTreeMap<Edn, Edn>) {
    if !entries.keys().all(|key| matches!(key, Edn::Str(_))) {
        write_tag(out, "map", |out| {
            write_all(out, entries, |out, (key, value)| {
                out.push('[');
                write_tagged(out, key);
                out.push(',');
                write_tagged(out, value);
                out.push(']');
            });
        });
        return;
    }
    out.push('{');
    for (index, (key, value)) in entries.iter().enumerate() {
        out.push_str(if index == 0 { "" } else { "," });
        match key {
            Edn::Str(name) if entries.len() == 1 && is_tag(name) => {
                write_string(out, &format!("#{name}"));
            }
            Edn::Str(name) => write_string(out, name),
            _ => {}
        }
        out.push(':');
        write_tagged(out, value);
    }
    out.push('}');
}

fn write_all<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    write: impl Fn(&mut String, T),
) {
    out.push('[');
    for (index, item) in items.into_iter().enumerate() {
        out.push_str(if index == 0 { "" } else { "," });
        write(out, item);
    }
    out.push(']');
}

fn write_tag(out: &mut String, tag: &str, write: impl FnOnce(&mut String)) {
    append(out, format_args!("{{\"#{tag}\":"));
    write(out);
    out.push('}');
}

fn write_string(out: &mut String, text: &str) {
    // A string always has a JSON form.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// Parses a number as Jackson does: an integer of any size, or a double.
pub(super) fn number_from_json(text: &str) -> Edn {
    if let Ok(number) = text.parse() {
        return Edn::Int(number);
    }
    match number::integer(text, 10) {
        Some(number) => Edn::from(number),
        None => super::float(text.parse().unwrap_or(f64::NAN)),
    }
}

/// Parses tagged JSON.
///
/// # Errors
/// When it is nested more than 128 levels deep, a string has half a surrogate pair, or the content
/// of a tag is not a value of that tag.
pub fn from_tagged(json: &RawValue) -> anyhow::Result<Edn> {
    decode(json.get(), true, MAX_DEPTH)
}

/// Parses JSON of a message, in which `{"#set":[]}` is an object like any other.
///
/// # Errors
/// As [`from_tagged`].
pub(crate) fn from_wire(json: &str) -> anyhow::Result<Edn> {
    decode(json, false, MAX_DEPTH)
}

fn decode(text: &str, has_tags: bool, levels: usize) -> anyhow::Result<Edn> {
    let left = levels
        .checked_sub(1)
        .with_context(|| format!("expected a value nested at most {MAX_DEPTH} levels deep"))?;
    Ok(match text.as_bytes().first() {
        Some(b'n') => Edn::Nil,
        Some(b't') => Edn::Bool(true),
        Some(b'f') => Edn::Bool(false),
        Some(b'"') => Edn::Str(Cow::Owned(serde_json::from_str(text)?)),
        Some(b'[') => Edn::Vector(decode_all(text, has_tags, left)?),
        Some(b'{') => {
            let fields = Fields::of(text)?;
            let mut all = fields.iter();
            match (has_tags, all.next(), all.next()) {
                (true, Some((name, value)), None) if is_tag(name) => decode_tag(name, value, left)?,
                _ => {
                    let entry = |(name, value): (&str, &str)| {
                        Ok((super::text(name), decode(value, has_tags, left)?))
                    };
                    Edn::Map(fields.iter().map(entry).collect::<anyhow::Result<_>>()?)
                }
            }
        }
        _ => number_from_json(text),
    })
}

fn decode_all(text: &str, has_tags: bool, left: usize) -> anyhow::Result<Vec<Edn>> {
    if let Ok(numbers) = serde_json::from_str::<Vec<i64>>(text) {
        return Ok(numbers.into_iter().map(Edn::Int).collect());
    }
    let items: Vec<&RawValue> = serde_json::from_str(text)?;
    let items = items.into_iter();
    items
        .map(|item| decode(item.get(), has_tags, left))
        .collect()
}

fn decode_tag(name: &str, value: &str, left: usize) -> anyhow::Result<Edn> {
    let tag = &name[1..];
    if tag.starts_with('#') {
        let entry = (text(tag), decode(value, true, left)?);
        return Ok(Edn::Map(BTreeMap::from([entry])));
    }
    let wrong = || format!("expected a {tag}, found {{\"{name}\":{value}}}");
    let string = || serde_json::from_str::<String>(value).with_context(wrong);
    let owned = || string().map(|name| -> Name { Cow::Owned(name) });
    let items = || decode_all(value, true, left).with_context(wrong);
    Ok(match tag {
        // Not every text is a name that EDN can express.
        "keyword" => {
            if_read_as(&format!(":{}", string()?), &Edn::Key(owned()?)).with_context(wrong)?
        }
        "symbol" => if_read_as(&string()?, &Edn::Symbol(owned()?)).with_context(wrong)?,
        "char" => {
            let text = string()?;
            let mut characters = text.chars();
            let only = characters.next().filter(|_| characters.as_str().is_empty());
            Edn::Char(only.with_context(wrong)?)
        }
        "ratio" => Ratio::parse(&string()?).with_context(wrong)?,
        "decimal" => Edn::Decimal(Box::new(Decimal::parse(&string()?).with_context(wrong)?)),
        "double" => super::float(match string()?.as_str() {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            _ => bail!(wrong()),
        }),
        "list" => Edn::List(items()?),
        "set" => Edn::Set(items()?.into_iter().collect()),
        "map" => {
            let mut entries = BTreeMap::new();
            for item in items()? {
                let Edn::Vector(pair) = item else {
                    bail!(wrong());
                };
                let [key, value] = <[Edn; 2]>::try_from(pair).ok().with_context(wrong)?;
                entries.insert(key, value);
            }
            Edn::Map(entries)
        }
        _ => {
            let parts = items()?;
            ensure!(parts.len() == 2, wrong());
            match <[Edn; 2]>::try_from(parts) {
                Ok([Edn::Str(tag), value]) => {
                    let tagged = Edn::Tagged(tag.clone(), Box::new(Edn::Int(0)));
                    if_read_as(&format!("#{tag} 0"), &tagged).with_context(wrong)?;
                    Edn::Tagged(tag, Box::new(value))
                }
                _ => bail!(wrong()),
            }
        }
    })
}

/// Reads EDN, if the result is the value.
fn if_read_as(edn: &str, value: &Edn) -> Option<Edn> {
    super::read(edn).ok().filter(|read| read == value)
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::{from_tagged, from_wire, to_tagged};
    use crate::edn::{Edn, compact, read};

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn values_that_json_lacks_are_tagged_and_read_back() {
        let check = |edn: &str, json: &str| {
            let value = read(edn).unwrap();
            assert_eq!(to_tagged(&value), json);
            assert_eq!(from_tagged(&raw(json)).unwrap(), value, "{json}");
        };
        check("[nil true 1 -2.5 \"é\\\"\"]", r#"[null,true,1,-2.5,"é\""]"#);
        check("{\"b\" 1 \"a\" [{}]}", r#"{"a":[{}],"b":1}"#);
        check(
            "[:a/b foo \\x]",
            r##"[{"#keyword":"a/b"},{"#symbol":"foo"},{"#char":"x"}]"##,
        );
        check("[4/6 1.50M]", r##"[{"#ratio":"2/3"},{"#decimal":"1.50"}]"##);
        check("##NaN", r##"{"#double":"NaN"}"##);
        check(
            "[##Inf ##-Inf]",
            r##"[{"#double":"Infinity"},{"#double":"-Infinity"}]"##,
        );
        check("(1 #{2 1})", r##"{"#list":[1,{"#set":[1,2]}]}"##);
        check("{:a 1 2 3}", r##"{"#map":[[{"#keyword":"a"},1],[2,3]]}"##);
        check("#inst \"2026\"", r##"{"#tagged":["inst","2026"]}"##);
        check(
            "123456789012345678901234567890",
            "123456789012345678901234567890",
        );
    }

    #[test]
    fn objects_that_look_like_tags_are_escaped() {
        let check = |wire: &str, tagged: &str, edn: &str| {
            let value = from_wire(wire).unwrap();
            assert_eq!(compact(&value), edn);
            assert_eq!(to_tagged(&value), tagged);
            assert_eq!(from_tagged(&raw(tagged)).unwrap(), value);
        };
        check(
            r##"{"#set":[1]}"##,
            r###"{"##set":[1]}"###,
            r##"{"#set" [1]}"##,
        );
        check(
            r###"{"##set":1}"###,
            r####"{"###set":1}"####,
            r###"{"##set" 1}"###,
        );
        check(
            r#"{"\u0023set":1}"#,
            r###"{"##set":1}"###,
            r##"{"#set" 1}"##,
        );
        check(
            r##"{"#other":1}"##,
            r##"{"#other":1}"##,
            r##"{"#other" 1}"##,
        );
        check(
            r##"{"#set":1,"a":2}"##,
            r##"{"#set":1,"a":2}"##,
            r##"{"#set" 1, "a" 2}"##,
        );
    }

    #[test]
    fn a_tag_with_wrong_content_is_an_error() {
        for json in [
            r##"{"#keyword":1}"##,
            r##"{"#keyword":"a b"}"##,
            r##"{"#symbol":"nil"}"##,
            r##"{"#tagged":["_",1]}"##,
            r##"{"#char":"ab"}"##,
            r##"{"#ratio":"1/0"}"##,
            r##"{"#double":"1"}"##,
            r##"{"#map":[[1]]}"##,
            r##"{"#set":1}"##,
            r##"{"#tagged":[1,2]}"##,
        ] {
            let error = from_tagged(&raw(json)).unwrap_err().to_string();
            assert!(error.starts_with("expected a "), "{error}");
        }
        let deep = "[".repeat(200) + &"]".repeat(200);
        assert!(from_tagged(&raw(&deep)).is_err());
    }

    #[test]
    fn numbers_are_read_as_in_clojure() {
        let check =
            |json: &str, edn: Edn| assert_eq!(from_tagged(&raw(json)).unwrap(), edn, "{json}");
        check("1e2", crate::edn::float(100.0));
        check("1e999", crate::edn::float(f64::INFINITY));
        check("-0", Edn::Int(0));
        check("-0.0", crate::edn::float(-0.0));
    }
}
