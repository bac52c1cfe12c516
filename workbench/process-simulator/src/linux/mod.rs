//! The supervisor, for Linux.

mod arch;
mod calls;
mod children;
mod clock;
mod core_file;
mod files;
mod filter;
mod futex;
mod ids;
mod inject;
mod launch;
mod memory;
mod node;
mod pin;
mod pipes;
mod processes;
mod realtime;
mod release;
mod run;
mod schedule;
mod signals;
mod sockets;
mod system;
mod thread;
mod timers;
mod wait;
mod watchdog;

pub use node::Node;
