//! A process that stays connected to a host for as long as a run: it takes commands, and its answers
//! measure the round trip.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{self, ChildStdin};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::spawn::{self, Local};
use history::text::shortened;
use pages::hosts::RoundTrips;

/// How long a host may take for an answer, and to let the bench in.
const PATIENCE: Duration = Duration::from_secs(20);

/// A host that has not answered a ping for so long is lost.
const SILENCE: Duration = Duration::from_secs(10);

/// How often a host is pinged: a keeper gives up after ten seconds without.
const PING_INTERVAL: Duration = Duration::from_secs(1);

/// Longer lines are cut: a program that is no session may print anything.
const MAX_LINE: u64 = 4096;

/// How often the round trip is measured before the run.
const SAMPLES: usize = 5;

/// Unread replies beyond this number are dropped: a program that is no session may print anything.
const MAX_REPLIES: usize = 64;

/// How many of the last lines of stderr are kept.
const KEPT_LINES: usize = 20;

/// A connected process, and what it has answered.
#[derive(Debug)]
pub(super) struct Session {
    host: String,
    stdin: Mutex<Option<ChildStdin>>,
    local: Mutex<Local>,
    replies: Mutex<Receiver<String>>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// When each ping was sent that has no answer yet.
    pings: VecDeque<(u64, Instant)>,
    next_ping: u64,
    /// For how long the bench was suspended, so that hosts may have given it up.
    suspended: Option<Duration>,
    round_trips: RoundTrips,
    /// When the last answer came.
    answered: Option<Instant>,
    stderr: VecDeque<String>,
    has_ended: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    /// Starts the process.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start(
        host: &str,
        spawner: &spawn::Spawner,
        words: &[String],
    ) -> anyhow::Result<Self> {
        let mut local = spawner.start(words)?;
        let process = &mut local.process;
        let (stdin, stdout) = (process.stdin.take(), process.stdout.take());
        let stderr = process.stderr.take();
        let (sender, replies) = sync_channel(MAX_REPLIES);
        let state: Arc<Mutex<State>> = Arc::default();
        let errors = Arc::clone(&state);
        let tail = stderr.map(|stderr| thread::spawn(move || keep_lines(stderr, &errors)));
        let answers = Arc::clone(&state);
        thread::spawn(move || {
            stdout
                .into_iter()
                .for_each(|it| read_replies(it, &sender, &answers));
            // Once it has ended, all of its stderr is there.
            let _ = tail.map(thread::JoinHandle::join);
            lock(&answers).has_ended = true;
        });
        Ok(Session {
            host: host.to_owned(),
            stdin: Mutex::new(stdin),
            local: Mutex::new(local),
            replies: Mutex::new(replies),
            state,
        })
    }

    /// The next reply.
    ///
    /// # Errors
    /// When there is none in time, or the process has ended: with the last line of its stderr.
    pub(super) fn reply(&self) -> anyhow::Result<String> {
        self.reply_within(PATIENCE)
    }

    /// As [`reply`](Session::reply), with another limit.
    pub(super) fn reply_within(&self, patience: Duration) -> anyhow::Result<String> {
        match lock(&self.replies).recv_timeout(patience) {
            Ok(reply) => Ok(reply),
            Err(RecvTimeoutError::Timeout) => bail!("no answer within {} s", patience.as_secs()),
            Err(RecvTimeoutError::Disconnected) => bail!("{}", self.last_error()),
        }
    }

    /// Sends a command and waits for its reply.
    ///
    /// # Errors
    /// As [`reply`](Session::reply).
    pub(super) fn ask(&self, command: &str) -> anyhow::Result<String> {
        self.send(command);
        self.reply()
    }

    /// Sends a command. It is dropped if the process has ended.
    pub(super) fn send(&self, command: &str) {
        if let Some(stdin) = &mut *lock(&self.stdin) {
            let _ = stdin.write_all(format!("{command}\n").as_bytes());
        }
    }

    /// Sends a ping, whose answer is a round trip.
    fn ping(&self) -> u64 {
        let mut state = lock(&self.state);
        let number = state.next_ping;
        state.next_ping += 1;
        state.pings.push_back((number, Instant::now()));
        drop(state);
        self.send(&format!("ping {number}"));
        number
    }

    /// Measures the round trip a few times, one after the other, instead of what was measured before.
    /// Without answers it is unknown.
    pub(super) fn measure(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        lock(&self.state).round_trips = RoundTrips::default();
        for _ in 0..SAMPLES {
            let number = self.ping();
            while !self.has_answered(number) {
                if Instant::now() > deadline || lock(&self.state).has_ended {
                    return;
                }
                thread::sleep(Duration::from_micros(200));
            }
        }
        lock(&self.state).round_trips.begin();
    }

    fn has_answered(&self, number: u64) -> bool {
        let state = lock(&self.state);
        state.pings.front().is_none_or(|it| it.0 > number)
    }

    /// Sends pings from now on, without which a keeper gives up.
    pub(super) fn keep_alive(self: &Arc<Self>) {
        let weak = Arc::downgrade(self);
        thread::spawn(move || {
            let mut last = Instant::now();
            while let Some(session) = weak.upgrade().filter(|it| lock(&it.stdin).is_some()) {
                let gap = last.elapsed();
                if gap > SILENCE {
                    lock(&session.state).suspended = Some(gap);
                }
                last = Instant::now();
                session.ping();
                drop(session);
                thread::sleep(PING_INTERVAL);
            }
        });
    }

    /// Waits until the session has done all that it was sent; why it has not, if so.
    pub(super) fn confirm(&self) -> Option<String> {
        let number = self.ping();
        while !self.has_answered(number) {
            if let Some(why) = self.failure() {
                return Some(why);
            }
            thread::sleep(Duration::from_millis(1));
        }
        None
    }

    /// Forgets what it has written to stderr.
    pub(super) fn forget_errors(&self) {
        lock(&self.state).stderr.clear();
    }

    /// The round trips so far.
    pub(super) fn round_trips(&self) -> RoundTrips {
        lock(&self.state).round_trips.clone()
    }

    /// Why the host is lost, if it is.
    pub(super) fn failure(&self) -> Option<String> {
        let state = lock(&self.state);
        let host = &self.host;
        if state.has_ended {
            let suspended = state.suspended;
            drop(state);
            let why = match suspended {
                Some(gap) => format!("the bench was suspended for {} s", gap.as_secs()),
                None => self.last_error(),
            };
            return Some(format!("the connection to host {host} was lost: {why}"));
        }
        let answered = state.answered?;
        let (_, sent) = state.pings.front()?;
        let is_silent = answered.elapsed() > SILENCE && sent.elapsed() > SILENCE;
        is_silent.then(|| format!("host {host} has not answered for {} s", SILENCE.as_secs()))
    }

    /// Waits a moment for the end of the process; whether it has ended.
    pub(super) fn has_ended_within(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while !lock(&self.state).has_ended {
            if Instant::now() > deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(5));
        }
        true
    }

    /// The last line of stderr, or how the process ended.
    fn last_error(&self) -> String {
        self.has_ended_within(Duration::from_secs(1));
        let line = lock(&self.state).stderr.back().cloned();
        line.unwrap_or_else(|| match lock(&self.local).process.wait() {
            Ok(status) => format!("it ended ({status})"),
            Err(error) => error.to_string(),
        })
    }

    /// Ends its input, and waits until it has ended by itself; only once.
    pub(super) fn close(&self, patience: Duration) {
        if lock(&self.stdin).take().is_some() {
            self.has_ended_within(patience);
        }
    }
}

