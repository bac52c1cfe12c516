//! Finds the program that `--bin` names.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail};

use super::warn;
use crate::child::on_path;

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
