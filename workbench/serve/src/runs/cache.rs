//! A cache of parsed files, valid while a file is unchanged: the list shows all runs, and some
//! results take seconds to read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// Files in the cache; one more clears it. A list that is filtered reads those of all runs.
const MAX_FILES: usize = 200_000;

/// Values read from files.
#[derive(Debug)]
pub(super) struct Cache<T>(Mutex<BTreeMap<PathBuf, (Stamp, T)>>);

/// Modification time and length of a file; a change of the file changes at least one of them.
type Stamp = (Option<Timestamp>, u64);

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Cache(Mutex::default())
    }
}

impl<T: Clone> Cache<T> {
    /// The cached value of a file, or what `read` returns if the file is new or has changed.
    ///
    /// # Errors
    /// When the file's metadata cannot be read.
    pub(super) fn get_or_read(
        &self,
        path: &Path,
        file: File,
        read: impl FnOnce(File) -> T,
    ) -> io::Result<T> {
        let found = file.metadata()?;
        let changed = found.modified().ok();
        let changed = changed.and_then(|it| Timestamp::try_from(it).ok());
        let stamp = (changed, found.len());
        if let Some((_, cached)) = self.lock().get(path).filter(|(it, _)| *it == stamp) {
            return Ok(cached.clone());
        }
        let fresh = read(file);
        let mut entries = self.lock();
        if entries.len() >= MAX_FILES {
            entries.clear();
        }
        entries.insert(path.to_owned(), (stamp, fresh.clone()));
        Ok(fresh)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, (Stamp, T)>> {
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
        let cache = Cache::default();
        let mut times = 0;
        let mut get = || {
            let file = File::open(&path).unwrap();
            let read = |_| {
                times += 1;
                times
            };
            cache.get_or_read(&path, file, read).unwrap()
        };
        fs::write(&path, "short").unwrap();
        assert_eq!([get(), get()], [1, 1]);
        fs::write(&path, "longer").unwrap();
        assert_eq!([get(), get()], [2, 2]);
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        assert_eq!([get(), get()], [3, 3]);
    }
}
