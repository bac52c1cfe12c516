//! Whole clusters on a virtual clock: transcripts of scenarios, storms drawn from seeds, and
//! budgets of messages.
//!
//! A failure prints its seed; `SEED=17 cargo test -p g-counter --test cluster storms` repeats it.

mod budget;
mod forgeries;
mod kills;
mod storms;
mod transcripts;
