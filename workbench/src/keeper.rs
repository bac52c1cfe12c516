//! A process that outlives the bench by a moment, and kills the nodes that the bench has left
//! behind, however it ended.
//!
//! Nodes are in process groups of their own, so that what they start is killed, paused and resumed
//! with them, and so that a terminal's Ctrl-C reaches the bench alone. The price is that nothing
//! else ends them when the bench is killed. The keeper reads which groups there are from a pipe
//! whose other end only the bench has: at its end of file the bench has ended.

#[cfg(unix)]
use std::collections::BTreeSet;
use std::io;
#[cfg(unix)]
use std::os::fd::BorrowedFd;
#[cfg(unix)]
use std::process;

#[cfg(unix)]
use rustix::process::{Pid, Signal, getpgid, kill_process_group};

/// The argument that makes the bench a keeper. It is no command for users.
pub const ARGUMENT: &str = "keep-nodes";

/// How often the keeper looks for a node that was being started when the bench was killed.
#[cfg(unix)]
const SEARCHES: u32 = 3;

/// The keeper's process, and the pipe to it.
#[derive(Debug)]
pub struct Keeper {
    #[cfg(unix)]
    process: process::Child,
    /// The standard library's pipes are closed on `exec`, so no node inherits this end.
    #[cfg(unix)]
    groups: std::sync::Mutex<Option<process::ChildStdin>>,
}

#[cfg(unix)]
impl Keeper {
    /// Starts this program as a keeper: only for the command line, as any other program that uses
    /// this package does not know the [argument](ARGUMENT).
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start() -> io::Result<Self> {
        use std::os::unix::process::CommandExt;
        use std::process::Stdio;
        let mut process = process::Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let groups = std::sync::Mutex::new(process.stdin.take());
        Ok(Keeper { process, groups })
    }

    /// The bench is about to start a node with these standard pipes. If it is killed before it can say
    /// which process that is, the keeper looks for one that has them. Only Linux can say that:
    /// elsewhere such a node just finds its stdin at its end.
    pub fn announce(&self, pipes: [BorrowedFd<'_>; 3]) {
        for pipe in pipes {
            if let Ok(file) = rustix::fs::fstat(pipe) {
                self.write('?', file.st_ino);
            }
        }
    }

    /// The node that was announced has this process id, and leads a process group.
    pub fn add(&self, id: u32) {
        self.write('+', id);
    }

    /// The group has been killed, or is meant to survive the bench. Soon its id may be that of
    /// another process.
    pub fn remove(&self, id: u32) {
        self.write('-', id);
    }

    /// A folder here is removed, too, if the bench is killed.
    pub fn add_folder(&self, folder: &std::path::Path) {
        self.write('/', folder.display());
    }

    /// A pipe takes such a line in one piece, and takes it at once: the keeper always reads. If the
    /// keeper was killed, the bench still kills its nodes itself.
    fn write(&self, sign: char, id: impl std::fmt::Display) {
        use std::io::Write;
        let groups = self.groups.lock();
        let mut groups = groups.unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(pipe) = &mut *groups {
            let _ = pipe.write_all(format!("{sign}{id}\n").as_bytes());
        }
    }
}

#[cfg(unix)]
impl Drop for Keeper {
    fn drop(&mut self) {
        let groups = self.groups.get_mut();
        drop(groups.map(Option::take));
        let _ = self.process.wait();
    }
}

/// Reads groups from stdin until its end, and kills those that are left.
#[cfg(unix)]
pub fn keep() {
    // What ends the bench, such as `pkill workbench`, must not end the keeper before it.
    crate::interrupt::ignore();
    let mut groups = BTreeSet::new();
    let mut announced = Vec::new();
    let mut folders = Vec::new();
    for line in io::stdin().lines().map_while(Result::ok) {
        match line.split_at_checked(1) {
            Some(("?", pipe)) => announced.push(format!("pipe:[{pipe}]")),
            Some(("+", id)) => {
                announced.clear();
                groups.extend(id.parse::<i32>().ok());
            }
            Some(("/", folder)) => folders.push(folder.to_owned()),
            Some(("-", id)) => groups.retain(|it| Ok(*it) != id.parse()),
            _ => {}
        }
    }
    kill(groups);
    for folder in folders {
        let _ = std::fs::remove_dir_all(folder);
    }
    // A process that is being started has this pipe, too, until it becomes the node: so that has
    // happened by now. It may start others while the list of processes is read.
    if !announced.is_empty() {
        (0..SEARCHES).for_each(|_| kill(groups_with(&announced)));
    }
}

#[cfg(unix)]
fn kill(groups: BTreeSet<i32>) {
    // Group 1 would be all processes.
    let groups = groups.into_iter().filter(|id| *id > 1);
    for group in groups.filter_map(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// The groups of the processes that have one of these standard files, on Linux.
#[cfg(unix)]
fn groups_with(files: &[String]) -> BTreeSet<i32> {
    let has_one = |process: &std::fs::DirEntry| {
        ["fd/0", "fd/1", "fd/2"].iter().any(|name| {
            let link = std::fs::read_link(process.path().join(name));
            link.is_ok_and(|link| files.iter().any(|it| link.as_os_str() == it.as_str()))
        })
    };
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = processes.filter(has_one);
    let ids = processes.filter_map(|it| it.file_name().to_str()?.parse().ok());
    let groups = ids.filter_map(|id| getpgid(Pid::from_raw(id)).ok());
    groups.map(Pid::as_raw_pid).collect()
}

#[cfg(not(unix))]
impl Keeper {
    /// Does nothing: there are no process groups.
    ///
    /// # Errors
    /// Never.
    pub fn start() -> io::Result<Self> {
        Ok(Keeper {})
    }

    /// Does nothing.
    pub fn add(&self, _id: u32) {}

    /// Does nothing.
    pub fn remove(&self, _id: u32) {}

    /// Does nothing.
    pub fn add_folder(&self, _folder: &std::path::Path) {}
}

/// Does nothing.
#[cfg(not(unix))]
pub fn keep() {}
