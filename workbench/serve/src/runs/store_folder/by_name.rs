//! Where files cannot be opened relative to a folder: by name, after a check of what the name leads
//! to. A link that is put in its place meanwhile is followed.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::Entry;

#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Folder(path.to_owned()))
    }

    pub(super) fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.find(path)?.metadata()
    }

    pub(super) fn file(&self, path: &Path) -> io::Result<File> {
        let path = self.find(path)?;
        // A folder cannot be opened here.
        if !path.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        File::open(path)
    }

    pub(super) fn entries(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let entry = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            let kind = entry.file_type()?;
            Ok(Entry {
                name: entry.file_name(),
                is_file: kind.is_file(),
                is_folder: kind.is_dir(),
            })
        };
        fs::read_dir(self.find(path)?)?.map(entry).collect()
    }

    /// The path on disk, symbolic links followed.
    fn find(&self, path: &Path) -> io::Result<PathBuf> {
        let found = self.0.join(path).canonicalize()?;
        if !found.starts_with(&self.0) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(found)
    }
}

/// Whether this is the error for a missing name.
pub(super) fn is_missing(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotADirectory | NotFound)
}
