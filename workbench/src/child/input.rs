//! A node's stdin. The pipe takes at once what fits into it; the rest is left to a thread, which
//! waits until the node reads: to wake a thread for every write would take longer than all else.

use std::io::{self, ErrorKind, PipeWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// The runner's end of a node's stdin.
#[derive(Debug)]
pub(super) struct Input {
    /// Never waits. Elsewhere than on Unix all is left to the thread.
    #[cfg(unix)]
    pipe: PipeWriter,
    rest: Sender<Vec<u8>>,
    /// How many bytes the thread has not written yet, which no other must overtake.
    waiting: Arc<AtomicUsize>,
}

/// What is left to a thread.
pub(super) struct Rest {
    pipe: PipeWriter,
    texts: Receiver<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
}

impl Input {
    /// The runner's end, and what a thread is to [write](Rest::write_all).
    ///
    /// # Errors
    /// When the pipe cannot be set up.
    pub(super) fn new(pipe: PipeWriter) -> io::Result<(Self, Rest)> {
        #[cfg(unix)]
        rustix::io::ioctl_fionbio(&pipe, true)?;
        let (rest, texts) = channel();
        let waiting = Arc::default();
        let input = Input {
            #[cfg(unix)]
            pipe: pipe.try_clone()?,
            rest,
            waiting: Arc::clone(&waiting),
        };
        let rest = Rest {
            pipe,
            texts,
            waiting,
        };
        Ok((input, rest))
    }

    /// Writes lines, now or when the node has read. They are dropped if the node has exited.
    pub(super) fn write(&mut self, lines: &[u8]) {
        let written = self.write_at_once(lines);
        let rest = &lines[written..];
        if !rest.is_empty() {
            self.waiting.fetch_add(rest.len(), Ordering::Relaxed);
            if self.rest.send(rest.to_owned()).is_err() {
                self.waiting.fetch_sub(rest.len(), Ordering::Relaxed);
            }
        }
    }

    /// How many bytes wait until the node reads.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    #[cfg(unix)]
    fn write_at_once(&mut self, lines: &[u8]) -> usize {
        if self.waiting.load(Ordering::Acquire) > 0 {
            return 0;
        }
        // The thread will find the same error, and end.
        self.pipe.write(lines).unwrap_or(0)
    }

    #[cfg(not(unix))]
    fn write_at_once(&mut self, _lines: &[u8]) -> usize {
        0
    }
}

impl Rest {
    /// Writes what comes, until the runner's end or the node is gone.
    pub(super) fn write_all(mut self) {
        while let Ok(text) = self.texts.recv() {
            if self.write(&text).is_err() {
                return;
            }
            self.waiting.fetch_sub(text.len(), Ordering::Release);
        }
    }

    fn write(&mut self, mut text: &[u8]) -> io::Result<()> {
        while !text.is_empty() {
            match self.pipe.write(text) {
                Ok(written) => text = &text[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until the pipe takes more or has an error. May return early: the caller tries again.
    fn wait(&self) {
        #[cfg(unix)]
        {
            use rustix::event::{PollFd, PollFlags, poll};
            let _ = poll(&mut [PollFd::new(&self.pipe, PollFlags::OUT)], None);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::thread;

    use super::*;

    #[test]
    fn a_node_that_does_not_read_gets_all_lines_in_their_order_later() {
        let (mut stdin, pipe) = io::pipe().unwrap();
        let (mut input, rest) = Input::new(pipe).unwrap();
        let thread = thread::spawn(move || rest.write_all());
        let (mut sent, mut received) = (String::new(), String::new());
        for round in 0..20 {
            let lines: String = (0..5000).map(|line| format!("{round} {line}\n")).collect();
            input.write(lines.as_bytes());
            sent.push_str(&lines);
        }
        drop(input);
        stdin.read_to_string(&mut received).unwrap();
        assert!(sent == received);
        thread.join().unwrap();
    }

    #[test]
    fn lines_to_a_node_that_has_exited_are_dropped() {
        let (stdin, pipe) = io::pipe().unwrap();
        let (mut input, rest) = Input::new(pipe).unwrap();
        let thread = thread::spawn(move || rest.write_all());
        drop(stdin);
        input.write(b"one\n");
        thread.join().unwrap();
        input.write(b"two\n");
    }
}
