//! What nodes replicate with.

mod alarm;
mod flags;
mod journal;
mod link;
mod links;
mod lobby;
mod tree;

pub use alarm::Alarm;
pub use flags::{Durability, Patience};
pub use journal::{Heard, Journal, Noted};
pub use link::{Link, Packet, Received, Timing};
pub use links::Links;
pub use lobby::Lobby;
pub use tree::tree_neighbours;
