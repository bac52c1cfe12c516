//! A file of the catalogue: what is wrong with a mutant, in words and as a change of the sources.
//!
//! ```text
//! What is lost once is lost for good: a link that forgets to resend.
//!
//! challenge: broadcast-3d
//! file: shared/replication/src/link/outgoing.rs
//! - let again = is_due(self.resend_at());
//! + let again = false;
//! ```
//!
//! The first paragraph says what is wrong, and then come words with a colon: `challenge`; `faults`,
//! `pins` and `node-flags` for a storm of its own, with a `because`; `breaks-off` if the run itself
//! must break off; `file`. Below each `file` stands what is changed in it, whole lines, as in a diff:
//! `-` goes, `+` comes, and what begins with a space stays and only says where. Lines are compared
//! without their indentation, and all that go or stay must stand together in one place of the file.
//! An empty line parts changes of one file.

use std::fs;
use std::path::Path;

/// A mutant to be.
#[derive(Debug, Default, PartialEq)]
pub struct Entry {
    /// The file's name.
    pub name: String,
    /// What is wrong.
    pub what: String,
    /// Whose solution is mutated, and in whose storms.
    pub challenge: String,
    /// The faults that may be drawn, if not the usual ones.
    pub faults: Option<String>,
    /// Flags of the test that are not drawn.
    pub pins: String,
    /// Flags of the node.
    pub node_flags: Vec<String>,
    /// Whether the mistake shows in that the run breaks off.
    pub breaks_off: bool,
    /// What is changed.
    pub edits: Vec<Edit>,
}

/// Lines of a file that others take the place of.
#[derive(Debug, Default, PartialEq)]
pub struct Edit {
    /// The file's path in the workspace.
    pub file: String,
    /// The lines as they are, without indentation.
    pub old: Vec<String>,
    /// … and as they shall be.
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

    /// The name as one of the language's.
    pub fn module(&self) -> String {
        self.name.replace('-', "_")
    }

    /// Understands a text.
    pub fn parse(name: &str, text: &str) -> Result<Entry, String> {
        let (what, rest) = text.split_once("\n\n").ok_or("there is no change in it")?;
        let mut entry = Entry {
            name: name.to_owned(),
            what: what.lines().collect::<Vec<_>>().join(" "),
            ..Entry::default()
        };
        let mut has_reason = false;
        let mut file = String::new();
        let mut is_parted = true;
        for line in rest.lines() {
            let (mark, words) = line.split_at_checked(1).unwrap_or(("", ""));
            match mark {
                "" => is_parted = true,
                "-" | "+" | " " => {
                    if is_parted {
                        let file = file.clone();
                        let (old, new) = Default::default();
                        entry.edits.push(Edit { file, old, new });
                        is_parted = false;
                    }
                    let edit = entry.edits.last_mut().ok_or("a line of no file")?;
                    edit.add(mark, words.trim());
                }
                _ => {
                    let (key, value) = line.split_once(": ").ok_or("a line without a mark")?;
                    match key {
                        "because" => has_reason = true,
                        "file" => (file, is_parted) = (value.to_owned(), true),
                        _ => entry.set(key, value)?,
                    }
                }
            }
        }
        let is_special = entry.faults.is_some() || !entry.pins.is_empty();
        if is_special != has_reason {
            return Err("what is not drawn as usual needs a reason, and nothing else".to_owned());
        }
        match entry.edits.iter().find(|edit| edit.old == edit.new) {
            Some(edit) => Err(format!("nothing is changed in {:?}", edit.file)),
            None => Ok(entry),
        }
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "challenge" => self.challenge = value.to_owned(),
            "faults" => self.faults = Some(value.to_owned()),
            "pins" => self.pins = value.to_owned(),
            "node-flags" => self.node_flags = value.split(' ').map(str::to_owned).collect(),
            "breaks-off" => self.breaks_off = value == "yes",
            _ => return Err(format!("what is {key:?}?")),
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

    /// The changed text; an error unless the old lines stand in it exactly once.
    pub fn apply(&self, text: &str) -> Result<String, String> {
        let lines: Vec<&str> = text.lines().collect();
        let starts = |window: &[&str]| {
            window
                .iter()
                .zip(&self.old)
                .all(|(is, was)| is.trim() == was)
        };
        let places = lines.windows(self.old.len().max(1)).enumerate();
        let places = places.filter(|(_, window)| !self.old.is_empty() && starts(window));
        let places: Vec<usize> = places.map(|(place, _)| place).collect();
        let [place] = places[..] else {
            let found = match places.len() {
                0 => "do not stand in it any more".to_owned(),
                more => format!("stand in it {more} times"),
            };
            return Err(format!(
                "{} has changed: these lines {found}:\n\n    {}\n\nLook for where the same mistake \
                 can be made now and write that down instead; if it cannot be made any more, \
                 replace the mutant by another one.",
                self.file,
                self.old.join("\n    "),
            ));
        };
        let new = self.new.iter().map(String::as_str);
        let before = lines[..place].iter().copied();
        let after = lines[place + self.old.len()..].iter().copied();
        let lines: Vec<&str> = before.chain(new).chain(after).collect();
        Ok(lines.join("\n") + "\n")
    }
}
