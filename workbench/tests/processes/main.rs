//! Tests of the compiled `workbench`, with nodes as processes. They wait for clocks and processes,
//! so tests that only compute are in another binary.

mod browser;
mod live;
mod recorded_histories;
mod serve;
mod sweep;
