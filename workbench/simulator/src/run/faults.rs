//! Applies what the nemesis does to the network, to nodes and to their clocks.

use std::collections::BTreeSet;
use std::time::Duration;

use shared::NodeId;

use super::output::Output;
use super::{Command, Run};
use crate::clients::Purpose;
use crate::nemesis::{Fault, FaultStart, NemesisOp, Skew};
use history::{Kind, OpMeta, Process};

/// Whether a node runs, as far as faults change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NodeStatus {
    /// Neither paused nor dead, also before the first `init_ok`.
    Running,
    Paused,
    Dead,
    /// Restarted, and not initialised yet: this client has sent `init`.
    Restarting(NodeId),
}

impl Run {
    /// Executes an operation of the nemesis and records it.
    pub(super) fn execute_nemesis_op(&mut self, now: Duration, op: &NemesisOp) {
        let (op, touched) = match op {
            NemesisOp::Start(start) => (NemesisOp::Start(self.apply(now, start)), BTreeSet::new()),
            NemesisOp::Stop(fault) => (op.clone(), self.lift(now, *fault)),
        };
        let name = |node: usize| self.settings.nodes[node].as_str();
        let outcome = op.completion_value(name, &touched);
        for value in [op.invocation_value(), outcome] {
            self.record(
                now,
                Process::NEMESIS,
                Kind::Info,
                op.f(),
                value.into(),
                None,
                OpMeta::default(),
            );
        }
    }

    /// Lifts faults of all kinds that the run has.
    pub(super) fn lift_all_faults(&mut self, now: Duration) {
        let kinds: Vec<Fault> = self.settings.faults.kinds().collect();
        for fault in kinds {
            self.execute_nemesis_op(now, &NemesisOp::Stop(fault));
        }
    }

    /// Applies a fault. Returns what was applied: nodes that are paused or dead already are left
    /// out.
    fn apply(&mut self, now: Duration, start: &FaultStart) -> FaultStart {
        match start {
            FaultStart::Partition(_, grudge) => self.network.cut(grudge.clone()),
            FaultStart::Loss(share) => self.network.faults_mut().loss = *share,
            FaultStart::Duplicate(share) => self.network.faults_mut().duplicate = *share,
            FaultStart::Delay(max) => self.network.faults_mut().delay = *max,
            FaultStart::Pause(nodes) => {
                let awake = self.with_status(nodes, |status| *status == NodeStatus::Running);
                awake.iter().for_each(|node| self.pause(*node));
                return FaultStart::Pause(awake);
            }
            FaultStart::Kill(nodes) => {
                let alive = self.with_status(nodes, |status| *status != NodeStatus::Dead);
                alive.iter().for_each(|node| self.kill(now, *node));
                return FaultStart::Kill(alive);
            }
            FaultStart::Skew(skews) => {
                let commands = skews.iter().map(|(node, skew)| Command::Skew(*node, *skew));
                self.commands.extend(commands);
            }
        }
        start.clone()
    }

    /// Lifts all faults of a kind. Returns the nodes that were resumed or restarted.
    fn lift(&mut self, now: Duration, fault: Fault) -> BTreeSet<usize> {
        let all_nodes = (0..self.settings.nodes.len()).collect();
        match fault {
            Fault::Partition => self.network.heal(),
            Fault::Loss => self.network.faults_mut().loss = 0.0,
            Fault::Duplicate => self.network.faults_mut().duplicate = 0.0,
            Fault::Delay => self.network.faults_mut().delay = Duration::ZERO,
            Fault::Pause => {
                let paused = self.with_status(&all_nodes, |status| *status == NodeStatus::Paused);
                paused.iter().for_each(|node| self.resume(now, *node));
                return paused;
            }
            Fault::Kill => {
                let dead = self.with_status(&all_nodes, |status| *status == NodeStatus::Dead);
                dead.iter().for_each(|node| self.restart(now, *node));
                return dead;
            }
            Fault::Skew => {
                // Clocks run at true pace again, but stay ahead: a clock never goes back.
                let accurate = Skew {
                    ahead: Duration::ZERO,
                    speed_millionths: 1_000_000,
                };
                let commands = all_nodes.iter().map(|node| Command::Skew(*node, accurate));
                self.commands.extend(commands);
            }
        }
        BTreeSet::new()
    }

    fn with_status(
        &self,
        nodes: &BTreeSet<usize>,
        status: impl Fn(&NodeStatus) -> bool,
    ) -> BTreeSet<usize> {
        let nodes = nodes.iter().copied();
        nodes
            .filter(|node| status(&self.node_statuses[*node]))
            .collect()
    }

    fn pause(&mut self, node: usize) {
        self.node_statuses[node] = NodeStatus::Paused;
        self.network.stop_listening(&self.settings.nodes[node]);
        self.commands.push_back(Command::Pause(node));
    }

    fn resume(&mut self, now: Duration, node: usize) {
        self.node_statuses[node] = NodeStatus::Running;
        self.commands.push_back(Command::Resume(node));
        self.network.listen(now, &self.settings.nodes[node]);
    }

    /// Kills a node, with its unread input. Messages that arrive later are lost.
    fn kill(&mut self, now: Duration, node: usize) {
        if let NodeStatus::Restarting(client) = &self.node_statuses[node] {
            self.clients.disconnect(&mut self.network, client);
        }
        self.node_statuses[node] = NodeStatus::Dead;
        // Lines that the driver has not written yet are lost with the process.
        let is_its = |command: &Command| matches!(command, Command::Line(to, _) if *to == node);
        self.commands.retain(|command| !is_its(command));
        self.commands.push_back(Command::Kill(node));
        self.network.block(now, &self.settings.nodes[node]);
    }

    /// Starts a killed node again. Until it has answered `init`, it receives nothing else.
    fn restart(&mut self, now: Duration, node: usize) {
        self.commands.push_back(Command::Start(node));
        let client = self.connect_init_client(node);
        self.node_statuses[node] = NodeStatus::Restarting(client.clone());
        let name = &self.settings.nodes[node];
        self.silenced.remove(name);
        self.outputs[node] = Output::default();
        self.network.admit_only(now, name, client.clone());
        self.send_init(now, node, &client);
    }

    /// Connects a restarted node to the network again, after it has answered `init`.
    pub(super) fn rejoin(&mut self, now: Duration, node: usize) {
        self.node_statuses[node] = NodeStatus::Running;
        let name = self.settings.nodes[node].clone();
        self.network.admit_all(now, &name);
        if let Some(question) = self.workload.set_up(&self.settings.nodes) {
            let client = self
                .clients
                .connect(&mut self.network, name, Purpose::SetUp(node));
            self.clients
                .send(now, &mut self.network, &client, &question);
        }
    }
}
