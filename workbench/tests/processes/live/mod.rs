//! Runs the compiled bench with small nodes in Python and shell, most of them faulty, and checks
//! its verdict and exit status, which are Maelstrom's, and its messages. The nodes are in
//! `tests/processes/nodes`.

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
mod hosts;
mod interrupt;
mod kafka;
mod keeper;
mod lifecycle;
mod lin_kv;
mod lines;
mod new;
mod output;
mod processes;
mod replies;
mod run_files;
mod shards;
mod start;
mod starved;
mod terminal;
mod transactions;
