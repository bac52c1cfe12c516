//! The journal: starts of several incarnations, transcripts, and seeded storms in which nodes are
//! killed and no acknowledged number may be lost.
//!
//! A failing seed prints the command that repeats it, such as
//! `SEED=17 cargo test -p replication --test all journal::storms`.

mod incarnations;
mod notebook;
mod storms;
mod transcripts;
