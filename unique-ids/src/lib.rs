//! # Challenge 2: unique ids
//!
//! ## The problem
//!
//! Three nodes are asked, a thousand times a second and through partitions, for ids that nobody
//! has ever been given before. Every request must be answered.
//!
//! ## What was considered
//!
//! A counter in a linearizable store gives short ids, at the price of two messages for each and of
//! no answer while the store cannot be reached. Leasing blocks of numbers from it makes that rare
//! but not impossible. A clock repeats itself, and goes back now and then. Random numbers of 128
//! bits are unique for all practical purposes; but two thirds of the work can be had for certain.
//!
//! ## The solution
//!
//! An id has three parts, `n2-8f04c3a1d2b7-1f`: the node's name, a number drawn when the process
//! started, and a counter. No message is sent.
//!
//! ## Why it holds
//!
//! Ids of two nodes differ in their first part, since names are unique and the parts are separated
//! by a character that neither number contains: read from the right, the parts can be told apart.
//! Ids of one process differ in the counter. What is left is a node that is started again, which
//! has forgotten its counter: its ids differ in the middle part, a number of 48 bits drawn from the
//! system's entropy. That two of k lives of one node draw the same is less likely than k²/2⁴⁹: one
//! in five hundred million for a node that was started a thousand times.
//!
//! ## What it costs
//!
//! Nothing but the length of the ids, some twenty characters. They have no order.

use serde::{Deserialize, Serialize};
use shared::{Caller, Cluster, Context, Node};

/// The node: what it puts in front of its counter, and the counter.
#[derive(Debug)]
pub struct UniqueIds {
    prefix: String,
    issued: u64,
}

/// What it may be asked.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Give me an id.
    Generate,
}

/// What it answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Response {
    GenerateOk { id: String },
}

/// What it tells itself: nothing.
#[derive(Debug)]
pub enum Event {}

impl UniqueIds {
    /// A node that has issued nothing in this life.
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

    /// The answers of one life of a node to so many requests, each with its id.
    fn life(node: &str, seed: u64, requests: usize) -> Vec<String> {
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
    fn ids_differ_between_nodes_and_between_the_lives_of_one_node() {
        let mut seen = BTreeSet::new();
        for node in ["n1", "n1-1", "n2"] {
            for seed in 0..100 {
                for id in life(node, seed, 50) {
                    assert!(seen.insert(id.clone()), "{id} was given twice");
                }
            }
        }
    }
}
