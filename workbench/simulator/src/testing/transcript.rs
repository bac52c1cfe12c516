//! Transcript tests: each text file holds one scenario, and a replay must give the same text.
//!
//! A line `> push a 7` is a command; the lines up to the next command are its output. Blank lines
//! and lines that begin with `#` are kept as they are. After an intended change, `REWRITE=1` writes
//! the new outputs into the files, for review as a diff.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Replays all transcripts (`*.txt`) in a folder. `interpreter` makes a new interpreter for each: a
/// function from a command to its output, whose lines are not empty and do not begin with `#` or
/// `> `.
///
/// # Panics
/// When an output has changed, with the diff and the command that accepts it; and when there are
/// no transcripts.
pub fn check<F>(folder: impl AsRef<Path>, interpreter: impl Fn() -> F)
where
    F: FnMut(&str) -> String,
{
    let files = transcripts(folder.as_ref());
    assert!(
        !files.is_empty(),
        "no transcripts in {}",
        folder.as_ref().display()
    );
    let mut changes = String::new();
    for file in files {
        let old = fs::read_to_string(&file).expect("a transcript is text");
        let new = replay(&old, interpreter());
        if old == new {
            continue;
        }
        if env::var_os("REWRITE").is_some() {
            fs::write(&file, new).expect("a transcript can be rewritten");
        } else {
            let _ = write!(changes, "{}:\n{}", file.display(), diff(&old, &new));
        }
    }
    let package = env::var("CARGO_PKG_NAME").unwrap_or_default();
    assert!(
        changes.is_empty(),
        "\n{changes}\nIf this is intended: REWRITE=1 cargo test -p {package}"
    );
}

fn transcripts(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    files
}

fn replay(old: &str, mut execute: impl FnMut(&str) -> String) -> String {
    let mut text = String::new();
    for line in old.lines() {
        if line.is_empty() || line.starts_with('#') {
            text.extend([line, "\n"]);
        } else if let Some(command) = line.strip_prefix("> ") {
            text.extend([line, "\n"]);
            text.extend(execute(command).lines().flat_map(|line| [line, "\n"]));
        }
    }
    text
}

/// The commands whose output has changed, with the old and the new output.
fn diff(old: &str, new: &str) -> String {
    // A replay keeps the commands, so that old and new sections correspond one to one.
    let sections = |text: &str| -> Vec<String> {
        let text = format!("\n{text}");
        text.split("\n> ").map(str::to_owned).collect()
    };
    let mut changes = String::new();
    for (old, new) in sections(old).iter().zip(&sections(new)) {
        if old != new {
            let command = old.lines().next().unwrap_or_default();
            let _ = writeln!(changes, "  > {command}");
            let removed = old.lines().skip(1).map(|line| format!("  - {line}\n"));
            let added = new.lines().skip(1).map(|line| format!("  + {line}\n"));
            changes.extend(removed.chain(added));
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_keeps_commands_and_comments_and_replaces_outputs() {
        let old = "# Sums.\n> 1 2\n3\n\n> 2 2\n5\nand more\n";
        let sum = |command: &str| {
            let numbers = command.split(' ').map(str::parse::<u32>);
            numbers.map(Result::unwrap).sum::<u32>().to_string()
        };
        let new = replay(old, sum);
        assert_eq!(new, "# Sums.\n> 1 2\n3\n\n> 2 2\n4\n");
        assert_eq!(diff(old, &new), "  > 2 2\n  - 5\n  - and more\n  + 4\n");
    }
}
