//! Starts the local ends of connections to hosts: they and what they start are killed with the bench.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{self, Command, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::anyhow;

use crate::child::explain;
use crate::keeper::Keeper;

/// Starts processes whose three pipes are the bench's.
#[derive(Debug, Clone, Default)]
pub(super) struct Spawner {
    pub(super) keeper: Option<Arc<Keeper>>,
    /// Variables of the processes' environment.
    pub(super) variables: Vec<(&'static str, String)>,
}

/// A process here, the leader of its group. It is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) process: process::Child,
    keeper: Option<Arc<Keeper>>,
}

impl Spawner {
    /// # Errors
    /// When the program of the first word cannot be started.
    pub(super) fn start(&self, words: &[String]) -> anyhow::Result<Local> {
        let mut command = command(words);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let pipes = || Stdio::piped();
        let started = command
            .stdin(pipes())
            .stdout(pipes())
            .stderr(pipes())
            .spawn();
        let process = started.map_err(|error| cannot_start(words, &error))?;
        if let Some(keeper) = &self.keeper {
            keeper.add(process.id());
        }
        Ok(Local {
            process,
            keeper: self.keeper.clone(),
        })
    }
}

/// A command of these words, of which there is at least one.
pub(super) fn command(words: &[String]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

/// Why the program of the first word did not start.
pub(super) fn cannot_start(words: &[String], error: &std::io::Error) -> anyhow::Error {
    let program = &words[0];
    if error.kind() == std::io::ErrorKind::NotFound && !program.contains('/') {
        return anyhow!("there is no {program} on PATH here: install it");
    }
    anyhow!(
        "cannot start {program}: {}",
        explain(Path::new(program), error)
    )
}

impl Local {
    /// Reads its stderr in a thread, so that it never waits; the last line at the end.
    pub(super) fn read_errors(&mut self) -> JoinHandle<Option<String>> {
        let stderr = self.process.stderr.take();
        thread::spawn(move || {
            let lines = BufReader::new(stderr?).split(b'\n').map_while(Result::ok);
            let lines = lines.map(|it| String::from_utf8_lossy(&it).trim().to_owned());
            lines.filter(|it| !it.is_empty()).last()
        })
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        #[cfg(unix)]
        {
            use rustix::process::{Pid, Signal, kill_process_group};
            // Until it is waited for, no other process gets its number.
            if matches!(self.process.try_wait(), Ok(None)) {
                let _ = kill_process_group(Pid::from_child(&self.process), Signal::KILL);
            }
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Some(keeper) = &self.keeper {
            keeper.remove(self.process.id());
        }
    }
}
