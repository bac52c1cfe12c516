//! seq-kv: all callers see the same states in the same order, each at its own pace. A request is
//! executed on a random state since the caller's last one. If it changes that state, it is executed
//! again on the newest one, to which the caller then advances.
//!
//! The last 32 states are kept, not as 32 maps but as a short list of versions per key, so that the
//! cost of a write does not depend on the number of keys. An older state maps to a kept one, modulo
//! their number, as in Maelstrom: a caller that far behind may see older states after newer ones.

use std::collections::{BTreeMap, VecDeque};

use rand::RngExt;
use serde_json::value::RawValue;

use super::kv::{Key, Request, json_eq};
use super::reply::Reply;
use crate::rng::SeededRng;

/// The number of states that are kept, the newest included.
const MAX_STATES: usize = 32;

/// The store, and the last state that each caller has seen.
#[derive(Debug)]
pub(super) struct SeqKv {
    /// The newest state; state 0 is the empty one.
    newest: u64,
    /// The key that changed from each kept state to the next; `None` where nothing was written.
    changes: VecDeque<Option<Key>>,
    /// The values of each key, each with the first state that has it, in ascending order.
    versions: BTreeMap<Key, Vec<Version>>,
    /// By caller: the last state that it has seen.
    seen: BTreeMap<String, u64>,
    rng: SeededRng,
}

#[derive(Debug)]
struct Version {
    since: u64,
    value: Box<RawValue>,
}

impl SeqKv {
    pub(super) fn new(rng: SeededRng) -> SeqKv {
        SeqKv {
            newest: 0,
            changes: VecDeque::with_capacity(MAX_STATES),
            versions: BTreeMap::new(),
            seen: BTreeMap::new(),
            rng,
        }
    }

    pub(super) fn handle(&mut self, src: &str, request: Request<'_>) -> Reply {
        let seen = self.seen.get(src).copied().unwrap_or(0);
        let picked = self.rng.random_range(seen..=self.newest);
        let past = self.value_at(&request.key, self.kept_state(picked));
        let (reply, written) = request.op.apply_to(past);
        if !changes(past, written) {
            self.seen.insert(src.to_owned(), picked);
            return reply;
        }
        let (reply, written) = request
            .op
            .apply_to(self.value_at(&request.key, self.newest));
        // A new state begins even if nothing is written: the cas may fail on the newest state.
        let change = written.map(|value| (request.key, value.to_owned()));
        self.append(change);
        self.seen.insert(src.to_owned(), self.newest);
        reply
    }

    fn oldest(&self) -> u64 {
        self.newest - self.changes.len() as u64
    }

    /// The state itself, or the kept one that replaces it.
    fn kept_state(&self, index: u64) -> u64 {
        let (oldest, kept) = (self.oldest(), self.changes.len() as u64 + 1);
        if index >= oldest {
            return index;
        }
        let short = (oldest - index) % kept;
        oldest + (kept - short) % kept
    }

    fn value_at(&self, key: &Key, state: u64) -> Option<&RawValue> {
        let versions = self.versions.get(key)?;
        versions
            .iter()
            .rev()
            .find(|version| version.since <= state)
            .map(|version| &*version.value)
    }

    fn append(&mut self, change: Option<(Key, Box<RawValue>)>) {
        self.newest += 1;
        let changed = change.map(|(key, value)| {
            let versions = self.versions.entry(key.clone()).or_default();
            versions.push(Version {
                since: self.newest,
                value,
            });
            key
        });
        self.changes.push_back(changed);
        if self.changes.len() == MAX_STATES
            && let Some(key) = self.changes.pop_front().flatten()
        {
            self.forget_before_oldest(&key);
        }
    }

    /// Only the key that changed in the now oldest state can have versions that are in no kept
    /// state.
    fn forget_before_oldest(&mut self, key: &Key) {
        let oldest = self.oldest();
        if let Some(versions) = self.versions.get_mut(key) {
            let outdated = versions
                .iter()
                .skip(1)
                .take_while(|next| next.since <= oldest)
                .count();
            versions.drain(..outdated);
        }
    }
}

