//! Validated paths below the store.

use std::fmt;
use std::path::PathBuf;

/// A path below the store: names of folders, and perhaps of a file at the end. Each is a plain
/// name, so that the path leads neither upwards nor to another drive.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct StorePath(Vec<String>);

impl StorePath {
    /// The path with these names; none if one of them is not plain.
    pub fn new<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Option<Self> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let all = names.iter().all(|name| is_plain(name));
        all.then_some(StorePath(names))
    }

    /// The path of an entry of this folder; none if its name is not plain.
    pub fn join(&self, name: &str) -> Option<Self> {
        let names = self.0.iter().map(String::as_str);
        StorePath::new(names.chain([name]))
    }

    /// The parent folder; none for the store itself.
    pub fn parent(&self) -> Option<Self> {
        let (_, parent) = self.0.split_last()?;
        Some(StorePath(parent.to_vec()))
    }

    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// The path on disk, relative to the store.
    pub fn to_path(&self) -> PathBuf {
        self.0.iter().collect()
    }
}

impl fmt::Display for StorePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

/// Whether a name is that of a direct entry of a folder on every system.
fn is_plain(name: &str) -> bool {
    let is_drive = matches!(name.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    let is_path = name.contains(['/', '\\', '\0']);
    !is_drive && !is_path && !matches!(name, "" | "." | "..")
}

#[cfg(test)]
mod tests {
    use super::StorePath;

    fn parse(text: &str) -> Option<StorePath> {
        StorePath::new(text.split('/'))
    }

    #[test]
    fn a_path_cannot_lead_out_of_the_store() {
        for bad in [
            "",
            "/",
            "/etc/passwd",
            "a//b",
            "a/",
            "..",
            "a/../b",
            "a/.",
            "a\\..\\b",
            "C:",
            "c:x",
            "a\0b",
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
        for good in ["echo/1", "<script>", "...", "a b/%2e%2e", "ö", "..a"] {
            let path = parse(good).map(|path| path.to_string());
            assert_eq!(path.as_deref(), Some(good));
        }
    }

    #[test]
    fn the_parent_of_an_entry_is_its_folder() {
        let run = parse("echo/1").unwrap();
        let log = run.join("n0.log").unwrap();
        assert_eq!((log.parent().as_ref(), run.join("..")), (Some(&run), None));
        assert_eq!(StorePath::default().parent(), None);
    }
}
