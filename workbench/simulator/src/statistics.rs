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
    by_type: BTreeMap<String, SentCount>,
    between_servers: SentCount,
    acknowledging: SentCount,
    /// Time zero, once it is known.
    zero: Option<Duration>,
}

/// The counts of messages of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SentCount {
    /// Sent messages.
    pub sent: u64,
    /// Sent messages in each second since time zero; seconds without any are left out.
    pub by_second: Vec<(u64, u64)>,
}

impl SentCount {
    /// Counts a message, sent so long after time zero if that is known.
    fn add(&mut self, time: Option<Duration>) {
        self.sent += 1;
        let Some(now) = time.map(|time| time.as_secs()) else {
            return;
        };
        match self.by_second.last_mut() {
            Some((second, count)) if *second == now => *count += 1,
            _ => self.by_second.push((now, 1)),
        }
    }

    /// The number of messages sent in these first seconds since time zero.
    fn within(&self, seconds: u64) -> u64 {
        let counts = self.by_second.iter().take_while(|(it, _)| *it < seconds);
        counts.map(|(_, count)| count).sum()
    }
}

impl Statistics {
    /// Counts a sent message of this type.
    pub fn count_sent(
        &mut self,
        now: Duration,
        client: bool,
        message_type: &str,
        only_acknowledges: bool,
    ) {
        let time = self.zero.map(|zero| now.saturating_sub(zero));
        self.class(client).sent += 1;
        match self.by_type.get_mut(message_type) {
            Some(known) => known.add(time),
            None => self
                .by_type
                .entry(message_type.to_owned())
                .or_default()
                .add(time),
        }
        if !client {
            self.between_servers.add(time);
            if only_acknowledges {
                self.acknowledging.add(time);
            }
        }
    }

    /// Of the messages between servers that were sent in these first seconds since time zero, the
    /// share that nodes sent only to [acknowledge](crate::message::Body::only_acknowledges); none if
    /// there were no messages.
    pub fn acknowledging_share(&self, seconds: u64) -> Option<f64> {
        let all = self.between_servers.within(seconds);
        (all > 0).then(|| self.acknowledging.within(seconds) as f64 / all as f64)
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
    pub fn by_type(&self) -> &BTreeMap<String, SentCount> {
        &self.by_type
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::message::Body;

    /// Counts messages between servers with these bodies, one a second from 3 s before time zero
    /// on, and returns the share of the first `seconds`.
    fn share(bodies: &[&str], seconds: u64) -> Option<f64> {
        let mut statistics = Statistics::default();
        for (second, body) in (0..).zip(bodies) {
            let now = Duration::from_secs(second);
            if second == 3 {
                statistics.set_time_zero(now);
            }
            let body = Body::from(RawValue::from_string((*body).to_owned()).unwrap());
            statistics.count_sent(now, false, "any", body.only_acknowledges());
            statistics.count_sent(now, true, "any", true);
        }
        statistics.acknowledging_share(seconds)
    }

    #[test]
    fn replies_without_content_and_ack_types_only_acknowledge() {
        let ack = r#"{"type":"gossip_ok","in_reply_to":7,"msg_id":8}"#;
        let content = r#"{"type":"read_ok","in_reply_to":7,"value":null}"#;
        let request = r#"{"type":"heartbeat","msg_id":8}"#;
        let alone = r#"{"type":"gossip_ack","upto":9}"#;
        let before_zero = [ack, ack, ack];
        let share_of = |bodies: &[&str]| share(&[&before_zero, bodies].concat(), 4);
        assert_eq!(share_of(&[ack, content, request, alone]), Some(0.5));
        assert_eq!(share_of(&[r#"{"type":"ack"}"#, "{}"]), Some(0.5));
        assert_eq!(share_of(&[content, r#"{"type":"black"}"#]), Some(0.0));
        assert_eq!(share_of(&[ack, ack, content, content, ack]), Some(0.5));
        assert_eq!(share_of(&[]), None);
    }
}
