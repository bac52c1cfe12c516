//! A run's log, `jepsen.log`: a line for each event that is not an operation.

use std::fs::File;
use std::io::{self, LineWriter, Write};
use std::path::Path;

use serde_json::json;

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

/// A log file that is being written.
#[derive(Debug)]
pub struct Log {
    out: LineWriter<File>,
    format: LogFormat,
    /// The error after which nothing more is written.
    failure: Option<io::Error>,
}

impl Log {
    /// Creates a log.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn create(path: &Path, format: LogFormat) -> io::Result<Self> {
        Ok(Log {
            out: LineWriter::new(File::create(path)?),
            format,
            failure: None,
        })
    }

    /// Appends a line. After an error nothing more is written, and the run goes on.
    pub fn write(&mut self, time: &str, level: Level, message: &str) {
        let level = level.name();
        let line = match self.format {
            LogFormat::Text => format!("{time}\t{level}\t{message}"),
            LogFormat::Json => {
                json!({"time": time, "level": level, "message": message}).to_string()
            }
        };
        if self.failure.is_none() {
            self.failure = writeln!(self.out, "{line}").err();
        }
    }

    /// The error that left the log incomplete, if any.
    pub fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }
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
            assert!(log.failure().is_none());
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
