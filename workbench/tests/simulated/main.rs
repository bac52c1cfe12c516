//! What computes and waits for nothing: storms, challenges on the virtual clock, models checked
//! state by state, nodes with small mistakes, the rules of the house, and its doors.

mod challenges;
#[cfg(unix)]
mod doors;
mod house;
mod model_checking;
mod page;
mod sharpness;
mod storms;
