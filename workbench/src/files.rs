//! Writes files so that each is there as a whole or not at all, also if this process is killed on the
//! way: a history that was cut between two lines would read like a shorter run. And explains, for a
//! person, why a file cannot be written.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::anyhow;

/// Whether a file must also survive the machine's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Survives {
    /// This process' end only.
    Process,
    /// The machine's end, too, which takes a wait for the disk.
    Machine,
}

/// Writes a file under a temporary name in its folder, and renames it when it is complete.
///
/// # Errors
/// When it cannot be written; a file that was there before is unchanged then.
pub(crate) fn write_whole(
    path: &Path,
    survives: Survives,
    content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    // Through a link the file that it leads to is replaced, not the link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let unfinished = unfinished(&target);
    let written = write(&unfinished, survives, content);
    let renamed = written.and_then(|()| fs::rename(&unfinished, &target));
    if renamed.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    renamed
}

fn write(
    path: &Path,
    survives: Survives,
    content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    content(&mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    match survives {
        Survives::Process => Ok(()),
        Survives::Machine => file.sync_all(),
    }
}

/// The name of a file until it is complete: hidden, and not that of a file which anything reads.
fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", std::process::id()))
}

/// A file that was asked for by name. It is open from the start, so that errors come before a long
/// run; its contents stay until [`write`](Self::write).
pub(crate) struct OutputFile {
    pub(crate) path: PathBuf,
    file: File,
}

impl OutputFile {
    /// Opens or creates a file, a pipe or a device.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn open(path: PathBuf) -> anyhow::Result<Self> {
        let mut options = File::options();
        let opened = options.write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(|error| failed(cannot_write(&path), &error))?;
        Ok(OutputFile { path, file })
    }

    /// Whether it has contents that can be replaced.
    pub(crate) fn is_regular(&self) -> bool {
        self.file.metadata().is_ok_and(|it| it.is_file())
    }

    /// Removes the file if it is new, and so empty.
    #[cfg(feature = "simulate")]
    pub(crate) fn discard(self) {
        if self.is_regular() && self.file.metadata().is_ok_and(|it| it.len() == 0) {
            let _ = fs::remove_file(self.path);
        }
    }

    /// Replaces the contents.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn write(&mut self, text: &str) -> anyhow::Result<()> {
        let text = text.as_bytes();
        let written = match self.is_regular() {
            true => write_whole(&self.path, Survives::Process, |out| out.write_all(text)),
            false => self.file.write_all(text),
        };
        let written = written.or_else(|error| match error.kind() {
            // No other file may be in its folder, or take its place, as with files that are mounted.
            ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::ResourceBusy => {
                self.file.set_len(0)?;
                self.file.rewind()?;
                self.file.write_all(text)
            }
            _ => Err(error),
        });
        written.map_err(|error| failed(cannot_write(&self.path), &error))
    }
}

/// What was not done, for [`failed`].
pub(crate) fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

/// An error about a file: what was not done, the system's reason, and what to do.
pub(crate) fn failed(what: impl Display, error: &io::Error) -> anyhow::Error {
    anyhow!("{what}: {}", reason(error))
}

/// The system's reason, and what to do.
pub(crate) fn reason(error: &io::Error) -> String {
    let remedy = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "free some space there, or choose a folder on another disk"
        }
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            "choose a folder in which this user may write"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "a part of this path is a file: choose another folder"
        }
        ErrorKind::NotFound => "its folder was removed or does not exist",
        ErrorKind::FileTooLarge => "files may not be larger here: see ulimit -f",
        _ => return over_limit(error).unwrap_or_else(|| error.to_string()),
    };
    format!("{error}; {remedy}")
}

/// The system's reason, and what to do, if this process may not have more files, processes or memory.
#[cfg(unix)]
pub(crate) fn over_limit(error: &io::Error) -> Option<String> {
    use rustix::io::Errno;
    use rustix::process::{Resource, getrlimit};
    let limit = |resource| match getrlimit(resource).current {
        Some(limit) => limit.to_string(),
        None => "unlimited".to_owned(),
    };
    let remedy = match Errno::from_io_error(error)? {
        Errno::MFILE => format!(
            "this process may have {} files open: raise that with ulimit -n, or run fewer nodes",
            limit(Resource::Nofile)
        ),
        Errno::NFILE => "the system has too many open files: see fs.file-max".to_owned(),
        Errno::AGAIN => format!(
            "no more processes or threads may start: see ulimit -u, which is {}, ulimit -v, and the limits \
             of the container (pids.max) and of the system (kernel.threads-max); or run fewer nodes",
            limit(Resource::Nproc)
        ),
        Errno::NOMEM => "there is no memory left: see ulimit -v, or run fewer nodes".to_owned(),
        _ => return None,
    };
    Some(format!("{error}; {remedy}"))
}

#[cfg(not(unix))]
pub(crate) fn over_limit(_error: &io::Error) -> Option<String> {
    None
}

/// Lets this process have so many files open, as far as its hard limit goes, which is returned. The usual
/// limit of 1,024 protects programs that use `select(2)`, which this one does not.
#[cfg(unix)]
pub(crate) fn allow_open(files: u64) -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|it| it < files) {
        let current = Some(maximum.map_or(files, |it| it.min(files)));
        // What remains impossible is reported when a file is opened.
        let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum });
    }
    maximum
}

/// Does nothing: other systems have no such limit, or another one.
#[cfg(not(unix))]
pub(crate) fn allow_open(_files: u64) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    #[test]
    fn a_file_that_cannot_be_completed_leaves_the_former_one_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let write = |text: &'static str, last: io::Result<()>| {
            write_whole(&path, Survives::Machine, |out| {
                out.write_all(text.as_bytes())?;
                out.flush()?;
                last
            })
        };
        assert!(write("half", Err(ErrorKind::StorageFull.into())).is_err());
        assert_eq!(names(folder.path()), Vec::<String>::new());
        write("one", Ok(())).unwrap();
        assert!(write("half", Err(ErrorKind::StorageFull.into())).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_replaced_through_a_link_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let [path, link] = ["file", "link"].map(|name| folder.path().join(name));
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let mut output = OutputFile::open(link.clone()).unwrap();
        output.write("long text").unwrap();
        output.write("text").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "text");
        assert!(link.is_symlink());
    }
}
