//! Reports about a run: its outcome and budgets, the report page with plots and tables, a summary for
//! the terminal, JSON, Markdown and JUnit.

pub mod budget;
mod faults;
pub mod hosts;
pub mod kept;
pub mod outcome;
pub mod page;
pub mod plot;
pub mod report;
pub mod story;
pub mod text;
