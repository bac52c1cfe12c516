//! The only way to what is in the store. A check of a name proves nothing about its next use: in
//! between, another process can put a link or a pipe in its place. So names are resolved and opened
//! in one step below the store's folder, and questions go to what was opened.

#[cfg_attr(unix, path = "store_folder/beneath.rs")]
#[cfg_attr(not(unix), path = "store_folder/by_name.rs")]
mod system;

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

/// The opened folder of a store. Paths are relative to it, with plain names only. Symbolic links
/// are followed as long as they stay within the store; what is outside of it is missing.
#[derive(Debug)]
pub struct StoreFolder(system::Folder);

/// An entry of a folder; a symbolic link is neither a file nor a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub name: OsString,
    pub is_file: bool,
    pub is_folder: bool,
}

impl StoreFolder {
    /// Opens the store in this folder, whose path is canonical.
    ///
    /// # Errors
    /// When the folder is missing or cannot be opened.
    pub fn open(store: &Path) -> io::Result<Self> {
        system::Folder::open(store).map(StoreFolder)
    }

    /// Metadata of a file or folder; none if there is none within the store.
    ///
    /// # Errors
    /// When it exists and cannot be opened.
    pub fn metadata(&self, path: &Path) -> io::Result<Option<Metadata>> {
        unless_missing(self.0.metadata(path))
    }

    /// An opened file and its length; none if it is missing or no regular file: a pipe, a folder.
    ///
    /// # Errors
    /// When it is a file that cannot be opened.
    pub fn file(&self, path: &Path) -> io::Result<Option<(File, u64)>> {
        let Some(file) = unless_missing(self.0.file(path))? else {
            return Ok(None);
        };
        let found = file.metadata()?;
        Ok(found.is_file().then_some((file, found.len())))
    }

    /// The entries of a folder, in no order; none if there is no such folder within the store.
    ///
    /// # Errors
    /// When it is a folder that cannot be read.
    pub fn entries(&self, path: &Path) -> io::Result<Option<Vec<Entry>>> {
        unless_missing(self.0.entries(path))
    }
}

/// Turns the error that something is missing into none.
fn unless_missing<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Err(error) if system::is_missing(&error) => Ok(None),
        found => found.map(Some),
    }
}
