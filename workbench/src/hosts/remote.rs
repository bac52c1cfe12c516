//! A node's process on a host, and the signals that reach it.

use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, SyncSender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::spawn::Spawner;
use super::{Hosts, Launcher, key};
use crate::child::Incarnation;
use crate::text::shell_word;

/// How long a user's command for a signal may take.
const SIGNAL_PATIENCE: Duration = Duration::from_secs(10);

/// A node's process on a host.
#[derive(Debug)]
pub struct Remote {
    pub(super) hosts: Hosts,
    pub(super) incarnation: Incarnation,
}

impl Remote {
    /// Kills the node and what it has started, soon.
    pub fn kill(&self) {
        self.signal("kill", "KILL");
    }

    /// Pauses or resumes the node and what it has started, soon.
    pub fn set_paused(&self, is_paused: bool) {
        match is_paused {
            true => self.signal("stop", "STOP"),
            false => self.signal("cont", "CONT"),
        }
    }

    fn signal(&self, verb: &str, signal: &str) {
        let Remote { hosts, incarnation } = self;
        let index = incarnation.node;
        match &hosts.0.plan.launcher {
            Launcher::Known(..) => {
                let key = key(*incarnation);
                hosts.host(index).session.send(&format!("{verb} {key}"));
            }
            Launcher::Own {
                signal: Some(template),
                ..
            } => {
                let words = template.words(hosts.values(index, &[], signal));
                let _ = hosts.0.signals.send(Signal::Send(words));
            }
            Launcher::Own { signal: None, .. } => {}
        }
    }

    /// How the node ended, from the exit status of the process here: a shell there reports a signal as
    /// 128 and its number.
    pub fn status(&self, here: ExitStatus) -> ExitStatus {
        #[cfg(unix)]
        {
            let signal = here.code().map(|code| code - 128);
            if let Some(signal) = signal.filter(|it| (1..=64).contains(it) && self.has_keeper()) {
                return std::os::unix::process::ExitStatusExt::from_raw(signal);
            }
        }
        here
    }

    /// Why it ended, as far as its status shows it.
    pub fn explain(&self, status: ExitStatus) -> Option<String> {
        if !self.has_keeper() {
            return None;
        }
        let host = self.hosts.host(self.incarnation.node);
        match status.code() {
            Some(126 | 127) => Some(format!(
                "host {} cannot execute it: if its folder for temporary files forbids that, set TMPDIR there",
                host.name
            )),
            Some(code) if code != 255 => None,
            // A signal, or what ssh exits with if it fails.
            _ => {
                host.session.has_ended_within(Duration::from_millis(300));
                let is_ssh = host.connections.is_some() && status.code().is_some();
                let failed = || format!("ssh to {} failed, or the node did", host.name);
                host.session.failure().or(is_ssh.then(failed))
            }
        }
    }

    /// Whether the bench itself can signal it.
    pub fn has_keeper(&self) -> bool {
        matches!(self.hosts.0.plan.launcher, Launcher::Known(..))
    }
}

/// What the thread of [`send_signals`] is to do.
pub(super) enum Signal {
    /// Run this command line.
    Send(Vec<String>),
    /// Say that all before this was done.
    Mark(SyncSender<()>),
}

/// Sends signals by the user's command, in a thread of its own, as each may take a while.
pub(super) fn send_signals(
    spawner: Spawner,
    failure: Arc<Mutex<Option<String>>>,
    is_over: Arc<AtomicBool>,
) -> Sender<Signal> {
    let (sender, signals) = channel();
    thread::spawn(move || {
        for signal in signals {
            match signal {
                Signal::Mark(done) => drop(done.send(())),
                Signal::Send(words) => {
                    if let Err(error) = run(&words, &spawner)
                        && !is_over.load(Ordering::Relaxed)
                    {
                        let line: Vec<String> = words.iter().map(|it| shell_word(it)).collect();
                        let why =
                            format!("the signal command failed: {}: {error:#}", line.join(" "));
                        let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                        failure.get_or_insert(why);
                    }
                }
            }
        }
    });
    sender
}

/// Runs a command here and waits for its end.
///
/// # Errors
/// When it cannot be started, or fails: with the last line of its stderr; or when it does not end.
fn run(words: &[String], spawner: &Spawner) -> anyhow::Result<()> {
    let mut local = spawner.start(words)?;
    let errors = local.read_errors();
    drop((local.process.stdin.take(), local.process.stdout.take()));
    let deadline = Instant::now() + SIGNAL_PATIENCE;
    let status = loop {
        match local.process.try_wait()? {
            Some(status) => break status,
            None if Instant::now() > deadline => {
                bail!("it has not ended within {} s", SIGNAL_PATIENCE.as_secs())
            }
            None => thread::sleep(Duration::from_millis(2)),
        }
    };
    if !status.success() {
        let why = errors.join().ok().flatten();
        bail!("{}", why.unwrap_or_else(|| status.to_string()));
    }
    Ok(())
}
