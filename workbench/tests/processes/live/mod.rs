//! The compiled bench against nodes in Python and shell, a few lines each and most of them bad:
//! its verdict and exit status, which are Maelstrom's, and what it tells the person whose node it
//! is. The nodes are in `tests/processes/nodes`.

#![cfg(unix)]

mod answers;
mod bench;
mod broadcast;
mod campaigns;
mod check;
mod ci;
mod command_line;
mod counters;
mod examples;
mod faults;
mod kafka;
mod keeper;
mod lifecycle;
mod lin_kv;
mod lines;
mod output;
mod processes;
mod replies;
mod run_files;
mod start;
mod transactions;
