//! What programs cost on the virtual clock: their start-up, their seconds, their messages, a stop.
//!
//! `cargo bench -p process-simulator`, with parts of languages' names to measure these alone.
//!
//! Three nodes in each language broadcast for 20 virtual seconds with ten operations a second, as do
//! 25 of some. Machines differ and are busy, so a figure is the median of several runs.

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#[path = "../tests/all/languages.rs"]
mod languages;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod measure;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#[path = "../tests/all/support.rs"]
mod support;

fn main() {
    // A `cargo test` that starts benchmarks, too, does not ask for them.
    if !std::env::args().any(|it| it == "--bench") {
        println!("nothing is measured: run `cargo bench -p process-simulator`");
        return;
    }
    #[cfg(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ))]
    measure::measure();
    #[cfg(not(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )))]
    println!("programs cannot be simulated on this system");
}