/// Reads replies, and the answers to pings, until the end of stdout.
fn read_replies(stdout: impl Read, replies: &SyncSender<String>, state: &Mutex<State>) {
    let mut reader = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        match (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        // A template's session returns the pings themselves.
        let number = line.strip_prefix("pong ").or(line.strip_prefix("ping "));
        let Some(number) = number.and_then(|it| it.trim().parse::<u64>().ok()) else {
            let _ = replies.try_send(line);
            continue;
        };
        let mut state = lock(state);
        let now = Instant::now();
        state.answered = Some(now);
        while let Some((sent, at)) = state.pings.front().copied()
            && sent <= number
        {
            state.pings.pop_front();
            if sent == number {
                state.round_trips.add(now - at);
            }
        }
    }
}

fn keep_lines(stderr: process::ChildStderr, state: &Mutex<State>) {
    for line in BufReader::new(stderr).split(b'\n') {
        let Ok(line) = line else { return };
        let line = String::from_utf8_lossy(&line).trim().to_owned();
        // Banners of servers often end in empty lines, and a warning is no reason.
        if line.is_empty() || line.starts_with("Warning:") {
            continue;
        }
        let mut state = lock(state);
        if state.stderr.len() == KEPT_LINES {
            state.stderr.pop_front();
        }
        state.stderr.push_back(shortened(&line, 500));
    }
}
