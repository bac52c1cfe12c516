//! The fuzz targets. Each takes any bytes and drives one boundary of the product with them; it
//! panics where the product panics, contradicts itself, takes too many steps or too much memory.
//!
//! libFuzzer feeds them by the programs in `../fuzz_targets`; the inputs in `../corpus`, which it has
//! found to reach different code, are replayed by this package's test.

mod bytes;
mod cluster;
mod command_line;
mod drivers;
mod edit;
mod histories;
mod hostile;
mod node_input;
mod node_output;
mod notations;
mod peers;
mod requests;
mod site;
mod store;
mod twins;

use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// A boundary of the product that is fuzzed.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: that of its program and of its corpus.
    pub name: &'static str,
    /// Drives the boundary with these bytes.
    drive: fn(&[u8]),
    /// The limit of memory in use at a time, per byte of input, beyond [`BASE_MEMORY`].
    memory_per_byte: usize,
}

/// Memory that a target may use for any input: page templates, tables, the nodes of a run.
const BASE_MEMORY: usize = 4 << 20;

/// All targets.
pub const TARGETS: [Target; 10] = [
    target("histories", histories::drive, 1_000),
    target("twins", twins::drive, 1_000),
    target("notations", notations::drive, 200),
    target("node_output", node_output::drive, 1_000),
    target("node_input", node_input::drive, 200),
    target("peers", peers::drive, 1_000),
    target("store", store::drive, 500),
    target("requests", requests::drive, 200),
    target("command_line", command_line::drive, 1_000),
    target("drivers", drivers::drive, 1_000),
];

const fn target(name: &'static str, drive: fn(&[u8]), memory_per_byte: usize) -> Target {
    Target {
        name,
        drive,
        memory_per_byte,
    }
}

impl Target {
    /// Drives the target with an input, and checks the memory that it takes. Only one thread may do
    /// so at a time, as memory is counted for the process.
    ///
    /// # Panics
    /// When the product is wrong.
    pub fn run(&self, input: &[u8]) {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        (self.drive)(input);
        let used = MEMORY.peak_usage().saturating_sub(before);
        let limit = BASE_MEMORY + self.memory_per_byte * input.len();
        assert!(
            used <= limit,
            "{} bytes of input take {used} bytes of memory, more than {limit}",
            input.len()
        );
    }
}

/// Runs a target of this name.
///
/// # Panics
/// When the product is wrong, or there is no such target.
pub fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    target.expect("a target of this name").run(input);
}
