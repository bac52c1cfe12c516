//! The checkers of transactions on small histories, as transcripts, and on long and mangled ones.

mod lines;
mod lists;
mod mangled;
mod registers;
