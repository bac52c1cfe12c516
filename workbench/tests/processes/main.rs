//! The compiled bench as a person runs it, with nodes that are processes. What is tested waits for
//! clocks and processes, so nothing that only computes is in this binary.

mod browser;
mod live;
mod recorded_histories;
mod serve;
mod sweep;
