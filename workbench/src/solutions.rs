//! The solutions by name. In a live run a node is the binary of the package of that name; in a
//! simulation it is part of this process, if the bench was built with the feature `simulate`.

#[cfg(feature = "simulate")]
mod hosted;

use std::path::{Path, PathBuf};
use std::process::{self, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

/// A solution: a package with a binary of the same name.
#[expect(missing_docs, reason = "the variants are the packages")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Solution {
    Echo,
    UniqueIds,
    Broadcast,
    GCounter,
    KafkaLog,
    Txn,
}

impl Solution {
    /// Name of its package and binary.
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

    /// Whether its state survives the death of a node with the flag `--durable` only. The other
    /// solutions have no state to lose.
    pub fn is_durable_by_flag(self) -> bool {
        match self {
            Solution::Echo | Solution::UniqueIds => false,
            Solution::Broadcast | Solution::GCounter | Solution::KafkaLog | Solution::Txn => true,
        }
    }

    /// Builds its binary in release mode and returns its path. Cargo shows its progress on stderr.
    ///
    /// # Errors
    /// When cargo cannot be started, or does not build the binary.
    pub fn build(self) -> anyhow::Result<PathBuf> {
        let package = self.package();
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("no workspace")?;
        if !workspace.join("Cargo.toml").is_file() {
            bail!(
                "the sources of {package} are no longer at {}: give your node with --bin, or use \
                 cargo challenge in a checkout",
                workspace.display()
            );
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = process::Command::new(cargo)
            .args(["build", "--release", "--package", package])
            .arg("--message-format=json-render-diagnostics")
            .current_dir(workspace)
            .stderr(Stdio::inherit())
            .output()
            .context("cannot start cargo to build the solution; --bin takes a program instead")?;
        if !built.status.success() {
            bail!("{package} does not build");
        }
        let messages = serde_json::Deserializer::from_slice(&built.stdout).into_iter::<Value>();
        let executable = messages.filter_map(Result::ok).find_map(|message| {
            let path = message["executable"].as_str()?;
            (message["target"]["name"] == package).then(|| PathBuf::from(path))
        });
        executable.with_context(|| format!("cargo built no binary called {package}"))
    }
}
