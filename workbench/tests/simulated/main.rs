//! What computes and waits for nothing: storms, challenges on the virtual clock, models checked state
//! by state, nodes with small mistakes, and the rules of the house.

mod challenges;
mod house;
mod model_checking;
mod page;
mod sharpness;
mod storms;
