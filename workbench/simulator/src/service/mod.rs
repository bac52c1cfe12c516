//! The nodes that come with the bench: three key-value stores and a timestamp oracle. Pure: a
//! request comes in, its answer comes out; the network delays both.
//!
//! Kept from Maelstrom, because verdicts depend on it: seq-kv reads and cas may see the past, and
//! past 32 changes time can run backwards (`seq_kv`); lww-kv's two replicas never meet, and it
//! knows no `create_if_not_exists` (`kv`); a missing field counts as `null`; and what no service
//! understands is never answered, so that the caller waits for its time-out.

mod definitions;
mod kv;
mod reply;
mod seq_kv;

use std::borrow::Cow;
use std::fmt;

use rand::SeedableRng;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::rng::SeededRng;
use definitions::Store;
use kv::{Key, KvOp, LinKv, LwwKv, Request};
use reply::Reply;
use seq_kv::SeqKv;

pub use definitions::{SERVICES, Service};

/// All four services and what they hold.
#[derive(Debug)]
pub struct Services {
    lin_kv: LinKv,
    seq_kv: SeqKv,
    lww_kv: LwwKv,
    /// The timestamp that lin-tso gives next.
    lin_tso: u64,
}

/// Why a request gets no answer at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// No service has this name.
    NoSuchService(String),
    /// The service knows no requests of this type.
    UnknownType {
        /// The service.
        service: &'static Service,
        /// The type that was asked for.
        kind: String,
    },
    /// The request is not of the form that its type asks for.
    Malformed(String),
}

/// A request's fields, of every type together; those that are not there read as `null`.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Body<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default = "null")]
    msg_id: &'a RawValue,
    #[serde(borrow, default = "null")]
    key: &'a RawValue,
    #[serde(borrow, default = "null")]
    value: &'a RawValue,
    #[serde(borrow, default = "null")]
    from: &'a RawValue,
    #[serde(borrow, default = "null")]
    to: &'a RawValue,
    #[serde(borrow, default = "null")]
    create_if_not_exists: &'a RawValue,
}

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    reply: Reply,
    in_reply_to: &'a RawValue,
}

impl Services {
    /// The services' names, as nodes address them.
    pub const NAMES: [&'static str; 4] = [
        SERVICES[0].name,
        SERVICES[1].name,
        SERVICES[2].name,
        SERVICES[3].name,
    ];

    /// Empty stores, and timestamps from 0.
    pub fn new(mut rng: SeededRng) -> Services {
        Services {
            lin_kv: LinKv::default(),
            seq_kv: SeqKv::new(SeededRng::from_rng(&mut rng)),
            lww_kv: LwwKv::new(SeededRng::from_rng(&mut rng)),
            lin_tso: 0,
        }
    }

    /// Whether a message to `name` is for a service.
    pub fn is_service(name: &str) -> bool {
        Services::NAMES.contains(&name)
    }

    /// Does what `src` asks of `service` and gives the body of the answer, as JSON text. Its
    /// `in_reply_to` is the request's `msg_id`, or `null` if there is none.
    ///
    /// # Errors
    /// When the request is never answered. It has changed nothing then.
    pub fn handle(
        &mut self,
        service: &str,
        src: &str,
        body: &RawValue,
    ) -> Result<Box<RawValue>, Unanswered> {
        let malformed = |error: serde_json::Error| Unanswered::Malformed(error.to_string());
        let body: Body<'_> = serde_json::from_str(body.get()).map_err(malformed)?;
        let service =
            Service::named(service).ok_or_else(|| Unanswered::NoSuchService(service.to_owned()))?;
        let reply = match service.store {
            Store::LinKv => self.lin_kv.handle(body.kv_request(service)?),
            Store::SeqKv => self.seq_kv.handle(src, body.kv_request(service)?),
            Store::LwwKv => self.lww_kv.handle(body.kv_request(service)?),
            Store::LinTso => self.timestamp(service, &body)?,
        };
        let answer = Answer {
            reply,
            in_reply_to: body.msg_id,
        };
        to_raw_value(&answer).map_err(malformed)
    }

