//! # Challenge 2: unique ids
//!
//! ## The problem
//!
//! Three nodes are asked for ids, a thousand times a second and during partitions. Each id must be
//! different from all others ever returned, and every request must be answered.
//!
//! ## What was considered
//!
//! A counter in a linearizable store gives short ids, but costs two messages for each, and gives no
//! answer while the store cannot be reached. Leasing blocks of numbers from it makes that rare but
//! not impossible. Clocks repeat values, and are sometimes set back. Random numbers of 128 bits are
//! unique for all practical purposes; but two of the three parts of an id can be unique for
//! certain.
//!
//! ## The solution
//!
//! An id has three parts, `n2-8f04c3a1d2b7-1f`: the node's name, a number drawn when the process
//! started, and a counter. No message is sent.
//!
//! ## Why it is correct
//!
//! Ids of two nodes differ in their first part, since names are unique and the parts are separated
//! by a character that neither number contains, so an id splits into its parts in one way only,
//! read from the right. Ids of one process differ in the counter. A node that restarts has
//! forgotten its counter: its ids differ in the middle part, a number of 48 bits drawn from the
//! system's entropy. The probability that two of k incarnations of one node draw the same number is
//! below k²/2⁴⁹: one in five hundred million for a node that was started a thousand times.
//!
//! ## What it costs
//!
//! Only the length of the ids, some twenty characters. They have no order.

use serde::{Deserialize, Serialize};
use shared::{Caller, Cluster, Context, Node};

/// The node: the prefix of its ids, and the counter.
#[derive(Debug)]
pub struct UniqueIds {
    prefix: String,
    issued: u64,
}

/// Requests of clients.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Return a new id.
    Generate,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Response {
    GenerateOk { id: String },
}

/// Timers and answers: there are none.
#[derive(Debug)]
pub enum Event {}

impl UniqueIds {
    /// A node whose incarnation has issued no ids yet.
    pub fn boot(cluster: &Cluster, ctx: &mut Context<Event>) -> Self {
        UniqueIds {
            prefix: format!("{}-{:x}", cluster.me, ctx.rng().boot_number()),
            issued: 0,
        }
    }
}

impl Node for UniqueIds {
    type Request = Request;
    type Event = Event;

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        match request {
            Request::Generate => {
                let id = format!("{}-{:x}", self.prefix, self.issued);
                self.issued += 1;
                ctx.reply(caller, Response::GenerateOk { id });
            }
        }
    }

    fn on_event(&mut self, event: Event, _: &mut Context<Event>) {
        match event {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use shared::{Engine, Outbox};

    use super::*;

    /// The ids that one incarnation of a node returns for so many requests.
    fn ids_of_incarnation(node: &str, seed: u64, requests: usize) -> Vec<String> {
        let mut engine = Engine::new(seed, |cluster, ctx| UniqueIds::boot(&cluster, ctx));
        let mut ask = |body: &str| {
            let line = format!(r#"{{"src":"c1","dest":"{node}","body":{body}}}"#);
            engine.receive(Duration::ZERO, &line);
            let mut outbox = Outbox::default();
            engine.drain(&mut outbox);
            String::from_utf8(outbox.lines).unwrap()
        };
        let nodes = r#"["n1","n1-1","n2"]"#;
        ask(&format!(
            r#"{{"type":"init","msg_id":1,"node_id":"{node}","node_ids":{nodes}}}"#
        ));
        (0..requests)
            .map(|_| ask(r#"{"type":"generate","msg_id":2}"#))
            .map(|answer| answer.split("\"id\":").nth(1).unwrap().to_owned())
            .collect()
    }

    #[test]
    fn ids_differ_between_nodes_and_between_incarnations_of_one_node() {
        let mut seen = BTreeSet::new();
        for node in ["n1", "n1-1", "n2"] {
            for seed in 0..100 {
                for id in ids_of_incarnation(node, seed, 50) {
                    assert!(seen.insert(id.clone()), "{id} was returned twice");
                }
            }
        }
    }
}
