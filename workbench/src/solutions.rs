//! The one file that names the solutions: for a simulation a node is made here, for a live run it
//! is the binary of the package of that name.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};

use anyhow::{Context as _, bail};
use broadcast::Broadcast;
use clap::{Args, Command};
use echo::Echo;
use g_counter::GCounter;
use kafka_log::KafkaLog;
use serde_json::Value;
use shared::{Cluster, Context, Engine, Node, read_flags, with_flags};
use txn::Txn;
use unique_ids::UniqueIds;

use simulator::simulation::Factory;

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

    /// What makes its nodes, each from the seed of its dice, given the flags of its binary.
    ///
    /// # Errors
    /// When the binary would not take these flags.
    pub fn factory(self, arguments: &[String]) -> anyhow::Result<Factory> {
        match self {
            Solution::Echo => {
                flags::<NoFlags>(self, arguments)?;
                Ok(Box::new(|seed| Box::new(Engine::new(seed, |_, _| Echo))))
            }
            Solution::UniqueIds => {
                flags::<NoFlags>(self, arguments)?;
                Ok(Box::new(|seed| {
                    let boot = |cluster, ctx: &mut _| UniqueIds::boot(&cluster, ctx);
                    Box::new(Engine::new(seed, boot))
                }))
            }
            Solution::Broadcast => nodes(flags(self, arguments)?, Broadcast::boot),
            Solution::GCounter => nodes(flags(self, arguments)?, GCounter::boot),
            Solution::KafkaLog => nodes(flags(self, arguments)?, KafkaLog::boot),
            Solution::Txn => nodes(flags(self, arguments)?, Txn::boot),
        }
    }

    /// Its binary's command line.
    pub fn command(self) -> Command {
        let command = Command::new(self.package());
        match self {
            Solution::Echo | Solution::UniqueIds => command,
            Solution::Broadcast => broadcast::Flags::augment_args(command),
            Solution::GCounter => g_counter::Flags::augment_args(command),
            Solution::KafkaLog => kafka_log::Flags::augment_args(command),
            Solution::Txn => txn::Flags::augment_args(command),
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
        let messages = cargo.stdout.take().map(BufReader::new);
        for message in messages.into_iter().flat_map(BufRead::lines) {
            let message: Value = serde_json::from_str(&message?).unwrap_or_default();
            let name = &message["target"]["name"];
            if let (Some(name), Some(false)) = (name.as_str(), message["fresh"].as_bool()) {
                eprintln!("    Compiled {name}");
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

/// What makes nodes that boot with flags.
fn nodes<N, F>(
    flags: F,
    boot: fn(&F, &Cluster, &mut Context<N::Event>) -> N,
) -> anyhow::Result<Factory>
where
    N: Node,
    F: Clone + Send + Sync + 'static,
{
    let boot = with_flags(flags, boot);
    Ok(Box::new(move |seed| {
        Box::new(Engine::new(seed, boot.clone()))
    }))
}

#[derive(Args)]
struct NoFlags {}

fn flags<F: Args>(solution: Solution, arguments: &[String]) -> anyhow::Result<F> {
    let package = solution.package();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    read_flags(package, &words).with_context(|| format!("{package} does not take these flags"))
}
