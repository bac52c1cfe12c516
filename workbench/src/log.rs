//! A run's log, `jepsen.log`: a line for each event that is not an operation. A thread writes it, so that
//! a slow disk does not delay the run's messages.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::child::SLOW_WRITE;
use crate::files::{cannot_write, failed};

/// The format of a log's lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Time, level and text, separated by tabs.
    #[default]
    Text,
    /// A JSON object per line: `time`, `level`, `message`.
    Json,
}

/// The severity of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// What happens.
    Info,
    /// What should not have happened.
    Warn,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Info => "INFO",
            Level::Warn => "WARN",
        }
    }
}

/// How many lines may wait for the disk before the run does.
const QUEUE: usize = 1 << 16;

/// A log file that is being written.
#[derive(Debug)]
pub struct Log {
    lines: SyncSender<String>,
    writer: JoinHandle<anyhow::Result<()>>,
    format: LogFormat,
    /// Why another log of the run is incomplete.
    failure: Option<anyhow::Error>,
    /// The longest wait for the disk.
    slowest: Duration,
}

impl Log {
    /// Creates a log.
    ///
    /// # Errors
    /// When the file cannot be created, or no thread can be started.
    pub fn create(path: &Path, format: LogFormat) -> anyhow::Result<Self> {
        let cannot_create = |error| failed(format!("cannot create {}", path.display()), &error);
        let file = File::create(path).map_err(cannot_create)?;
        let (lines, queue) = sync_channel(QUEUE);
        let path = path.to_owned();
        let write = move || write(file, &queue).map_err(|it| failed(cannot_write(&path), &it));
        let writer = thread::Builder::new().spawn(write);
        Ok(Log {
            lines,
            writer: writer.map_err(|it| failed("cannot write a log", &it))?,
            format,
            failure: None,
            slowest: Duration::ZERO,
        })
    }

    /// Appends a line. After an error nothing more is written, and the run goes on.
    pub fn write(&mut self, time: &str, level: Level, message: &str) {
        let level = level.name();
        let line = match self.format {
            LogFormat::Text => format!("{time}\t{level}\t{message}\n"),
            LogFormat::Json => {
                let line = json!({"time": time, "level": level, "message": message});
                format!("{line}\n")
            }
        };
        let start = Instant::now();
        let _ = self.lines.send(line);
        self.waited(start.elapsed());
    }

    /// Something was not logged. The first reason stays.
    pub fn fail(&mut self, why: anyhow::Error) {
        self.failure.get_or_insert(why);
    }

    /// Messages or nodes may have waited so long for the disk.
    pub fn waited(&mut self, time: Duration) {
        self.slowest = self.slowest.max(time);
    }

    /// Why latencies are not to be trusted, if the disk was slow.
    pub fn warning(&self) -> Option<String> {
        (self.slowest > SLOW_WRITE).then(|| {
            let seconds = self.slowest.as_secs_f64();
            format!(
                "the disk is too slow for the logs: messages or nodes waited {seconds:.1} s for it, so that \
                 latencies are too long; log less, or choose a --store on a faster disk"
            )
        })
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// When this log or another one of the run is incomplete.
    pub fn finish(self) -> anyhow::Result<()> {
        drop(self.lines);
        let written = self.writer.join().expect("writing a log does not panic");
        written.and(self.failure.map_or(Ok(()), Err))
    }
}

/// Writes lines, as many at once as there are.
fn write(mut file: File, lines: &Receiver<String>) -> io::Result<()> {
    while let Ok(mut text) = lines.recv() {
        text.extend(lines.try_iter().take(QUEUE));
        file.write_all(text.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Level, Log, LogFormat};

    #[test]
    fn lines_are_text_or_json() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jepsen.log");
        let check = |format, expected: &str| {
            let mut log = Log::create(&path, format).unwrap();
            log.write("12:00", Level::Info, "it \"begins\"");
            log.write("12:01", Level::Warn, "ends");
            log.finish().unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        };
        check(
            LogFormat::Text,
            "12:00\tINFO\tit \"begins\"\n12:01\tWARN\tends\n",
        );
        check(
            LogFormat::Json,
            "{\"level\":\"INFO\",\"message\":\"it \\\"begins\\\"\",\"time\":\"12:00\"}\n\
             {\"level\":\"WARN\",\"message\":\"ends\",\"time\":\"12:01\"}\n",
        );
    }
}
