//! A run's log: what happened that is no operation, a line each, in the file `jepsen.log`.

use std::fs::File;
use std::io::{self, LineWriter, Write};
use std::path::Path;

use serde_json::json;

/// How lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Notation {
    /// Time, level and text, with tabs in between.
    #[default]
    Text,
    /// A JSON object a line: `time`, `level`, `message`.
    Json,
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// It tells what happens.
    Info,
    /// It tells what should not have happened.
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

/// The file, open for more.
#[derive(Debug)]
pub struct Log {
    out: LineWriter<File>,
    notation: Notation,
    /// Why nothing more is written.
    failure: Option<io::Error>,
}

impl Log {
    /// Begins a log.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn create(path: &Path, notation: Notation) -> io::Result<Self> {
        Ok(Log {
            out: LineWriter::new(File::create(path)?),
            notation,
            failure: None,
        })
    }

    /// Adds a line, as of a moment that is given as text. What cannot be written is given up; the
    /// run goes on.
    pub fn write(&mut self, time: &str, level: Level, message: &str) {
        let level = level.name();
        let line = match self.notation {
            Notation::Text => format!("{time}\t{level}\t{message}"),
            Notation::Json => json!({"time": time, "level": level, "message": message}).to_string(),
        };
        if self.failure.is_none() {
            self.failure = writeln!(self.out, "{line}").err();
        }
    }

    /// Why the log is incomplete, if it is.
    pub fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Level, Log, Notation};

    #[test]
    fn lines_are_text_or_json() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jepsen.log");
        let check = |notation, expected: &str| {
            let mut log = Log::create(&path, notation).unwrap();
            log.write("12:00", Level::Info, "it \"begins\"");
            log.write("12:01", Level::Warn, "ends");
            assert!(log.failure().is_none());
            assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        };
        check(
            Notation::Text,
            "12:00\tINFO\tit \"begins\"\n12:01\tWARN\tends\n",
        );
        check(
            Notation::Json,
            "{\"level\":\"INFO\",\"message\":\"it \\\"begins\\\"\",\"time\":\"12:00\"}\n\
             {\"level\":\"WARN\",\"message\":\"ends\",\"time\":\"12:01\"}\n",
        );
    }
}
