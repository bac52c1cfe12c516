//! The memory of a stopped process.

use std::io::{IoSlice, IoSliceMut};

use nix::errno::Errno;
use nix::libc;
use nix::sys::uio::{RemoteIoVec, process_vm_readv, process_vm_writev};
use nix::unistd::Pid;

use super::clock::{Ns, SECOND};

/// The memory of a thread's process.
///
/// Errors are those that a call with a bad pointer returns: `EFAULT`.
#[derive(Debug, Clone, Copy)]
pub struct Memory(pub Pid);

impl Memory {
    /// Fills `bytes` from `address` on.
    pub fn read(self, address: u64, bytes: &mut [u8]) -> nix::Result<()> {
        let len = bytes.len();
        let remote = RemoteIoVec {
            base: address as usize,
            len,
        };
        match process_vm_readv(self.0, &mut [IoSliceMut::new(bytes)], &[remote])? {
            read if read == len => Ok(()),
            _ => Err(Errno::EFAULT),
        }
    }

    /// Reads `len` bytes. The length is the program's, so it is bounded.
    pub fn read_vec(self, address: u64, len: usize) -> nix::Result<Vec<u8>> {
        const MAX_BYTES: usize = 1 << 30;
        let mut bytes = vec![0; len.min(MAX_BYTES)];
        self.read(address, &mut bytes)?;
        Ok(bytes)
    }

    pub fn read_u32(self, address: u64) -> nix::Result<u32> {
        let mut bytes = [0; 4];
        self.read(address, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// Reads consecutive 64-bit words.
    pub fn read_words<const N: usize>(self, address: u64) -> nix::Result<[u64; N]> {
        let bytes = self.read_vec(address, 8 * N)?;
        let mut words = [0; N];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        }
        Ok(words)
    }

    /// Reads a string that ends with a zero byte, at most `max` bytes of it.
    pub fn read_text(self, address: u64, max: usize) -> nix::Result<String> {
        let mut text = Vec::new();
        while text.len() < max {
            let mut byte = [0];
            self.read(address + text.len() as u64, &mut byte)?;
            if byte == [0] {
                break;
            }
            text.extend(byte);
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Reads a duration of two words: seconds, and a fraction in units of `unit` nanoseconds.
    pub fn read_duration(self, address: u64, unit: Ns) -> nix::Result<Ns> {
        let [seconds, fraction] = self.read_words(address)?;
        duration(seconds, fraction, unit)
    }

    /// Writes bytes at `address`.
    pub fn write(self, address: u64, bytes: &[u8]) -> nix::Result<()> {
        let remote = RemoteIoVec {
            base: address as usize,
            len: bytes.len(),
        };
        match process_vm_writev(self.0, &[IoSlice::new(bytes)], &[remote])? {
            written if written == bytes.len() => Ok(()),
            _ => Err(Errno::EFAULT),
        }
    }

    /// Writes consecutive 64-bit words.
    pub fn write_words(self, address: u64, words: &[u64]) -> nix::Result<()> {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.write(address, &bytes)
    }

    /// Writes a duration as two words: seconds, and a fraction in units of `unit` nanoseconds.
    pub fn write_duration(self, address: u64, time: Ns, unit: Ns) -> nix::Result<()> {
        self.write_words(address, &[time / SECOND, time % SECOND / unit])
    }
}

/// A duration of seconds and a fraction; `EINVAL` if it is negative or the fraction too large.
pub fn duration(seconds: u64, fraction: u64, unit: Ns) -> nix::Result<Ns> {
    if (seconds as i64) < 0 || fraction >= SECOND / unit {
        return Err(Errno::EINVAL);
    }
    Ok(seconds
        .saturating_mul(SECOND)
        .saturating_add(fraction * unit))
}

/// The result of a call that fails with this error.
pub fn failed(error: Errno) -> i64 {
    -i64::from(error as libc::c_int)
}
