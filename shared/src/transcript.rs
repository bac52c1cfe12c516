//! A transcript is a test: a text file tells one scenario, and running it again must tell the same.
//!
//! A line `> push a 7` is a command; all lines up to the next command are what followed from it.
//! Blank lines and lines that begin with `#` are for the reader and stay where they are. After a
//! change that is meant, `REWRITE=1` writes what follows now into the files, and the difference is
//! read in review.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Replays all transcripts (`*.txt`) in a folder. Each meets a world of its own, made by `world`:
/// a function from a command to what follows from it, in lines that are neither empty nor look
/// like remarks or commands.
///
/// # Panics
/// When something else follows than is told, with the difference and the command that accepts it;
/// and when there are no transcripts.
pub fn check<F>(folder: impl AsRef<Path>, world: impl Fn() -> F)
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
        let told = fs::read_to_string(&file).expect("a transcript is text");
        let follows = replay(&told, world());
        if told == follows {
            continue;
        }
        if env::var_os("REWRITE").is_some() {
            fs::write(&file, follows).expect("a transcript can be rewritten");
        } else {
            let _ = write!(changes, "{}:\n{}", file.display(), diff(&told, &follows));
        }
    }
    let package = env::var("CARGO_PKG_NAME").unwrap_or_default();
    assert!(
        changes.is_empty(),
        "\n{changes}\nIf this is meant: REWRITE=1 cargo test -p {package}"
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

fn replay(told: &str, mut world: impl FnMut(&str) -> String) -> String {
    let mut text = String::new();
    for line in told.lines() {
        if line.is_empty() || line.starts_with('#') {
            text.extend([line, "\n"]);
        } else if let Some(command) = line.strip_prefix("> ") {
            text.extend([line, "\n"]);
            text.extend(world(command).lines().flat_map(|said| [said, "\n"]));
        }
    }
    text
}

/// The commands that something else follows from now, with what was told and what is so.
fn diff(told: &str, follows: &str) -> String {
    // A replay keeps the commands, so the two can be laid side by side.
    let scenes = |text: &str| -> Vec<String> {
        let text = format!("\n{text}");
        text.split("\n> ").map(str::to_owned).collect()
    };
    let mut changes = String::new();
    for (old, new) in scenes(told).iter().zip(&scenes(follows)) {
        if old != new {
            let command = old.lines().next().unwrap_or_default();
            let _ = writeln!(changes, "  > {command}");
            let lost = old.lines().skip(1).map(|line| format!("  - {line}\n"));
            let gained = new.lines().skip(1).map(|line| format!("  + {line}\n"));
            changes.extend(lost.chain(gained));
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_keeps_commands_and_remarks_and_tells_anew_what_follows() {
        let told = "# Sums.\n> 1 2\n3\n\n> 2 2\n5\nand more\n";
        let sum = |command: &str| {
            let numbers = command.split(' ').map(str::parse::<u32>);
            numbers.map(Result::unwrap).sum::<u32>().to_string()
        };
        let follows = replay(told, sum);
        assert_eq!(follows, "# Sums.\n> 1 2\n3\n\n> 2 2\n4\n");
        assert_eq!(
            diff(told, &follows),
            "  > 2 2\n  - 5\n  - and more\n  + 4\n"
        );
    }
}
