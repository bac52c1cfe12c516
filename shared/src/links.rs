//! The links of a node to its neighbours, and the one timer that serves them all.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::alarm::Alarm;
use crate::context::Context;
use crate::id::NodeId;
use crate::link::{Link, Packet, Received, Timing};

/// One [`Link`] per neighbour.
///
/// The node calls [`Links::flush`] after everything that happened to it, the event that it gave to
/// `flush` before included.
#[derive(Debug)]
pub struct Links<T> {
    links: BTreeMap<NodeId, Link<T>>,
    alarm: Alarm,
}

impl<T: Clone> Links<T> {
    /// Links of the incarnation `boot` to these neighbours.
    pub fn new(boot: u64, neighbours: impl IntoIterator<Item = (NodeId, Timing)>) -> Self {
        let link = |(peer, timing)| (peer, Link::new(boot, timing));
        Links {
            links: neighbours.into_iter().map(link).collect(),
            alarm: Alarm::default(),
        }
    }

    /// The neighbours, in order of their names.
    pub fn neighbours(&self) -> impl Iterator<Item = &NodeId> {
        self.links.keys()
    }

    /// Puts an item on its way to one neighbour; nothing happens if it is none.
    pub fn push(&mut self, now: Duration, neighbour: &NodeId, item: T) {
        if let Some(link) = self.links.get_mut(neighbour) {
            link.push(now, item);
        }
    }

    /// Puts an item on its way to all neighbours but one, usually the one that it came from.
    pub fn push_to_all_but(&mut self, now: Duration, except: Option<&NodeId>, item: &T) {
        for (neighbour, link) in &mut self.links {
            if Some(neighbour) != except {
                link.push(now, item.clone());
            }
        }
    }

    /// Takes in a packet. What comes from a stranger is not delivered.
    pub fn receive(&mut self, now: Duration, src: &NodeId, packet: Packet<T>) -> Received<T> {
        self.links
            .get_mut(src)
            .map(|link| link.receive(now, packet))
            .unwrap_or_default()
    }

    /// How many items some neighbour has yet to acknowledge, counted for each neighbour.
    pub fn unacknowledged(&self) -> usize {
        self.links.values().map(Link::unacknowledged).sum()
    }

    /// Sends what is due, each packet wrapped into a request, and sets a timer for the rest:
    /// `tick` makes its event.
    pub fn flush<E, R: Serialize>(
        &mut self,
        ctx: &mut Context<E>,
        wrap: impl Fn(Packet<T>) -> R,
        tick: impl FnOnce() -> E,
    ) {
        let now = ctx.now();
        for (neighbour, link) in &mut self.links {
            while let Some(packet) = link.poll(now) {
                ctx.send(neighbour, wrap(packet));
            }
        }
        let deadline = self.links.values().filter_map(Link::deadline).min();
        self.alarm.set(ctx, deadline, tick);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMING: Timing = Timing {
        window: Duration::from_millis(340),
        ack_delay: Duration::from_millis(1000),
        resend: Duration::from_millis(2000),
    };

    /// A node's links with what they stand on; a packet is sent as it is.
    struct Node {
        links: Links<u64>,
        ctx: Context<()>,
    }

    impl Node {
        fn new(boot: u64, neighbours: &[&str]) -> Self {
            let neighbours = neighbours.iter().map(|name| (NodeId::from(*name), TIMING));
            Node {
                links: Links::new(boot, neighbours),
                ctx: Context::new(boot),
            }
        }

        fn flush(&mut self) -> String {
            #[derive(Serialize)]
            #[serde(rename_all = "snake_case")]
            enum Outgoing {
                Gossip { packet: Packet<u64> },
            }
            self.links
                .flush(&mut self.ctx, |packet| Outgoing::Gossip { packet }, || ());
            String::from_utf8(std::mem::take(&mut self.ctx.outbox.lines)).unwrap()
        }

        /// How often a timer rings at this moment, each time with a flush.
        fn rings(&mut self, now: Duration) -> usize {
            self.ctx.now = now;
            let mut rings = 0;
            while self.ctx.waits.next_due(now).is_some() {
                self.flush();
                rings += 1;
            }
            rings
        }
    }

    #[test]
    fn one_flush_sends_all_that_is_due() {
        let mut node = Node::new(5, &["n1", "n2"]);
        for item in 0..10_000 {
            node.links.push_to_all_but(Duration::ZERO, None, &item);
        }
        assert_eq!(node.flush(), "");
        node.ctx.now = TIMING.window;
        let sent = node.flush();
        assert_eq!(sent.lines().count(), 6, "three packets to each");
        assert_eq!(node.flush(), "");
    }

    #[test]
    fn timers_are_set_for_new_deadlines_only() {
        let mut node = Node::new(5, &["n1", "n2", "n3"]);
        let mut rings = 0;
        // Ten seconds of ten pushes each millisecond.
        for at in (0..10_000).map(Duration::from_millis) {
            rings += node.rings(at);
            for item in 0..10 {
                let neighbour = NodeId::from(["n1", "n2", "n3"][item as usize % 3]);
                node.links.push(at, &neighbour, item);
                node.flush();
            }
            assert!(node.ctx.waits.len() < 10, "{} timers", node.ctx.waits.len());
        }
        assert!(rings < 100, "{rings} rings");
    }

    #[test]
    fn nothing_goes_to_strangers_nor_comes_from_them() {
        let mut node = Node::new(5, &["n1"]);
        let stranger = NodeId::from("n9");
        node.links.push(Duration::ZERO, &stranger, 1);
        assert_eq!(node.links.unacknowledged(), 0);
        let packet = serde_json::from_str(r#"{"from":7,"items":[1]}"#).unwrap();
        let received = node.links.receive(Duration::ZERO, &stranger, packet);
        assert_eq!(received, Received::default());
        assert_eq!(node.flush(), "");
    }
}