    fn timestamp(
        &mut self,
        service: &'static Service,
        body: &Body<'_>,
    ) -> Result<Reply, Unanswered> {
        if body.kind != "ts" {
            return Err(body.unknown_type(service));
        }
        let ts = self.lin_tso;
        self.lin_tso += 1;
        Ok(Reply::TsOk { ts })
    }
}

impl<'a> Body<'a> {
    fn kv_request(&self, service: &'static Service) -> Result<Request<'a>, Unanswered> {
        let op = match &*self.kind {
            "read" => KvOp::Read,
            "write" => KvOp::Write { value: self.value },
            "cas" => KvOp::Cas {
                from: self.from,
                to: self.to,
                // Whatever is neither null nor false counts as true, as in Clojure.
                create: !matches!(self.create_if_not_exists.get(), "null" | "false"),
            },
            _ => return Err(self.unknown_type(service)),
        };
        let key = Key::parse(self.key)
            .map_err(|error| Unanswered::Malformed(format!("no key of a store: {error}")))?;
        Ok(Request { key, op })
    }

    fn unknown_type(&self, service: &'static Service) -> Unanswered {
        Unanswered::UnknownType {
            service,
            kind: self.kind.to_string(),
        }
    }
}

fn null<'a>() -> &'a RawValue {
    RawValue::NULL
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unanswered::NoSuchService(name) => write!(f, "no service is called {name:?}"),
            Unanswered::UnknownType { service, kind } => {
                let (name, known) = (service.name, service.known());
                write!(f, "{name} answers to {known}, not to {kind:?}")
            }
            Unanswered::Malformed(reason) => write!(f, "malformed request: {reason}"),
        }
    }
}

