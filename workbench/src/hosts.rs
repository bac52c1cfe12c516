//! Hosts: machines, containers or pods on which nodes run. The bench stays the network, the clock and
//! the judge; what starts a program elsewhere (ssh, docker, kubectl, srun, or the user's own template)
//! only carries a node's stdin, stdout and stderr.
//!
//! On each host of a known tool a shell, the keeper, stays connected for as long as the run. It has the
//! folder with the program, sends signals to the nodes' process groups, answers pings, and kills and
//! removes everything when its input ends or pings do not come. So a kill takes half a round trip, and
//! nothing is left behind when the bench or the connection dies. A template of the user's own is
//! opaque: its nodes are ended by the end of their stdin, or by the command for signals.

mod launcher;
mod open;
mod program;
mod remote;
mod session;
mod spawn;
mod ssh;

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::anyhow;
use shared::NodeId;

use crate::child::Incarnation;
use crate::keeper::Keeper;
use launcher::Values;
pub use launcher::{Launcher, Tool};
use open::Opener;
pub use program::Program;
pub use remote::Remote;
use remote::{Signal, send_signals};
use session::Session;
use spawn::Spawner;
use ssh::{Connections, Via};
pub use ssh::{Identity, PASSWORD};

/// How long the first pings of a template's host may take: nothing else depends on them.
const TRIAL: Duration = Duration::from_secs(3);

/// How many nodes of a host with connections of their own start at the same time.
const STARTING: usize = 5;

/// How long a keeper may take to remove everything.
const CLEANING: Duration = Duration::from_secs(5);

/// Where and how nodes are to be started.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Names of the hosts, as the launcher knows them. The node of index `i` is on the `i`-th of them, in
    /// turn.
    pub hosts: Vec<String>,
    /// What starts them.
    pub launcher: Launcher,
    /// Who the user is, for ssh.
    pub identity: Identity,
    /// The nodes' program.
    pub program: Program,
}

/// The hosts of a run, ready for nodes.
#[derive(Debug, Clone)]
pub struct Hosts(Arc<All>);

#[derive(Debug)]
struct All {
    plan: Plan,
    nodes: Vec<NodeId>,
    hosts: Vec<Host>,
    /// Commands for signals, one after the other, and markers whose arrival shows that all before them are
    /// done.
    signals: Sender<Signal>,
    failure: Arc<Mutex<Option<String>>>,
    /// From now on a lost host or a failed signal is no failure.
    is_over: Arc<AtomicBool>,
}

/// A host.
#[derive(Debug)]
struct Host {
    name: String,
    /// The keeper; with a template of one's own a `cat`, if that can be started there.
    session: Arc<Session>,
    /// The keeper's folder.
    folder: String,
    /// The program's path there.
    program: String,
    /// Of ssh.
    connections: Option<Connections>,
    /// Sockets of shared connections.
    _sockets: Option<tempfile::TempDir>,
}

impl Hosts {
    /// Connects to all hosts, checks that the program can run there, and copies it.
    ///
    /// # Errors
    /// Says which host cannot be used, and why.
    pub fn open(
        plan: Plan,
        nodes: &[NodeId],
        keeper: Option<&Arc<Keeper>>,
    ) -> anyhow::Result<Self> {
        let opener = Opener {
            plan: &plan,
            spawner: Spawner {
                keeper: keeper.cloned(),
                variables: plan.identity.variables(),
            },
            nodes: nodes.len(),
        };
        let opened = thread::scope(|scope| {
            let hosts = plan.hosts.iter().enumerate();
            // More hosts than nodes stay unused.
            let hosts = hosts.take(nodes.len());
            let opening: Vec<_> = hosts
                .map(|(index, name)| {
                    scope.spawn({
                        let opener = &opener;
                        move || opener.open(index, name)
                    })
                })
                .collect();
            let opened = opening.into_iter().map(|it| {
                it.join()
                    .unwrap_or_else(|_| Err(anyhow!("a thread of the bench has failed")))
            });
            // All of them, so that those that were opened are closed in order.
            opened.collect::<Vec<_>>()
        });
        let hosts = opened.into_iter().collect::<anyhow::Result<Vec<Host>>>()?;
        let (failure, is_over) = (Arc::default(), Arc::default());
        let spawner = opener.spawner.clone();
        let signals = send_signals(spawner, Arc::clone(&failure), Arc::clone(&is_over));
        let all = Arc::new(All {
            plan,
            nodes: nodes.to_vec(),
            hosts,
            signals,
            failure,
            is_over,
        });
        Ok(Hosts(all))
    }

    /// The command that starts a node.
    pub(crate) fn command(&self, incarnation: Incarnation) -> Command {
        spawn::command(&self.words(incarnation))
    }

    fn words(&self, incarnation: Incarnation) -> Vec<String> {
        let All { plan, hosts, .. } = &*self.0;
        let index = incarnation.node;
        let host = self.host(index);
        let program = [std::slice::from_ref(&host.program), &plan.program.arguments].concat();
        match &plan.launcher {
            Launcher::Own { start, .. } => start.words(self.values(index, &program, "")),
            Launcher::Known(tool, options) => {
                let via = host
                    .connections
                    .as_ref()
                    .map(|it| it.of(index / hosts.len()));
                let options = plan.options(options, via);
                let before = match incarnation.number {
                    0 => "-".to_owned(),
                    number => key(Incarnation {
                        number: number - 1,
                        ..incarnation
                    }),
                };
                let key = key(incarnation);
                let mut arguments = vec![&*host.folder, &*key, &*before];
                arguments.extend(program.iter().map(String::as_str));
                let script = script(include_str!("hosts/node.sh"));
                tool.words(&options, &host.name, &script, &arguments)
            }
        }
    }

