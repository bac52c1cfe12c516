//! A file of the catalogue: a mutant's mistake, in words and as a change of the sources.
//!
//! ```text
//! A link never resends: lost items stay lost.
//!
//! challenge: broadcast-3d
//! file: shared/replication/src/link/outgoing.rs
//! - let again = is_due(self.resend_at());
//! + let again = false;
//! ```
//!
//! The first paragraph describes the mistake. Then come keys with values: `challenge`; `faults`,
//! `pins` and `node-flags` for a storm with special options, with a `because`; `file`. Below each
//! `file` are its changes, in whole lines, as in a diff: `-` removes, `+` adds, and a space keeps a
//! line that shows the position. Lines are compared without indentation, and those removed or kept
//! must be adjacent and occur once in the file. An empty line separates changes of one file.

use std::fs;
use std::path::Path;

/// The description of a mutant.
#[derive(Debug, Default, PartialEq)]
pub struct Entry {
    /// The file's name.
    pub name: String,
    /// The mistake.
    pub mistake: String,
    /// The challenge whose solution is mutated, and whose storms must find it.
    pub challenge: String,
    /// The faults that may be drawn, if not the usual ones.
    pub faults: Option<String>,
    /// Options of the test that are not drawn.
    pub pins: String,
    /// Flags of the node.
    pub node_flags: Vec<String>,
    /// The changes of sources.
    pub edits: Vec<Edit>,
}

/// Lines of a file and their replacement.
#[derive(Debug, Default, PartialEq)]
pub struct Edit {
    /// The file's path in the workspace.
    pub file: String,
    /// The present lines, without indentation.
    pub old: Vec<String>,
    /// The new lines.
    pub new: Vec<String>,
}

impl Entry {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Entry, String> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let text = fs::read_to_string(path).map_err(|error| error.to_string());
        let entry = text.and_then(|text| Entry::parse(&name, &text));
        entry.map_err(|why| format!("catalogue/{name}.txt: {why}"))
    }

    /// The name as a Rust identifier.
    pub fn module(&self) -> String {
        self.name.replace('-', "_")
    }

    /// Parses a text.
    pub fn parse(name: &str, text: &str) -> Result<Entry, String> {
        let (mistake, rest) = text.split_once("\n\n").ok_or("it contains no change")?;
        let mut entry = Entry {
            name: name.to_owned(),
            mistake: mistake.lines().collect::<Vec<_>>().join(" "),
            ..Entry::default()
        };
        let mut has_reason = false;
        let mut file = String::new();
        let mut is_separated = true;
        for line in rest.lines() {
            let (mark, code) = line.split_at_checked(1).unwrap_or(("", ""));
            match mark {
                "" => is_separated = true,
                "-" | "+" | " " => {
                    if is_separated {
                        let file = file.clone();
                        let (old, new) = Default::default();
                        entry.edits.push(Edit { file, old, new });
                        is_separated = false;
                    }
                    let edit = entry.edits.last_mut().ok_or("a line belongs to no file")?;
                    edit.add(mark, code.trim());
                }
                _ => {
                    let (key, value) = line
                        .split_once(": ")
                        .ok_or("a line has neither a mark nor a key")?;
                    match key {
                        "because" => has_reason = true,
                        "file" => (file, is_separated) = (value.to_owned(), true),
                        _ => entry.set(key, value)?,
                    }
                }
            }
        }
        let is_special = entry.faults.is_some() || !entry.pins.is_empty();
        if is_special != has_reason {
            let text = "`faults` and `pins` need a `because`, and nothing else has one";
            return Err(text.to_owned());
        }
        match entry.edits.iter().find(|edit| edit.old == edit.new) {
            Some(edit) => Err(format!("an edit of {:?} changes nothing", edit.file)),
            None => Ok(entry),
        }
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "challenge" => self.challenge = value.to_owned(),
            "faults" => self.faults = Some(value.to_owned()),
            "pins" => self.pins = value.to_owned(),
            "node-flags" => self.node_flags = value.split(' ').map(str::to_owned).collect(),
            _ => return Err(format!("unknown key {key:?}")),
        }
        Ok(())
    }
}

impl Edit {
    fn add(&mut self, mark: &str, line: &str) {
        if mark != "+" {
            self.old.push(line.to_owned());
        }
        if mark != "-" {
            self.new.push(line.to_owned());
        }
    }

    /// The changed text; an error unless it contains the old lines exactly once.
    pub fn apply(&self, text: &str) -> Result<String, String> {
        let lines: Vec<&str> = text.lines().collect();
        let matches = |window: &[&str]| {
            window
                .iter()
                .zip(&self.old)
                .all(|(is, was)| is.trim() == was)
        };
        let windows = lines.windows(self.old.len().max(1)).enumerate();
        let windows = windows.filter(|(_, window)| !self.old.is_empty() && matches(window));
        let starts: Vec<usize> = windows.map(|(start, _)| start).collect();
        let [start] = starts[..] else {
            return Err(format!(
                "{} has changed: these lines occur {} times in it:\n\n    {}\n\nFind where the \
                 same mistake can be made now, and change the entry; if it cannot be made any more, \
                 replace the mutant by another one.",
                self.file,
                starts.len(),
                self.old.join("\n    "),
            ));
        };
        let new = self.new.iter().map(String::as_str);
        let before = lines[..start].iter().copied();
        let after = lines[start + self.old.len()..].iter().copied();
        let lines: Vec<&str> = before.chain(new).chain(after).collect();
        Ok(lines.join("\n") + "\n")
    }
}
