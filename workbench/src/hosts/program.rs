//! The nodes' program on a host: whether it can run there, and its copy.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

use super::session::Session;
use super::spawn::Spawner;
use crate::child::Head;

/// Writes stdin to the file of this name in a folder.
const RECEIVE: &str = "cd \"$1\" && echo $$ >.bench/copy.pid && cat >\"./$2\" && chmod 700 \"./$2\" && rm .bench/copy.pid && echo done";

/// Unpacks stdin, as tar makes it, in a folder.
const UNPACK: &str =
    "cd \"$1\" && echo $$ >.bench/copy.pid && tar -xo -f - && rm .bench/copy.pid && echo done";

/// The program of all nodes, and what is copied to hosts.
#[derive(Debug, Clone)]
pub struct Program {
    /// Its file: here, or on the hosts if it is not copied.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Whether it is copied to the hosts.
    pub is_copied: bool,
    /// Files and folders that are copied beside it.
    pub extra: Vec<PathBuf>,
}

/// A host's system, as it says itself.
pub(super) struct System<'a> {
    pub(super) name: &'a str,
    pub(super) processor: &'a str,
}

impl Program {
    /// Whether it can run on a host, as far as its first bytes show.
    ///
    /// # Errors
    /// Says why not, and what to do.
    pub(super) fn check(&self, system: &System<'_>, session: &Session) -> anyhow::Result<()> {
        let program = self.path.display();
        let has = |what: &str| session.ask(&format!("has {what}")).map(|it| it == "yes");
        if !self.is_copied {
            let path = self.path.to_string_lossy();
            ensure!(has(&path)?, "it has no program {program}");
            return Ok(());
        }
        let head = Head::of(&self.path);
        if let Some(machine) = head.machine().filter(|it| !system.runs(it)) {
            bail!(
                "{program} was built for {machine}, but the host is {} on {}: build it for that",
                system.name,
                system.processor
            );
        }
        if let Some(loader) = head.loader()
            && !has(&loader)?
        {
            bail!(
                "{program} needs the loader {loader}, which the host does not have: link it \
                 statically, or build it for the host's system"
            );
        }
        let Some(script) = head.script() else {
            return Ok(());
        };
        let interpreter = script.interpreter.to_string_lossy().into_owned();
        for needed in [Some(interpreter), script.command].into_iter().flatten() {
            ensure!(
                has(&needed)?,
                "the first line of {program} names the interpreter {needed}, which the host does not \
                 have: install it there"
            );
        }
        Ok(())
    }

    /// Copies it to a folder there, with `words` of a script and its arguments; returns its path there.
    ///
    /// # Errors
    /// When a file cannot be read here or written there.
    pub(super) fn copy(
        &self,
        folder: &str,
        spawner: &Spawner,
        words: impl Fn(&str, &[&str]) -> Vec<String>,
    ) -> anyhow::Result<String> {
        if !self.is_copied {
            return Ok(self.path.to_string_lossy().into_owned());
        }
        let name = self.path.file_name().unwrap_or(OsStr::new("node"));
        let name = name.to_string_lossy();
        let file = File::open(&self.path);
        let file = file.with_context(|| format!("cannot read {}", self.path.display()))?;
        let send = words(RECEIVE, &[folder, &name]);
        pass(file, spawner, &send)
            .with_context(|| format!("cannot copy {}", self.path.display()))?;
        for extra in &self.extra {
            // A link keeps its name, and is copied as what it points to.
            let whole = std::path::absolute(extra);
            let whole = whole.with_context(|| format!("cannot copy {}", extra.display()))?;
            let parent = whole.parent().unwrap_or(Path::new("/"));
            let name = whole.file_name().unwrap_or(OsStr::new("."));
            let mut tar = Command::new("tar");
            if whole.is_symlink() {
                tar.arg("-h");
            }
            tar.arg("-C")
                .arg(parent)
                .arg("-cf")
                .arg("-")
                .arg("--")
                .arg(name);
            let mut tar = tar
                .stdout(Stdio::piped())
                .spawn()
                .context("cannot start tar")?;
            let packed = tar.stdout.take();
            let send = words(UNPACK, &[folder]);
            let sent = packed.map_or(Ok(()), |packed| pass(packed, spawner, &send));
            let is_whole = tar.wait().is_ok_and(|it| it.success());
            sent.with_context(|| format!("cannot copy {}", extra.display()))?;
            ensure!(is_whole, "cannot read all of {}", extra.display());
        }
        Ok(format!("{folder}/{name}"))
    }
}

/// Passes a stream to a script there, which prints a line when it has all.
fn pass(mut stream: impl Read, spawner: &Spawner, words: &[String]) -> anyhow::Result<()> {
    let mut local = spawner.start(words)?;
    let errors = local.read_errors();
    let (stdin, stdout) = (local.process.stdin.take(), local.process.stdout.take());
    let mut reply = String::new();
    // What is wrong is on stderr, and where the pipe breaks says nothing.
    let sent = match stdin {
        Some(mut stdin) => io::copy(&mut stream, &mut stdin).and_then(|_| stdin.flush()),
        None => Ok(()),
    };
    if let Some(mut stdout) = stdout {
        let _ = stdout.read_to_string(&mut reply);
    }
    if reply.trim() == "done" && sent.is_ok() {
        return Ok(());
    }
    match (errors.join().ok().flatten(), sent) {
        (Some(why), _) => bail!("{why}"),
        (None, Err(error)) => bail!("{error}"),
        (None, Ok(())) => bail!("{} did not say that it was done", words[0]),
    }
}

impl System<'_> {
    /// Whether a program for this machine, as [`Head::machine`] names it, may run. What is not known
    /// is tried.
    fn runs(&self, machine: &str) -> bool {
        let processor = self.processor;
        match machine {
            "Windows" => false,
            "macOS" => self.name == "Darwin",
            _ if self.name != "Linux" => false,
            "x86_64" => ["x86_64", "amd64"].contains(&processor),
            "aarch64" => ["aarch64", "arm64"].contains(&processor),
            "riscv" => processor.starts_with("riscv"),
            "a 32-bit x86 processor" => processor.contains("86"),
            "a 32-bit arm processor" => processor.starts_with("arm") || processor == "aarch64",
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_runs_on_its_processor_only() {
        let runs = |name, processor, machine| System { name, processor }.runs(machine);
        assert!(runs("Linux", "x86_64", "x86_64") && runs("Linux", "arm64", "aarch64"));
        assert!(runs("Linux", "x86_64", "a 32-bit x86 processor"));
        assert!(!runs("Linux", "aarch64", "x86_64") && !runs("Linux", "x86_64", "riscv"));
        assert!(!runs("Darwin", "arm64", "aarch64") && runs("Darwin", "arm64", "macOS"));
        assert!(!runs("Linux", "x86_64", "Windows"));
    }
}
