//! Tests of links and of the journal, in one program.

mod journal;
mod link;
