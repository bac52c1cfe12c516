//! The product's own code in small scopes, from every state that can be reached: the link,
//! broadcast's tree and the Kafka frontier, between two or three ends with a few items, over a
//! network in which any message may be lost, come late and come again.
//!
//! What is checked is all of a scope, not a sample of it; storms, in the crates' own tests, are
//! samples of much larger ones. Each subject also shows that its scopes can fail: something is
//! made wrong on purpose, and the shortest way to see it is found.

mod broadcast;
mod calm;
mod catalogue;
mod explore;
mod hosted;
mod kafka_log;
mod link;
mod scope;
mod world;
