//! The pages in a real browser: they render without errors, and their controls work. Without a
//! browser the tests are skipped with a note.

#![cfg(unix)]

mod chromium;
mod layout;
mod report;
mod serve;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs the bench with these arguments.
fn workbench(arguments: &str, store: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_workbench"))
        .args(arguments.split_whitespace())
        // Tests must not write to the summary of the CI step that they run in.
        .env_remove("GITHUB_STEP_SUMMARY")
        .env_remove("GITHUB_ACTIONS")
        .arg("--store")
        .arg(store)
        .output()
        .unwrap()
}

/// The report of the newest run.
fn newest_report(store: &Path) -> PathBuf {
    let page = store.join("latest/report.html");
    assert!(page.is_file(), "there is no {}", page.display());
    page.canonicalize().unwrap()
}
