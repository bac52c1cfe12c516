//! The simulated clients: each sends one request at a time and waits for its reply.

mod stray;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::ser::{Serialize, SerializeMap, Serializer};
use shared::{ErrorCode, NodeId};

use crate::message::{Body, Envelope};
use crate::names::ByName;
use crate::network::Network;
use crate::rpc::{Answer, ClientRequest, Rpc, rpc_error};
use history::OpError;
use history::fields::Fields;

pub use stray::{Mismatch, Stray};

/// What a client is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It sends `init` to the node of this index.
    Init(usize),
    /// It sends the workload's set-up request to the node of this index.
    SetUp(usize),
    /// It performs the operations of the worker of this index.
    Work(usize),
}

/// All clients that are connected.
#[derive(Debug, Default)]
pub struct Clients {
    next: u64,
    connected: ByName<Client>,
    /// The timeouts of all requests in progress, with the numbers of their clients.
    timeouts: BTreeSet<(Duration, u64)>,
}

#[derive(Debug)]
struct Client {
    /// Part of its name.
    number: u64,
    purpose: Purpose,
    node: NodeId,
    last_msg_id: u64,
    pending: Option<Pending>,
}

#[derive(Debug)]
struct Pending {
    rpc: &'static Rpc,
    msg_id: u64,
    until: Duration,
    /// The first message that came instead of the reply, if the client is not a worker's.
    stray: Option<Stray>,
}

/// A message that a client has received.
#[derive(Debug)]
pub enum Received {
    /// The reply to its request.
    Reply(Reply),
    /// A wrong message to a worker's client, which still waits for its reply.
    Stray(Stray),
}

/// The reply to a request, or its timeout.
#[derive(Debug)]
pub struct Reply {
    /// The purpose of the client.
    pub purpose: Purpose,
    /// The client.
    pub client: NodeId,
    rpc: &'static Rpc,
    /// The reply's body; `None` after a timeout.
    body: Option<Body>,
    stray: Option<Stray>,
}

/// Why a request has no valid answer, and whether it certainly had no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestError {
    /// The error, as in a history.
    pub error: OpError,
    /// Whether it is certain that the request did not and never will take effect.
    pub definite: bool,
}

impl Clients {
    /// Connects a new client of a node. Its name was never used before.
    pub fn connect(&mut self, network: &mut Network, node: NodeId, purpose: Purpose) -> NodeId {
        let number = self.next;
        let name = client_name(number);
        self.next += 1;
        network.register(name.clone());
        self.connected.insert(
            name.clone(),
            Client {
                number,
                purpose,
                node,
                last_msg_id: 0,
                pending: None,
            },
        );
        name
    }

    /// Disconnects a client.
    pub fn disconnect(&mut self, network: &mut Network, name: &NodeId) {
        network.remove(name);
        if let Some(client) = self.connected.remove(name)
            && let Some(pending) = client.pending
        {
            self.timeouts.remove(&(pending.until, client.number));
        }
    }

    /// Whether this is the name of a client that was disconnected.
    pub fn is_gone(&self, name: &str) -> bool {
        let number = name
            .strip_prefix('c')
            .and_then(|number| number.parse::<u64>().ok());
        number.is_some_and(|number| number < self.next) && !self.connected.contains_key(name)
    }

    /// Sends a client's request to its node.
    pub fn send(
        &mut self,
        now: Duration,
        network: &mut Network,
        name: &NodeId,
        request: &ClientRequest,
    ) {
        if let Some(client) = self.connected.get(name) {
            let body = request_body(request, client.last_msg_id + 1);
            self.send_body(now, network, name, request, body);
        }
    }

    /// Sends a client's request, whose body has the client's next `msg_id`, to its node.
    pub fn send_body(
        &mut self,
        now: Duration,
        network: &mut Network,
        name: &NodeId,
        request: &ClientRequest,
        body: Body,
    ) {
        let Some(client) = self.connected.get_mut(name) else {
            return;
        };
        client.last_msg_id += 1;
        let pending = Pending {
            rpc: request.rpc,
            msg_id: client.last_msg_id,
            until: now + request.timeout,
            stray: None,
        };
        self.timeouts.insert((pending.until, client.number));
        if let Some(former) = client.pending.replace(pending) {
            self.timeouts.remove(&(former.until, client.number));
        }
        let node = client.node.clone();
        network.listen(now, name);
        // An unreachable node is like one that never answers.
        let _ = network.send(now, name.as_str(), node.as_str(), body);
    }

