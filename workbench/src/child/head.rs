//! The first bytes of a program: which machine it was built for, or which interpreter it names.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// How many bytes of a program are read to see what it is.
const HEAD: u64 = 4096;

/// The first bytes of a program; empty if it cannot be read.
pub(crate) struct Head(Vec<u8>);

/// The `#!` line of a script.
pub(crate) struct Script {
    /// The interpreter's path.
    pub(crate) interpreter: PathBuf,
    /// The program that `env` starts, if that is the interpreter.
    pub(crate) command: Option<String>,
    /// The line ends in a carriage return.
    pub(super) ends_in_return: bool,
}

impl Head {
    pub(crate) fn of(program: &Path) -> Self {
        let mut bytes = Vec::new();
        if let Ok(file) = File::open(program) {
            // An unreadable program has another, better explanation.
            let _ = file.take(HEAD).read_to_end(&mut bytes);
        }
        Head(bytes)
    }

    pub(crate) fn script(&self) -> Option<Script> {
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

    /// Whether it may be a shell script, with or without a `#!` line.
    pub(super) fn is_text(&self) -> bool {
        !self.0.contains(&0)
    }

    pub(super) fn is_elf(&self) -> bool {
        self.0.starts_with(b"\x7fELF")
    }

    /// Which machine it was built for, as far as its header shows.
    pub(super) fn describe_machine(&self) -> String {
        match self.machine() {
            Some(system) => format!(
                "it was built for {system}, but this is {} on {}; build it for this machine",
                std::env::consts::OS,
                std::env::consts::ARCH
            ),
            None => "it is neither a program for this system nor a script".to_owned(),
        }
    }

    /// The system or the processor that it was built for, if it is a program.
    pub(crate) fn machine(&self) -> Option<&'static str> {
        Some(match &self.0[..] {
            bytes if self.is_elf() => elf_machine(bytes),
            [b'M', b'Z', ..] => "Windows",
            [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..]
            | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..]
            | [0xca, 0xfe, 0xba, 0xbe, ..] => "macOS",
            _ => return None,
        })
    }

    /// The loader that a dynamically linked 64-bit program for Linux needs.
    pub(crate) fn loader(&self) -> Option<String> {
        const INTERPRETER: u64 = 3;
        let [0x7f, b'E', b'L', b'F', 2, 1, ..] = self.0[..] else {
            return None;
        };
        // The table of program headers, and in each of them its type, offset and size.
        let number = |at: u64, bytes: u64| {
            let (start, end) = (usize::try_from(at).ok()?, at.checked_add(bytes)?);
            let bytes = self.0.get(start..usize::try_from(end).ok()?)?;
            let bytes = bytes.iter().rev();
            Some(bytes.fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
        };
        let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
        let at = |index: u64| table.checked_add(index * size);
        let mut headers = (0..count).map_while(at);
        let header = headers.find(|at| number(*at, 4) == Some(INTERPRETER))?;
        let (start, length) = (number(header + 8, 8)?, number(header + 32, 8)?);
        let range =
            usize::try_from(start).ok()?..usize::try_from(start.checked_add(length)?).ok()?;
        let path = String::from_utf8_lossy(self.0.get(range)?);
        Some(path.trim_end_matches('\0').to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

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

    #[cfg(target_os = "linux")]
    #[test]
    fn a_dynamically_linked_program_names_its_loader() {
        let own = Head::of(&std::env::current_exe().unwrap());
        let loader = own.loader().expect("tests are dynamically linked");
        assert!(Path::new(&loader).exists(), "{loader}");
        assert_eq!(Head(b"\x7fELF\x02\x01".to_vec()).loader(), None);
        assert_eq!(
            Head([b"\x7fELF\x02\x01", &[0xff; 200][..]].concat()).loader(),
            None
        );
    }
}
