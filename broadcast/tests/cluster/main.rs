//! Whole clusters on a virtual clock: scenarios told as transcripts, and storms drawn from seeds.
//!
//! A failing seed names itself; `SEED=17 cargo test -p broadcast --test cluster storms` repeats it.

mod kills;
mod storms;
mod transcripts;
