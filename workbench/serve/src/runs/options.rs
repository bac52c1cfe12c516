//! The options of a run that the list shows. A `test.json` may be long, and the list reads those of
//! all runs: nothing else of it is parsed.

use std::collections::BTreeMap;

use anyhow::Context;
use serde_json::Value;
use serde_json::value::RawValue;

/// Longest option that is shown.
const MAX_OPTION_BYTES: usize = 4 << 10;

/// The options that are shown for every run.
const OPTIONS: [&str; 6] = [
    "workload",
    "challenge",
    "stage",
    "seed",
    "command",
    "program",
];

/// Reads the options that are shown for every run from a `test.json`.
pub(super) fn options(text: &str) -> anyhow::Result<BTreeMap<&'static str, String>> {
    let all: BTreeMap<String, &RawValue> =
        serde_json::from_str(text).context("this is not a test.json")?;
    let options = OPTIONS.into_iter().filter_map(|name| {
        let raw = all
            .get(name)
            .filter(|raw| raw.get().len() <= MAX_OPTION_BYTES)?;
        let value: Value = serde_json::from_str(raw.get()).ok()?;
        Some((name, to_text(&value)?))
    });
    Ok(options.collect())
}

/// A value as text; none for null.
pub fn to_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_are_null_or_too_long_are_missing() {
        let long = "x".repeat(MAX_OPTION_BYTES);
        let text = format!("{{\"seed\": 7, \"stage\": null, \"command\": \"{long}\", \"z\": 1}}");
        let options = options(&text).unwrap();
        assert_eq!(options, BTreeMap::from([("seed", "7".to_owned())]));
    }
}
