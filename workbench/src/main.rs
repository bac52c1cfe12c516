//! The command line of the bench.

use std::process::ExitCode;

fn main() -> ExitCode {
    workbench::cli::main()
}
