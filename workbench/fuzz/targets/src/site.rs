//! A site about a store in memory's file system, answered without a socket.

use std::fs;
use std::path::Path;

use serve::testing::Offline;
use serve::{Limits, Options};
use tempfile::TempDir;

/// The folder of a run in each store.
pub(crate) const RUN: &str = "echo/20260101T100000.000+0000";

/// A site and its store, which is removed with it.
#[derive(Debug)]
pub(crate) struct Site {
    folder: TempDir,
    offline: Offline,
}

impl Site {
    /// A site whose store has one run with these files.
    pub(crate) fn of_run(files: &[(&str, &[u8])]) -> Site {
        // Where it is there, /dev/shm spares the disk.
        let memory = Path::new("/dev/shm");
        let folder = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        };
        let folder = folder.expect("a folder for a store can be created");
        let site = Site {
            offline: Offline::new(&Options {
                store: folder.path().to_owned(),
                host: "127.0.0.1".to_owned(),
                port: 0,
                limits: Limits::default(),
            })
            .expect("the store is there"),
            folder,
        };
        site.write(RUN, files);
        site
    }

    /// Adds a run's folder with these files. A name that the file system refuses is left out.
    pub(crate) fn write(&self, run: &str, files: &[(&str, &[u8])]) {
        let run = self.folder.path().join(run);
        if fs::create_dir_all(run.join("plots")).is_ok() {
            for (name, content) in files {
                fs::write(run.join(name), content).expect("memory can be written");
            }
        }
    }

    /// Returns what a client receives that sends these bytes.
    pub(crate) fn answer(&self, sent: &[u8]) -> Vec<u8> {
        self.offline.answer(sent)
    }

    /// Requests a path; asserts that there is an answer, and that it is not an internal error.
    pub(crate) fn get(&self, path: &str) -> Vec<u8> {
        let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
        let answer = self.answer(request.as_bytes());
        let status = answer.split(|byte| *byte == b' ').nth(1);
        let status = status.unwrap_or_else(|| panic!("no answer to {path}"));
        assert!(
            status < b"500".as_slice(),
            "{path}: {}",
            String::from_utf8_lossy(&answer)
        );
        answer
    }
}
