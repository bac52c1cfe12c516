//! The links of a node to its neighbours, with one timer for all of them.

use std::time::Duration;

use serde::Serialize;
use shared::{Context, NodeId};

use crate::alarm::Alarm;
use crate::link::{Link, Packet, Received, Timing};
use crate::rhythm::Rhythm;
use crate::tree::Tree;

/// One [`Link`] per neighbour.
///
/// The node calls [`Links::flush`] after every request and every event, also after the event that
/// `flush` itself sets a timer for.
#[derive(Debug)]
pub struct Links<T> {
    /// In the order of the neighbours' names.
    links: Vec<(NodeId, Link<T>)>,
    tree: Option<Place>,
    alarm: Alarm,
}

/// A node's place in a tree whose nodes send in one rhythm.
#[derive(Debug)]
struct Place {
    parent: Option<NodeId>,
    rhythm: Rhythm,
}

impl<T: Clone> Links<T> {
    /// Links of the incarnation `boot` to the neighbours in a tree, whose nodes all send in this
    /// rhythm. The window of `timing` is 0.
    pub(crate) fn in_tree(boot: u64, tree: Tree, timing: Timing, rhythm: Option<Rhythm>) -> Self {
        let place = rhythm.map(|rhythm| Place {
            parent: tree.parent.clone(),
            rhythm,
        });
        Links {
            tree: place,
            ..Links::new(boot, tree.neighbours().map(|node| (node, timing)))
        }
    }

    /// Links of the incarnation `boot` to these neighbours.
    pub fn new(boot: u64, neighbours: impl IntoIterator<Item = (NodeId, Timing)>) -> Self {
        let mut links = Links {
            links: Vec::new(),
            tree: None,
            alarm: Alarm::default(),
        };
        for (peer, timing) in neighbours {
            if let Err(position) = links.position(&peer) {
                let link = Link::new(boot, timing);
                links.links.insert(position, (peer, link));
            }
        }
        links
    }

    /// The neighbours, in order of their names.
    pub fn neighbours(&self) -> impl Iterator<Item = &NodeId> {
        self.links.iter().map(|(neighbour, _)| neighbour)
    }

    /// Queues an item for one neighbour; does nothing if there is no link to that node. `src` is the
    /// neighbour that caused it, if one did: in a tree, what comes from the parent leaves for the
    /// children at once.
    pub fn push(&mut self, now: Duration, src: Option<&NodeId>, neighbour: &NodeId, item: T) {
        if let Ok(position) = self.position(neighbour) {
            let due = self.due(now, neighbour, src);
            push(&mut self.links[position].1, now, due, item);
        }
    }

    /// Queues an item for all neighbours but `src`, which sent it.
    pub fn push_to_all_but(&mut self, now: Duration, src: Option<&NodeId>, item: &T) {
        for position in 0..self.links.len() {
            let neighbour = &self.links[position].0;
            if src != Some(neighbour) {
                let due = self.due(now, neighbour, src);
                push(&mut self.links[position].1, now, due, item.clone());
            }
        }
    }

    /// Lets what is queued for a neighbour leave at the next flush.
    pub fn hasten(&mut self, now: Duration, neighbour: &NodeId) {
        if let Ok(position) = self.position(neighbour) {
            self.links[position].1.hasten(now);
        }
    }

    /// When an item from `src` leaves for a neighbour; in a tree only.
    fn due(&self, now: Duration, neighbour: &NodeId, src: Option<&NodeId>) -> Option<Duration> {
        let Place { parent, rhythm, .. } = self.tree.as_ref()?;
        Some(match parent {
            Some(parent) if parent == neighbour => rhythm.up(now),
            Some(parent) if src == Some(parent) => now,
            _ => rhythm.down(now),
        })
    }

    /// Receives a packet. Nothing is delivered if there is no link to `src`.
    pub fn receive(&mut self, now: Duration, src: &NodeId, packet: Packet<T>) -> Received<T> {
        let Ok(position) = self.position(src) else {
            return Received::default();
        };
        let is_batch = packet.is_batch();
        let received = self.links[position].1.receive(now, packet);
        if let Some(place) = &mut self.tree
            && place.is_parent(src)
            && is_batch
            && !received.items.is_empty()
        {
            place.rhythm.on_batch(now, received.echo);
        }
        received
    }

