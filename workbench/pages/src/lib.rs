//! What a run came to, for people and for machines: its outcome and its budgets, the page about it
//! with plots and tables, a screen of words, JSON, Markdown and JUnit.

pub mod budget;
pub mod kept;
pub mod outcome;
pub mod page;
pub mod plot;
pub mod report;
pub mod text;
