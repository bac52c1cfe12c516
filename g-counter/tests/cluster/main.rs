//! Whole clusters on a virtual clock: scenarios told as transcripts, storms drawn from seeds, and
//! what the bench's rules cost.
//!
//! A failing seed names itself; `SEED=17 cargo test -p g-counter --test cluster storms` repeats it.

mod budget;
mod forgeries;
mod kills;
mod storms;
mod transcripts;
