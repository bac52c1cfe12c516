//! Nodes on hosts over ssh: how long they take to start, and to be killed and replaced.
//!
//! `cargo bench -p workbench --bench hosts -- --runs 5`
//!
//! The hosts are namespaces of this machine, with an sshd each (`tests/hosts/testbed.sh`), close by and
//! 20 ms away. Root only.

#[expect(dead_code, reason = "there is no minimal program to compare with")]
mod common;

use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use shared::NodeId;
use tempfile::TempDir;
use workbench::child::{Child, ChildEvent, Incarnation, Launch};
use workbench::hosts::{Hosts, Identity, Launcher, Plan, Program};
use workbench::solutions::Solution;

use common::{Figures, Flags, median};

const NODES: usize = 25;

fn main() -> anyhow::Result<()> {
    let Some(flags) = Flags::requested() else {
        return Ok(());
    };
    let echo = Solution::Echo.build()?;
    let mut figures = Figures::new(&flags);
    for delay in [0, 10] {
        let Some(bed) = Bed::up(delay)? else {
            return Ok(());
        };
        let mut started = Vec::new();
        let mut replaced = Vec::new();
        for _ in 0..flags.runs {
            let (start, replace) = bed.measure(&echo)?;
            started.push(start.as_secs_f64());
            replaced.push(replace.as_secs_f64() * 1e3);
        }
        let trip = 2 * delay;
        let what = format!("{NODES} nodes on 3 hosts, round trip {trip} ms: until all reply, s");
        figures.add(&what, [Some(median(started)), None], 2, "< 3");
        let what = format!("a node there is killed and replaced, round trip {trip} ms: ms");
        let bound = format!("< {}", 100 + 3 * trip);
        figures.add(&what, [Some(median(replaced)), None], 1, &bound);
    }
    figures.print();
    Ok(())
}

/// Hosts a, b and c.
struct Bed(TempDir);

impl Bed {
    /// None where there can be no such hosts, which is said.
    fn up(delay: u32) -> anyhow::Result<Option<Self>> {
        let bed = Bed(TempDir::new()?);
        let up = bed
            .script("up")
            .args(["--delay", &delay.to_string()])
            .status()?;
        ensure!(up.success() || up.code() == Some(3), "the hosts failed");
        Ok(up.success().then_some(bed))
    }

    fn script(&self, command: &str) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hosts/testbed.sh");
        let mut bash = Command::new("bash");
        bash.arg(script).arg(command).arg(self.0.path());
        bash
    }

    /// Until all nodes have replied to init, from the first connection on; and until one that replaces a
    /// killed one has.
    fn measure(&self, program: &Path) -> anyhow::Result<(Duration, Duration)> {
        let config = self.0.path().join("ssh_config");
        let plan = Plan {
            hosts: ["a", "b", "c"].map(str::to_owned).into(),
            launcher: Launcher::parse(&format!("ssh -F {}", config.display()), None)?,
            identity: Identity::default(),
            program: Program {
                path: program.to_owned(),
                arguments: Vec::new(),
                is_copied: true,
                extra: Vec::new(),
            },
        };
        let names: Vec<NodeId> = (0..NODES)
            .map(|it| format!("n{it}").as_str().into())
            .collect();
        let start = Instant::now();
        let hosts = Hosts::open(plan, &names, None)?;
        let launch = Launch {
            program,
            arguments: &[],
            folder: self.0.path(),
            logs: self.0.path(),
            forward_stderr: false,
            leave_running: false,
            keeper: None,
            hosts: Some(&hosts),
        };
        let (sender, events) = sync_channel(2 * NODES);
        let begin = |node: usize, number| {
            let incarnation = Incarnation { node, number };
            let mut child = Child::start(&launch, incarnation, &names[node], &sender)?;
            let name = &names[node];
            let body =
                format!(r#"{{"type":"init","msg_id":1,"node_id":"{name}","node_ids":["{name}"]}}"#);
            child.write(&format!(
                "{{\"src\":\"c0\",\"dest\":\"{name}\",\"body\":{body}}}\n"
            ));
            anyhow::Ok(child)
        };
        let mut children: Vec<Child> = (0..NODES)
            .map(|it| begin(it, 0))
            .collect::<Result<_, _>>()?;
        for _ in 0..NODES {
            wait_for_reply(&events, 0)?;
        }
        let started = start.elapsed();
        let start = Instant::now();
        children[1].kill();
        children.push(begin(1, 1)?);
        wait_for_reply(&events, 1)?;
        let replaced = start.elapsed();
        children.iter_mut().for_each(Child::kill);
        hosts.close(false);
        Ok((started, replaced))
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        let _ = self.script("down").status();
    }
}

/// Waits for the output of an incarnation of this number.
fn wait_for_reply(events: &Receiver<ChildEvent>, number: u32) -> anyhow::Result<()> {
    loop {
        match events
            .recv_timeout(Duration::from_secs(20))
            .context("no reply")?
        {
            ChildEvent::Lines(from, _) if from.number == number => return Ok(()),
            ChildEvent::Closed(from) if from.number == number => bail!("a node has ended"),
            _ => {}
        }
    }
}
