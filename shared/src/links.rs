//! The links of a node to its neighbours, and the one timer that serves them all.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

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
    /// When the earliest timer that was set will fire.
    alarm: Option<Duration>,
}

impl<T: Clone> Links<T> {
    /// Links of the incarnation `boot` to these neighbours.
    pub fn new(boot: u64, neighbours: impl IntoIterator<Item = (NodeId, Timing)>) -> Self {
        let link = |(peer, timing)| (peer, Link::new(boot, timing));
        Links {
            links: neighbours.into_iter().map(link).collect(),
            alarm: None,
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
        self.alarm = self.alarm.filter(|alarm| *alarm > now);
        let Some(deadline) = self.links.values().filter_map(Link::deadline).min() else {
            return;
        };
        if self.alarm.is_none_or(|alarm| deadline < alarm) {
            ctx.after(deadline.saturating_sub(now), tick());
            self.alarm = Some(deadline);
        }
    }
}
