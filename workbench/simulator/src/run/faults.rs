//! What the nemesis does to a run: the network, the nodes and their clocks.

use std::collections::BTreeSet;
use std::time::Duration;

use shared::NodeId;

use super::output::Output;
use super::{Command, Run};
use crate::clients::Purpose;
use crate::nemesis::{Fault, FaultStart, Grudge, NemesisOp, Skew};
use history::{Kind, OpMeta, Process};

/// What state a node's process is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Power {
    On,
    Paused,
    Off,
    /// It was started anew, and this client tells it who it is.
    Starting(NodeId),
}

impl Run {
    /// Does what the nemesis wants, and writes it down.
    pub(super) fn execute_nemesis_op(&mut self, now: Duration, op: &NemesisOp) {
        let (op, touched) = match op {
            NemesisOp::Start(start) => (NemesisOp::Start(self.apply(now, start)), BTreeSet::new()),
            NemesisOp::Stop(fault) => (op.clone(), self.lift(now, *fault)),
        };
        let name = |place: usize| self.settings.nodes[place].as_str();
        let outcome = op.outcome(name, &touched);
        for value in [op.value(), outcome] {
            self.record(
                now,
                Process::NEMESIS,
                Kind::Info,
                op.f(),
                &value,
                None,
                OpMeta::default(),
            );
        }
    }

    /// Ends all faults that there may be.
    pub(super) fn lift_all(&mut self, now: Duration) {
        let kinds: Vec<Fault> = self.settings.faults.kinds().collect();
        for fault in kinds {
            self.execute_nemesis_op(now, &NemesisOp::Stop(fault));
        }
    }

    /// Lets a fault begin; what came of it, which may be less than was meant.
    fn apply(&mut self, now: Duration, start: &FaultStart) -> FaultStart {
        match start {
            FaultStart::Partition(_, grudge) => self.cut(grudge),
            FaultStart::Loss(part) => self.network.faults_mut().loss = *part,
            FaultStart::Duplicate(part) => self.network.faults_mut().duplicate = *part,
            FaultStart::Delay(longest) => self.network.faults_mut().delay = *longest,
            FaultStart::Pause(places) => {
                let awake = self.in_state(places, |power| *power == Power::On);
                awake.iter().for_each(|place| self.pause(*place));
                return FaultStart::Pause(awake);
            }
            FaultStart::Kill(places) => {
                let alive = self.in_state(places, |power| *power != Power::Off);
                alive.iter().for_each(|place| self.kill(now, *place));
                return FaultStart::Kill(alive);
            }
            FaultStart::Skew(skews) => {
                let commands = skews
                    .iter()
                    .map(|(place, skew)| Command::Skew(*place, *skew));
                self.commands.extend(commands);
            }
        }
        start.clone()
    }

    /// Lets faults of a kind end; the nodes that this brings back.
    fn lift(&mut self, now: Duration, fault: Fault) -> BTreeSet<usize> {
        let everybody = (0..self.settings.nodes.len()).collect();
        match fault {
            Fault::Partition => self.network.heal(),
            Fault::Loss => self.network.faults_mut().loss = 0.0,
            Fault::Duplicate => self.network.faults_mut().duplicate = 0.0,
            Fault::Delay => self.network.faults_mut().delay = Duration::ZERO,
            Fault::Pause => {
                let paused = self.in_state(&everybody, |power| *power == Power::Paused);
                paused.iter().for_each(|place| self.resume(now, *place));
                return paused;
            }
            Fault::Kill => {
                let dead = self.in_state(&everybody, |power| *power == Power::Off);
                dead.iter().for_each(|place| self.start_anew(now, *place));
                return dead;
            }
            Fault::Skew => {
                let in_step = Skew {
                    ahead: Duration::ZERO,
                    pace_ppm: 1_000_000,
                };
                let commands = everybody.iter().map(|place| Command::Skew(*place, in_step));
                self.commands.extend(commands);
            }
        }
        BTreeSet::new()
    }

    fn in_state(
        &self,
        places: &BTreeSet<usize>,
        state: impl Fn(&Power) -> bool,
    ) -> BTreeSet<usize> {
        let places = places.iter().copied();
        places.filter(|place| state(&self.power[*place])).collect()
    }

    fn cut(&mut self, grudge: &Grudge) {
        self.network.cut(grudge.clone());
    }

    fn pause(&mut self, place: usize) {
        self.power[place] = Power::Paused;
        self.network.stop_listening(&self.settings.nodes[place]);
        self.commands.push_back(Command::Pause(place));
    }

    fn resume(&mut self, now: Duration, place: usize) {
        self.power[place] = Power::On;
        self.commands.push_back(Command::Resume(place));
        self.network.listen(now, &self.settings.nodes[place]);
    }

    /// The node dies with what it was about to say, and hears nothing more.
    fn kill(&mut self, now: Duration, place: usize) {
        if let Power::Starting(client) = &self.power[place] {
            self.clients.close(&mut self.network, client);
        }
        self.power[place] = Power::Off;
        // Lines that were on their way into the process go with it.
        let is_its = |command: &Command| matches!(command, Command::Line(to, _) if *to == place);
        self.commands.retain(|command| !is_its(command));
        self.commands.push_back(Command::Kill(place));
        self.network.shut(now, &self.settings.nodes[place]);
    }

    /// A fresh process takes the node's place. Nobody but the one who tells it its name gets
    /// through to it until it has answered.
    fn start_anew(&mut self, now: Duration, place: usize) {
        self.commands.push_back(Command::Start(place));
        let client = self.open_init_client(place);
        self.power[place] = Power::Starting(client.clone());
        let node = self.settings.nodes[place].clone();
        self.silenced.remove(&node);
        self.outputs[place] = Output::default();
        self.network.admit_only(now, &node, client.clone());
        self.send_init(now, place, &client);
    }

    /// A node that was started anew knows who it is, and takes part again.
    pub(super) fn bring_back(&mut self, now: Duration, place: usize) {
        self.power[place] = Power::On;
        let node = self.settings.nodes[place].clone();
        self.network.open(now, &node);
        if let Some(question) = self.workload.set_up(&self.settings.nodes) {
            let client = self
                .clients
                .open(&mut self.network, node, Purpose::SetUp(place));
            self.clients
                .send(now, &mut self.network, &client, &question);
        }
    }
}
