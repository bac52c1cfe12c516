//! The pipes that are a program's standard files.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};

use super::clock::{MILLISECOND, Ns};
use super::launch::StandardFiles;

/// The capacity that pipes are given, if the system allows it.
const CAPACITY: usize = 1 << 20;

/// How much a program may print in [`BURST`]: one that prints without ever waiting would not end, as
/// printing takes no virtual time, and all that it prints is in memory.
const MAX_BURST: u64 = 128 << 20;

/// A moment of the virtual clock.
const BURST: Ns = 100 * MILLISECOND;

/// Our ends of a program's standard files, and what is on its way through them.
pub struct Pipes {
    /// Input that did not fit into the pipe yet.
    input: Vec<u8>,
    stdin: OwnedFd,
    /// The program's end, to see whether it has read everything.
    stdin_end: OwnedFd,
    stdout: Output,
    stderr: Output,
    /// When the present moment has begun, and how much was printed before.
    burst: (Ns, u64),
}

/// A standard file that the program writes to.
struct Output {
    pipe: std::fs::File,
    /// What its link in `/proc` shows.
    link: String,
    bytes: Vec<u8>,
    /// How much was printed.
    printed: u64,
}

/// One of the standard files that a program writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFile {
    Stdout,
    Stderr,
}

impl Pipes {
    /// New pipes, and the program's ends of them.
    pub fn new() -> io::Result<(Self, StandardFiles)> {
        let (stdin_end, stdin) = pipe_with(PipeFlags::CLOEXEC)?;
        set_nonblocking(&stdin)?;
        let _ = fcntl_setpipe_size(&stdin, CAPACITY);
        let (stdout, stdout_end) = Output::new()?;
        let (stderr, stderr_end) = Output::new()?;
        let files = StandardFiles {
            stdin: stdin_end.try_clone()?,
            stdout: stdout_end,
            stderr: stderr_end,
        };
        let pipes = Pipes {
            input: Vec::new(),
            stdin,
            stdin_end,
            stdout,
            stderr,
            burst: (0, 0),
        };
        Ok((pipes, files))
    }

    /// Appends a line to the program's input.
    pub fn send(&mut self, line: &str) {
        self.input.extend(line.as_bytes());
        self.input.push(b'\n');
        self.fill_input();
    }

    /// Moves as much of the input into the pipe as fits.
    pub fn fill_input(&mut self) {
        while !self.input.is_empty() {
            match rustix::io::write(&self.stdin, &self.input) {
                Ok(written) => drop(self.input.drain(..written)),
                Err(Errno::INTR) => {}
                // The pipe is full, or the program has closed its end.
                Err(_) => return,
            }
        }
    }

    /// Whether a read of the input would not wait, and whether the program has set it so that no
    /// read ever waits.
    pub fn stdin_readiness(&self) -> (bool, bool) {
        let mut end = [PollFd::new(&self.stdin_end, PollFlags::IN)];
        let is_ready = poll(&mut end, Some(&Timespec::default())).is_ok_and(|ready| ready > 0);
        let flags = rustix::fs::fcntl_getfl(&self.stdin_end);
        (
            is_ready,
            flags.is_ok_and(|it| it.contains(OFlags::NONBLOCK)),
        )
    }

    /// The program's end of its input.
    pub fn stdin_end(&self) -> BorrowedFd<'_> {
        self.stdin_end.as_fd()
    }

    /// The output file with this link in `/proc`.
    pub fn output_with_link(&self, link: &str) -> Option<OutputFile> {
        match link {
            link if link == self.stdout.link => Some(OutputFile::Stdout),
            link if link == self.stderr.link => Some(OutputFile::Stderr),
            _ => None,
        }
    }

    /// Appends what the program writes, behind what it has written by calls that do not stop.
    pub fn append(&mut self, file: OutputFile, bytes: &[u8]) {
        let output = match file {
            OutputFile::Stdout => &mut self.stdout,
            OutputFile::Stderr => &mut self.stderr,
        };
        output.drain();
        output.bytes.extend(bytes);
        output.printed += bytes.len() as u64;
    }

    /// Why the program cannot go on, if it prints without end and without time passing.
    pub fn flood(&mut self, now: Ns) -> Option<String> {
        let printed = self.stdout.printed + self.stderr.printed;
        if now >= self.burst.0 + BURST {
            self.burst = (now, printed);
        }
        (printed - self.burst.1 > MAX_BURST).then(|| {
            format!(
                "it printed more than {} MiB in {} ms of virtual time, without waiting for anything",
                MAX_BURST >> 20,
                BURST / MILLISECOND
            )
        })
    }

    /// Moves the whole lines of stdout into `lines`. Returns whether a line has begun after them.
    pub fn take_stdout(&mut self, lines: &mut Vec<u8>) -> bool {
        self.stdout.drain();
        self.stdout.take_lines(lines);
        !self.stdout.bytes.is_empty()
    }

    /// Moves out the whole lines of stderr; at the end also a line that is not complete.
    pub fn take_stderr(&mut self, is_end: bool) -> Vec<String> {
        self.stderr.drain();
        let mut lines = Vec::new();
        self.stderr.take_lines(&mut lines);
        if is_end {
            lines.append(&mut self.stderr.bytes);
        }
        let text = String::from_utf8_lossy(&lines);
        text.lines().map(str::to_owned).collect()
    }
}

impl Output {
    fn new() -> io::Result<(Self, OwnedFd)> {
        let (ours, end) = pipe_with(PipeFlags::CLOEXEC)?;
        set_nonblocking(&ours)?;
        let _ = fcntl_setpipe_size(&ours, CAPACITY);
        let inode = rustix::fs::fstat(&ours)?.st_ino;
        let output = Output {
            pipe: ours.into(),
            link: format!("pipe:[{inode}]"),
            bytes: Vec::new(),
            printed: 0,
        };
        Ok((output, end))
    }

    /// Reads everything that is in the pipe.
    fn drain(&mut self) {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = self.pipe.read(&mut buffer) {
            self.bytes.extend(&buffer[..read]);
            self.printed += read as u64;
        }
    }

    fn take_lines(&mut self, lines: &mut Vec<u8>) {
        if let Some(last) = self.bytes.iter().rposition(|byte| *byte == b'\n') {
            lines.extend(self.bytes.drain(..=last));
        }
    }
}

fn set_nonblocking(pipe: &OwnedFd) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(pipe)?;
    rustix::fs::fcntl_setfl(pipe, flags | OFlags::NONBLOCK)?;
    Ok(())
}
