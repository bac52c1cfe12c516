//! Tests that compute, where those in `tests/processes` wait: storms, challenges on the virtual
//! clock, model checking, sharpness, the report page, the house rules, and the doors.

mod challenges;
#[cfg(unix)]
mod doors;
mod house;
mod model_checking;
mod page;
mod sharpness;
mod storms;
