//! A node's stdout and stderr: threads read them as fast as the node prints, whatever it prints, and
//! pass on the lines and keep the log. What they hold in memory and on disk is bounded.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{ChildEvent, Incarnation};
use crate::files::reason;
use history::text::shortened;
use simulator::incident::{MAX_STDERR, MAX_STDERR_LINE};
use simulator::run::MAX_LINE_BYTES;

/// How much of a stream is read at once.
const CHUNK_BYTES: usize = 64 << 10;

/// The size of a node's log, beyond which its stderr is dropped, to bound what a run takes on disk.
const MAX_LOG_BYTES: u64 = 1 << 30;

/// What waits longer for the disk is slowed down by it.
pub const SLOW_WRITE: Duration = Duration::from_millis(200);

/// What is wrong with a node's log.
#[derive(Debug)]
pub enum LogProblem {
    /// It is incomplete, for this reason.
    Failed(String),
    /// It is incomplete, as it would be too long.
    TooLong,
    /// A write took so long that the node may have waited.
    Slow(Duration),
}

impl LogProblem {
    /// What the log lacks, and why.
    pub(crate) fn what(&self) -> Option<String> {
        match self {
            LogProblem::Failed(why) => Some(format!("its log is incomplete: {why}")),
            LogProblem::TooLong => {
                let most = MAX_LOG_BYTES >> 30;
                Some(format!(
                    "its log is incomplete: what is beyond {most} GiB is dropped; let it print less to stderr"
                ))
            }
            LogProblem::Slow(_) => None,
        }
    }
}

/// The last lines of a node's stderr.
#[derive(Debug, Default)]
pub(super) struct Tail {
    pub(super) lines: VecDeque<String>,
    pub(super) is_complete: bool,
}

/// Reads a node's stdout to its end and passes it on, by whole lines.
pub(super) fn read_output(
    incarnation: Incarnation,
    mut stdout: impl Read,
    events: &SyncSender<ChildEvent>,
) {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut text: Vec<u8> = Vec::new();
    let mut is_first = true;
    // In a line that was too long.
    let mut is_skipping = false;
    loop {
        let read = stdout.read(&mut chunk).unwrap_or(0);
        let mut fresh = &chunk[..read];
        if is_skipping {
            let end = fresh.iter().position(|byte| *byte == b'\n');
            is_skipping = end.is_none();
            fresh = &fresh[end.map_or(read, |end| end + 1)..];
        }
        let before = text.len();
        text.extend_from_slice(fresh);
        // Text without a newline counts as a line only at the end of the output.
        let end = match fresh.iter().rposition(|byte| *byte == b'\n') {
            Some(last) => before + last + 1,
            None if text.len() > MAX_LINE_BYTES => {
                is_skipping = true;
                text.len()
            }
            None if read > 0 => {
                if is_first && events.send(ChildEvent::PartialLine(incarnation)).is_err() {
                    return;
                }
                is_first = false;
                continue;
            }
            None => text.len(),
        };
        is_first = false;
        if end > 0 {
            let rest = text.split_off(end);
            let lines = String::from_utf8(std::mem::replace(&mut text, rest));
            let lines = lines.unwrap_or_else(|it| String::from_utf8_lossy(it.as_bytes()).into());
            if events.send(ChildEvent::Lines(incarnation, lines)).is_err() {
                return;
            }
        }
        if read == 0 {
            let _ = events.send(ChildEvent::Closed(incarnation));
            return;
        }
    }
}

/// A node's log.
struct LogFile {
    file: File,
    /// How much more it may take; nothing once it is incomplete.
    room: Option<u64>,
}

impl LogFile {
    fn new(file: File) -> Self {
        let length = file.metadata().map_or(0, |it| it.len());
        let room = Some(MAX_LOG_BYTES.saturating_sub(length));
        LogFile { file, room }
    }

    /// Appends text, and returns why the log is incomplete, the first time that it is.
    fn write(&mut self, text: &[u8]) -> Option<LogProblem> {
        let room = self.room?;
        self.room = room.checked_sub(text.len() as u64);
        if self.room.is_none() {
            let _ = writeln!(self.file, "\n(the log ends here: it is too long)");
            return Some(LogProblem::TooLong);
        }
        let error = self.file.write_all(text).err()?;
        self.room = None;
        Some(LogProblem::Failed(reason(&error)))
    }
}

