//! Building blocks of nodes that replicate state: streams to other nodes that survive lost messages
//! and restarts, a spanning tree of the cluster, and a journal that survives the node.
//!
//! Everything here is sans-IO, like a node itself: time is an argument or comes from the
//! [`Context`](shared::Context), to which messages are sent. A node owns those that it needs, and
//! calls `flush` of its [`Links`] and its [`Durable`] after every request and event.
//!
//! | to | use |
//! | --- | --- |
//! | send items to another node in order and in batches, even if messages are lost | [`Link`], or [`Links`] to several nodes, with a [`Timing`] |
//! | reach all nodes with the fewest messages | a [`Tree`], and [`TreeFlags::links`] along it |
//! | keep acknowledged data even if nodes are killed | [`Durable`] |
//! | wake at the earliest of several deadlines | [`Alarm`] |
//! | set these options on the command line | [`LinkFlags`] and [`DurabilityFlags`] |
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
//! // Each incarnation of a node has a boot number of its own.
//! let mut a = Link::new(17, timing);
//! let mut b = Link::new(18, timing);
//!
//! a.push(seconds(0), "hello");
//! a.push(seconds(0), "world");
//! // Items wait until the window ends, and leave in one packet.
//! assert_eq!(a.deadline(), Some(seconds(1)));
//! let lost = a.poll(seconds(1));
//! assert!(lost.is_some() && a.poll(seconds(1)).is_none());
//!
//! // No acknowledgement comes in time, so they are resent.
//! assert_eq!(a.deadline(), Some(seconds(6)));
//! let resent = a.poll(seconds(6)).unwrap();
//! assert_eq!(b.receive(seconds(6), resent).items, ["hello", "world"]);
//!
//! let acknowledgement = b.poll(seconds(6)).unwrap();
//! a.receive(seconds(6), acknowledgement);
//! assert_eq!(a.unacknowledged(), 0);
//! // Nothing more is sent.
//! assert_eq!((a.deadline(), b.deadline()), (None, None));
//! ```
//!
//! The page of [`Durable`] shows a whole node.

mod alarm;
mod durable;
mod flags;
mod journal;
mod link;
mod links;
mod rhythm;
mod tree;

pub use alarm::Alarm;
pub use durable::{Durable, Step};
pub use flags::{DurabilityFlags, LinkFlags, TreeFlags};
pub use journal::JournalEvent;
pub use link::{Link, Packet, Received, Timing};
pub use links::Links;
pub use tree::Tree;
