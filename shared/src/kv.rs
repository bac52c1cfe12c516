//! Clients of Maelstrom's key-value services.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::error::{ErrorCode, Failure};

/// A linearizable store: an operation sees all operations that completed before it began.
pub const LIN_KV: Kv = Kv { service: "lin-kv" };

/// A sequentially consistent store: all clients see one order of operations, but reads may be stale
/// by any amount, and so may the comparison of a compare-and-set. A write that changes a value
/// brings its client up to date; a write of the value that is there may take place in the past.
pub const SEQ_KV: Kv = Kv { service: "seq-kv" };

/// A store of independent replicas in which the last write wins. Each request reaches one replica.
pub const LWW_KV: Kv = Kv { service: "lww-kv" };

/// A key-value service. Its methods make calls; [`Context::call`](crate::Context::call) sends them.
///
/// Keys and values are any JSON. Every call may fail with [`Failure::Timeout`]; whether a write
/// took effect is unknown then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kv {
    service: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Request<K, V> {
    Read {
        key: K,
    },
    Write {
        key: K,
        value: V,
    },
    Cas {
        key: K,
        from: V,
        to: V,
        create_if_not_exists: bool,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReadAnswer<V> {
    ReadOk { value: V },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum WriteAnswer {
    WriteOk,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum CasAnswer {
    CasOk,
}

impl Kv {
    /// Reads a key's value, or `None` if the key does not exist.
    pub fn read<V>(self, key: impl Serialize) -> Call<Option<V>>
    where
        V: DeserializeOwned + 'static,
    {
        Call::new(
            self.service,
            Request::<_, ()>::Read { key },
            |answer| match answer {
                Ok(ReadAnswer::ReadOk { value }) => Ok(Some(value)),
                Err(failure) if has_code(&failure, ErrorCode::KeyDoesNotExist) => Ok(None),
                Err(failure) => Err(failure),
            },
        )
    }

    /// Sets a key unconditionally.
    pub fn write(self, key: impl Serialize, value: impl Serialize) -> Call<()> {
        Call::new(self.service, Request::Write { key, value }, |answer| {
            answer.map(|WriteAnswer::WriteOk| ())
        })
    }

    /// Sets a key to `to` if its value is `from`. The result is false if the value is another one,
    /// or the key does not exist.
    pub fn cas<V: Serialize>(self, key: impl Serialize, from: V, to: V) -> Call<bool> {
        self.compare_and_set(key, from, to, false)
    }

    /// As [`Kv::cas`], but creates a key that does not exist. (`lww-kv` never creates.)
    pub fn cas_or_create<V: Serialize>(self, key: impl Serialize, from: V, to: V) -> Call<bool> {
        self.compare_and_set(key, from, to, true)
    }

    fn compare_and_set<V: Serialize>(
        self,
        key: impl Serialize,
        from: V,
        to: V,
        create_if_not_exists: bool,
    ) -> Call<bool> {
        let request = Request::Cas {
            key,
            from,
            to,
            create_if_not_exists,
        };
        Call::new(self.service, request, |answer| match answer {
            Ok(CasAnswer::CasOk) => Ok(true),
            Err(failure)
                if has_code(&failure, ErrorCode::PreconditionFailed)
                    || has_code(&failure, ErrorCode::KeyDoesNotExist) =>
            {
                Ok(false)
            }
            Err(failure) => Err(failure),
        })
    }
}

fn has_code(failure: &Failure, code: ErrorCode) -> bool {
    matches!(failure, Failure::Error(error) if error.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::RpcError;
    use crate::message::Message;

    /// The result of a call whose answer has this type and these fields.
    fn result_of<T: 'static>(call: Call<T>, kind: &str, fields: &str) -> Result<T, Failure> {
        let body = format!(r#"{{"type":"{kind}","in_reply_to":1{fields}}}"#);
        let line = format!(r#"{{"src":"seq-kv","dest":"n0","body":{body}}}"#);
        (call.read)(Ok(&Message::parse(&line).unwrap().body))
    }

    fn body<T>(call: &Call<T>) -> &str {
        std::str::from_utf8(&call.body).unwrap()
    }

    fn error<T>(code: ErrorCode) -> Result<T, Failure> {
        Err(Failure::Error(RpcError::new(code, "no")))
    }

    #[test]
    fn requests_are_those_of_the_protocol() {
        let read: Call<Option<u64>> = SEQ_KV.read("k");
        assert_eq!(body(&read), r#"{"type":"read","key":"k"}"#);
        assert_eq!(read.dest.as_str(), "seq-kv");
        let write = LIN_KV.write(["a", "b"], 7);
        assert_eq!(
            body(&write),
            r#"{"type":"write","key":["a","b"],"value":7}"#
        );
        let cas = LWW_KV.cas_or_create("k", 1, 2);
        let expected = r#"{"type":"cas","key":"k","from":1,"to":2,"create_if_not_exists":true}"#;
        assert_eq!(body(&cas), expected);
    }

    #[test]
    fn a_read_distinguishes_a_value_a_missing_key_and_a_failure() {
        let read = || SEQ_KV.read::<Option<u64>>("k");
        assert_eq!(
            result_of(read(), "read_ok", r#","value":null"#),
            Ok(Some(None))
        );
        assert_eq!(
            result_of(read(), "read_ok", r#","value":8"#),
            Ok(Some(Some(8)))
        );
        assert_eq!((read().read)(error(ErrorCode::KeyDoesNotExist)), Ok(None));
        assert_eq!((read().read)(Err(Failure::Timeout)), Err(Failure::Timeout));
        for (kind, fields) in [("read_ok", r#","value":"text""#), ("write_ok", "")] {
            let result = result_of(read(), kind, fields);
            assert!(matches!(result, Err(Failure::Malformed(_))), "{result:?}");
        }
    }

    #[test]
    fn a_compare_and_set_that_finds_another_value_is_false_and_not_a_failure() {
        let cas = || SEQ_KV.cas("k", 1, 2);
        assert_eq!(result_of(cas(), "cas_ok", ""), Ok(true));
        assert_eq!(
            (cas().read)(error(ErrorCode::PreconditionFailed)),
            Ok(false)
        );
        assert_eq!((cas().read)(error(ErrorCode::KeyDoesNotExist)), Ok(false));
        assert!((cas().read)(error(ErrorCode::TemporarilyUnavailable)).is_err());
        assert_eq!(result_of(LIN_KV.write("k", 1), "write_ok", ""), Ok(()));
    }
}
