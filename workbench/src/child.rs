//! A node as a child process: its three pipes, the threads that serve them, and its exit.

mod head;
mod input;
mod output;
mod start;

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
#[cfg(unix)]
use std::os::{fd::AsFd, unix::process::CommandExt};
use std::path::Path;
use std::process::{self, Command, ExitStatus};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
#[cfg(unix)]
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use shared::NodeId;

use crate::files::{allow_open, failed};
use crate::hosts::{Hosts, Remote};
use crate::keeper::Keeper;
pub(crate) use head::Head;
use input::Input;
pub use output::{LogProblem, SLOW_WRITE};
use output::{Tail, read_output, write_log};
pub use start::explain;
use start::{ENOEXEC, explain_exit, is_text};
pub use start::{on_path, working_folder};

/// Files that are open for a node: its pipes, of which the one to it is there twice, and its log.
const FILES_PER_NODE: u64 = 5;

/// Files that are open for a run: at most so many while a node is being started, with some to spare.
const FILES_OF_RUN: u64 = 64;

/// How much input may wait for a node that does not read it.
pub(crate) const MAX_INPUT_BYTES: usize = 1 << 30;

/// The stacks of the threads that serve pipes, which need little.
const STACK_BYTES: usize = 256 << 10;

/// How long to wait for the end of a node's stderr after it has exited.
const TAIL_TIMEOUT: Duration = Duration::from_millis(300);

/// How long a node may live on after a user's command has sent SIGKILL.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// An event that a child's threads send to the runner.
#[derive(Debug)]
pub enum ChildEvent {
    /// The first output of the node, which has no newline yet.
    PartialLine(Incarnation),
    /// One or more lines of the node's stdout.
    Lines(Incarnation, String),
    /// The node has closed its stdout.
    Closed(Incarnation),
    /// A line of the node's stderr.
    Stderr(Incarnation, String),
    /// Something is wrong with the node's log.
    Log(Incarnation, LogProblem),
}

/// A process of a node: which node it is, and how many processes of that node came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incarnation {
    /// Index of the node.
    pub node: usize,
    /// How many processes of the node came before.
    pub number: u32,
}

/// A node's process, and those that it has started: on Unix they are a process group. It is killed
/// when this is dropped.
///
/// A process that leaves the group (`setsid`, as daemons do) is not followed.
#[derive(Debug)]
pub struct Child {
    /// The node, or the program here that has started it on another host.
    process: process::Child,
    /// The node's process on another host.
    remote: Option<Remote>,
    /// Its exit status, once it has been taken. From then on its id may be that of another process.
    status: Option<ExitStatus>,
    /// None once its input has ended.
    input: Option<Input>,
    tail: Arc<Mutex<Tail>>,
    leave_running: bool,
    keeper: Option<Arc<Keeper>>,
}

/// How to start nodes.
#[derive(Debug)]
pub struct Launch<'a> {
    /// The program.
    pub program: &'a Path,
    /// Its arguments.
    pub arguments: &'a [String],
    /// The nodes' working directory, as [`working_folder`] chooses it.
    pub folder: &'a Path,
    /// The existing folder for the nodes' logs.
    pub logs: &'a Path,
    /// Whether lines on stderr are forwarded as events.
    pub forward_stderr: bool,
    /// Whether nodes may exit early, and are not killed at the end.
    pub leave_running: bool,
    /// Kills the nodes if the bench is killed.
    pub keeper: Option<Arc<Keeper>>,
    /// Where nodes run, if not here.
    pub hosts: Option<&'a Hosts>,
}

/// A process, and our ends of its pipes.
struct Started {
    process: process::Child,
    input: PipeWriter,
    output: PipeReader,
    log: PipeReader,
}

