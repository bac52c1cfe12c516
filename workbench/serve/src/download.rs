//! Response bodies that are produced in chunks while they are sent: a file, or a folder as a zip.
//! Neither is ever whole in memory, and a client that disconnects stops the work.

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

/// Bytes read at a time.
const CHUNK_BYTES: usize = 64 << 10;

/// From this length on, a zip entry needs 64-bit lengths.
const MIN_ZIP64_BYTES: u64 = u32::MAX as u64;

/// A file as a body, with the length it had when it was opened: it may still grow.
pub(super) struct FileBody {
    file: File,
    remaining: u64,
}

impl FileBody {
    /// The first `length` bytes of the file.
    pub(super) fn new(file: File, length: u64) -> Self {
        FileBody {
            file,
            remaining: length,
        }
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.remaining == 0 {
            return Poll::Ready(None);
        }
        let mut chunk =
            vec![0; CHUNK_BYTES.min(usize::try_from(self.remaining).unwrap_or(CHUNK_BYTES))];
        let read = self.file.read(&mut chunk).and_then(|length| match length {
            0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            length => Ok(length),
        });
        Poll::Ready(Some(read.map(|length| {
            self.remaining -= length as u64;
            chunk.truncate(length);
            Frame::data(chunk.into())
        })))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

/// A file to put into a zip.
pub(super) struct ZipEntry {
    /// Its path in the zip, with slashes.
    pub(super) name: String,
    /// Its path on disk, relative to the store.
    pub(super) path: PathBuf,
}

/// Files as a body that is a zip.
pub(super) struct ZipBody {
    site: Arc<Site>,
    pending: VecDeque<ZipEntry>,
    /// The current file, cut to the length at opening: a log may grow faster than it is sent.
    current: Option<Take<File>>,
    /// None once the zip is complete.
    writer: Option<ZipWriter<StreamWriter<SharedBuffer>>>,
    written: SharedBuffer,
}

/// Bytes that are written and not yet sent; the zip writer holds a clone.
#[derive(Clone, Default)]
struct SharedBuffer(Arc<Mutex<Vec<u8>>>);

impl SharedBuffer {
    fn take(&self) -> Vec<u8> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut bytes)
    }
}

impl Write for SharedBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ZipBody {
    /// A zip of these files of the site's store.
    pub(super) fn new(site: Arc<Site>, entries: Vec<ZipEntry>) -> Self {
        let written = SharedBuffer::default();
        ZipBody {
            site,
            pending: entries.into(),
            current: None,
            writer: Some(ZipWriter::new_stream(written.clone())),
            written,
        }
    }

    /// Writes the next chunk, file header, or the end of the zip; then nothing more.
    fn write_more(&mut self) -> io::Result<()> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        if let Some(file) = &mut self.current {
            let mut chunk = vec![0; CHUNK_BYTES];
            let length = file.read(&mut chunk)?;
            writer.write_all(&chunk[..length])?;
            if length == 0 {
                self.current = None;
            }
        } else if let Some(ZipEntry { name, path }) = self.pending.pop_front() {
            // A file that has been removed or replaced since it was listed is left out.
            let store = self.site.archive.open()?;
            if let Ok(Some((file, length))) = store.folder.file(&path) {
                let options = SimpleFileOptions::default().large_file(length >= MIN_ZIP64_BYTES);
                writer.start_file(name, options)?;
                self.current = Some(file.take(length));
            }
        } else if let Some(writer) = self.writer.take() {
            writer.finish()?;
        }
        Ok(())
    }
}

impl Body for ZipBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Err(error) = self.write_more() {
            self.writer = None;
            return Poll::Ready(Some(Err(error)));
        }
        let bytes = self.written.take();
        if !bytes.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(bytes.into()))));
        }
        if self.writer.is_none() {
            return Poll::Ready(None);
        }
        // Of long zeros, megabytes are read before a byte is written: meanwhile others are served.
        context.waker().wake_by_ref();
        Poll::Pending
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

    /// Asserts which of the files `inner/a` and `inner/b` end up in a zip if `change` is applied to
    /// the folder after they were listed.
    #[track_caller]
    fn check(change: impl FnOnce(&Path), expected: &[&str]) {
        let store = tempfile::tempdir().unwrap();
        let inner = store.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let entries = ["a", "b"].map(|name| {
            fs::write(inner.join(name), name).unwrap();
            ZipEntry {
                name: name.to_owned(),
                path: Path::new("inner").join(name),
            }
        });
        change(&inner);
        let site = Site {
            archive: Archive::new(store.path()).unwrap(),
            host: String::new(),
        };
        let mut zip = ZipBody::new(Arc::new(site), entries.into());
        let mut context = Context::from_waker(Waker::noop());
        let mut bytes = Vec::new();
        loop {
            match Pin::new(&mut zip).poll_frame(&mut context) {
                Poll::Ready(Some(frame)) => bytes.extend(frame.unwrap().into_data().unwrap()),
                Poll::Ready(None) => break,
                Poll::Pending => {}
            }
        }
        let zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let names: Vec<_> = zip
            .file_names()
            .map(|name| name.unwrap().into_owned())
            .collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn a_listed_file_that_is_removed_or_replaced_is_left_out_of_the_zip() {
        check(|_| {}, &["a", "b"]);
        let remove = |inner: &Path| fs::remove_file(inner.join("a")).unwrap();
        check(remove, &["b"]);
        check(
            |inner| {
                remove(inner);
                symlink("/etc/passwd", inner.join("a")).unwrap();
            },
            &["b"],
        );
        check(
            |inner| {
                remove(inner);
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
