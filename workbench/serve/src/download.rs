//! Bodies that are made piece by piece while they are sent: a file, or a folder as a zip. Neither
//! is ever in memory as a whole, and whoever hangs up ends the work.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Take, Write};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::Bytes;
use http_body::{Body, Frame, SizeHint};
use zip::ZipWriter;
use zip::write::{SimpleFileOptions, StreamWriter};

use crate::site::Site;

/// How much is read at a time.
const PIECE: usize = 64 << 10;

/// From here on a zip notes lengths in 64 bits.
const LARGE: u64 = u32::MAX as u64;

/// A file, as long as it was when it was asked for: it may still grow.
pub(super) struct Whole {
    file: File,
    left: u64,
}

impl Whole {
    /// The file's first bytes, so many.
    pub(super) fn new(file: File, length: u64) -> Self {
        Whole { file, left: length }
    }
}

impl Body for Whole {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let mut piece = vec![0; PIECE.min(usize::try_from(self.left).unwrap_or(PIECE))];
        let read = self.file.read(&mut piece).and_then(|length| match length {
            0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            length => Ok(length),
        });
        Poll::Ready(Some(read.map(|length| {
            self.left -= length as u64;
            piece.truncate(length);
            Frame::data(piece.into())
        })))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// A file of a zip.
pub(super) struct Entry {
    /// What it is called there, with slashes.
    pub(super) name: String,
    /// Where it was when it was listed.
    pub(super) path: PathBuf,
}

/// Files as a zip.
pub(super) struct Zip {
    site: Arc<Site>,
    waiting: VecDeque<Entry>,
    /// As long as it was when it was opened: a log may grow faster than somebody reads.
    open: Option<Take<File>>,
    /// None once the zip is complete.
    writer: Option<ZipWriter<StreamWriter<Shelf>>>,
    written: Shelf,
}

/// What has been written and not been sent.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Vec<u8>>>);

impl Shelf {
    fn take(&self) -> Vec<u8> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut bytes)
    }
}

impl Write for Shelf {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Zip {
    /// A zip of these files of the site's store.
    pub(super) fn new(site: Arc<Site>, entries: Vec<Entry>) -> Self {
        let written = Shelf::default();
        Zip {
            site,
            waiting: entries.into(),
            open: None,
            writer: Some(ZipWriter::new_stream(written.clone())),
            written,
        }
    }

    /// Writes some more.
    fn go_on(&mut self) -> io::Result<()> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        if let Some(file) = &mut self.open {
            let mut piece = vec![0; PIECE];
            let length = file.read(&mut piece)?;
            writer.write_all(&piece[..length])?;
            if length == 0 {
                self.open = None;
            }
        } else if let Some(Entry { name, path }) = self.waiting.pop_front() {
            // What goes away meanwhile, or becomes something else, is left out.
            if let Ok(Some((file, length))) = self.site.archive.file(&path) {
                let options = SimpleFileOptions::default().large_file(length >= LARGE);
                writer.start_file(name, options)?;
                self.open = Some(file.take(length));
            }
        } else if let Some(writer) = self.writer.take() {
            writer.finish()?;
        }
        Ok(())
    }
}

impl Body for Zip {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            let bytes = self.written.take();
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(bytes.into()))));
            }
            if self.writer.is_none() {
                return Poll::Ready(None);
            }
            if let Err(error) = self.go_on() {
                self.writer = None;
                return Poll::Ready(Some(Err(error)));
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::io::Cursor;
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::process::Command;
    use std::task::Waker;

    use super::*;
    use crate::runs::Archive;

    /// What becomes of the files `inner/a` and `inner/b` if this happens once they are listed.
    #[track_caller]
    fn check(happens: impl FnOnce(&Path), expected: &[&str]) {
        let store = tempfile::tempdir().unwrap();
        let inner = store.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let entries = ["a", "b"].map(|name| {
            fs::write(inner.join(name), name).unwrap();
            Entry {
                name: name.to_owned(),
                path: inner.join(name).canonicalize().unwrap(),
            }
        });
        happens(&inner);
        let site = Site {
            archive: Archive::open(store.path()).unwrap(),
            host: String::new(),
        };
        let mut zip = Zip::new(Arc::new(site), entries.into());
        let mut context = Context::from_waker(Waker::noop());
        let mut bytes = Vec::new();
        while let Poll::Ready(Some(frame)) = Pin::new(&mut zip).poll_frame(&mut context) {
            bytes.extend(frame.unwrap().into_data().unwrap());
        }
        let zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let names: Vec<_> = zip
            .file_names()
            .map(|name| name.unwrap().into_owned())
            .collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn what_takes_the_place_of_a_file_that_was_listed_is_left_out() {
        check(|_| {}, &["a", "b"]);
        let gone = |inner: &Path| fs::remove_file(inner.join("a")).unwrap();
        check(gone, &["b"]);
        check(
            |inner| {
                gone(inner);
                symlink("/etc/passwd", inner.join("a")).unwrap();
            },
            &["b"],
        );
        check(
            |inner| {
                gone(inner);
                let made = Command::new("mkfifo").arg(inner.join("a")).status();
                assert!(made.unwrap().success());
            },
            &["b"],
        );
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("a"), "secret").unwrap();
        check(
            |inner| {
                fs::remove_dir_all(inner).unwrap();
                symlink(outside.path(), inner).unwrap();
            },
            &[],
        );
    }
}
