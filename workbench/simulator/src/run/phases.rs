//! The phases of a run, from the nodes' first message to the last read.

use std::collections::BTreeSet;
use std::time::Duration;

use shared::NodeId;

use super::Run;
use super::faults::NodeStatus;
use super::operations::Worker;
use super::settings::Settings;
use crate::clients::{Purpose, Reply, request_body};
use crate::generator::Pace;
use crate::incident::abridged;
use crate::nemesis::Nemesis;
use crate::rng::substream;
use crate::rpc::{ClientRequest, Field, FieldType, Rpc};
use crate::service::Services;
use history::text::quoted;
use history::{OpError, json};

/// The timeout of `init`.
pub const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// The request `init`. Only the type of its answer is checked.
pub static INIT: Rpc = Rpc {
    request: "init",
    meaning: "The first message to a node: its own name, and the names of all nodes.",
    arguments: &[
        Field::new(
            "node_id",
            FieldType::String,
            "\"n1\"",
            "the node's own name",
        ),
        Field::new(
            "node_ids",
            FieldType::List,
            r#"["n1","n2","n3"]"#,
            "all nodes, itself included",
        ),
    ],
    response: "init_ok",
    response_fields: &[],
};

pub(super) enum Phase {
    /// Nodes receive `init`.
    Starting { waiting: BTreeSet<usize> },
    /// Nodes receive the workload's set-up request.
    SettingUp { waiting: BTreeSet<usize> },
    /// Operations at a pace, and faults, if any.
    Main {
        start: Duration,
        pace: Option<Box<Pace>>,
        nemesis: Option<Box<Nemesis>>,
    },
    /// No more operations begin; those in progress complete. Faults stay as they are.
    Draining,
    /// No faults and no operations until this time.
    Recovering { until: Duration },
    /// The final operations.
    Final { start: Duration },
    /// The end, with a reason if the run was aborted.
    Over { abort_reason: Option<String> },
}

/// What a run is doing, for its observer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stage {
    /// Nodes start and are set up.
    #[default]
    Starting,
    /// Operations begin, at the rate of the options.
    Load,
    /// No more operations begin; those in progress complete.
    Draining,
    /// No faults and no operations, so that nodes can converge.
    Recovery,
    /// The final operations, mostly reads.
    Final,
    /// The end.
    Over,
}

impl Run {
    pub(super) fn stage(&self) -> Stage {
        match &self.phase {
            Phase::Starting { .. } | Phase::SettingUp { .. } => Stage::Starting,
            Phase::Main { .. } => Stage::Load,
            Phase::Draining => Stage::Draining,
            Phase::Recovering { .. } => Stage::Recovery,
            Phase::Final { .. } => Stage::Final,
            Phase::Over { .. } => Stage::Over,
        }
    }

    /// How long the main phase and the recovery last together.
    pub(super) fn planned(&self) -> Duration {
        let Settings {
            time_limit,
            recovery,
            ..
        } = self.settings;
        if self.workload.has_final_phase() {
            time_limit + recovery
        } else {
            time_limit
        }
    }

