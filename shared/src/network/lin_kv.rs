//! The service `lin-kv` of the network: every request takes effect at the moment it arrives.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// Its name on the network.
pub(super) const NAME: &str = "lin-kv";

/// What it holds. Keys are kept as JSON text.
#[derive(Debug, Default)]
pub(super) struct LinKv {
    values: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Message {
    src: String,
    body: Body,
}

#[derive(Deserialize)]
struct Body {
    msg_id: u64,
    #[serde(flatten)]
    request: Request,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Request {
    Read {
        key: Value,
    },
    Write {
        key: Value,
        value: Value,
    },
    Cas {
        key: Value,
        from: Value,
        to: Value,
        #[serde(default)]
        create_if_not_exists: bool,
    },
}

impl LinKv {
    /// Does what a message asks for, and answers with a message.
    ///
    /// # Panics
    /// When it is none of a store's requests.
    pub(super) fn answer(&mut self, line: &str) -> String {
        let message: Message = serde_json::from_str(line).expect("a request to a store");
        let (kind, fields) = self.serve(message.body.request);
        let number = message.body.msg_id;
        let body = format!(r#"{{"type":"{kind}","in_reply_to":{number}{fields}}}"#);
        let dest = message.src;
        format!(r#"{{"src":"{NAME}","dest":"{dest}","body":{body}}}"#)
    }

    /// The answer's type, and its further fields.
    fn serve(&mut self, request: Request) -> (&'static str, String) {
        let done = |kind| (kind, String::new());
        match request {
            Request::Read { key } => match self.values.get(&key.to_string()) {
                Some(value) => ("read_ok", format!(r#","value":{value}"#)),
                None => error(20, "no such key"),
            },
            Request::Write { key, value } => {
                self.values.insert(key.to_string(), value);
                done("write_ok")
            }
            Request::Cas {
                key,
                from,
                to,
                create_if_not_exists,
            } => match self.values.get(&key.to_string()) {
                Some(value) if *value != from => error(22, "it holds something else"),
                None if !create_if_not_exists => error(20, "no such key"),
                Some(_) | None => {
                    self.values.insert(key.to_string(), to);
                    done("cas_ok")
                }
            },
        }
    }
}

fn error(code: u64, text: &str) -> (&'static str, String) {
    ("error", format!(r#","code":{code},"text":"{text}""#))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_served_as_the_protocol_has_it() {
        let mut store = LinKv::default();
        let cas = r#""type":"cas","key":"k","from":null,"to":[1],"create_if_not_exists":true"#;
        for (request, answer) in [
            (r#""type":"read","key":"k""#, r#""code":20"#),
            (r#""type":"cas","key":"k","from":1,"to":2"#, r#""code":20"#),
            (cas, "cas_ok"),
            (cas, r#""code":22"#),
            (r#""type":"read","key":"k""#, r#""value":[1]"#),
            (r#""type":"cas","key":"k","from":[1],"to":2"#, "cas_ok"),
            (r#""type":"write","key":"k","value":3"#, "write_ok"),
            (r#""type":"read","key":"k""#, r#""value":3"#),
        ] {
            let line = format!(r#"{{"src":"n0","dest":"lin-kv","body":{{"msg_id":7,{request}}}}}"#);
            let answered = store.answer(&line);
            assert!(answered.contains(answer), "{request}: {answered}");
            assert!(answered.contains(r#""in_reply_to":7"#), "{answered}");
        }
    }
}
