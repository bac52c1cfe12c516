//! The link: transcripts, seeded storms, and forged packets.
//!
//! A failing seed prints the command that repeats it, such as
//! `SEED=17 cargo test -p replication --test all link::storms`.

mod forgeries;
mod pair;
mod storms;
mod transcripts;
