//! Programs on the virtual clock, as the command line runs them. They compute much, so they are not in
//! the binary whose tests wait for the wall clock.
#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

#[path = "../common/example.rs"]
mod example;
mod virtual_clock;

#[test]
fn every_example_survives_the_storms_in_its_head() {
    example::check(|example| example.problem("storm"));
}
