//! Workers and their operations: invoked, executed step by step, completed.

use std::time::Duration;

use rand::RngExt;
use shared::NodeId;

use super::{Phase, Run};
use crate::clients::{Purpose, Reply};
use crate::workload::{
    Completion, FinalStep, Invocation, Session, Step, Turn, completion_after_error,
    completion_after_uninterpreted_error,
};
use history::{Kind, OpError, Process};

/// A worker: performs operations, one at a time, always on the same node.
pub(super) struct Worker {
    /// Its current process: a new one after each operation whose outcome is unknown, so process =
    /// worker + k · workers.
    process: u64,
    client: Option<WorkerClient>,
    /// The operation in progress; `None` if the worker is free.
    invocation: Option<Invocation>,
    /// Its progress in the final phase.
    final_state: FinalState,
}

/// A worker's progress in the final phase.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FinalState {
    /// Asks the workload for the next step as soon as it is free.
    Ready,
    /// Asks again at this time.
    WaitingUntil(Duration),
    /// Has finished.
    Done,
}

struct WorkerClient {
    name: NodeId,
    process: u64,
    session: Box<dyn Session>,
}

impl Worker {
    pub(super) fn new(number: usize) -> Self {
        Worker {
            process: number as u64,
            client: None,
            invocation: None,
            final_state: FinalState::Ready,
        }
    }

    /// When it continues the final phase, if it is waiting.
    pub(super) fn waits_until(&self) -> Option<Duration> {
        match self.final_state {
            FinalState::WaitingUntil(at) if self.is_free() => Some(at),
            FinalState::WaitingUntil(_) | FinalState::Ready | FinalState::Done => None,
        }
    }

    /// Whether it continues the final phase now.
    fn is_due(&self, now: Duration) -> bool {
        self.is_free()
            && match self.final_state {
                FinalState::Ready => true,
                FinalState::WaitingUntil(at) => at <= now,
                FinalState::Done => false,
            }
    }

    pub(super) fn is_free(&self) -> bool {
        self.invocation.is_none()
    }
}

impl Run {
    /// Runs what is due in the main phase, or ends the phase. Returns whether anything was due.
    pub(super) fn run_due_in_main(&mut self, now: Duration) -> bool {
        let Phase::Main {
            start,
            pace,
            nemesis,
        } = &mut self.phase
        else {
            return false;
        };
        let (start, end) = (*start, *start + self.settings.time_limit);

        // Operations of clients and of the nemesis begin only before the end. The phase lasts until
        // `time_limit` even if no operation is left: then `pace` is `None`, and `start` stands for
        // work that never comes.
        let in_time = |at: &Duration| *at.max(&now) < end;
        let work_at = pace
            .as_ref()
            .map_or(Some(start), |it| Some(it.next_at()))
            .filter(in_time);
        let nemesis_at = nemesis
            .as_ref()
            .map(|it| start.saturating_add(it.next_at()))
            .filter(in_time);
        if work_at.is_none() && nemesis_at.is_none() {
            self.phase = Phase::Draining;
            return true;
        }
        let nemesis_is_due = nemesis_at.is_some_and(|at| at <= now);
        let work_is_due = work_at.is_some_and(|at| at <= now) && pace.is_some();
        let is_free = |worker: usize| self.workers[worker].is_free();
        let worker = work_is_due.then(|| self.turns.choose(is_free)).flatten();
        if work_is_due
            && worker.is_none()
            && let Some(pace) = pace
        {
            pace.block();
        }
        let work_is_due = work_is_due && worker.is_some();
        // If both are due, either may be first.
        let nemesis_first = nemesis_is_due && (!work_is_due || self.rng.order.random::<bool>());
        if nemesis_first && let Some(nemesis) = nemesis {
            if let Some(op) = nemesis.wake(now - start) {
                self.execute_nemesis_op(now, &op);
            }
            return true;
        }
        if work_is_due && let (Some(worker), Some(pace)) = (worker, pace) {
            pace.begin(now);
            let begun = self.progress.invoked + 1;
            if self.settings.max_operations.is_some_and(|max| begun >= max)
                && let Phase::Main { pace, .. } = &mut self.phase
            {
                *pace = None;
            }
            self.invoke_in_main(now, start, worker);
            return true;
        }
        false
    }

    /// Invokes an operation on the worker whose turn it is, or on another free one that the
    /// workload chooses.
    fn invoke_in_main(&mut self, now: Duration, start: Duration, in_turn: usize) {
        let (workers, nodes) = (self.workers.len(), self.settings.nodes.len());
        let is_free = |worker: usize| self.workers[worker].is_free();
        let chosen = self
            .workload
            .choose_worker(workers, nodes, &is_free, &mut self.rng.order);
        let worker = chosen.unwrap_or(in_turn);
        let turn = Turn {
            worker,
            workers,
            nodes,
            at: now - start,
        };
        let invocation = self.workload.next(turn, &mut self.rng.operations);
        self.invoke(now, worker, invocation);
    }

