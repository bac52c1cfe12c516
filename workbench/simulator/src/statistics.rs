//! Message counts, by class of participants and by type of message.

use std::collections::BTreeMap;
use std::time::Duration;

/// The message counts of one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Sent messages, lost ones included.
    pub sent: u64,
    /// Delivered messages.
    pub received: u64,
}

/// Message counts since the run began, `init` included.
#[derive(Debug, Clone, Default)]
pub struct Statistics {
    clients: Count,
    servers: Count,
    by_type: BTreeMap<String, TypeCount>,
    /// Time zero, once it is known.
    zero: Option<Duration>,
}

/// The counts of messages whose body has the same `type`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypeCount {
    /// Sent messages.
    pub sent: u64,
    /// Sent messages in each second since time zero; seconds without any are left out.
    pub by_second: Vec<(u64, u64)>,
}

impl Statistics {
    /// Counts a sent message of this type.
    pub fn count_sent(&mut self, now: Duration, client: bool, message_type: &str) {
        self.class(client).sent += 1;
        let count = match self.by_type.get_mut(message_type) {
            Some(known) => known,
            None => self.by_type.entry(message_type.to_owned()).or_default(),
        };
        count.sent += 1;
        let Some(zero) = self.zero else { return };
        let now = now.saturating_sub(zero).as_secs();
        match count.by_second.last_mut() {
            Some((second, count)) if *second == now => *count += 1,
            _ => count.by_second.push((now, 1)),
        }
    }

    /// Sets time zero. From now on messages are counted by second, too.
    pub fn set_time_zero(&mut self, zero: Duration) {
        self.zero = Some(zero);
    }

    /// Counts a delivered message.
    pub fn count_received(&mut self, client: bool) {
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

    /// Messages between nodes, and between nodes and services.
    pub fn servers(&self) -> Count {
        self.servers
    }

    /// All messages.
    pub fn all(&self) -> Count {
        Count {
            sent: self.clients.sent + self.servers.sent,
            received: self.clients.received + self.servers.received,
        }
    }

    /// Sent messages, by the `type` of their body.
    pub fn by_type(&self) -> &BTreeMap<String, TypeCount> {
        &self.by_type
    }
}