impl std::error::Error for Unanswered {}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;
    use serde_json::{Value, json};

    use super::{SERVICES, Services, Unanswered};
    use crate::rng::seeded;
    use crate::rpc::Rpc;

    /// The reply of `service` to n0, whose request is given without `msg_id`.
    fn ask(services: &mut Services, service: &str, body: &Value) -> Value {
        ask_from(services, "n0", service, body)
    }

    fn ask_from(services: &mut Services, src: &str, service: &str, body: &Value) -> Value {
        let body = RawValue::from_string(body.to_string()).unwrap();
        let answer = services.handle(service, src, &body).unwrap();
        serde_json::from_str(answer.get()).unwrap()
    }

    /// For how many seeds of a hundred it `holds`.
    fn percent(holds: impl Fn(&mut Services) -> bool) -> u64 {
        let held = (0..10_000).filter(|&seed| holds(&mut Services::new(seeded(seed))));
        held.count() as u64 / 100
    }

    fn write(value: u64) -> Value {
        json!({"type": "write", "key": "x", "value": value})
    }

    fn read() -> Value {
        json!({"type": "read", "key": "x"})
    }

    #[test]
    fn a_newcomers_cas_from_the_newest_of_five_writes_fails_five_times_out_of_six() {
        let failed = percent(|services| {
            for value in 1..=5 {
                ask(services, "seq-kv", &write(value));
            }
            let cas = json!({"type": "cas", "key": "x", "from": 5, "to": 6});
            ask_from(services, "n1", "seq-kv", &cas)["type"] == "error"
        });
        assert!((82..=84).contains(&failed), "{failed} %");
    }

    #[test]
    fn who_has_just_changed_something_reads_it_back_from_seq_kv() {
        let current = percent(|services| {
            ask_from(services, "n1", "seq-kv", &write(1));
            ask(services, "seq-kv", &write(2));
            ask(services, "seq-kv", &read())["value"] == 2
        });
        assert_eq!(current, 100);
    }

    /// For how many seeds of a hundred a newcomer to x = 0, 1, 2, … reads an older value after a
    /// newer one.
    fn percent_going_backwards(changes: u64) -> u64 {
        percent(|services| {
            for value in 1..=changes {
                ask(services, "seq-kv", &write(value));
            }
            let mut value_read = || {
                let reply = ask_from(services, "n1", "seq-kv", &read());
                reply["value"].as_u64().unwrap_or(0)
            };
            let seen: [u64; 6] = std::array::from_fn(|_| value_read());
            assert!(
                seen.iter()
                    .all(|&value| value <= changes && value + 32 > changes)
            );
            !seen.is_sorted()
        })
    }

    #[test]
    fn a_reader_more_than_31_changes_behind_can_see_time_run_backwards() {
        assert_eq!(percent_going_backwards(31), 0);
        // Summing over all that six reads can meet gives 2.9 % and 29.8 %.
        assert!((2..=3).contains(&percent_going_backwards(32)));
        assert!((28..=31).contains(&percent_going_backwards(60)));
    }

    #[test]
    fn after_one_write_half_of_the_reads_from_lww_kv_find_nothing_for_ever() {
        for seed in 0..20 {
            let services = &mut Services::new(seeded(seed));
            ask(services, "lww-kv", &write(1));
            let mut absent = [0; 2];
            for half in &mut absent {
                let found = (0..500).filter(|_| ask(services, "lww-kv", &read())["code"] == 20);
                *half = found.count();
            }
            assert!(
                absent.iter().all(|absent| (200..300).contains(absent)),
                "{absent:?}"
            );
        }
    }

    #[test]
    fn every_service_has_a_store_of_its_own() {
        let services = &mut Services::new(seeded(1));
        ask(services, "lin-kv", &write(1));
        for service in ["seq-kv", "lww-kv"] {
            assert_eq!(ask(services, service, &read())["code"], 20);
        }
        assert_eq!(ask(services, "lin-kv", &read())["value"], 1);
    }

    #[test]
    fn what_no_service_understands_is_explained() {
        let check = |service: &str, body: &str, expected: &str| {
            let body = RawValue::from_string(body.to_owned()).unwrap();
            let unanswered = Services::new(seeded(1))
                .handle(service, "n0", &body)
                .unwrap_err();
            assert!(unanswered.to_string().contains(expected), "{unanswered}");
        };
        check(
            "lin-kv",
            r#"{"type": "ts"}"#,
            r#"lin-kv answers to read, write and cas, not to "ts""#,
        );
        check(
            "lin-tso",
            r#"{"type": "read"}"#,
            r#"lin-tso answers to ts, not to "read""#,
        );
        check("kv", r#"{"type": "read"}"#, r#"no service is called "kv""#);
        check("seq-kv", r#"{"key": "x"}"#, "missing field `type`");
        check("seq-kv", r#"{"type": 1}"#, "malformed");
        check("seq-kv", r#""read""#, "malformed");
        check("seq-kv", r#"{"type": "read", "key": 1e999}"#, "malformed");
        let deep = format!(
            r#"{{"type": "read", "key": {}{}}}"#,
            "[".repeat(9999),
            "]".repeat(9999)
        );
        check("lww-kv", &deep, "malformed");
    }

    #[test]
    fn services_answer_to_what_they_say_they_do_and_to_nothing_else() {
        let types = || SERVICES.iter().flat_map(|it| it.requests);
        for service in &SERVICES {
            let services = &mut Services::new(seeded(1));
            let mut handle = |rpc: &Rpc| {
                let body = RawValue::from_string(rpc.example_request()).unwrap();
                services.handle(service.name, "n0", &body)
            };
            for rpc in types() {
                let is_known = service.requests.iter().any(|it| it.request == rpc.request);
                assert_eq!(handle(rpc).is_ok(), is_known, "{} {rpc:?}", service.name);
            }
            // An error is an answer, too, and one replica of lww-kv may lack what the other has.
            let is_ok = |rpc: &Rpc| {
                (0..100).any(|_| handle(rpc).is_ok_and(|answer| rpc.read(&answer).is_ok()))
            };
            assert!(service.requests.iter().all(is_ok), "{service:?}");
        }
    }

    #[test]
    fn only_the_four_names_are_services() {
        assert!(
            Services::NAMES
                .iter()
                .all(|name| Services::is_service(name))
        );
        assert!(
            ["n0", "c1", "", "LIN-KV"]
                .iter()
                .all(|name| !Services::is_service(name))
        );
        let body = RawValue::from_string("{\"type\":\"ts\"}".to_owned()).unwrap();
        for name in Services::NAMES {
            let answer = Services::new(seeded(1)).handle(name, "n0", &body);
            assert!(!matches!(answer, Err(Unanswered::NoSuchService(_))));
        }
    }
}