impl Launch<'_> {
    /// Allows this process what it needs for so many nodes.
    ///
    /// # Errors
    /// When it certainly may not have so many: better now than after thousands have started.
    pub(crate) fn prepare(&self, nodes: usize) -> anyhow::Result<()> {
        let files = nodes as u64 * FILES_PER_NODE;
        match allow_open(files + FILES_OF_RUN) {
            Some(most) if most < files => bail!(
                "{nodes} nodes need {files} open files, but this process may have {most}: raise the hard \
                 limit (ulimit -Hn, as root), or run fewer nodes"
            ),
            _ => Ok(()),
        }
    }

    /// Starts a process.
    fn spawn(&self, incarnation: Incarnation) -> io::Result<Started> {
        let (stdin, input) = io::pipe()?;
        let (output, stdout) = io::pipe()?;
        let (log, stderr) = io::pipe()?;
        #[cfg(unix)]
        if let Some(keeper) = &self.keeper {
            keeper.announce([stdin.as_fd(), stdout.as_fd(), stderr.as_fd()]);
        }
        let start = |command: &mut Command| {
            #[cfg(unix)]
            command.process_group(0);
            command
                .stdin(stdin.try_clone()?)
                .stdout(stdout.try_clone()?)
                .stderr(stderr.try_clone()?)
                .spawn()
        };
        let here =
            |command: &mut Command| start(command.args(self.arguments).current_dir(self.folder));
        let started = match self.hosts {
            Some(hosts) => start(&mut hosts.command(incarnation)),
            None => match here(&mut Command::new(self.program)) {
                // A script without a `#!` line: run it with a shell, as the JVM does.
                Err(error)
                    if cfg!(unix)
                        && error.raw_os_error() == Some(ENOEXEC)
                        && is_text(self.program) =>
                {
                    here(Command::new("/bin/sh").arg(self.program))
                }
                started => started,
            },
        };
        let process = started?;
        if let Some(keeper) = &self.keeper {
            keeper.add(process.id());
        }
        Ok(Started {
            process,
            input,
            output,
            log,
        })
    }
}

impl Child {
    /// Starts a node. Its log is appended to that of earlier incarnations.
    ///
    /// # Errors
    /// When the program or its threads cannot be started, or the log cannot be created.
    pub fn start(
        launch: &Launch<'_>,
        incarnation: Incarnation,
        name: &NodeId,
        events: &SyncSender<ChildEvent>,
    ) -> anyhow::Result<Self> {
        let log = launch.logs.join(format!("{name}.log"));
        let log = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(|error| failed(format!("cannot create {}", log.display()), &error))?;
        let started = launch
            .spawn(incarnation)
            .map_err(|error| match launch.hosts {
                Some(hosts) => hosts.cannot_start(incarnation, &error),
                None => {
                    let why = explain(launch.program, &error);
                    anyhow!("cannot start {}: {why}", launch.program.display())
                }
            })?;
        let tail = Arc::new(Mutex::new(Tail::default()));
        // From here on it is killed if anything fails.
        let mut child = Child {
            process: started.process,
            remote: launch.hosts.map(|hosts| hosts.remote(incarnation)),
            status: None,
            input: None,
            tail: Arc::clone(&tail),
            leave_running: launch.leave_running,
            keeper: launch.keeper.clone(),
        };
        let (stdout, stderr) = (started.output, started.log);
        let thread = || thread::Builder::new().stack_size(STACK_BYTES);
        let serve = || {
            let (input, rest) = Input::new(started.input)?;
            thread().spawn(move || rest.write_all())?;
            let (sender, kept) = (events.clone(), tail);
            thread().spawn(move || read_output(incarnation, stdout, &sender))?;
            let (events, forward) = (events.clone(), launch.forward_stderr);
            let write = move || write_log(incarnation, stderr, log, &kept, forward, &events);
            thread().spawn(write)?;
            Ok(input)
        };
        match serve() {
            Ok(input) => child.input = Some(input),
            Err(error) => {
                child.kill();
                return Err(failed("cannot serve the pipes of a node", &error));
            }
        }
        Ok(child)
    }

