//! On Unix: opened relative to the store's folder, by `openat2` where the kernel has it.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, statat};
use rustix::io::Errno;

use super::Entry;

/// Without NONBLOCK, opening a pipe would wait for a writer.
const READ: OFlags = OFlags::CLOEXEC
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY);

/// To ask for metadata: of a device, too, without opening it, where the system can.
#[cfg(target_os = "linux")]
const ASK: OFlags = OFlags::CLOEXEC.union(OFlags::PATH);
#[cfg(not(target_os = "linux"))]
const ASK: OFlags = READ;

const LIST: OFlags = READ.union(OFlags::DIRECTORY);

#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    opened: OwnedFd,
}

impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Folder {
            path: path.to_owned(),
            opened: rustix::fs::open(path, LIST, Mode::empty())?,
        })
    }

    pub(super) fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        File::from(self.open_within(path, ASK)?).metadata()
    }

    pub(super) fn file(&self, path: &Path) -> io::Result<File> {
        Ok(File::from(self.open_within(path, READ)?))
    }

    pub(super) fn entries(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let folder = self.open_within(path, LIST)?;
        let mut entries = Vec::new();
        for entry in Dir::read_from(&folder)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            let kind = match entry.file_type() {
                // Not every file system has the kind in its folders.
                FileType::Unknown => statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW)
                    .map_or(FileType::Unknown, |it| FileType::from_raw_mode(it.st_mode)),
                kind => kind,
            };
            entries.push(Entry {
                name: name.to_owned(),
                is_file: kind == FileType::RegularFile,
                is_folder: kind == FileType::Directory,
            });
        }
        Ok(entries)
    }

    fn open_within(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        match self.open_beneath(path, flags) {
            // The kernel does not know or may not do it, the path was renamed meanwhile, or it
            // passes an absolute link, which may lead back into the store.
            Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN | Errno::XDEV) => self.walk(path, flags),
            opened => Ok(opened?),
        }
    }

    /// Lets the kernel follow the path's links and keep within the folder, in one step.
    #[cfg(target_os = "linux")]
    fn open_beneath(&self, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        use rustix::fs::{ResolveFlags, openat2};

        let path = if path == "" { Path::new(".") } else { path };
        let within = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        openat2(&self.opened, path, flags, Mode::empty(), within)
    }

    #[cfg(not(target_os = "linux"))]
    fn open_beneath(&self, _: &Path, _: OFlags) -> rustix::io::Result<OwnedFd> {
        Err(Errno::NOSYS)
    }

    /// Follows the path's links by name, and then opens one name after the other of what was found,
    /// none of which may be a link any more.
    fn walk(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let found = self.path.join(path).canonicalize()?;
        let within = found.strip_prefix(&self.path);
        let within = within.map_err(|_| io::ErrorKind::NotFound)?;
        let mut opened = openat(&self.opened, ".", LIST, Mode::empty())?;
        let mut names = within.iter().peekable();
        while let Some(name) = names.next() {
            let flags = if names.peek().is_some() { LIST } else { flags };
            opened = openat(&opened, name, flags | OFlags::NOFOLLOW, Mode::empty())?;
        }
        Ok(opened)
    }
}

/// Whether this is the error for a missing name, an invalid one, a link that leads nowhere, or a
/// socket.
pub(super) fn is_missing(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        // A link is MLINK instead of LOOP on some systems.
        Some(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG)
            | Some(Errno::LOOP | Errno::MLINK | Errno::NXIO | Errno::XDEV)
    ) || error.kind() == io::ErrorKind::NotFound
}
