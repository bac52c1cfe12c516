//! Faults on the virtual clock: each has its documented effect and no other, and the same seed
//! gives the same run, whatever runs in parallel.

mod determinism;
mod limits;
mod message_faults;
mod node_faults;
mod registers;
mod witness;