    /// Writes lines to the node's stdin. They are dropped if the node has exited.
    pub fn write(&mut self, lines: &str) {
        if let Some(input) = &mut self.input {
            input.write(lines.as_bytes());
        }
    }

    /// Whether more input waits for the node than memory should be spent on.
    pub fn is_far_behind(&self) -> bool {
        self.input
            .as_ref()
            .is_some_and(|it| it.waiting() > MAX_INPUT_BYTES)
    }

    /// Pauses or resumes the node. Does nothing if it has exited, or on systems without signals.
    pub fn set_paused(&mut self, is_paused: bool) {
        if let Some(remote) = &self.remote {
            return remote.set_paused(is_paused);
        }
        #[cfg(unix)]
        if self.exit_status().is_none() {
            self.signal(if is_paused {
                Signal::STOP
            } else {
                Signal::CONT
            });
        }
        #[cfg(not(unix))]
        let _ = is_paused;
    }

    /// Kills the node, and what it has started: at once, or on another host as soon as the signal is
    /// there.
    pub fn kill(&mut self) {
        match &self.remote {
            // The process here, which still has the node's output, ends by itself.
            Some(remote) => {
                remote.kill();
                self.input = None;
            }
            None => self.kill_here(),
        }
    }

    fn kill_here(&mut self) {
        if self.status.is_none() {
            #[cfg(unix)]
            self.signal(Signal::KILL);
            let _ = self.process.kill();
            self.status = self.process.wait().ok();
            self.forget();
        }
    }

    /// The exit status, if the node has exited. What it has started is killed then, unless nodes are
    /// left running.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            #[cfg(unix)]
            if !self.leave_running && self.has_exited() {
                self.signal(Signal::KILL);
                // A keeper knows what is left of this process; a user's command might find the next one.
                let remote = self.remote.iter().filter(|it| it.has_keeper());
                remote.for_each(Remote::kill);
            }
            let status = self.process.try_wait().ok().flatten();
            self.status =
                status.map(|here| self.remote.as_ref().map_or(here, |it| it.status(here)));
            if self.status.is_some() {
                self.forget();
            }
        }
        self.status
    }

    /// Whether the node has exited, without taking its exit status: until that is taken, no other
    /// process or group gets its id.
    #[cfg(unix)]
    fn has_exited(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let ended = waitid(WaitId::Pid(Pid::from_child(&self.process)), options);
        ended.is_ok_and(|it| it.is_some())
    }

    /// Sends a signal to the group. Its exit status has not been taken yet.
    #[cfg(unix)]
    fn signal(&self, signal: Signal) {
        let _ = kill_process_group(Pid::from_child(&self.process), signal);
    }

    /// The group has ended, or is to outlive the bench.
    fn forget(&self) {
        if let Some(keeper) = &self.keeper {
            keeper.remove(self.process.id());
        }
    }

    /// Waits a moment for the end of a killed node. The keeper of a host sees to it without that.
    pub fn ends_after_kill(&mut self) -> bool {
        let deadline = Instant::now() + KILL_TIMEOUT;
        let needs_proof = self.remote.as_ref().is_some_and(|it| !it.has_keeper());
        while needs_proof && self.exit_status().is_none() {
            if Instant::now() > deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(2));
        }
        true
    }

    /// Why the node exited early, if its program's first line or its host explains it.
    pub fn explain_exit(&self, program: &Path, status: ExitStatus) -> Option<String> {
        let of_host = self.remote.as_ref().and_then(|it| it.explain(status));
        of_host.or_else(|| explain_exit(program, status))
    }

    /// The last lines of its stderr.
    pub fn stderr_tail(&self) -> Vec<String> {
        let deadline = Instant::now() + TAIL_TIMEOUT;
        loop {
            let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
            if tail.is_complete || Instant::now() > deadline {
                return tail.lines.iter().cloned().collect();
            }
            drop(tail);
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.leave_running {
            // On another host its keeper kills it, or has.
            self.kill_here();
        } else if self.status.is_none() {
            self.forget();
        }
    }
}
