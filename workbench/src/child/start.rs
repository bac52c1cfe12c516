//! What a program needs to start, and why one does not. The system says "no such file" or
//! "permission denied" of whatever it stumbled over: the program, what reads a script, or the
//! folder that the node starts in. The person learns which, and what to do.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use anyhow::bail;

use crate::text::shell_word;
use history::text::quoted;

/// What Unix systems say of a file that is executable and no program.
pub(super) const ENOEXEC: i32 = 8;

/// How much of a program is read to see what it is.
const HEAD: u64 = 512;

/// What a shell says of a command that is not there.
const NOT_FOUND: i32 = 127;

/// The folder that nodes start in, and a note if it is not the one that TMPDIR names.
///
/// Maelstrom uses `/tmp`, whatever TMPDIR says. A TMPDIR that cannot be used is therefore no reason
/// to break off what Maelstrom would run.
///
/// # Errors
/// When neither folder can be used.
pub fn working_folder() -> anyhow::Result<(PathBuf, Option<String>)> {
    let usual = Path::new("/tmp");
    let named = std::env::temp_dir();
    // An empty TMPDIR is like none.
    let is_empty = named.as_os_str().is_empty();
    choose_folder(if is_empty { usual.to_owned() } else { named }, usual)
}

fn choose_folder(named: PathBuf, usual: &Path) -> anyhow::Result<(PathBuf, Option<String>)> {
    if is_usable(&named) {
        return Ok((named, None));
    }
    let flaw = match fs::metadata(&named) {
        Ok(file) if file.is_dir() => "which this user may not enter",
        Ok(_) => "which is no folder",
        Err(_) => "which is not there",
    };
    let named = named.display();
    if !is_usable(usual) {
        bail!(
            "nodes start in the folder for temporary files, {named}, {flaw}: create it, or let \
             TMPDIR name another one"
        );
    }
    let note = format!(
        "note: TMPDIR names {named}, {flaw}: nodes start in {}, as with Maelstrom; \
         create it, or unset TMPDIR",
        usual.display()
    );
    Ok((usual.to_owned(), Some(note)))
}

/// Whether a process can start in this folder.
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

/// Whether a file that is executable and no program may be a script without a first line of its
/// own, as a shell would read it.
pub(super) fn is_text(program: &Path) -> bool {
    !Head::of(program).0.contains(&0)
}

/// Why the program did not start, given what the system says.
pub(super) fn explain(program: &Path, error: &io::Error) -> String {
    let why = match error.kind() {
        ErrorKind::PermissionDenied => why_denied(program),
        ErrorKind::NotFound => why_not_found(program),
        ErrorKind::ExecutableFileBusy => Some(
            "another process is still writing to it (text file busy); wait until that is done, a \
             build perhaps, and try again"
                .to_owned(),
        ),
        _ if error.raw_os_error() == Some(ENOEXEC) => Some(Head::of(program).machine()),
        _ => None,
    };
    why.unwrap_or_else(|| error.to_string())
}

fn why_denied(program: &Path) -> Option<String> {
    let word = shell_word(&program.to_string_lossy());
    if program.is_dir() {
        return Some("it is a folder; --bin takes the program in it".to_owned());
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
        let why = "it is there, but its loader is not: it was built for another system; build it \
                   here, or link it statically";
        return head.is_elf().then(|| why.to_owned());
    };
    if script.ends_in_return {
        return Some(carriage_return(program));
    }
    let interpreter = quoted(&script.interpreter.to_string_lossy());
    (!script.interpreter.exists()).then(|| {
        format!(
            "its first line names the interpreter {interpreter}, which is not there; install it, \
             or name another one"
        )
    })
}

/// Why the program ended early, if its first line is the reason.
pub(super) fn explain_end(program: &Path, status: ExitStatus) -> Option<String> {
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

/// The beginning of a program; nothing if it cannot be read.
struct Head(Vec<u8>);

/// What the first line of a script says.
struct Script {
    /// The program that reads it.
    interpreter: PathBuf,
    /// The program that `env` is to look for, if that is the interpreter.
    command: Option<String>,
    ends_in_return: bool,
}

impl Head {
    fn of(program: &Path) -> Self {
        let mut bytes = Vec::new();
        if let Ok(file) = File::open(program) {
            // What cannot be read says nothing, and there is another reason to tell.
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
        // Options of `env`, and variables that it sets.
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

    /// For which machine it was built, as far as that can be seen.
    fn machine(&self) -> String {
        let system = match &self.0[..] {
            bytes if self.is_elf() => elf_machine(bytes),
            [b'M', b'Z', ..] => "Windows",
            [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..]
            | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..]
            | [0xca, 0xfe, 0xba, 0xbe, ..] => "macOS",
            _ => return "it is neither a program of this system nor a script".to_owned(),
        };
        format!(
            "it was built for {system}, and this is {} on {}; build it for this machine",
            std::env::consts::OS,
            std::env::consts::ARCH
        )
    }
}

/// The machine that an ELF file is for; byte 5 tells the order of the two bytes that name it.
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
    fn a_temporary_folder_that_cannot_be_used_is_replaced_and_named() {
        let place = tempfile::TempDir::new().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        let usual = place.path();
        for (named, flaw) in [
            (place.path().join("missing"), "missing, which is not there"),
            (file.clone(), "file, which is no folder"),
        ] {
            let (folder, note) = choose_folder(named.clone(), usual).unwrap();
            assert_eq!(folder, usual);
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
        let (folder, note) = choose_folder(place.path().to_owned(), Path::new("/")).unwrap();
        assert_eq!((folder.as_path(), note), (place.path(), None));
    }

    #[test]
    fn what_the_system_says_is_explained_where_it_means_something_else() {
        let place = tempfile::TempDir::new().unwrap();
        let program = place.path().join("program");
        fs::write(&program, b"\x7fELF\x02\x01").unwrap();
        let explain = |program: &Path, number| {
            let error = io::Error::from_raw_os_error(number);
            (explain(program, &error), error.to_string())
        };
        let (not_there, busy, too_many_files) = (2, 26, 24);
        let (said, _) = explain(&program, not_there);
        assert!(said.contains("its loader is not"), "{said}");
        let (said, _) = explain(&program, busy);
        assert!(
            said.contains("still writing to it (text file busy)"),
            "{said}"
        );
        let (said, error) = explain(&program, too_many_files);
        assert_eq!(said, error);
        let (said, error) = explain(&place.path().join("missing"), not_there);
        assert_eq!(said, error);
    }

    #[test]
    fn the_first_line_of_a_script_names_what_reads_it() {
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
                "neither a program of this system nor a script",
            ),
        ] {
            let machine = Head(bytes).machine();
            assert!(machine.contains(system), "{machine}");
        }
    }
}
