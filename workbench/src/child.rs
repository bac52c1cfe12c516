//! One node as a child process: its three pipes, the threads that serve them, and its end.

mod start;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{self, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use shared::NodeId;

use start::{ENOEXEC, explain, explain_end, is_text};
pub use start::{on_path, working_folder};

/// How many lines of a node's stderr are kept for the report of its death.
const TAIL: usize = 8;

/// How long the end of a node's stderr is waited for once the node has gone.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// What a child's threads tell the runner.
#[derive(Debug)]
pub enum Said {
    /// The node has printed something without a newline, and nothing before.
    Part(Life),
    /// The node printed these lines, perhaps several.
    Lines(Life, String),
    /// It has closed its stdout.
    Closed(Life),
    /// It wrote a line to stderr.
    Stderr(Life, String),
    /// Its log cannot be written.
    LogFailed(Life, io::Error),
}

/// One process of a node: its place in the list, and how many came before it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// The place.
    pub place: usize,
    /// How many processes came before.
    pub number: u32,
}

/// A node's process. It is killed when this is dropped.
#[derive(Debug)]
pub struct Child {
    process: process::Child,
    input: Sender<String>,
    tail: Arc<Mutex<Tail>>,
    leave_running: bool,
}

#[derive(Debug, Default)]
struct Tail {
    lines: VecDeque<String>,
    is_complete: bool,
}

/// How to start nodes.
#[derive(Debug)]
pub struct Launch<'a> {
    /// The program.
    pub program: &'a Path,
    /// Its arguments.
    pub arguments: &'a [String],
    /// The folder that nodes start in, as [`working_folder`] chooses it.
    pub folder: &'a Path,
    /// The folder for the nodes' logs; it is there already.
    pub logs: &'a Path,
    /// Whether lines on stderr are passed on as they come.
    pub pass_stderr: bool,
    /// Whether nodes are left alone at the end, and may end early.
    pub leave_running: bool,
}

impl Launch<'_> {
    /// Why a node ended early, if that shows in how its program begins.
    pub fn explain_end(&self, status: ExitStatus) -> Option<String> {
        explain_end(self.program, status)
    }

    fn spawn(&self) -> io::Result<process::Child> {
        let start = |command: &mut Command| {
            command
                .args(self.arguments)
                .current_dir(self.folder)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
        };
        match start(&mut Command::new(self.program)) {
            // A script whose first line does not say what reads it: a shell, then, as on the JVM.
            Err(error)
                if cfg!(unix) && error.raw_os_error() == Some(ENOEXEC) && is_text(self.program) =>
            {
                start(Command::new("/bin/sh").arg(self.program))
            }
            started => started,
        }
    }
}

impl Child {
    /// Starts a node. Its log goes on where that of an earlier life ends.
    ///
    /// # Errors
    /// When the program cannot be started or the log cannot be created.
    pub fn start(
        launch: &Launch<'_>,
        life: Life,
        name: &NodeId,
        said: &SyncSender<Said>,
    ) -> anyhow::Result<Self> {
        let log = launch.logs.join(format!("{name}.log"));
        let log = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("cannot create {}", log.display()))?;
        let mut process = launch.spawn().map_err(|error| {
            let why = explain(launch.program, &error);
            anyhow!("cannot start {}: {why}", launch.program.display())
        })?;
        let (input, lines) = channel();
        let tail = Arc::new(Mutex::new(Tail::default()));
        if let Some(stdin) = process.stdin.take() {
            thread::spawn(move || write_input(stdin, &lines));
        }
        if let Some(stdout) = process.stdout.take() {
            let said = said.clone();
            thread::spawn(move || read_output(life, stdout, &said));
        }
        if let Some(stderr) = process.stderr.take() {
            let (said, tail, pass) = (said.clone(), Arc::clone(&tail), launch.pass_stderr);
            thread::spawn(move || {
                keep_log(life, stderr, log, &tail, pass.then_some(&said), &said);
            });
        }
        Ok(Child {
            process,
            input,
            tail,
            leave_running: launch.leave_running,
        })
    }

    /// Puts a line into the node's inbox. A node that has gone is like one that does not read.
    pub fn write(&self, line: String) {
        let _ = self.input.send(line);
    }

    /// Lets the node stand still, or go on. Nothing happens to one that has ended, nor where processes
    /// cannot be stopped.
    pub fn set_paused(&mut self, is_paused: bool) {
        // The number of one that was waited for may be another's by now.
        #[cfg(unix)]
        if self.exit_status().is_none() {
            use rustix::process::{Pid, Signal, kill_process};
            let signal = if is_paused {
                Signal::STOP
            } else {
                Signal::CONT
            };
            let _ = kill_process(Pid::from_child(&self.process), signal);
        }
        #[cfg(not(unix))]
        let _ = is_paused;
    }

    /// Ends the node.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// How the node ended, if it has.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().ok().flatten()
    }

    /// The last lines that it wrote to stderr.
    pub fn last_words(&self) -> Vec<String> {
        let patience = Instant::now() + LAST_WORDS;
        loop {
            let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
            if tail.is_complete || Instant::now() > patience {
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
            self.kill();
        }
    }
}

fn write_input(mut stdin: impl Write, lines: &Receiver<String>) {
    // A batch of what waits costs one system call; a node that is gone ends this thread.
    while let Ok(mut batch) = lines.recv() {
        while let Some(line) = (batch.len() < 64 * 1024)
            .then(|| lines.try_recv().ok())
            .flatten()
        {
            batch.push_str(&line);
        }
        if stdin
            .write_all(batch.as_bytes())
            .and_then(|()| stdin.flush())
            .is_err()
        {
            return;
        }
    }
}

fn read_output(life: Life, mut stdout: impl Read, said: &SyncSender<Said>) {
    let mut chunk = vec![0; 64 * 1024];
    let mut text: Vec<u8> = Vec::new();
    let mut is_first = true;
    loop {
        let read = stdout.read(&mut chunk).unwrap_or(0);
        let before = text.len();
        text.extend_from_slice(&chunk[..read]);
        // What has no newline yet is a line once the node has nothing more to say.
        let end = match chunk[..read].iter().rposition(|byte| *byte == b'\n') {
            Some(last) => before + last + 1,
            None if read > 0 => {
                if is_first && said.send(Said::Part(life)).is_err() {
                    return;
                }
                is_first = false;
                continue;
            }
            None => text.len(),
        };
        is_first = false;
        if end > 0 {
            let lines = String::from_utf8_lossy(&text[..end]).into_owned();
            if said.send(Said::Lines(life, lines)).is_err() {
                return;
            }
            text.drain(..end);
        }
        if read == 0 {
            let _ = said.send(Said::Closed(life));
            return;
        }
    }
}

fn keep_log(
    life: Life,
    stderr: impl Read,
    mut log: File,
    tail: &Mutex<Tail>,
    pass: Option<&SyncSender<Said>>,
    said: &SyncSender<Said>,
) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    let mut is_writable = true;
    while reader
        .read_until(b'\n', &mut line)
        .is_ok_and(|read| read > 0)
    {
        if is_writable && let Err(error) = log.write_all(&line) {
            is_writable = false;
            let _ = said.send(Said::LogFailed(life, error));
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if let Some(said) = pass {
            let _ = said.send(Said::Stderr(life, text.clone()));
        }
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.lines.len() == TAIL {
            tail.lines.pop_front();
        }
        tail.lines.push_back(text);
        line.clear();
    }
    tail.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .is_complete = true;
}
