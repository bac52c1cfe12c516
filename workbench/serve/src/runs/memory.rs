//! What was read once need not be read again while the file is the same: a list shows all runs, and
//! some results take seconds to read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// How many files are remembered; with one more, all are forgotten.
const MOST: usize = 20_000;

/// What came out of files.
#[derive(Debug)]
pub(super) struct Memory<T>(Mutex<BTreeMap<PathBuf, (Stamp, T)>>);

/// What changes when a file does: its time, and its length.
type Stamp = (Option<Timestamp>, u64);

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Memory(Mutex::default())
    }
}

impl<T: Clone> Memory<T> {
    /// What comes out of a file, which is read unless it still is what was read before.
    ///
    /// # Errors
    /// When nothing can be told of the file.
    pub(super) fn recall(
        &self,
        path: &Path,
        file: File,
        read: impl FnOnce(File) -> T,
    ) -> io::Result<T> {
        let found = file.metadata()?;
        let changed = found.modified().ok();
        let changed = changed.and_then(|it| Timestamp::try_from(it).ok());
        let stamp = (changed, found.len());
        if let Some((_, known)) = self.all().get(path).filter(|(it, _)| *it == stamp) {
            return Ok(known.clone());
        }
        let fresh = read(file);
        let mut all = self.all();
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(path.to_owned(), (stamp, fresh.clone()));
        Ok(fresh)
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<PathBuf, (Stamp, T)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_read_again_once_it_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let memory = Memory::default();
        let mut times = 0;
        let mut recall = || {
            let file = File::open(&path).unwrap();
            let read = |_| {
                times += 1;
                times
            };
            memory.recall(&path, file, read).unwrap()
        };
        fs::write(&path, "short").unwrap();
        assert_eq!([recall(), recall()], [1, 1]);
        fs::write(&path, "longer").unwrap();
        assert_eq!([recall(), recall()], [2, 2]);
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        assert_eq!([recall(), recall()], [3, 3]);
    }
}
