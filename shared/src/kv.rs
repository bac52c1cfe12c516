//! Clients of the key-value services that Maelstrom runs beside the nodes.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::error::{ErrorCode, Failure};

/// A linearizable store: an operation sees everything that was done before it began.
pub const LIN_KV: Kv = Kv { service: "lin-kv" };

/// A sequentially consistent store: all see one order, but reads may lag far behind it, and so may
/// the comparison of a compare-and-set. A write that changes something brings its writer up to
/// date; one that changes nothing may take place in the past.
pub const SEQ_KV: Kv = Kv { service: "seq-kv" };

/// A store of independent replicas in which the last write wins. Each request meets one of them.
pub const LWW_KV: Kv = Kv { service: "lww-kv" };

/// A key-value service. Its methods make calls; a context asks them.
///
/// Keys and values are any JSON. Every call may fail with [`Failure::Timeout`], after which a
/// write may or may not have happened.
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
    /// Reads a key: its value, or `None` if the store knows no such key.
    pub fn read<V>(self, key: impl Serialize) -> Call<Option<V>>
    where
        V: DeserializeOwned + 'static,
    {
        Call::new(
            self.service,
            Request::<_, ()>::Read { key },
            |answer| match answer {
                Ok(ReadAnswer::ReadOk { value }) => Ok(Some(value)),
                Err(failure) if is(&failure, ErrorCode::KeyDoesNotExist) => Ok(None),
                Err(failure) => Err(failure),
            },
        )
    }

    /// Sets a key, whatever it held.
    pub fn write(self, key: impl Serialize, value: impl Serialize) -> Call<()> {
        Call::new(self.service, Request::Write { key, value }, |answer| {
            answer.map(|WriteAnswer::WriteOk| ())
        })
    }

    /// Sets a key to `to` if it holds `from`. `Ok(false)` if it held something else or nothing.
    pub fn cas<V: Serialize>(self, key: impl Serialize, from: V, to: V) -> Call<bool> {
        self.compare_and_set(key, from, to, false)
    }

    /// As [`Kv::cas`], but a key that does not exist is created. (`lww-kv` never creates.)
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
                if is(&failure, ErrorCode::PreconditionFailed)
                    || is(&failure, ErrorCode::KeyDoesNotExist) =>
            {
                Ok(false)
            }
            Err(failure) => Err(failure),
        })
    }
}

fn is(failure: &Failure, code: ErrorCode) -> bool {
    matches!(failure, Failure::Error(error) if error.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::RpcError;
    use crate::message::Message;

    /// What a call makes of an answer of this type with these fields.
    fn answered<T: 'static>(call: Call<T>, kind: &str, fields: &str) -> Result<T, Failure> {
        let body = format!(r#"{{"type":"{kind}","in_reply_to":1{fields}}}"#);
        let line = format!(r#"{{"src":"seq-kv","dest":"n0","body":{body}}}"#);
        (call.read)(Ok(&Message::parse(&line).unwrap().body))
    }

    fn body<T>(call: &Call<T>) -> &str {
        std::str::from_utf8(&call.body).unwrap()
    }

    fn refused<T>(code: ErrorCode) -> Result<T, Failure> {
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
    fn a_read_tells_a_value_from_a_missing_key_and_both_from_trouble() {
        let read = || SEQ_KV.read::<Option<u64>>("k");
        assert_eq!(
            answered(read(), "read_ok", r#","value":null"#),
            Ok(Some(None))
        );
        assert_eq!(
            answered(read(), "read_ok", r#","value":8"#),
            Ok(Some(Some(8)))
        );
        assert_eq!((read().read)(refused(ErrorCode::KeyDoesNotExist)), Ok(None));
        assert_eq!((read().read)(Err(Failure::Timeout)), Err(Failure::Timeout));
        for (kind, fields) in [("read_ok", r#","value":"text""#), ("write_ok", "")] {
            let odd = answered(read(), kind, fields);
            assert!(matches!(odd, Err(Failure::Malformed(_))), "{odd:?}");
        }
    }

    #[test]
    fn a_lost_compare_and_set_is_no_failure() {
        let cas = || SEQ_KV.cas("k", 1, 2);
        assert_eq!(answered(cas(), "cas_ok", ""), Ok(true));
        assert_eq!(
            (cas().read)(refused(ErrorCode::PreconditionFailed)),
            Ok(false)
        );
        assert_eq!((cas().read)(refused(ErrorCode::KeyDoesNotExist)), Ok(false));
        assert!((cas().read)(refused(ErrorCode::TemporarilyUnavailable)).is_err());
        assert_eq!(answered(LIN_KV.write("k", 1), "write_ok", ""), Ok(()));
    }
}