/// Whether the written value differs from the current one.
fn changes(current: Option<&RawValue>, written: Option<&RawValue>) -> bool {
    written.is_some_and(|value| current.is_none_or(|current| !json_eq(current, value)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rand::RngExt;
    use serde_json::value::RawValue;
    use serde_json::{Value, json};

    use super::super::{Body, SERVICES};
    use super::{MAX_STATES, SeqKv};
    use crate::rng::{SeededRng, substream};

    /// A naive twin of the store: whole states, one map each.
    struct Twin {
        states: Vec<BTreeMap<String, Value>>,
        last: usize,
        seen: BTreeMap<String, usize>,
        rng: SeededRng,
    }

    impl Twin {
        fn new(rng: SeededRng) -> Twin {
            Twin {
                states: vec![BTreeMap::new()],
                last: 0,
                seen: BTreeMap::new(),
                rng,
            }
        }

        fn handle(&mut self, src: &str, body: &Value) -> Value {
            let seen = *self.seen.get(src).unwrap_or(&0);
            let picked = self.rng.random_range(seen as u64..=self.last as u64) as usize;
            let back_from_end = picked as i64 - self.last as i64 - 1;
            let index = back_from_end.rem_euclid(self.states.len() as i64) as usize;
            let (state, reply) = run(&self.states[index], body);
            if state == self.states[index] {
                self.seen.insert(src.to_owned(), picked);
                return reply;
            }
            let (state, reply) = run(self.states.last().unwrap(), body);
            self.states.push(state);
            if self.states.len() > MAX_STATES {
                self.states.remove(0);
            }
            self.last += 1;
            self.seen.insert(src.to_owned(), self.last);
            reply
        }
    }

    /// The next state and the reply; errors without their texts.
    fn run(state: &BTreeMap<String, Value>, body: &Value) -> (BTreeMap<String, Value>, Value) {
        let key = body["key"].to_string();
        let with = |value: &Value| {
            let mut state = state.clone();
            state.insert(key.clone(), value.clone());
            state
        };
        let creates = body["create_if_not_exists"] == true;
        match (body["type"].as_str().unwrap(), state.get(&key)) {
            ("read", Some(value)) => (state.clone(), json!({"type": "read_ok", "value": value})),
            ("write", _) => (with(&body["value"]), json!({"type": "write_ok"})),
            ("cas", Some(value)) if *value == body["from"] => {
                (with(&body["to"]), json!({"type": "cas_ok"}))
            }
            ("cas", Some(_)) => (state.clone(), json!({"type": "error", "code": 22})),
            ("cas", None) if creates => (with(&body["to"]), json!({"type": "cas_ok"})),
            _ => (state.clone(), json!({"type": "error", "code": 20})),
        }
    }

    fn ask(store: &mut SeqKv, src: &str, body: &Value) -> Value {
        let text = body.to_string();
        let body: Body<'_> = serde_json::from_str(&text).unwrap();
        let reply = store.handle(src, body.kv_request(&SERVICES[1]).unwrap());
        let mut reply = serde_json::to_value(&reply).unwrap();
        reply.as_object_mut().unwrap().remove("text");
        reply
    }

    fn random_request(rng: &mut SeededRng, keys: u32, values: u32) -> Value {
        let key = rng.random_range(0..keys);
        let mut value = || rng.random_range(0..values);
        let (one, other) = (value(), value());
        match rng.random_range(0..10_u32) {
            0..4 => json!({"type": "read", "key": key}),
            4..7 => json!({"type": "write", "key": key, "value": one}),
            which => json!({
                "type": "cas", "key": key, "from": one, "to": other,
                "create_if_not_exists": which == 9,
            }),
        }
    }

    #[test]
    fn version_lists_give_the_same_replies_as_whole_states() {
        let mut changes = 0;
        for seed in 0..1500 {
            let mut choices = substream(seed, "requests");
            let mut ours = SeqKv::new(substream(seed, "seq-kv"));
            let mut twin = Twin::new(substream(seed, "seq-kv"));
            let (keys, values) = (choices.random_range(1..5), choices.random_range(1..20));
            let busy = choices.random_range(0.5..1.0);
            for step in 0..choices.random_range(10..500_u32) {
                // One caller does most of the work, so that the many others fall far behind.
                let src = match choices.random_bool(busy) {
                    true => "n0".to_owned(),
                    false => format!("n{}", choices.random_range(1..50_u32)),
                };
                let body = random_request(&mut choices, keys, values);
                let (expected, answer) = (twin.handle(&src, &body), ask(&mut ours, &src, &body));
                assert_eq!(answer, expected, "seed {seed}, step {step}: {src} {body}");
            }
            assert_eq!(ours.newest, twin.last as u64);
            changes = changes.max(twin.last);
        }
        assert!(
            changes > 2 * MAX_STATES,
            "{changes} changes are too few to fall behind"
        );
    }

    #[test]
    fn versions_that_no_kept_state_has_are_removed() {
        let mut store = SeqKv::new(substream(1, "seq-kv"));
        for value in 0..500 {
            ask(
                &mut store,
                "n0",
                &json!({"type": "write", "key": value % 3, "value": value}),
            );
            let seen: usize = store.versions.values().map(Vec::len).sum();
            assert!(
                seen < MAX_STATES + 3,
                "{seen} versions after {value} writes"
            );
        }
        assert_eq!(store.newest - store.oldest() + 1, MAX_STATES as u64);
    }

    #[test]
    fn the_cost_of_a_write_does_not_depend_on_the_number_of_keys() {
        let mut store = SeqKv::new(substream(1, "seq-kv"));
        for number in 0..200_000 {
            ask(
                &mut store,
                "n0",
                &json!({"type": "write", "key": number % 100_000, "value": number}),
            );
        }
        assert_eq!(store.newest, 200_000);
        assert_eq!(store.versions.len(), 100_000);
    }

    #[test]
    fn writing_an_equal_value_with_another_text_is_no_change() {
        let mut store = SeqKv::new(substream(1, "seq-kv"));
        for text in [r#"{"a":1,"b":2}"#, r#"{ "b": 2, "a": 1 }"#] {
            let value = RawValue::from_string(text.to_owned()).unwrap();
            let body = format!(r#"{{"type": "write", "key": "x", "value": {value}}}"#);
            let body: Body<'_> = serde_json::from_str(&body).unwrap();
            store.handle("n0", body.kv_request(&SERVICES[1]).unwrap());
        }
        assert_eq!(store.newest, 1);
    }
}
