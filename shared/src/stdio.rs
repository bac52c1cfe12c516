//! The stdio runtime: the only file of this crate with a clock, a thread and pipes.
//!
//! The main thread reads stdin, runs the node and writes stdout; a second thread sleeps until the
//! node's next timer. Both take a lock on the engine. So a request is answered by the thread that
//! read it: passing it to another thread would add half to the latency of a single request. And
//! while stdout is full nothing is read, so memory stays bounded whatever the length of the input.

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

/// Bytes read at a time: the capacity of a Linux pipe.
const CHUNK_BYTES: usize = 64 * 1024;

/// Output is written when all input read so far is processed, or when it has this many bytes.
const FLUSH_BYTES: usize = 256 * 1024;

/// Longer lines are ignored, to bound memory.
const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;

/// Runs a node on stdin and stdout until stdin ends. `boot` makes the node when `init` arrives.
///
/// When stdout is closed, the process ends with status 0 and no message, as there is no reader.
///
/// # Errors
/// When stdin cannot be read.
pub fn run<N, F>(boot: F) -> anyhow::Result<()>
where
    N: Node,
    F: FnOnce(Cluster, &mut Context<N::Event>) -> N + Send + 'static,
{
    let runtime = Runtime::new(Engine::new(seed(), boot));
    thread::scope(|scope| {
        scope.spawn(|| {
            let _guard = ExitOnPanic;
            runtime.run_timers();
        });
        let _guard = ExitOnPanic;
        let read = runtime.read_input(&mut std::io::stdin().lock());
        // The timer thread never returns, so the process exits. All output is written already.
        match read.context("cannot read stdin") {
            Ok(()) => process::exit(0),
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "error: {error:#}");
                process::exit(1)
            }
        }
    })
}

struct Runtime<N: Node> {
    state: Mutex<State<N>>,
    /// Wakes the timer thread when the deadline moves forward.
    deadline_moved: Condvar,
    start: Instant,
}

struct State<N: Node> {
    engine: Engine<N>,
    outbox: Outbox,
    /// When the timer thread will wake up.
    wake_at: Option<Duration>,
}

impl<N: Node> Runtime<N> {
    fn new(engine: Engine<N>) -> Self {
        Runtime {
            state: Mutex::new(State {
                engine,
                outbox: Outbox::default(),
                wake_at: None,
            }),
            deadline_moved: Condvar::new(),
            start: Instant::now(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<N>> {
        self.state.lock().unwrap_or_else(exit_on_panic)
    }

    fn run_timers(&self) {
        let mut state = self.lock();
        loop {
            state.wake_at = state.engine.deadline();
            let now = self.start.elapsed();
            state = match state.wake_at {
                None => self
                    .deadline_moved
                    .wait(state)
                    .unwrap_or_else(exit_on_panic),
                Some(wake_at) if wake_at <= now => {
                    state.engine.wake(now);
                    state.flush();
                    state
                }
                Some(wake_at) => {
                    let waited = self.deadline_moved.wait_timeout(state, wake_at - now);
                    waited.unwrap_or_else(exit_on_panic).0
                }
            };
        }
    }

    fn read_input(&self, input: &mut impl Read) -> std::io::Result<()> {
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut line = LineBuffer::default();
        loop {
            let read = match input.read(&mut chunk) {
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let mut state = self.lock();
            let mut now = self.start.elapsed();
            let mut rest = &chunk[..read];
            // The last line may have no newline.
            while line.fill(&mut rest)? || (read == 0 && !line.is_empty()) {
                line.deliver_to(&mut state.engine, now);
                if state.engine.backlog() >= FLUSH_BYTES {
                    state.flush();
                    now = self.start.elapsed();
                }
            }
            state.flush();
            if read == 0 {
                return Ok(());
            }
            let sooner = match (state.engine.deadline(), state.wake_at) {
                (Some(deadline), Some(wake_at)) => deadline < wake_at,
                (deadline, None) => deadline.is_some(),
                (None, Some(_)) => false,
            };
            if sooner {
                self.deadline_moved.notify_one();
            }
        }
    }
}

impl<N: Node> State<N> {
    /// Writes all output of the node, in as few calls as the pipe allows.
    fn flush(&mut self) {
        self.engine.drain(&mut self.outbox);
        if self.outbox.is_empty() {
            return;
        }
        for line in &self.outbox.log {
            // The node keeps running when stderr is closed.
            let _ = writeln!(std::io::stderr(), "{line}");
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

/// Ends the process when its thread panics: the other one may wait for input or a timer that never
/// comes.
struct ExitOnPanic;

impl Drop for ExitOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            process::exit(101);
        }
    }
}

/// Exits, as the other thread panicked (and printed why): the node's state may be inconsistent.
fn exit_on_panic<T, U>(_: PoisonError<T>) -> U {
    process::exit(101)
}

/// A line that is assembled from chunks of input.
#[derive(Default)]
struct LineBuffer {
    bytes: Vec<u8>,
    /// Bytes dropped so far of a line that is too long.
    dropped: usize,
}

impl LineBuffer {
    /// Takes bytes from `input` up to a newline. Returns whether the line is complete.
    fn fill(&mut self, input: &mut &[u8]) -> std::io::Result<bool> {
        input.read_until(b'\n', &mut self.bytes)?;
        let is_complete = self.bytes.last() == Some(&b'\n');
        if self.bytes.len() > MAX_LINE_BYTES {
            self.dropped += self.bytes.len();
            self.bytes = Vec::new();
        }
        Ok(is_complete)
    }

    fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.dropped == 0
    }

    fn deliver_to<N: Node>(&mut self, engine: &mut Engine<N>, now: Duration) {
        if self.dropped > 0 {
            let length = self.dropped + self.bytes.len();
            let text = format!("a line of {length} bytes (at most {MAX_LINE_BYTES} are read)");
            engine.log_ignored(text);
        } else {
            match std::str::from_utf8(&self.bytes) {
                Ok(line) => engine.receive(now, line.trim_end_matches(['\n', '\r'])),
                Err(error) => engine.log_ignored(format!("a line that is not UTF-8 ({error})")),
            }
        }
        self.bytes.clear();
        // Release the memory of a long line.
        self.bytes.shrink_to(CHUNK_BYTES);
        self.dropped = 0;
    }
}

/// A seed, different for every process: std's hash keys come from the system's entropy.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(process::id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Caller;

    #[derive(Debug)]
    struct Idle;

    impl Node for Idle {
        type Request = ();
        type Event = ();

        fn on_request(&mut self, (): (), _: Caller, _: &mut Context<()>) {}

        fn on_event(&mut self, (): (), _: &mut Context<()>) {}
    }

    /// Input whose reads fail, the last error first, and then end.
    struct Failing(Vec<ErrorKind>);

    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            self.0.pop().map_or(Ok(0), |kind| Err(kind.into()))
        }
    }

    #[test]
    fn a_read_that_a_signal_interrupts_is_repeated_and_another_error_is_returned() {
        let runtime = Runtime::new(Engine::new(1, |_, _| Idle));
        let mut input = Failing(vec![ErrorKind::Other, ErrorKind::Interrupted]);
        let error = runtime.read_input(&mut input).unwrap_err();
        assert_eq!((error.kind(), input.0.len()), (ErrorKind::Other, 0));
    }
}
