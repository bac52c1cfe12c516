//! What a program needs to start, and why one does not. The system's "no such file" or "permission
//! denied" may be about the program, a script's interpreter, or the working directory. The messages
//! here say which, and what to do.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use anyhow::bail;

use super::head::Head;
use crate::files::over_limit;
use crate::text::shell_word;
use history::text::quoted;

/// The Unix error for an executable file that is not a program.
pub(super) const ENOEXEC: i32 = 8;

/// A shell's exit status for a command that does not exist.
const NOT_FOUND: i32 = 127;

/// The nodes' working directory, and a note if it is not the one that TMPDIR names.
///
/// Maelstrom uses `/tmp`, whatever TMPDIR says, so an unusable TMPDIR does not abort a run that
/// Maelstrom would do.
///
/// # Errors
/// When neither folder can be used.
pub fn working_folder() -> anyhow::Result<(PathBuf, Option<String>)> {
    let default = Path::new("/tmp");
    let named = std::env::temp_dir();
    // An empty TMPDIR counts as unset.
    let is_empty = named.as_os_str().is_empty();
    choose_folder(if is_empty { default.to_owned() } else { named }, default)
}

fn choose_folder(named: PathBuf, default: &Path) -> anyhow::Result<(PathBuf, Option<String>)> {
    if is_usable(&named) {
        return Ok((named, None));
    }
    let flaw = match fs::metadata(&named) {
        Ok(file) if file.is_dir() => "which this user may not enter",
        Ok(_) => "which is not a directory",
        Err(_) => "which does not exist",
    };
    let named = named.display();
    if !is_usable(default) {
        bail!(
            "nodes start in the directory for temporary files, {named}, {flaw}: create it, or set \
             TMPDIR to another one"
        );
    }
    let note = format!(
        "note: TMPDIR names {named}, {flaw}: nodes start in {}, as with Maelstrom; \
         create it, or unset TMPDIR",
        default.display()
    );
    Ok((default.to_owned(), Some(note)))
}

/// Whether this is a directory that this user may enter.
fn is_usable(folder: &Path) -> bool {
    fs::metadata(folder.join(".")).is_ok_and(|it| it.is_dir())
}

/// The absolute path of the program of this name in one of the folders of PATH.
pub fn on_path(name: &OsStr) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let programs = std::env::split_paths(&path).map(|folder| folder.join(name));
    let program = programs
        .into_iter()
        .find(|program| program.is_file() && is_executable(program))?;
    std::path::absolute(program).ok()
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(not(unix))]
fn is_executable(_file: &Path) -> bool {
    true
}

/// Whether an executable file may be a shell script without a `#!` line.
pub(super) fn is_text(program: &Path) -> bool {
    Head::of(program).is_text()
}

/// Why the program did not start: the system's error, or a better explanation of it.
pub fn explain(program: &Path, error: &io::Error) -> String {
    let why = match error.kind() {
        ErrorKind::PermissionDenied => why_denied(program),
        ErrorKind::NotFound => why_not_found(program),
        ErrorKind::ExecutableFileBusy => Some(
            "another process is still writing to it (text file busy); wait until that is done, a \
             build perhaps, and try again"
                .to_owned(),
        ),
        _ if error.raw_os_error() == Some(ENOEXEC) => Some(Head::of(program).describe_machine()),
        _ => over_limit(error),
    };
    why.unwrap_or_else(|| error.to_string())
}

fn why_denied(program: &Path) -> Option<String> {
    let word = shell_word(&program.to_string_lossy());
    if program.is_dir() {
        return Some("it is a directory; give --bin the program in it".to_owned());
    }
    if !is_executable(program) {
        return Some(format!("it is not executable; try: chmod +x {word}"));
    }
    let interpreter = Head::of(program).script()?.interpreter;
    let is_program = interpreter.is_file() && is_executable(&interpreter);
    (!is_program).then(|| {
        let interpreter = quoted(&interpreter.to_string_lossy());
        format!("its first line names the interpreter {interpreter}, which is not executable")
    })
}

fn why_not_found(program: &Path) -> Option<String> {
    if !program.exists() {
        return None;
    }
    let head = Head::of(program);
    let Some(script) = head.script() else {
        let why = "it exists, but its loader does not: it was built for another system; build it \
                   here, or link it statically";
        return head.is_elf().then(|| why.to_owned());
    };
    if script.ends_in_return {
        return Some(carriage_return(program));
    }
    let interpreter = quoted(&script.interpreter.to_string_lossy());
    (!script.interpreter.exists()).then(|| {
        format!(
            "its first line names the interpreter {interpreter}, which does not exist; install it, \
             or name another one"
        )
    })
}

/// Why the program exited early, if its first line is the reason.
pub(super) fn explain_exit(program: &Path, status: ExitStatus) -> Option<String> {
    let script = Head::of(program).script()?;
    if script.ends_in_return {
        return Some(carriage_return(program));
    }
    let missing = script
        .command
        .filter(|_| status.code() == Some(NOT_FOUND))?;
    on_path(OsStr::new(&missing)).is_none().then(|| {
        let missing = quoted(&missing);
        format!(
            "its first line names the interpreter {missing}, which is not on PATH; install it, or \
             name another one"
        )
    })
}

fn carriage_return(program: &Path) -> String {
    let word = shell_word(&program.to_string_lossy());
    format!(
        "its first line ends in a carriage return, as on Windows, which becomes part of the \
         interpreter's name or arguments; try: sed -i 's/\\r$//' {word}"
    )
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn an_unusable_temporary_directory_is_replaced_and_reported() {
        let dir = tempfile::TempDir::new().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let default = dir.path();
        for (named, flaw) in [
            (dir.path().join("missing"), "missing, which does not exist"),
            (file.clone(), "file, which is not a directory"),
        ] {
            let (folder, note) = choose_folder(named.clone(), default).unwrap();
            assert_eq!(folder, default);
            let note = note.unwrap();
            assert!(
                note.contains(flaw) && note.contains("unset TMPDIR"),
                "{note}"
            );
            let error = choose_folder(named, &file).unwrap_err().to_string();
            assert!(
                error.contains(flaw) && error.contains("create it"),
                "{error}"
            );
        }
        let (folder, note) = choose_folder(dir.path().to_owned(), Path::new("/")).unwrap();
        assert_eq!((folder.as_path(), note), (dir.path(), None));
    }

    #[test]
    fn misleading_system_errors_are_explained() {
        let dir = tempfile::TempDir::new().unwrap();
        let program = dir.path().join("program");
        fs::write(&program, b"\x7fELF\x02\x01").unwrap();
        let explain = |program: &Path, number| {
            let error = io::Error::from_raw_os_error(number);
            (explain(program, &error), error.to_string())
        };
        let (not_there, busy, too_long) = (2, 26, 7);
        let (why, _) = explain(&program, not_there);
        assert!(why.contains("its loader does not"), "{why}");
        let (why, _) = explain(&program, busy);
        assert!(
            why.contains("still writing to it (text file busy)"),
            "{why}"
        );
        let (why, error) = explain(&program, too_long);
        assert_eq!(why, error);
        let (why, _) = explain(&program, 24);
        assert!(why.contains("raise that with ulimit -n"), "{why}");
        let (why, error) = explain(&dir.path().join("missing"), not_there);
        assert_eq!(why, error);
    }
}
