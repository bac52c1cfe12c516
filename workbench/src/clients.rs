//! The simulated clients: each asks one question at a time and waits for its answer.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::value::RawValue;
use shared::{ErrorCode, NodeId};

use crate::fields::Fields;
use crate::history::OpError;
use crate::network::Network;
use crate::workload::{Answer, Question, Rpc, rpc_error};

/// On whose behalf a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It tells the node of this place in the list who it is.
    Init(usize),
    /// It prepares that node.
    SetUp(usize),
    /// It works for a worker.
    Work(usize),
}

/// All clients that are open.
#[derive(Debug, Default)]
pub struct Clients {
    next: u64,
    open: HashMap<NodeId, Client>,
}

#[derive(Debug)]
struct Client {
    purpose: Purpose,
    node: NodeId,
    last_msg_id: u64,
    awaited: Option<Awaited>,
}

#[derive(Debug)]
struct Awaited {
    rpc: &'static Rpc,
    msg_id: u64,
    until: Duration,
}

/// What became of a question.
#[derive(Debug)]
pub struct Reply {
    /// On whose behalf it was asked.
    pub purpose: Purpose,
    /// Which client asked.
    pub client: NodeId,
    rpc: &'static Rpc,
    /// The answer's body; none came in time otherwise.
    body: Option<Box<RawValue>>,
}

/// Why there is no good answer, and whether the request certainly had no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The error, as a history has it.
    pub error: OpError,
    /// Whether it is certain that the request did not and never will take effect.
    pub definite: bool,
}

impl Clients {
    /// A new client of a node, with a name that nobody had before.
    pub fn open(&mut self, network: &mut Network, node: NodeId, purpose: Purpose) -> NodeId {
        let name = NodeId::from(&*format!("c{}", self.next));
        self.next += 1;
        network.register(name.clone());
        self.open.insert(
            name.clone(),
            Client {
                purpose,
                node,
                last_msg_id: 0,
                awaited: None,
            },
        );
        name
    }

    /// Takes a client off the network.
    pub fn close(&mut self, network: &mut Network, name: &NodeId) {
        network.remove(name);
        self.open.remove(name);
    }

    /// Whether this name belongs to a client that has gone.
    pub fn is_gone(&self, name: &str) -> bool {
        let number = name
            .strip_prefix('c')
            .and_then(|number| number.parse::<u64>().ok());
        number.is_some_and(|number| number < self.next) && !self.open.contains_key(name)
    }

    /// Lets a client ask its node.
    pub fn ask(
        &mut self,
        now: Duration,
        network: &mut Network,
        name: &NodeId,
        question: &Question,
    ) {
        let Some(client) = self.open.get_mut(name) else {
            return;
        };
        client.last_msg_id += 1;
        let msg_id = client.last_msg_id;
        let rpc = question.rpc;
        client.awaited = Some(Awaited {
            rpc,
            msg_id,
            until: now + question.patience,
        });
        let body = request_body(question, msg_id);
        let node = client.node.clone();
        network.listen(now, name);
        // A node that was taken out is like one that never answers.
        let _ = network.send(now, name, &node, body);
    }

    /// A message for a client arrives. It makes a reply if the client waits for just this one.
    pub fn hear(
        &mut self,
        network: &mut Network,
        name: &NodeId,
        body: Box<RawValue>,
    ) -> Option<Reply> {
        let client = self.open.get_mut(name)?;
        let answered = Fields::of(&body).ok()?.get("in_reply_to")?.get().parse();
        let awaited = client.awaited.take_if(|it| answered == Ok(it.msg_id))?;
        network.stop_listening(name);
        let purpose = client.purpose;
        Some(Reply {
            purpose,
            client: name.clone(),
            rpc: awaited.rpc,
            body: Some(body),
        })
    }

    /// When somebody next loses patience.
    pub fn deadline(&self) -> Option<Duration> {
        self.open
            .values()
            .filter_map(|client| Some(client.awaited.as_ref()?.until))
            .min()
    }

    /// Someone who has waited too long by `now`, if any; of several the first opened.
    pub fn give_up(&mut self, now: Duration, network: &mut Network) -> Option<Reply> {
        if self.deadline()? > now {
            return None;
        }
        let is_late = |client: &Client| client.awaited.as_ref().is_some_and(|it| it.until <= now);
        let late = self.open.iter().filter(|(_, client)| is_late(client));
        let name = late
            .map(|(name, _)| name)
            .min_by_key(|name| (name.as_str().len(), *name))?;
        let name = name.clone();
        let client = self.open.get_mut(&name)?;
        let awaited = client.awaited.take()?;
        network.stop_listening(&name);
        Some(Reply {
            purpose: client.purpose,
            client: name,
            rpc: awaited.rpc,
            body: None,
        })
    }
}

impl Reply {
    /// The answer, if there is a good one.
    ///
    /// # Errors
    /// Why there is none.
    pub fn answer(&self) -> Result<Answer<'_>, Refusal> {
        let Some(body) = &self.body else {
            return Err(Refusal {
                error: OpError::NetTimeout,
                definite: false,
            });
        };
        if let Some(refusal) = error_answer(body) {
            return Err(refusal);
        }
        self.rpc.read(body).map_err(|why| Refusal {
            error: OpError::Malformed {
                text: self.rpc.complain(&why, body),
            },
            definite: false,
        })
    }

    /// The answer's body, good or bad.
    pub fn body(&self) -> Option<&RawValue> {
        self.body.as_deref()
    }

    /// The answer's type alone, for answers that are judged by nothing else.
    pub fn kind(&self) -> Option<String> {
        let kind = Fields::of(self.body()?).ok()?.text("type")?;
        Some(kind.into_owned())
    }
}

fn error_answer(body: &RawValue) -> Option<Refusal> {
    let fields = Fields::of(body).ok()?;
    if fields.text("type")? != "error" {
        return None;
    }
    let code = fields.get("code").and_then(|code| code.get().parse().ok());
    let code = code.map_or(ErrorCode::Other(u64::MAX), |code: u64| code.into());
    let text = match fields.text("text") {
        Some(text) => text.into_owned(),
        None => fields.get("text").unwrap_or(RawValue::NULL).to_string(),
    };
    Some(Refusal {
        error: rpc_error(code, text),
        definite: code.is_definite(),
    })
}

fn request_body(question: &Question, msg_id: u64) -> Box<RawValue> {
    let mut body = format!(
        "{{\"type\":\"{}\",\"msg_id\":{msg_id}",
        question.rpc.request
    );
    for (name, value) in &question.fields {
        body.push_str(&format!(",\"{name}\":{value}"));
    }
    body.push('}');
    RawValue::from_string(body).expect("a request is put together from JSON")
}