/// Reads a node's stderr to its end, and keeps it in the log: as much at once as there is, so that a slow
/// disk does not make the node wait before the pipe is full.
pub(super) fn write_log(
    incarnation: Incarnation,
    stderr: impl Read,
    log: File,
    tail: &Mutex<Tail>,
    forward: bool,
    events: &SyncSender<ChildEvent>,
) {
    let send = |problem| drop(events.send(ChildEvent::Log(incarnation, problem)));
    let mut log = LogFile::new(log);
    let mut reader = BufReader::with_capacity(CHUNK_BYTES, stderr);
    let mut line = Vec::new();
    let mut took = Duration::ZERO;
    let mut was_slow = false;
    while let Ok(chunk) = reader.fill_buf()
        && !chunk.is_empty()
    {
        if took > SLOW_WRITE && chunk.len() > CHUNK_BYTES / 2 && !was_slow {
            was_slow = true;
            send(LogProblem::Slow(took));
        }
        let start = Instant::now();
        log.write(chunk).into_iter().for_each(send);
        took = start.elapsed();
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            // Of a long line, the beginning is enough.
            line.extend_from_slice(&part[..part.len().min(CHUNK_BYTES.saturating_sub(line.len()))]);
            if part.ends_with(b"\n") {
                let text = on_stderr(&mut line, tail);
                if forward {
                    let _ = events.send(ChildEvent::Stderr(incarnation, text));
                }
            }
        }
        let length = chunk.len();
        reader.consume(length);
    }
    if !line.is_empty() {
        let text = on_stderr(&mut line, tail);
        if forward {
            let _ = events.send(ChildEvent::Stderr(incarnation, text));
        }
    }
    tail.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .is_complete = true;
}

/// Moves a line into the tail, and returns its text.
fn on_stderr(line: &mut Vec<u8>, tail: &Mutex<Tail>) -> String {
    let text = String::from_utf8_lossy(line).trim_end().to_owned();
    line.clear();
    let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
    if tail.lines.len() == MAX_STDERR {
        tail.lines.pop_front();
    }
    tail.lines.push_back(shortened(&text, MAX_STDERR_LINE));
    text
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn of_a_line_that_is_too_long_only_the_beginning_is_passed_on() {
        let (sender, events) = sync_channel(8);
        let incarnation = Incarnation { node: 0, number: 0 };
        let line = io::repeat(b'x').take(4 * MAX_LINE_BYTES as u64);
        read_output(incarnation, line.chain(&b"\nnext\n"[..]), &sender);
        drop(sender);
        let texts: Vec<String> = events
            .iter()
            .filter_map(|event| match event {
                ChildEvent::Lines(_, text) => Some(text),
                _ => None,
            })
            .collect();
        let mut lines = texts.iter().flat_map(|text| text.lines());
        let length = lines.next().unwrap().len();
        assert!(
            (MAX_LINE_BYTES + 1..MAX_LINE_BYTES + 3 * CHUNK_BYTES).contains(&length),
            "{length}"
        );
        assert!(lines.eq(["next"]));
    }

    #[test]
    fn a_long_line_on_stderr_is_logged_whole_and_begins_one_line_of_the_tail() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n0.log");
        let (sender, events) = sync_channel(8);
        let incarnation = Incarnation { node: 0, number: 0 };
        let text = format!("{}\nend\n", "y".repeat(3 * CHUNK_BYTES));
        let tail = Mutex::default();
        let log = File::create(&path).unwrap();
        write_log(incarnation, text.as_bytes(), log, &tail, false, &sender);
        assert!(std::fs::read_to_string(&path).unwrap() == text);
        let tail = tail.into_inner().unwrap();
        assert_eq!(
            (tail.lines.len(), &*tail.lines[1], tail.is_complete),
            (2, "end", true)
        );
        drop(sender);
        assert_eq!(events.iter().count(), 0);
    }

    #[test]
    fn a_log_that_would_be_too_long_ends_and_says_so_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n0.log");
        // Sparse: it takes no space.
        File::create(&path)
            .unwrap()
            .set_len(MAX_LOG_BYTES - 8)
            .unwrap();
        let mut log = LogFile::new(File::options().append(true).open(&path).unwrap());
        assert!(log.write(b"1234567\n").is_none());
        assert!(matches!(log.write(b"more\n"), Some(LogProblem::TooLong)));
        assert!(log.write(b"more\n").is_none());
        let length = std::fs::metadata(&path).unwrap().len();
        assert!(
            (MAX_LOG_BYTES..MAX_LOG_BYTES + 100).contains(&length),
            "{length}"
        );
    }
}
