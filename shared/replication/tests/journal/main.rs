//! The journal: scenarios told as transcripts, and storms drawn from seeds in which nodes are
//! killed and nothing that was confirmed may be lost.
//!
//! A failing seed names itself; `SEED=17 cargo test -p replication --test journal storms` repeats it.

mod notebook;
mod storms;
mod transcripts;
