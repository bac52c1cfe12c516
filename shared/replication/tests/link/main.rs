//! The link: scenarios told as transcripts, storms drawn from seeds, and forged packets.
//!
//! A failing seed names itself; `SEED=17 cargo test -p replication --test link storms` repeats it alone.

mod forgeries;
mod pair;
mod storms;
mod transcripts;
