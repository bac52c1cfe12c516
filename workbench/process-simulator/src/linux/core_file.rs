//! Core files of stopped processes, as the kernel writes them of those that crash (see `core(5)` and
//! `elf(5)`): debuggers read them.

use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use nix::unistd::Pid;

use super::arch::{MACHINE, Registers};
use super::memory::Memory;

const HEADER_BYTES: u64 = 64;
const SEGMENT_BYTES: u64 = 56;
const PAGE: u64 = 4096;

/// Kinds of notes.
const PRSTATUS: u32 = 1;
const AUXV: u32 = 6;
const FILES: u32 = 0x4649_4c45;

/// A mapping of a process.
struct Mapping {
    start: u64,
    end: u64,
    flags: u32,
    /// The offset in the file that it maps, and that file.
    offset: u64,
    file: String,
}

/// Writes the memory and the threads' registers of a stopped process.
///
/// # Errors
/// When the file cannot be written, or the process is gone.
pub fn write(process: Pid, threads: &[Pid], path: &Path) -> io::Result<()> {
    let mappings = mappings(process)?;
    let notes = notes(process, threads, &mappings)?;
    let mut out = BufWriter::new(File::create(path)?);
    let segments = mappings.len() as u64 + 1;
    let notes_at = HEADER_BYTES + segments * SEGMENT_BYTES;
    out.write_all(&header(segments as u16))?;
    out.write_all(&segment(4, 0, notes_at, 0, notes.len() as u64, 0))?;
    let first = (notes_at + notes.len() as u64).next_multiple_of(PAGE);
    let mut at = first;
    for it in &mappings {
        let len = it.end - it.start;
        out.write_all(&segment(1, it.flags, at, it.start, len, len))?;
        at += len;
    }
    out.write_all(&notes)?;
    out.seek(SeekFrom::Start(first))?;
    let mut page = [0; PAGE as usize];
    for it in &mappings {
        for address in (it.start..it.end).step_by(PAGE as usize) {
            // Pages that do not exist, such as those behind the end of a file, stay zeros.
            match Memory(process).read(address, &mut page) {
                Ok(()) => out.write_all(&page)?,
                Err(_) => drop(out.seek(SeekFrom::Current(PAGE as i64))?),
            }
        }
    }
    let end = out.stream_position()?;
    out.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .set_len(end)
}

fn header(segments: u16) -> Vec<u8> {
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1];
    bytes.resize(16, 0);
    bytes.extend(4_u16.to_le_bytes());
    bytes.extend(MACHINE.to_le_bytes());
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(0_u64.to_le_bytes());
    bytes.extend(HEADER_BYTES.to_le_bytes());
    bytes.extend(0_u64.to_le_bytes());
    bytes.extend(0_u32.to_le_bytes());
    for short in [HEADER_BYTES as u16, SEGMENT_BYTES as u16, segments, 0, 0, 0] {
        bytes.extend(short.to_le_bytes());
    }
    bytes
}

fn segment(kind: u32, flags: u32, at: u64, address: u64, len: u64, in_memory: u64) -> Vec<u8> {
    let mut bytes = kind.to_le_bytes().to_vec();
    bytes.extend(flags.to_le_bytes());
    for word in [at, address, 0, len, in_memory, 1] {
        bytes.extend(word.to_le_bytes());
    }
    bytes
}

fn notes(process: Pid, threads: &[Pid], mappings: &[Mapping]) -> io::Result<Vec<u8>> {
    let mut notes = Vec::new();
    for thread in threads {
        let mut status = vec![0; 32];
        for id in [thread.as_raw(), 0, process.as_raw(), process.as_raw()] {
            status.extend(id.to_le_bytes());
        }
        // Times.
        status.resize(112, 0);
        let registers = Registers::read(*thread)?;
        status.extend(registers.words().iter().flat_map(|word| word.to_le_bytes()));
        // Whether there are floating-point registers.
        status.resize(status.len() + 8, 0);
        notes.extend(note(PRSTATUS, &status));
    }
    notes.extend(note(AUXV, &fs::read(format!("/proc/{process}/auxv"))?));
    let files: Vec<&Mapping> = mappings
        .iter()
        .filter(|it| it.file.starts_with('/'))
        .collect();
    let mut list = Vec::new();
    list.extend((files.len() as u64).to_le_bytes());
    list.extend(PAGE.to_le_bytes());
    for it in &files {
        for word in [it.start, it.end, it.offset / PAGE] {
            list.extend(word.to_le_bytes());
        }
    }
    for it in &files {
        list.extend(it.file.as_bytes());
        list.push(0);
    }
    notes.extend(note(FILES, &list));
    Ok(notes)
}

fn note(kind: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in [5, content.len() as u32, kind] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(b"CORE\0\0\0\0");
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// The readable mappings that are memory.
fn mappings(process: Pid) -> io::Result<Vec<Mapping>> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps"))?;
    let mapping = |line: &str| {
        let mut fields = line.splitn(6, ' ');
        let (start, end) = fields.next()?.split_once('-')?;
        let number = |text: &str| u64::from_str_radix(text, 16).ok();
        let rights = fields.next()?;
        let offset = number(fields.next()?)?;
        let file = fields.nth(2).unwrap_or("").trim().to_owned();
        let is_memory = !["[vvar]", "[vvar_vclock]", "[vsyscall]"].contains(&&*file);
        let flag = |letter: char, flag: u32| if rights.contains(letter) { flag } else { 0 };
        let flags = flag('r', 4) | flag('w', 2) | flag('x', 1);
        (is_memory && flags & 4 != 0 && !file.starts_with("/dev/")).then_some(Mapping {
            start: number(start)?,
            end: number(end)?,
            flags,
            offset,
            file,
        })
    };
    Ok(maps.lines().filter_map(mapping).collect())
}