    /// The number of unacknowledged items, summed over all neighbours.
    pub fn unacknowledged(&self) -> usize {
        self.links.iter().map(|(_, it)| it.unacknowledged()).sum()
    }

    /// The position of the link to a neighbour; or, as an error, where to insert it.
    fn position(&self, neighbour: &NodeId) -> Result<usize, usize> {
        self.links.binary_search_by(|(it, _)| it.cmp(neighbour))
    }

    /// Sends the packets that are due, each in a request that `request` makes, and sets a timer for
    /// the next deadline, whose event `event` makes.
    pub fn flush<E, R: Serialize>(
        &mut self,
        ctx: &mut Context<E>,
        request: impl Fn(Packet<T>) -> R,
        event: impl FnOnce() -> E,
    ) {
        let now = ctx.now();
        for (neighbour, link) in &mut self.links {
            while let Some(mut packet) = link.poll(now) {
                if let Some(place) = &mut self.tree {
                    place.complete(now, neighbour, link, &mut packet);
                }
                ctx.send(neighbour, request(packet));
            }
        }
        let deadline = self.links.iter().filter_map(|(_, it)| it.deadline()).min();
        self.alarm.set(ctx, deadline, event);
    }
}

/// Queues an item, which leaves when it is due, or else when the link's window ends.
fn push<T: Clone>(link: &mut Link<T>, now: Duration, due: Option<Duration>, item: T) {
    match due {
        Some(due) => link.push_until(due, item),
        None => link.push(now, item),
    }
}

impl Place {
    fn is_parent(&self, node: &NodeId) -> bool {
        self.parent.as_ref() == Some(node)
    }

