//! Model checking of the product's own code in small scopes, from every reachable state: the link,
//! broadcast's tree and the Kafka frontier, between two or three actors with a few items, over a
//! network in which any message may be lost, delayed and duplicated.
//!
//! A scope is checked exhaustively, not sampled; the storms in the packages' own tests sample much
//! larger ones. Each system also shows that its scopes can fail: a mutation breaks it on purpose,
//! and the shortest counterexample is found.

mod broadcast;
mod catalogue;
mod convergence;
mod explore;
mod kafka_log;
mod link;
mod model;
mod node_actor;
mod scope;