    /// Receives a message to a client: the reply that the client is waiting for, or a wrong one.
    /// Late replies to earlier requests are dropped.
    pub fn receive(&mut self, network: &mut Network, message: Envelope) -> Option<Received> {
        let name = message.dest.clone();
        let client = self.connected.get_mut(&name)?;
        let in_reply_to = message.body.header()?.in_reply_to.as_deref();
        let answered = in_reply_to.and_then(|it| it.parse().ok());
        let pending = client.pending.as_mut()?;
        if answered != Some(pending.msg_id) {
            let (request, msg_id) = (pending.rpc.request, pending.msg_id);
            let stray = Stray::new(message, request, msg_id)?;
            if let Purpose::Work(_) = client.purpose {
                return Some(Received::Stray(stray));
            }
            pending.stray.get_or_insert(stray);
            return None;
        }
        let rpc = pending.rpc;
        self.timeouts.remove(&(pending.until, client.number));
        client.pending = None;
        network.stop_listening(&name);
        Some(Received::Reply(Reply {
            purpose: client.purpose,
            client: name,
            rpc,
            body: Some(message.body),
            stray: None,
        }))
    }

    /// The earliest timeout.
    pub fn deadline(&self) -> Option<Duration> {
        self.timeouts.first().map(|(until, _)| *until)
    }

    /// Expires one request whose timeout has passed by `now`; of several that of the oldest client.
    pub fn expire_request(&mut self, now: Duration, network: &mut Network) -> Option<Reply> {
        if self.deadline()? > now {
            return None;
        }
        let late = self.timeouts.range(..=(now, u64::MAX));
        let (_, number) = *late.min_by_key(|(_, number)| *number)?;
        let name = client_name(number);
        let client = self.connected.get_mut(&name)?;
        let pending = client.pending.take()?;
        self.timeouts.remove(&(pending.until, number));
        network.stop_listening(&name);
        Some(Reply {
            purpose: client.purpose,
            client: name,
            rpc: pending.rpc,
            body: None,
            stray: pending.stray,
        })
    }
}

fn client_name(number: u64) -> NodeId {
    NodeId::from(&*format!("c{number}"))
}

/// The body of a request with this `msg_id`; that of a client's first request has 1.
pub fn request_body(request: &ClientRequest, msg_id: u64) -> Body {
    let kind = request.rpc.request;
    Body::of_request(kind, &Request { request, msg_id }).expect("a request is JSON")
}

impl Reply {
    /// Reads the answer.
    ///
    /// # Errors
    /// On a timeout, an error reply, or a malformed answer.
    pub fn answer(&self) -> Result<Answer<'_>, RequestError> {
        let Some(body) = &self.body else {
            return Err(RequestError {
                error: OpError::NetTimeout,
                definite: false,
            });
        };
        if let Some(error) = error_reply(body) {
            return Err(error);
        }
        let json = body.get();
        self.rpc.read(json).map_err(|why| RequestError {
            error: OpError::Malformed {
                text: self.rpc.describe_malformed(&why, json),
            },
            definite: false,
        })
    }

    /// The reply's body, valid or not, as JSON text.
    pub fn body(&self) -> Option<&str> {
        self.body.as_ref().map(Body::get)
    }

    /// After a timeout of a client that is not a worker's: the first message that came instead.
    pub fn stray(&self) -> Option<&Stray> {
        self.stray.as_ref()
    }

    /// The reply's `type`.
    pub fn message_type(&self) -> Option<&str> {
        self.body.as_ref()?.message_type()
    }
}

fn error_reply(body: &Body) -> Option<RequestError> {
    if body.message_type()? != "error" {
        return None;
    }
    let fields = Fields::of(body.get()).ok()?;
    let code = fields.get("code").and_then(|code| code.parse().ok());
    let code = code.map_or(ErrorCode::Other(u64::MAX), |code: u64| code.into());
    let text = match fields.text("text") {
        Some(text) => text.into_owned(),
        None => fields.get("text").unwrap_or("null").to_owned(),
    };
    Some(RequestError {
        error: rpc_error(code, text),
        definite: code.is_definite(),
    })
}

/// The body of a request.
struct Request<'a> {
    request: &'a ClientRequest,
    msg_id: u64,
}

impl Serialize for Request<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let ClientRequest { rpc, arguments, .. } = self.request;
        let mut body = to.serialize_map(Some(2 + arguments.len()))?;
        body.serialize_entry("type", rpc.request)?;
        body.serialize_entry("msg_id", &self.msg_id)?;
        for (name, value) in arguments {
            body.serialize_entry(name, value)?;
        }
        body.end()
    }
}
