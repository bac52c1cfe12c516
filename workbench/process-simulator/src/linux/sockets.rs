//! Calls on sockets. Pairs of sockets are pipes; any other socket leads out of the node.

use nix::errno::Errno;
use nix::libc;
use nix::unistd::Pid;
use rustix::event::PollFlags;
use rustix::net::sockopt::{Timeout, socket_timeout};

use super::arch::Registers;
use super::calls::{Next, fail};
use super::clock::Ns;
use super::memory::Memory;
use super::node::Node;
use super::thread::Wait;

/// Where a daemon that caches names would listen.
const NAME_SERVICE: &str = "/var/run/nscd/socket";

impl Node {
    pub(super) fn on_socket(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        let [file, second, _, fourth, fifth, _] = at.arguments();
        let file = file as i32;
        let process = self.threads[&id].process;
        let (name, wait) = match at.call() {
            libc::SYS_connect | libc::SYS_bind => {
                let mut family = [0; 2];
                Memory(id).read(second, &mut family)?;
                let family = i32::from(u16::from_le_bytes(family));
                if family == libc::AF_UNIX
                    && Memory(id).read_text(second + 2, NAME_SERVICE.len() + 1)? == NAME_SERVICE
                {
                    return fail(Errno::ENOENT);
                }
                // The kernel's own answers about the machine's network.
                if family == libc::AF_NETLINK {
                    return Ok(Next::Call);
                }
                // Any port, for a socket that may never be used.
                let mut port = [0; 2];
                Memory(id).read(second + 2, &mut port)?;
                if at.call() == libc::SYS_bind && family != libc::AF_UNIX && port == [0; 2] {
                    return Ok(Next::Call);
                }
                let name = if at.call() == libc::SYS_bind {
                    "bind"
                } else {
                    "connect"
                };
                (Some(name), None)
            }
            libc::SYS_listen => (Some("listen"), None),
            libc::SYS_accept | libc::SYS_accept4 => (Some("accept"), Some(Wait::Readable(file))),
            libc::SYS_sendto => {
                let name = (fifth != 0 && !is_netlink(id, fifth)).then_some("sendto");
                (name, Some(Wait::Writable(file)))
            }
            libc::SYS_sendmsg => (None, Some(Wait::Writable(file))),
            _ => (None, Some(Wait::Readable(file))),
        };
        if let Some(name) = name {
            self.note(format!("{name}() was called: sockets are not virtual"));
        }
        let flags = match at.call() {
            libc::SYS_recvfrom | libc::SYS_sendto => fourth as i32,
            libc::SYS_recvmsg | libc::SYS_sendmsg => at.arguments()[2] as i32,
            _ => 0,
        };
        let events = match wait {
            Some(Wait::Readable(_)) => PollFlags::IN,
            _ => PollFlags::OUT,
        };
        Ok(match wait {
            Some(wait)
                if flags & libc::MSG_DONTWAIT == 0 && self.would_wait(process, file, events) =>
            {
                let which = match wait {
                    Wait::Readable(_) => Timeout::Recv,
                    _ => Timeout::Send,
                };
                let deadline = self.socket_deadline(process, file, which);
                Next::Wait(wait, deadline)
            }
            _ => Next::Call,
        })
    }
    /// When a wait for a socket ends that has a timeout of its own.
    pub(super) fn socket_deadline(&self, process: Pid, file: i32, which: Timeout) -> Option<Ns> {
        let time = socket_timeout(self.duplicate(process, file)?, which).ok()??;
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Some(self.clock.now.saturating_add(time))
    }
}

fn is_netlink(id: Pid, address: u64) -> bool {
    let mut family = [0; 2];
    Memory(id).read(address, &mut family).is_ok()
        && i32::from(u16::from_le_bytes(family)) == libc::AF_NETLINK
}
