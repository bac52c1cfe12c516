//! The program that `--bin` names: finds it, and starts it in simulations.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail};
use clap::ValueEnum;

use super::warn;
use crate::child::on_path;
use simulator::simulation::Factory;

/// Which of a program's runnable threads goes on, in a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Threads {
    /// Each runs until it waits.
    InOrder,
    /// The seed decides at every system call that stops: finds races.
    Seeded,
}

/// The absolute path of a program. A path with a slash is relative to the working directory; a
/// name without one is a file there, or else a program on PATH, with a note to the user.
///
/// # Errors
/// When there is no such file. It may still fail to start.
pub(super) fn find(bin: &Path) -> anyhow::Result<PathBuf> {
    let first = bin.components().next();
    let is_name = matches!(first, Some(Component::Normal(name)) if name == bin.as_os_str());
    if is_name
        && !bin.is_file()
        && let Some(program) = on_path(bin.as_os_str())
    {
        warn(format_args!(
            "note: --bin {name} is {found}, found on PATH, since no file here has that name",
            name = bin.display(),
            found = program.display()
        ));
        return Ok(program);
    }
    if is_name && !bin.exists() {
        let here = std::env::current_dir().context("there is no working directory")?;
        bail!(
            "there is no program {}: no file in {} has that name, and no program on PATH",
            bin.display(),
            here.display()
        );
    }
    // As in Maelstrom, links are resolved.
    std::fs::canonicalize(bin).with_context(|| format!("there is no program {}", bin.display()))
}

/// Starts a program as every node of a simulation.
///
/// # Errors
/// When programs cannot be simulated here.
#[cfg(feature = "simulate")]
pub(super) fn simulated(
    program: &Path,
    arguments: &[String],
    threads: Threads,
) -> anyhow::Result<Factory> {
    use crate::child::{explain, working_folder};

    process_simulator::check()?;
    let (folder, note) = working_folder()?;
    note.iter().for_each(warn);
    let threads = match threads {
        Threads::InOrder => process_simulator::Threads::InOrder,
        Threads::Seeded => process_simulator::Threads::Seeded,
    };
    let path = program.to_owned();
    let program = process_simulator::Program {
        path: path.clone(),
        arguments: arguments.iter().map(Into::into).collect(),
        folder,
    };
    let factory = process_simulator::factory(program, threads);
    Ok(Box::new(move |incarnation| {
        factory(incarnation).map_err(|error| match error.downcast::<std::io::Error>() {
            Ok(error) => anyhow::anyhow!("{}: {}", path.display(), explain(&path, &error)),
            Err(error) => error,
        })
    }))
}

/// Refuses simulations in a build without them.
#[cfg(not(feature = "simulate"))]
pub(super) fn simulated(_: &Path, _: &[String], _: Threads) -> anyhow::Result<Factory> {
    Err(super::misuse(
        "this build cannot simulate: use cargo workbench",
    ))
}
