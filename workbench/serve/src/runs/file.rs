//! Opens files safely: between a check of a name and its use, another process can replace the file
//! by a link or a pipe. So the checks are made on the opened file.

use std::fs::File;
use std::io;
use std::path::Path;

/// Opens a file and returns it with its length; none if it is a link, a pipe, a folder, or missing.
///
/// # Errors
/// When it is a file that cannot be opened.
pub(super) fn open(path: &Path) -> io::Result<Option<(File, u64)>> {
    let Some(file) = open_without_following(path)? else {
        return Ok(None);
    };
    let found = file.metadata()?;
    Ok(found.is_file().then_some((file, found.len())))
}

#[cfg(unix)]
fn open_without_following(path: &Path) -> io::Result<Option<File>> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;
    use rustix::io::Errno;

    // Without NONBLOCK, opening a pipe would wait for a writer.
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut options = File::options();
    options.read(true).custom_flags(flags.bits().cast_signed());
    // Errors for links (MLINK on some systems) and for sockets.
    let others = [Errno::LOOP, Errno::MLINK, Errno::NXIO].map(Errno::raw_os_error);
    match options.open(path) {
        Err(error) if error.raw_os_error().is_some_and(|it| others.contains(&it)) => Ok(None),
        opened => unless_missing(opened),
    }
}

#[cfg(not(unix))]
fn open_without_following(path: &Path) -> io::Result<Option<File>> {
    match unless_missing(path.symlink_metadata())? {
        Some(found) if found.is_file() => unless_missing(File::open(path)),
        _ => Ok(None),
    }
}

/// Turns the error that a file is missing into none.
pub(super) fn unless_missing<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    use io::ErrorKind::{NotADirectory, NotFound};
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}