    /// Runs what is due in the final phase, or ends the phase. Returns whether anything was due.
    pub(super) fn run_due_in_final(&mut self, now: Duration, start: Duration) -> bool {
        let ready: Vec<usize> = (0..self.workers.len())
            .filter(|i| self.workers[*i].is_due(now))
            .collect();
        if ready.is_empty() {
            let is_done = |it: &Worker| it.is_free() && it.final_state == FinalState::Done;
            if self.workers.iter().all(is_done) {
                self.phase = Phase::Over { abort_reason: None };
                return true;
            }
            return false;
        }
        let worker = ready[self.rng.order.random_range(0..ready.len() as u64) as usize];
        let turn = Turn {
            worker,
            workers: self.workers.len(),
            nodes: self.settings.nodes.len(),
            at: now - start,
        };
        match self.workload.next_final(turn, &mut self.rng.operations) {
            FinalStep::Invoke(invocation) => {
                self.workers[worker].final_state = FinalState::Ready;
                self.invoke(now, worker, invocation);
            }
            // A wait until `now` would repeat without end.
            FinalStep::Wait(until) => {
                let until = (start + until).max(now + Duration::from_nanos(1));
                self.workers[worker].final_state = FinalState::WaitingUntil(until);
            }
            FinalStep::Done => self.workers[worker].final_state = FinalState::Done,
        }
        true
    }

    fn invoke(&mut self, now: Duration, worker: usize, invocation: Invocation) {
        self.turns.advance();
        self.progress.invoked += 1;
        self.ensure_client(worker);
        let Worker { process, .. } = self.workers[worker];
        let Invocation { f, value, meta } = invocation.clone();
        self.record(
            now,
            Process::Client(process),
            Kind::Invoke,
            f,
            value.into(),
            None,
            meta,
        );
        let state = &mut self.workers[worker];
        let step = state
            .client
            .as_mut()
            .map(|client| client.session.begin(&invocation));
        state.invocation = Some(invocation);
        if let Some(step) = step {
            self.execute_step(now, worker, step);
        }
    }

    /// A worker's client has received the reply to its request, or has timed out.
    pub(super) fn on_reply(&mut self, now: Duration, worker: usize, reply: &Reply) {
        let state = &mut self.workers[worker];
        let (Some(invocation), Some(client)) = (&state.invocation, &mut state.client) else {
            return;
        };
        let step = match reply.answer() {
            Ok(answer) => client.session.on_reply(invocation, &answer),
            Err(error) => {
                let completion = if self.workload.interprets_errors() {
                    let read_only = self.workload.is_read_only(invocation.f);
                    completion_after_error(error.error, error.definite, read_only)
                } else {
                    completion_after_uninterpreted_error(error.error)
                };
                Step::Done(completion)
            }
        };
        self.execute_step(now, worker, step);
    }

    fn execute_step(&mut self, now: Duration, worker: usize, step: Step) {
        match step {
            Step::Send(question) => {
                if let Some(client) = &self.workers[worker].client {
                    self.clients
                        .send(now, &mut self.network, &client.name, &question);
                }
            }
            Step::Done(completion) => self.complete(now, worker, completion),
        }
    }

    fn complete(&mut self, now: Duration, worker: usize, completion: Completion) {
        let count = self.workers.len() as u64;
        let state = &mut self.workers[worker];
        let Some(invocation) = state.invocation.take() else {
            return;
        };
        let process = state.process;
        let Completion { kind, value, error } = completion;
        match kind {
            Kind::Ok => self.progress.ok += 1,
            Kind::Fail => self.progress.failed += 1,
            Kind::Info | Kind::Invoke => {
                self.progress.info += 1;
                // The old process may still be executing the operation: a new one continues.
                state.process += count;
            }
        }
        let value = value.unwrap_or_else(|| invocation.value.into());
        self.workload.observe(worker, invocation.f, kind, &value);
        let Invocation { f, meta, .. } = invocation;
        self.record(now, Process::Client(process), kind, f, value, error, meta);
    }

    /// Completes all operations in progress as indeterminate, since the run is interrupted.
    pub(super) fn complete_pending(&mut self, now: Duration) {
        for worker in 0..self.workers.len() {
            let interrupted = Completion {
                kind: Kind::Info,
                value: None,
                error: Some(OpError::interrupted()),
            };
            self.complete(now, worker, interrupted);
        }
    }

    fn ensure_client(&mut self, worker: usize) {
        let state = &mut self.workers[worker];
        let process = state.process;
        let keeps = self.workload.keeps_clients();
        if let Some(old) = state.client.take_if(|it| it.process != process && !keeps) {
            self.clients.disconnect(&mut self.network, &old.name);
        }
        if state.client.is_none() {
            let node = self.settings.nodes[worker % self.settings.nodes.len()].clone();
            let name = self
                .clients
                .connect(&mut self.network, node, Purpose::Work(worker));
            let session = self.workload.session();
            state.client = Some(WorkerClient {
                name,
                process,
                session,
            });
        }
    }
}
