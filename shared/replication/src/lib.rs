//! What replicating nodes stand on: streams to other nodes that survive loss and restarts, a
//! spanning tree to send along, and a journal that survives the node.
//!
//! Everything here is sans-IO, like a node itself: time is an argument or comes with the
//! [`Context`](shared::Context), and what is to be sent goes there. A node owns one of each that it
//! needs and calls its `flush` after everything that happened.
//!
//! | to | use |
//! | --- | --- |
//! | send items to another node: each once, in order, in batches, even if messages are lost | [`Link`], or [`Links`] to several nodes, with a [`Timing`] |
//! | reach all nodes with the fewest messages | [`tree_neighbours`] |
//! | keep what was acknowledged even if nodes are killed | [`Durable`] |
//! | wake at the earliest of many deadlines | [`Alarm`] |
//! | have this on the command line | [`Patience`] and [`Durability`] |
//!
//! # Example
//!
//! Two ends of a link, whose first packet is lost:
//!
//! ```
//! use replication::{Link, Timing};
//! use std::time::Duration;
//!
//! let seconds = Duration::from_secs;
//! let timing = Timing { window: seconds(1), ack_delay: seconds(1), resend: seconds(5) };
//! // Each node has a boot number, another one each time it starts.
//! let mut a = Link::new(17, timing);
//! let mut b = Link::new(18, timing);
//!
//! a.push(seconds(0), "hello");
//! a.push(seconds(0), "world");
//! assert_eq!(a.deadline(), Some(seconds(1)), "items are gathered for a window");
//! let lost = a.poll(seconds(1));
//! assert!(lost.is_some() && a.poll(seconds(1)).is_none(), "both are in one packet");
//!
//! assert_eq!(a.deadline(), Some(seconds(6)), "no acknowledgement has come in time");
//! let again = a.poll(seconds(6)).unwrap();
//! assert_eq!(b.receive(seconds(6), again).items, ["hello", "world"]);
//!
//! let acknowledgement = b.poll(seconds(6)).unwrap();
//! a.receive(seconds(6), acknowledgement);
//! assert_eq!(a.unacknowledged(), 0);
//! assert_eq!((a.deadline(), b.deadline()), (None, None), "nothing more is sent");
//! ```
//!
//! [`Durable`]'s page shows a whole node.

mod alarm;
mod durable;
mod flags;
mod journal;
mod link;
mod links;
mod tree;

pub use alarm::Alarm;
pub use durable::{Durable, Step};
pub use flags::{Durability, Patience};
pub use journal::JournalEvent;
pub use link::{Link, Packet, Received, Timing};
pub use links::Links;
pub use tree::tree_neighbours;
