//! How many messages crossed the network, by whom they concern and by what they say.

use std::collections::BTreeMap;
use std::time::Duration;

/// Messages of one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Sent, whatever became of them: what a partition dropped was sent.
    pub sent: u64,
    /// Delivered.
    pub received: u64,
}

/// Messages since the run began, `init` included.
#[derive(Debug, Clone, Default)]
pub struct Statistics {
    clients: Count,
    servers: Count,
    kinds: BTreeMap<String, Kind>,
    /// When time zero was, once that is known.
    zero: Option<Duration>,
}

/// Messages whose body has the same `type`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kind {
    /// How many were sent.
    pub sent: u64,
    /// How many of them in each second since time zero; seconds without any are left out.
    pub by_second: Vec<(u64, u64)>,
}

impl Statistics {
    /// Counts a message of this type that was sent.
    pub fn sent(&mut self, now: Duration, client: bool, kind: &str) {
        self.class(client).sent += 1;
        let kind = match self.kinds.get_mut(kind) {
            Some(known) => known,
            None => self.kinds.entry(kind.to_owned()).or_default(),
        };
        kind.sent += 1;
        let Some(zero) = self.zero else { return };
        let now = now.saturating_sub(zero).as_secs();
        match kind.by_second.last_mut() {
            Some((second, count)) if *second == now => *count += 1,
            _ => kind.by_second.push((now, 1)),
        }
    }

    /// From now on messages are also counted by the second.
    pub fn begin(&mut self, zero: Duration) {
        self.zero = Some(zero);
    }

    /// Counts a message that was delivered.
    pub fn received(&mut self, client: bool) {
        self.class(client).received += 1;
    }

    fn class(&mut self, client: bool) -> &mut Count {
        if client {
            &mut self.clients
        } else {
            &mut self.servers
        }
    }

    /// Messages from or to a client.
    pub fn clients(&self) -> Count {
        self.clients
    }

    /// All others: between nodes, and between nodes and services.
    pub fn servers(&self) -> Count {
        self.servers
    }

    /// Both together.
    pub fn all(&self) -> Count {
        Count {
            sent: self.clients.sent + self.servers.sent,
            received: self.clients.received + self.servers.received,
        }
    }

    /// Messages sent, by the `type` of their body.
    pub fn kinds(&self) -> &BTreeMap<String, Kind> {
        &self.kinds
    }
}
