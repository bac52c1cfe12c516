//! Deliveries: what the network delivers goes to a node, a service or a client.

use std::time::Duration;

use shared::NodeId;

use super::{Command, Run};
use crate::clients::{Purpose, Received, Reply};
use crate::message::{Body, Envelope};
use crate::service::Services;

impl Run {
    /// The index of the node of this name.
    pub(super) fn node_index(&self, name: &NodeId) -> Option<usize> {
        self.node_indices.get(name).copied()
    }

    pub(super) fn deliver(&mut self, now: Duration, envelope: Envelope) {
        let dest = &envelope.dest;
        if let Some(node) = self.node_index(dest) {
            self.on_delivery(node, &envelope.src);
            self.commands.push_back(Command::Line(node, envelope));
        } else if Services::is_service(dest.as_str()) {
            let answer =
                self.services
                    .handle(dest.as_str(), envelope.src.as_str(), envelope.body.get());
            match answer {
                // The sender may have left the network meanwhile.
                Ok(answer) => {
                    let answer = Body::from(answer);
                    let sender = envelope.src.as_str();
                    drop(self.network.send(now, dest.as_str(), sender, answer));
                }
                Err(why) => {
                    let sender = self.node_index(&envelope.src);
                    let what = format!("its request to {dest} gets no answer: {why}");
                    // A node may print a client's or a service's name as `src`. Which node did is
                    // not known here, so the incident names the first one.
                    self.report(now, sender.unwrap_or(0), what, Some(envelope.body.get()));
                }
            }
        } else {
            match self.clients.receive(&mut self.network, envelope) {
                Some(Received::Reply(reply)) => self.dispatch_reply(now, &reply),
                Some(Received::Stray(stray)) => self.on_stray(now, &stray),
                None => {}
            }
        }
    }

    pub(super) fn dispatch_reply(&mut self, now: Duration, reply: &Reply) {
        match reply.purpose {
            Purpose::Init(node) => self.on_init_reply(now, node, reply),
            Purpose::SetUp(node) => self.on_set_up_reply(node, reply),
            Purpose::Work(worker) => self.on_reply(now, worker, reply),
        }
    }
}