    /// Completes a packet that leaves now: each says when it was sent, or when the packets of the
    /// child should be.
    fn complete<T: Clone>(
        &mut self,
        now: Duration,
        dest: &NodeId,
        link: &mut Link<T>,
        packet: &mut Packet<T>,
    ) {
        if self.is_parent(dest) {
            packet.sent = u64::try_from(now.as_millis()).ok();
            if packet.is_batch() {
                self.rhythm.on_sent_up(now);
            }
        } else if packet.is_batch() {
            self.rhythm.on_sent_down(now);
            let due = match self.parent {
                None => Some(now),
                Some(_) => self.rhythm.last_due(),
            };
            let last = due.zip(link.take_last_sent());
            packet.echo = last.map(|(due, (at, sent))| (sent, self.rhythm.early(at, due)));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use shared::{Caller, Engine, Node, Outbox};

    use super::*;

    const TIMING: Timing = Timing {
        window: Duration::from_millis(340),
        ack_delay: Duration::from_millis(1000),
        resend: Duration::from_millis(2000),
    };

    /// A node that pushes items to its links on request, and counts the timers that fire.
    #[derive(Debug)]
    struct Pusher {
        links: Links<u64>,
        timers_fired: usize,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Request {
        Push { to: NodeId, item: u64 },
        PushToAll { items: u64 },
        Gossip { packet: Packet<u64> },
    }

    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Outgoing {
        Gossip { packet: Packet<u64> },
    }

    impl Pusher {
        fn flush(&mut self, ctx: &mut Context<()>) {
            let request = |packet| Outgoing::Gossip { packet };
            self.links.flush(ctx, request, || ());
        }
    }

    impl Node for Pusher {
        type Request = Request;
        type Event = ();

        fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<()>) {
            let now = ctx.now();
            match request {
                Request::Push { to, item } => self.links.push(now, None, &to, item),
                Request::PushToAll { items } => {
                    (0..items).for_each(|item| self.links.push_to_all_but(now, None, &item));
                }
                Request::Gossip { packet } => {
                    let received = self.links.receive(now, caller.node(), packet);
                    assert_eq!(
                        received,
                        Received::default(),
                        "a packet was accepted from a node that is not a neighbour"
                    );
                }
            }
            self.flush(ctx);
        }

        fn on_event(&mut self, (): (), ctx: &mut Context<()>) {
            self.timers_fired += 1;
            self.flush(ctx);
        }
    }

    fn pusher(neighbours: &'static [&str]) -> Engine<Pusher> {
        let mut engine = Engine::new(1, move |_, _: &mut Context<()>| {
            let neighbours = neighbours.iter().map(|name| (NodeId::from(*name), TIMING));
            Pusher {
                links: Links::new(5, neighbours),
                timers_fired: 0,
            }
        });
        let init = r#"{"type":"init","node_id":"n0","node_ids":["n0"]}"#;
        request(&mut engine, Duration::ZERO, "c0", init);
        engine
    }

    /// Passes a request to the node and returns the messages that it sends.
    fn request(engine: &mut Engine<Pusher>, now: Duration, src: &str, body: &str) -> String {
        let line = format!(r#"{{"src":"{src}","dest":"n0","body":{body}}}"#);
        engine.receive(now, &line);
        sent(engine)
    }

    fn sent(engine: &mut Engine<Pusher>) -> String {
        let mut outbox = Outbox::default();
        engine.drain(&mut outbox);
        assert_eq!(outbox.log, [""; 0]);
        String::from_utf8(outbox.lines).unwrap()
    }

    #[test]
    fn one_flush_sends_all_that_is_due() {
        let mut engine = pusher(&["n1", "n2"]);
        let push = r#"{"type":"push_to_all","items":10000}"#;
        assert_eq!(request(&mut engine, Duration::ZERO, "c1", push), "");
        engine.wake(TIMING.window);
        assert_eq!(
            sent(&mut engine).lines().count(),
            6,
            "not three packets to each neighbour"
        );
        engine.wake(TIMING.window);
        assert_eq!(sent(&mut engine), "");
    }

    #[test]
    fn timers_are_set_for_new_deadlines_only() {
        let mut engine = pusher(&["n1", "n2", "n3"]);
        // Ten pushes each millisecond, for ten seconds.
        for at in (0..10_000).map(Duration::from_millis) {
            for item in 0..10 {
                let neighbour = ["n1", "n2", "n3"][item % 3];
                let push = format!(r#"{{"type":"push","to":"{neighbour}","item":{item}}}"#);
                request(&mut engine, at, "c1", &push);
            }
        }
        // Fires all timers that are set.
        engine.wake(Duration::from_secs(20));
        let timers = engine.node().unwrap().timers_fired;
        assert!(timers < 100, "{timers} timers");
    }

    #[test]
    fn items_and_packets_are_exchanged_only_with_neighbours() {
        let mut engine = pusher(&["n1"]);
        let push = r#"{"type":"push","to":"n9","item":1}"#;
        assert_eq!(request(&mut engine, Duration::ZERO, "c1", push), "");
        assert_eq!(engine.node().unwrap().links.unacknowledged(), 0);
        let gossip = r#"{"type":"gossip","packet":{"from":7,"items":[1]}}"#;
        assert_eq!(request(&mut engine, Duration::ZERO, "n9", gossip), "");
        assert_eq!(engine.deadline(), None);
    }

    #[test]
    fn an_item_is_queued_for_its_neighbour_or_for_all_but_its_source() {
        let [n1, n2, n3] = ["n1", "n2", "n3"].map(NodeId::from);
        let names = [&n3, &n1, &n2, &n1].map(|name| (name.clone(), TIMING));
        let mut links = Links::new(5, names);
        assert!(links.neighbours().eq([&n1, &n2, &n3]));
        links.push(Duration::ZERO, None, &n1, 1);
        links.push_to_all_but(Duration::ZERO, Some(&n1), &2);
        links.push_to_all_but(Duration::ZERO, None, &3);
        let queued = links.links.iter().map(|(_, link)| link.unacknowledged());
        assert_eq!(queued.collect::<Vec<_>>(), [2, 2, 2]);
        assert_eq!(links.unacknowledged(), 6);
        let due = |links: &Links<u64>| links.links.iter().filter_map(|(_, it)| it.deadline()).min();
        assert_eq!(due(&links), Some(TIMING.window));
        links.hasten(Duration::from_millis(7), &n2);
        assert_eq!(due(&links), Some(Duration::from_millis(7)));
    }
}
