//! Tests of links and of the journal, in one binary.

mod journal;
mod link;
