//! The solutions by name. For a live run a node is the binary of the package of that name; for a
//! simulation it is made in this process, if the bench was built with the feature `simulate`.

#[cfg(feature = "simulate")]
mod hosted;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

/// A solution of ours; each is a package with a binary of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Solution {
    /// Package `echo`.
    Echo,
    /// Package `unique-ids`.
    UniqueIds,
    /// Package `broadcast`.
    Broadcast,
    /// Package `g-counter`.
    GCounter,
    /// Package `kafka-log`.
    KafkaLog,
    /// Package `txn`.
    Txn,
}

impl Solution {
    /// The name of its package and of its binary.
    pub fn package(self) -> &'static str {
        match self {
            Solution::Echo => "echo",
            Solution::UniqueIds => "unique-ids",
            Solution::Broadcast => "broadcast",
            Solution::GCounter => "g-counter",
            Solution::KafkaLog => "kafka-log",
            Solution::Txn => "txn",
        }
    }

    /// Whether it keeps what it was told beyond the death of a node only if it is given the flag
    /// `--durable`. The others have nothing to keep.
    pub fn is_durable_by_flag(self) -> bool {
        match self {
            Solution::Echo | Solution::UniqueIds => false,
            Solution::Broadcast | Solution::GCounter | Solution::KafkaLog | Solution::Txn => true,
        }
    }

    /// Builds its binary in release, or finds it built; its path. What cargo compiles is named on
    /// stderr as it goes.
    ///
    /// # Errors
    /// When there is no cargo, or no binary comes out of it.
    pub fn build(self) -> anyhow::Result<PathBuf> {
        let package = self.package();
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("no workspace")?;
        if !workspace.join("Cargo.toml").is_file() {
            bail!(
                "the sources of {package} are not at {} any more: give your node with --bin, or use \
                 cargo challenge in a checkout",
                workspace.display()
            );
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut cargo = process::Command::new(cargo)
            .args(["build", "--release", "--quiet", "--package", package])
            .arg("--message-format=json-render-diagnostics")
            .current_dir(workspace)
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start cargo to build the solution; --bin takes a program instead")?;
        let mut executable = None;
        let mut compiled = String::new();
        let messages = cargo.stdout.take().map(BufReader::new);
        for message in messages.into_iter().flat_map(BufRead::lines) {
            let message: Value = serde_json::from_str(&message?).unwrap_or_default();
            let name = &message["target"]["name"];
            // A library and a binary of one name are one package.
            if let (Some(name), Some(false)) = (name.as_str(), message["fresh"].as_bool())
                && name != compiled
            {
                eprintln!("    Compiled {name}");
                name.clone_into(&mut compiled);
            }
            if let (true, Some(path)) = (name == package, message["executable"].as_str()) {
                executable = Some(PathBuf::from(path));
            }
        }
        if !cargo.wait()?.success() {
            bail!("{package} does not build");
        }
        executable.with_context(|| format!("cargo built no binary called {package}"))
    }
}
