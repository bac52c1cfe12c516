//! Tests of links, alone and in a tree, and of the journal, in one binary.

mod journal;
mod link;
mod tree;
