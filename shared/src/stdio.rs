//! The stdio runtime: the one file of this crate with a clock, a thread and pipes.
//!
//! The main thread reads, steps the node and writes; a second thread sleeps until the node's next
//! timer. Whoever has something to do takes the lock on the engine. So a request is answered by
//! the thread that read it, without a hand-over that would cost a lone request half its latency;
//! and what stands behind a full stdout is not read, so memory stays flat however much waits.

use std::io::{BufRead, ErrorKind, Read, Write};
use std::process;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::context::{Context, Outbox};
use crate::engine::Engine;
use crate::id::Cluster;
use crate::node::Node;

/// How much is read at a time: as much as a Linux pipe holds.
const CHUNK: usize = 64 * 1024;

/// Answers are written when the input read so far is worked off, or when they fill this many bytes.
const FULL: usize = 256 * 1024;

/// A longer line is passed over, lest a single one fill the memory.
const LONGEST_LINE: usize = 64 * 1024 * 1024;

/// Runs a node on stdin and stdout until stdin ends. `boot` makes it once `init` has come.
///
/// A closed stdout ends the process quietly, with status 0: the one who listened is gone.
///
/// # Errors
/// When stdin cannot be read.
pub fn run<N, F>(boot: F) -> anyhow::Result<()>
where
    N: Node,
    F: FnOnce(Cluster, &mut Context<N::Event>) -> N + Send + 'static,
{
    let station = Station {
        bench: Mutex::new(Bench {
            engine: Engine::new(seed(), boot),
            outbox: Outbox::default(),
            alarm: None,
        }),
        earlier: Condvar::new(),
        start: Instant::now(),
    };
    thread::scope(|scope| {
        scope.spawn(|| station.keep_time());
        let read = station.keep_reading(&mut std::io::stdin().lock());
        // The other thread would wait for ever. Everything has been written already.
        match read.context("cannot read stdin") {
            Ok(()) => process::exit(0),
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "error: {error:#}");
                process::exit(1)
            }
        }
    })
}

struct Station<N: Node> {
    bench: Mutex<Bench<N>>,
    earlier: Condvar,
    start: Instant,
}

struct Bench<N: Node> {
    engine: Engine<N>,
    outbox: Outbox,
    /// When the timer thread means to wake up.
    alarm: Option<Duration>,
}

impl<N: Node> Station<N> {
    fn lock(&self) -> MutexGuard<'_, Bench<N>> {
        self.bench.lock().unwrap_or_else(broken)
    }

    fn keep_time(&self) {
        let mut bench = self.lock();
        loop {
            bench.alarm = bench.engine.deadline();
            let now = self.start.elapsed();
            bench = match bench.alarm {
                None => self.earlier.wait(bench).unwrap_or_else(broken),
                Some(alarm) if alarm <= now => {
                    bench.engine.wake(now);
                    bench.write_out();
                    bench
                }
                Some(alarm) => {
                    let waited = self.earlier.wait_timeout(bench, alarm - now);
                    waited.unwrap_or_else(broken).0
                }
            };
        }
    }

    fn keep_reading(&self, input: &mut impl Read) -> std::io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        let mut line = Line::default();
        loop {
            let read = match input.read(&mut chunk) {
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let mut bench = self.lock();
            let mut now = self.start.elapsed();
            let mut rest = &chunk[..read];
            // The input may end without a newline, and what it ends with is a line all the same.
            while line.fill(&mut rest)? || (read == 0 && line.is_begun()) {
                line.hand_to(&mut bench.engine, now);
                if bench.engine.backlog() >= FULL {
                    bench.write_out();
                    now = self.start.elapsed();
                }
            }
            bench.write_out();
            if read == 0 {
                return Ok(());
            }
            let sooner = match (bench.engine.deadline(), bench.alarm) {
                (Some(deadline), Some(alarm)) => deadline < alarm,
                (deadline, None) => deadline.is_some(),
                (None, Some(_)) => false,
            };
            if sooner {
                self.earlier.notify_one();
            }
        }
    }
}

impl<N: Node> Bench<N> {
    /// Writes everything that the node has said, in as few calls as the pipe allows.
    fn write_out(&mut self) {
        self.engine.drain(&mut self.outbox);
        if self.outbox.is_empty() {
            return;
        }
        for remark in &self.outbox.log {
            // A closed stderr is no reason to stop serving.
            let _ = writeln!(std::io::stderr(), "{remark}");
        }
        let mut stdout = std::io::stdout().lock();
        let written = stdout
            .write_all(&self.outbox.lines)
            .and_then(|()| stdout.flush());
        if let Err(error) = written {
            if error.kind() == ErrorKind::BrokenPipe {
                process::exit(0);
            }
            let _ = writeln!(std::io::stderr(), "error: cannot write to stdout: {error}");
            process::exit(1);
        }
    }
}

/// The other thread panicked and has said so: the node's state can no longer be trusted.
fn broken<T, U>(_: PoisonError<T>) -> U {
    process::exit(101)
}

/// The line that is being put together from chunks of input.
#[derive(Default)]
struct Line {
    bytes: Vec<u8>,
    /// How many bytes of a line that is too long were dropped so far.
    dropped: usize,
}

impl Line {
    /// Takes bytes from `input` up to the end of a line; whether that end is there.
    fn fill(&mut self, input: &mut &[u8]) -> std::io::Result<bool> {
        input.read_until(b'\n', &mut self.bytes)?;
        let ended = self.bytes.last() == Some(&b'\n');
        if self.bytes.len() > LONGEST_LINE {
            self.dropped += self.bytes.len();
            self.bytes = Vec::new();
        }
        Ok(ended)
    }

    fn is_begun(&self) -> bool {
        !self.bytes.is_empty() || self.dropped > 0
    }

    fn hand_to<N: Node>(&mut self, engine: &mut Engine<N>, now: Duration) {
        if self.dropped > 0 {
            let length = self.dropped + self.bytes.len();
            let text = format!("a line of {length} bytes (at most {LONGEST_LINE} are read)");
            engine.complain(text);
        } else {
            match std::str::from_utf8(&self.bytes) {
                Ok(line) => engine.receive(now, line.trim_end_matches(['\n', '\r'])),
                Err(error) => engine.complain(format!("a line that is not UTF-8 ({error})")),
            }
        }
        self.bytes.clear();
        // One long line must not cost its memory for ever.
        self.bytes.shrink_to(CHUNK);
        self.dropped = 0;
    }
}

/// Different for every process: the standard library's hash keys come from the system's entropy.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(process::id())
}
