//! The bench's pages in a real browser: they render, complain about nothing, and do what their
//! controls say. Where there is no browser, the tests are passed over, and say so.

#![cfg(unix)]

mod chromium;
mod report;
mod serve;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The bench, as a person runs it.
fn workbench(arguments: &str, store: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_workbench"))
        .args(arguments.split_whitespace())
        // What CI keeps of this very step is not for the runs of its tests.
        .env_remove("GITHUB_STEP_SUMMARY")
        .env_remove("GITHUB_ACTIONS")
        .arg("--store")
        .arg(store)
        .output()
        .unwrap()
}

/// The page of the newest run.
fn newest(store: &Path) -> PathBuf {
    let page = store.join("latest/report.html");
    assert!(page.is_file(), "there is no {}", page.display());
    page.canonicalize().unwrap()
}
