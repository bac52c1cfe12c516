//! Bodies that are made piece by piece while they are sent: a file, or a folder as a zip. Neither
//! is ever in memory as a whole, and whoever hangs up ends the work.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::Bytes;
use http_body::{Body, Frame, SizeHint};
use zip::ZipWriter;
use zip::write::{SimpleFileOptions, StreamWriter};

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
    /// Where it is.
    pub(super) path: PathBuf,
    /// How long it was when it was listed.
    pub(super) length: u64,
}

/// Files as a zip.
pub(super) struct Zip {
    waiting: VecDeque<Entry>,
    open: Option<File>,
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
    /// A zip of these files.
    pub(super) fn new(entries: Vec<Entry>) -> Self {
        let written = Shelf::default();
        Zip {
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
        } else if let Some(Entry { name, path, length }) = self.waiting.pop_front() {
            // What goes away meanwhile is left out.
            if let Ok(file) = File::open(path) {
                let options = SimpleFileOptions::default().large_file(length >= LARGE);
                writer.start_file(name, options)?;
                self.open = Some(file);
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
