//! Whole clusters on a virtual clock: transcripts of scenarios, and storms drawn from seeds.
//!
//! A failure prints its seed; `SEED=17 cargo test -p kafka-log --test cluster storms` repeats it.

mod kills;
mod storms;
mod transcripts;