    /// The next deadline of the phase itself.
    pub(super) fn phase_deadline(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Main {
                start,
                pace,
                nemesis,
            } => {
                let end = *start + self.settings.time_limit;
                let work = match pace {
                    Some(pace) if self.workers.iter().any(Worker::is_free) => Some(pace.next_at()),
                    Some(_) => None,
                    None => Some(end),
                };
                let nemesis_at = nemesis
                    .as_ref()
                    .map(|it| start.saturating_add(it.next_at()));
                // What is due after the end of the phase does not happen, but the end itself does.
                work.into_iter()
                    .chain(nemesis_at)
                    .min()
                    .map(|at| at.min(end))
            }
            Phase::Recovering { until } => Some(*until),
            Phase::Final { .. } => self.workers.iter().filter_map(Worker::waits_until).min(),
            Phase::Starting { .. }
            | Phase::SettingUp { .. }
            | Phase::Draining
            | Phase::Over { .. } => None,
        }
    }

    /// Connects all nodes and services, and sends `init`.
    pub(super) fn initialise(&mut self, now: Duration) {
        let names = self
            .settings
            .nodes
            .iter()
            .map(NodeId::clone)
            .chain(services());
        for name in names.collect::<Vec<_>>() {
            self.network.register(name.clone());
            self.network.listen(now, &name);
        }
        for node in 0..self.settings.nodes.len() {
            let client = self.connect_init_client(node);
            self.send_init(now, node, &client);
        }
    }

    /// Connects the client that sends `init` to a node.
    pub(super) fn connect_init_client(&mut self, node: usize) -> NodeId {
        let name = self.settings.nodes[node].clone();
        self.clients
            .connect(&mut self.network, name, Purpose::Init(node))
    }

    pub(super) fn send_init(&mut self, now: Duration, node: usize, client: &NodeId) {
        let node_id = json(&self.settings.nodes[node]);
        let arguments = vec![("node_id", node_id), ("node_ids", self.node_ids.clone())];
        let request = ClientRequest {
            rpc: &INIT,
            arguments,
            timeout: INIT_TIMEOUT,
        };
        self.clients.send(now, &mut self.network, client, &request);
    }

    pub(super) fn on_init_reply(&mut self, now: Duration, node: usize, reply: &Reply) {
        self.clients.disconnect(&mut self.network, &reply.client);
        let name = &self.settings.nodes[node];
        match (reply.message_type(), reply.body()) {
            (Some("init_ok"), _) => {
                if let Phase::Starting { waiting } = &mut self.phase {
                    waiting.remove(&node);
                }
                if self.node_statuses[node] == NodeStatus::Restarting(reply.client.clone()) {
                    self.rejoin(now, node);
                }
            }
            (_, Some(body)) => {
                let body = abridged(body);
                self.abort(format!(
                    "node {name} did not answer init with \"init_ok\" but with {body}"
                ));
            }
            (_, None) => {
                let why = self.init_failure(node, reply);
                self.abort(why);
            }
        }
    }

    pub(super) fn on_set_up_reply(&mut self, node: usize, reply: &Reply) {
        let Phase::SettingUp { waiting } = &mut self.phase else {
            // A restarted node: its answer does not matter.
            self.clients.disconnect(&mut self.network, &reply.client);
            return;
        };
        waiting.remove(&node);
        let error = reply.answer().err();
        let node_name = &self.settings.nodes[node];
        match error.map(|it| it.error) {
            None => {}
            Some(OpError::NetTimeout) => {
                let why = self.set_up_failure(node, reply);
                self.abort(why);
            }
            Some(OpError::Rpc { name, text }) => {
                self.abort(format!(
                    "node {node_name} refused the set-up request: {name}: {}",
                    quoted(&text)
                ));
            }
            Some(OpError::Malformed { text } | OpError::Thrown { text, .. }) => {
                self.abort(format!("node {node_name}: {}", quoted(&text)));
            }
            Some(OpError::Other { value }) => self.abort(format!("node {node_name}: {value}")),
        }
    }

    /// Runs what is due in the current phase. Returns whether anything was due.
    pub(super) fn run_due(&mut self, now: Duration) -> bool {
        match &self.phase {
            Phase::Starting { waiting } if waiting.is_empty() => self.begin_set_up(now),
            Phase::SettingUp { waiting } if waiting.is_empty() => self.begin_main(now),
            Phase::Main { .. } => return self.run_due_in_main(now),
            Phase::Draining if self.workers.iter().all(Worker::is_free) => self.end_draining(now),
            Phase::Recovering { until } if *until <= now => {
                self.phase = Phase::Final { start: now };
            }
            Phase::Final { start } => return self.run_due_in_final(now, *start),
            Phase::Starting { .. }
            | Phase::SettingUp { .. }
            | Phase::Draining
            | Phase::Recovering { .. }
            | Phase::Over { .. } => return false,
        }
        true
    }

    fn begin_set_up(&mut self, now: Duration) {
        self.zero = Some(now);
        self.network.set_time_zero(now);
        let nodes = self.settings.nodes.clone();
        let request = self.workload.set_up(&nodes);
        let body = request.as_ref().map(|it| request_body(it, 1));
        let waiting = (0..nodes.len()).filter(|_| request.is_some()).collect();
        self.phase = Phase::SettingUp { waiting };
        for (node, name) in nodes.into_iter().enumerate() {
            // As in Maelstrom, these clients stay until the end, and each uses up a number.
            let client = self
                .clients
                .connect(&mut self.network, name, Purpose::SetUp(node));
            if let (Some(request), Some(body)) = (&request, &body) {
                let (network, body) = (&mut self.network, body.clone());
                self.clients.send_body(now, network, &client, request, body);
            }
        }
    }

    fn begin_main(&mut self, now: Duration) {
        let Settings {
            rate,
            max_operations,
            faults,
            seed,
            ..
        } = &self.settings;
        let nodes = self.settings.nodes.clone();
        let nemesis = (!faults.intervals.is_empty())
            .then(|| Box::new(Nemesis::new(nodes, faults.clone(), *seed)));
        let works = *rate > 0.0 && *max_operations != Some(0);
        let pace = works.then(|| Box::new(Pace::new(*rate, now, substream(*seed, "pace"))));
        self.phase = Phase::Main {
            start: now,
            pace,
            nemesis,
        };
    }

    /// Ends the run early. Operations in progress are indeterminate, and neither recovery nor final
    /// operations follow: what their absence means for the verdict, the checkers know.
    pub fn interrupt(&mut self, now: Duration) {
        if self.is_over() {
            return;
        }
        let since_zero = self.since_zero(now);
        self.interrupted_at = Some(since_zero.unwrap_or_default());
        let abort_reason = match self.phase {
            Phase::Starting { .. } | Phase::SettingUp { .. } => {
                Some("it was interrupted before its first operation".to_owned())
            }
            Phase::Main { .. }
            | Phase::Draining
            | Phase::Recovering { .. }
            | Phase::Final { .. }
            | Phase::Over { .. } => None,
        };
        self.complete_pending(now);
        self.phase = Phase::Over { abort_reason };
    }

    /// Ends the run, or lifts all faults and begins the recovery before the final phase.
    fn end_draining(&mut self, now: Duration) {
        if !self.workload.has_final_phase() {
            self.phase = Phase::Over { abort_reason: None };
            return;
        }
        self.lift_all_faults(now);
        self.phase = Phase::Recovering {
            until: now + self.settings.recovery,
        };
    }
}

fn services() -> impl Iterator<Item = NodeId> {
    Services::NAMES.iter().map(|name| NodeId::from(*name))
}
