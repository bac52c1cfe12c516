//! The services next to the nodes: three key-value stores and a timestamp oracle. Pure: a request
//! goes in, its answer comes out; the network delays both.
//!
//! Kept from Maelstrom, because verdicts depend on it: in seq-kv reads and cas may see old states,
//! and a caller more than 31 changes behind may see an older state after a newer one (`seq_kv`);
//! lww-kv's two replicas never exchange anything, and it has no `create_if_not_exists` (`kv`); a
//! missing field counts as `null`; an invalid request is never answered: the caller times out.

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
use kv::{Key, KvOp, LwwKv, MapStore, Request};
use reply::Reply;
use seq_kv::SeqKv;

pub use definitions::{SERVICES, Service};

/// All four services and their states.
#[derive(Debug)]
pub struct Services {
    lin_kv: MapStore,
    seq_kv: SeqKv,
    lww_kv: LwwKv,
    /// The next timestamp of lin-tso.
    lin_tso: u64,
}

/// Why a request is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// No service has this name.
    NoSuchService(String),
    /// The service has no requests of this type.
    UnknownType {
        /// The service.
        service: &'static Service,
        /// The type of the request.
        kind: String,
    },
    /// The request does not have the fields of its type.
    Malformed(String),
}

/// The fields of requests of all types; missing ones read as `null`.
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
            lin_kv: MapStore::default(),
            seq_kv: SeqKv::new(SeededRng::from_rng(&mut rng)),
            lww_kv: LwwKv::new(SeededRng::from_rng(&mut rng)),
            lin_tso: 0,
        }
    }

    /// Whether a message to `name` is for a service.
    pub fn is_service(name: &str) -> bool {
        Services::NAMES.contains(&name)
    }

    /// Executes a request of `src` to `service`, given as JSON text, and returns the body of the answer, as JSON text.
    /// Its `in_reply_to` is the request's `msg_id`, or `null` if there is none.
    ///
    /// # Errors
    /// When the request is never answered. It has no effect then.
    pub fn handle(
        &mut self,
        service: &str,
        src: &str,
        body: &str,
    ) -> Result<Box<RawValue>, Unanswered> {
        let malformed = |error: serde_json::Error| Unanswered::Malformed(error.to_string());
        let body: Body<'_> = serde_json::from_str(body).map_err(malformed)?;
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
                // All but null and false count as true, as in Clojure.
                create: !matches!(self.create_if_not_exists.get(), "null" | "false"),
            },
            _ => return Err(self.unknown_type(service)),
        };
        let key = Key::parse(self.key)
            .map_err(|error| Unanswered::Malformed(format!("invalid key: {error}")))?;
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
            Unanswered::NoSuchService(name) => write!(f, "there is no service {name:?}"),
            Unanswered::UnknownType { service, kind } => {
                let (name, types) = (service.name, service.request_types());
                write!(f, "{name} answers {types}, not {kind:?}")
            }
            Unanswered::Malformed(reason) => write!(f, "malformed request: {reason}"),
        }
    }
}

impl std::error::Error for Unanswered {}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{SERVICES, Service, Services, Unanswered};
    use crate::rng::seeded;
    use crate::rpc::Rpc;

    /// The reply of `service` to n0, whose request is given without `msg_id`.
    fn ask(services: &mut Services, service: &str, body: &Value) -> Value {
        ask_from(services, "n0", service, body)
    }

    fn ask_from(services: &mut Services, src: &str, service: &str, body: &Value) -> Value {
        let answer = services.handle(service, src, &body.to_string()).unwrap();
        serde_json::from_str(answer.get()).unwrap()
    }

    /// The percentage of seeds for which this is true.
    fn percent(is_true: impl Fn(&mut Services) -> bool) -> u64 {
        let true_seeds = (0..10_000).filter(|&seed| is_true(&mut Services::new(seeded(seed))));
        true_seeds.count() as u64 / 100
    }

    fn write(value: u64) -> Value {
        json!({"type": "write", "key": "x", "value": value})
    }

    fn read() -> Value {
        json!({"type": "read", "key": "x"})
    }

    #[test]
    fn a_new_clients_cas_from_the_newest_of_five_writes_fails_five_times_out_of_six() {
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
    fn a_client_reads_its_own_write_from_seq_kv() {
        let current = percent(|services| {
            ask_from(services, "n1", "seq-kv", &write(1));
            ask(services, "seq-kv", &write(2));
            ask(services, "seq-kv", &read())["value"] == 2
        });
        assert_eq!(current, 100);
    }

    /// The percentage of seeds for which a new client of x = 0, 1, 2, … reads an older value after
    /// a newer one.
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
        // The exact probabilities for six reads are 2.9 % and 29.8 %.
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
    fn an_unanswered_request_is_explained() {
        let check = |service: &str, body: &str, expected: &str| {
            let unanswered = Services::new(seeded(1))
                .handle(service, "n0", body)
                .unwrap_err();
            assert!(unanswered.to_string().contains(expected), "{unanswered}");
        };
        check(
            "lin-kv",
            r#"{"type": "ts"}"#,
            r#"lin-kv answers read, write and cas, not "ts""#,
        );
        check(
            "lin-tso",
            r#"{"type": "read"}"#,
            r#"lin-tso answers ts, not "read""#,
        );
        check("kv", r#"{"type": "read"}"#, r#"there is no service "kv""#);
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
    fn services_answer_the_requests_of_their_definition_and_no_others() {
        let types = || SERVICES.iter().flat_map(|it| it.requests);
        for service in &SERVICES {
            let services = &mut Services::new(seeded(1));
            let mut handle =
                |rpc: &Rpc| services.handle(service.name, "n0", &rpc.example_request());
            for rpc in types() {
                let is_known = service.requests.iter().any(|it| it.request == rpc.request);
                assert_eq!(handle(rpc).is_ok(), is_known, "{} {rpc:?}", service.name);
            }
            // An error is an answer, too, and one replica of lww-kv may lack what the other has.
            let is_ok = |rpc: &Rpc| {
                (0..100).any(|_| handle(rpc).is_ok_and(|answer| rpc.read(answer.get()).is_ok()))
            };
            assert!(service.requests.iter().all(is_ok), "{service:?}");
        }
    }

    #[test]
    fn a_cas_creates_a_key_where_its_definition_says_so() {
        let cas =
            json!({"type": "cas", "key": "x", "from": 0, "to": 1, "create_if_not_exists": true});
        for (service, creates) in [("lin-kv", true), ("seq-kv", true), ("lww-kv", false)] {
            let mut requests = Service::named(service).unwrap().requests.iter();
            let definition = requests.find(|it| it.request == "cas").unwrap();
            let mut arguments = definition.arguments.iter();
            let is_defined = arguments.any(|it| it.name == "create_if_not_exists");
            let answer = ask(&mut Services::new(seeded(1)), service, &cas);
            assert_eq!(
                (is_defined, answer["type"] == "cas_ok"),
                (creates, creates),
                "{service}"
            );
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
        for name in Services::NAMES {
            let answer = Services::new(seeded(1)).handle(name, "n0", "{\"type\":\"ts\"}");
            assert!(!matches!(answer, Err(Unanswered::NoSuchService(_))));
        }
    }
}
