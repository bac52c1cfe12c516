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
mod keeper;
mod kept;
mod life;
mod lin_kv;
mod lines;
mod logs;
mod processes;
mod replies;
mod start;
mod storms;
mod told;
mod transactions;
