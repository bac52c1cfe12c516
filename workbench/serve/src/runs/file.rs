//! Opening what may be anything by now: between a look at a name and its use, whoever may write to
//! the store can put a link or a pipe in the file's place. So what counts is what has been opened.

use std::fs::File;
use std::io;
use std::path::Path;

/// The file of this name with its length, unless it is a link, a pipe, a folder, or not there.
///
/// # Errors
/// When it is a file that cannot be opened.
pub(super) fn open(path: &Path) -> io::Result<Option<(File, u64)>> {
    let Some(file) = open_plainly(path)? else {
        return Ok(None);
    };
    let found = file.metadata()?;
    Ok(found.is_file().then_some((file, found.len())))
}

#[cfg(unix)]
fn open_plainly(path: &Path) -> io::Result<Option<File>> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;
    use rustix::io::Errno;

    // A pipe would have us wait until somebody writes to it.
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut options = File::options();
    options.read(true).custom_flags(flags.bits().cast_signed());
    // Links (on some systems the second), and sockets.
    let others = [Errno::LOOP, Errno::MLINK, Errno::NXIO].map(Errno::raw_os_error);
    match options.open(path) {
        Err(error) if error.raw_os_error().is_some_and(|it| others.contains(&it)) => Ok(None),
        opened => unless_missing(opened),
    }
}

#[cfg(not(unix))]
fn open_plainly(path: &Path) -> io::Result<Option<File>> {
    match unless_missing(path.symlink_metadata())? {
        Some(found) if found.is_file() => unless_missing(File::open(path)),
        _ => Ok(None),
    }
}

/// What was found; nothing if there is nothing of the name.
pub(super) fn unless_missing<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    use io::ErrorKind::{NotADirectory, NotFound};
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}
