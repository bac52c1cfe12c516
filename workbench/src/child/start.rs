//! What a program needs to start, and why one does not. The system's "no such file" or "permission
//! denied" may be about the program, a script's interpreter, or the working directory. The messages
//! here say which, and what to do.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use anyhow::bail;

use crate::text::shell_word;
use history::text::quoted;

/// The Unix error for an executable file that is not a program.
pub(super) const ENOEXEC: i32 = 8;

/// How many bytes of a program are read to see what it is.
const HEAD: u64 = 512;

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
    !Head::of(program).0.contains(&0)
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
        _ => None,
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

/// The first bytes of a program; empty if it cannot be read.
struct Head(Vec<u8>);

/// The `#!` line of a script.
struct Script {
    /// The interpreter's path.
    interpreter: PathBuf,
    /// The program that `env` starts, if that is the interpreter.
    command: Option<String>,
    ends_in_return: bool,
}

impl Head {
    fn of(program: &Path) -> Self {
        let mut bytes = Vec::new();
        if let Ok(file) = File::open(program) {
            // An unreadable program has another, better explanation.
            let _ = file.take(HEAD).read_to_end(&mut bytes);
        }
        Head(bytes)
    }

    fn script(&self) -> Option<Script> {
        let rest = self.0.strip_prefix(b"#!")?;
        let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let mut words = line.split_whitespace();
        let interpreter = PathBuf::from(words.next()?);
        let is_env = interpreter.file_name().is_some_and(|name| name == "env");
        // Skips options of `env`, and variables that it sets.
        let mut arguments = words.filter(|word| !word.starts_with('-') && !word.contains('='));
        Some(Script {
            command: arguments.next().filter(|_| is_env).map(str::to_owned),
            interpreter,
            ends_in_return: line.ends_with('\r'),
        })
    }

    fn is_elf(&self) -> bool {
        self.0.starts_with(b"\x7fELF")
    }

    /// Which machine it was built for, as far as its header shows.
    fn describe_machine(&self) -> String {
        let system = match &self.0[..] {
            bytes if self.is_elf() => elf_machine(bytes),
            [b'M', b'Z', ..] => "Windows",
            [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..]
            | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..]
            | [0xca, 0xfe, 0xba, 0xbe, ..] => "macOS",
            _ => return "it is neither a program for this system nor a script".to_owned(),
        };
        format!(
            "it was built for {system}, but this is {} on {}; build it for this machine",
            std::env::consts::OS,
            std::env::consts::ARCH
        )
    }
}

/// The machine that an ELF file is for; byte 5 is the byte order of the field.
fn elf_machine(bytes: &[u8]) -> &'static str {
    let machine = match bytes {
        [_, _, _, _, _, 2, ..] => bytes.get(18..20).map(|it| [it[0], it[1]]),
        _ => bytes.get(18..20).map(|it| [it[1], it[0]]),
    };
    match machine.map(u16::from_be_bytes) {
        Some(3) => "a 32-bit x86 processor",
        Some(40) => "a 32-bit arm processor",
        Some(62) => "x86_64",
        Some(183) => "aarch64",
        Some(243) => "riscv",
        _ => "another processor or system",
    }
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
        let (not_there, busy, too_many_files) = (2, 26, 24);
        let (why, _) = explain(&program, not_there);
        assert!(why.contains("its loader does not"), "{why}");
        let (why, _) = explain(&program, busy);
        assert!(
            why.contains("still writing to it (text file busy)"),
            "{why}"
        );
        let (why, error) = explain(&program, too_many_files);
        assert_eq!(why, error);
        let (why, error) = explain(&dir.path().join("missing"), not_there);
        assert_eq!(why, error);
    }

    #[test]
    fn the_first_line_of_a_script_names_its_interpreter() {
        for (text, interpreter, command, ends_in_return) in [
            ("#!/bin/sh\nx", "/bin/sh", None, false),
            ("#! /bin/sh -e\r\nx", "/bin/sh", None, true),
            (
                "#!/usr/bin/env python3",
                "/usr/bin/env",
                Some("python3"),
                false,
            ),
            (
                "#!/usr/bin/env -S A=b deno run\n",
                "/usr/bin/env",
                Some("deno"),
                false,
            ),
        ] {
            let script = Head(text.into()).script().expect(text);
            assert_eq!(script.interpreter, Path::new(interpreter), "{text}");
            assert_eq!(script.command.as_deref(), command, "{text}");
            assert_eq!(script.ends_in_return, ends_in_return, "{text}");
        }
        for text in ["", "#", "#!\n", "echo", "\x7fELF"] {
            assert!(Head(text.into()).script().is_none(), "{text}");
        }
    }

    #[test]
    fn a_program_for_another_machine_names_that_machine() {
        let elf = |order: u8, machine: [u8; 2]| {
            let mut bytes = b"\x7fELF\x02".to_vec();
            bytes.push(order);
            bytes.resize(18, 0);
            bytes.extend(machine);
            bytes
        };
        for (bytes, system) in [
            (elf(1, [183, 0]), "for aarch64,"),
            (elf(2, [0, 183]), "for aarch64,"),
            (elf(1, [62, 0]), "for x86_64,"),
            (elf(1, [9, 9]), "for another processor"),
            (b"MZ\x90".to_vec(), "for Windows,"),
            (vec![0xcf, 0xfa, 0xed, 0xfe, 7], "for macOS,"),
            (
                vec![0, 1, 2],
                "neither a program for this system nor a script",
            ),
        ] {
            let machine = Head(bytes).describe_machine();
            assert!(machine.contains(system), "{machine}");
        }
    }
}
