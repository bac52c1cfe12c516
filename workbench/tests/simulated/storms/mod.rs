//! Faults on the virtual clock: each does what it says and no more, and the same seed gives the
//! same run, whatever runs beside it.

mod life;
mod limits;
mod message_faults;
mod registers;
mod repetition;
mod witness;