    fn host(&self, node: usize) -> &Host {
        &self.0.hosts[node % self.0.hosts.len()]
    }

    fn values<'a>(&'a self, index: usize, command: &'a [String], signal: &'a str) -> Values<'a> {
        Values {
            host: &self.host(index).name,
            node: self.0.nodes[index].as_str(),
            index,
            command,
            signal,
        }
    }

    /// A process of a node that was just started.
    pub(crate) fn remote(&self, incarnation: Incarnation) -> Remote {
        let host = self.host(incarnation.node);
        let has_own = matches!(
            host.connections.as_ref().map(Connections::any),
            Some(Via::Own)
        );
        // Servers drop connections if many are not let in yet (MaxStartups).
        let before = incarnation.node.checked_sub(STARTING * self.0.hosts.len());
        if let Some(node) = before.filter(|_| has_own && incarnation.number == 0) {
            let before = Incarnation { node, number: 0 };
            host.session.send(&format!("started {}", key(before)));
            let _ = host.session.reply_within(CLEANING);
        }
        Remote {
            hosts: self.clone(),
            incarnation,
        }
    }

    /// Why the program of the command that starts nodes did not start.
    pub(crate) fn cannot_start(
        &self,
        incarnation: Incarnation,
        error: &std::io::Error,
    ) -> anyhow::Error {
        spawn::cannot_start(&self.words(incarnation), error)
    }

    /// Waits until all signals so far have been sent.
    pub(crate) fn settle(&self) {
        let (done, wait) = sync_channel(1);
        if self.0.signals.send(Signal::Mark(done)).is_ok() {
            let _ = wait.recv();
        }
    }

    /// Why the run cannot go on, if a host is lost or a signal could not be sent.
    pub fn failure(&self) -> Option<String> {
        if self.0.is_over() {
            return None;
        }
        let failure = self.0.failure.lock();
        let failure = failure.unwrap_or_else(PoisonError::into_inner).clone();
        let is_known = matches!(self.0.plan.launcher, Launcher::Known(..));
        let mut hosts = self.0.hosts.iter().filter(|_| is_known);
        failure.or_else(|| hosts.find_map(|host| host.session.failure()))
    }

    /// Waits until all hosts have done what they were sent; why one has not, if so. Until then a lost host
    /// may pass for slow nodes, and a kill may not have happened.
    pub fn confirm(&self) -> Option<String> {
        self.settle();
        let is_known = matches!(self.0.plan.launcher, Launcher::Known(..));
        let hosts = self.0.hosts.iter().filter(|_| is_known);
        self.failure().or_else(|| {
            thread::scope(|scope| {
                let all: Vec<_> = hosts
                    .map(|it| scope.spawn(|| it.session.confirm()))
                    .collect();
                let mut all = all.into_iter();
                all.find_map(|it| it.join().unwrap_or_default())
            })
        })
    }

    /// What is said of the hosts in the report.
    pub fn report(&self) -> Vec<pages::hosts::Host> {
        let count = self.0.hosts.len();
        let nodes_of = |index: usize| self.0.nodes.iter().skip(index).step_by(count);
        let hosts = self.0.hosts.iter().enumerate();
        hosts
            .map(|(index, host)| pages::hosts::Host {
                name: host.name.clone(),
                nodes: nodes_of(index).map(ToString::to_string).collect(),
                round_trips: host.session.round_trips(),
            })
            .collect()
    }

    /// The run is over: its nodes are killed and what was copied is removed, unless nodes are left running.
    pub fn close(&self, leave_running: bool) {
        self.0.is_over.store(true, Ordering::Relaxed);
        self.settle();
        thread::scope(|scope| {
            for host in &self.0.hosts {
                scope.spawn(move || {
                    if leave_running {
                        host.session.send("leave");
                    }
                    // Nodes that are left running may keep the connection.
                    host.session
                        .close(if leave_running { TRIAL / 3 } else { CLEANING });
                });
            }
        });
    }
}

impl All {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

impl Drop for Host {
    /// Cleans up, also when another host could not be opened.
    fn drop(&mut self) {
        self.session.close(CLEANING);
    }
}

impl Plan {
    /// The options of a call of the tool: the user's, which come first and so count, and ours.
    fn options(&self, options: &[String], via: Option<Via<'_>>) -> Vec<String> {
        match via {
            Some(via) => [
                via.first(),
                options.to_vec(),
                self.identity.options(),
                via.options(),
            ]
            .concat(),
            None => options.to_vec(),
        }
    }
}

/// The name of an incarnation there.
fn key(incarnation: Incarnation) -> String {
    format!("{}.{}", incarnation.node, incarnation.number)
}

/// A script as one line, without its comments.
fn script(text: &str) -> String {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.collect::<Vec<&str>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_one_line_that_every_shell_reads_alike() {
        for text in [
            include_str!("hosts/keeper.sh"),
            include_str!("hosts/node.sh"),
        ] {
            let line = script(text);
            assert!(!line.contains(['\'', '!', '\\', '\n']), "{line}");
        }
    }
}
