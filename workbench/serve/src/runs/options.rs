//! What is looked at of a run's test, and nothing else: it may be long, and all runs are looked at for
//! one list.

use std::collections::BTreeMap;

use anyhow::Context;
use serde_json::Value;
use serde_json::value::RawValue;

/// How long an option's word may be.
const MAX_WORD: usize = 4 << 10;

/// What is known of each run without asking for more.
const OPTIONS: [&str; 5] = ["workload", "challenge", "stage", "seed", "command"];

/// What a run was, in words: what is shown wherever the run is.
pub(super) fn options(text: &str) -> anyhow::Result<BTreeMap<&'static str, String>> {
    let all: BTreeMap<String, &RawValue> = serde_json::from_str(text).context("it is no test")?;
    let options = OPTIONS.into_iter().filter_map(|name| {
        let raw = all.get(name).filter(|raw| raw.get().len() <= MAX_WORD)?;
        let value: Value = serde_json::from_str(raw.get()).ok()?;
        Some((name, word(&value)?))
    });
    Ok(options.collect())
}

/// A value as a word; nothing where it is none.
pub fn word(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(word) => Some(word.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_a_word_that_is_not_too_long() {
        let long = "x".repeat(MAX_WORD);
        let text = format!("{{\"seed\": 7, \"stage\": null, \"command\": \"{long}\", \"z\": 1}}");
        let options = options(&text).unwrap();
        assert_eq!(options, BTreeMap::from([("seed", "7".to_owned())]));
    }
}
