//! Builds and runs programs, and records what they print.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where the sources of the programs are.
pub fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all")
}

/// A folder for programs that are built.
pub fn built() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs");
        fs::create_dir_all(&folder).unwrap();
        folder
    })
}

/// Whether a tool is here; if it is missing, says that the test is skipped.
pub fn has(tool: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {tool}")])
        .output()
        .unwrap();
    if !found.status.success() {
        eprintln!("skipped: {tool} is not installed");
    }
    found.status.success()
}

/// Runs a tool and asserts that it succeeds.
pub fn run(tool: &str, arguments: &[&str]) {
    let output = Command::new(tool).args(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} {arguments:?}: {stderr}");
}

/// Builds a C program.
pub fn compile(source: &Path) -> PathBuf {
    let program = built().join(source.file_stem().unwrap());
    let (source, output) = (source.to_str().unwrap(), program.to_str().unwrap());
    run("cc", &["-O1", "-pthread", "-o", output, source]);
    program
}
