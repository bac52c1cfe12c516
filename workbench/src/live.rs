//! Live runs: nodes are child processes, in any language, on the wall clock.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use crate::child::{Child, ChildEvent, Incarnation, Launch, LogProblem, MAX_INPUT_BYTES};
use crate::hosts::Hosts;
use crate::interrupt::Interrupt;
use shared::NodeId;
use simulator::incident::Exit;
use simulator::run::{Command, Record, Run, Settings};
use simulator::workload::Workload;

/// Capacity of the channel from the children's threads; they block when it is full.
const EVENT_QUEUE: usize = 256;

/// How long to wait for the rest of the nodes' output after they have been killed.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// Interval between progress reports, and between looks whether the user interrupts the run.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Observes a run's progress and log lines.
pub trait Observer {
    /// Reports the state of the run; called about ten times a second, or once in a virtual one.
    fn on_progress(&mut self, run: &Run);

    /// Passes on a line for the user.
    fn on_line(&mut self, line: &str);

    /// Something is wrong with a node's log.
    fn on_log(&mut self, _node: &NodeId, _problem: &LogProblem) {}

    /// A seed has been run so many times of so many.
    fn on_repeat(&mut self, _number: u32, _of: u32) {}

    /// The run is over, and this many operations are about to be checked.
    fn on_check(&mut self, _operations: usize) {}
}

/// Runs a test to its end, or until it is interrupted, and kills the nodes.
///
/// # Errors
/// When a node cannot be started, or its log cannot be created. What nodes do wrong afterwards
/// is in the record.
pub fn run_live(
    settings: Settings,
    workload: Box<dyn Workload>,
    launch: &Launch<'_>,
    interrupt: &Interrupt,
    observer: &mut dyn Observer,
) -> anyhow::Result<Record> {
    let names = settings.nodes.clone();
    let (sender, events) = sync_channel(EVENT_QUEUE);
    launch.prepare(names.len())?;
    let start_child = |(node, name)| {
        let incarnation = Incarnation { node, number: 0 };
        let child = Child::start(launch, incarnation, name, &sender)?;
        Ok(NodeSlot::new(child, incarnation))
    };
    let slots = names.iter().enumerate().map(start_child);
    let mut live = Live {
        slots: slots.collect::<anyhow::Result<Vec<NodeSlot>>>()?,
        start: Instant::now(),
        run: Run::new(Duration::ZERO, settings, workload),
        events,
        sender,
        next_progress: Duration::ZERO,
    };
    live.run_to_end(launch, interrupt, observer);
    live.reap_exited(launch);
    if let Some(why) = launch.hosts.and_then(Hosts::confirm) {
        live.run.abort(why);
    }
    if launch.leave_running {
        live.resume_all();
    } else {
        live.shut_down(observer);
    }
    observer.on_progress(&live.run);
    Ok(live.run.into_record())
}

/// Local time now, as the name of a run's folder.
pub fn timestamp() -> String {
    jiff::Zoned::now()
        .strftime("%Y%m%dT%H%M%S.%3f%z")
        .to_string()
}

/// UTC now, in `jepsen.log`'s format.
pub fn log_time() -> String {
    let now = jiff::Timestamp::now();
    now.strftime("%Y-%m-%d %H:%M:%S,%3f{GMT}").to_string()
}

/// Measures elapsed wall-clock time.
#[derive(Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    pub fn start() -> Self {
        Stopwatch(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A run in progress, and its nodes' processes.
struct Live {
    run: Run,
    slots: Vec<NodeSlot>,
    start: Instant,
    events: Receiver<ChildEvent>,
    /// Cloned for the threads of processes that are started later.
    sender: SyncSender<ChildEvent>,
    next_progress: Duration,
}

/// A node and its current process.
struct NodeSlot {
    child: Child,
    incarnation: Incarnation,
    /// Lines that are not written yet: they go together, since a system call for each would take
    /// longer than all else.
    input: String,
    /// Its stdout has ended: it may be about to exit.
    is_closed: bool,
    /// It has exited, and that was reported or intended.
    is_dead: bool,
}

impl NodeSlot {
    fn new(child: Child, incarnation: Incarnation) -> Self {
        NodeSlot {
            child,
            incarnation,
            input: String::new(),
            is_closed: false,
            is_dead: false,
        }
    }
}

impl NodeSlot {
    /// Writes the pending lines.
    fn pass_input(&mut self) {
        if !self.input.is_empty() {
            self.child.write(&self.input);
            self.input.clear();
        }
    }
}

impl Live {
    fn run_to_end(
        &mut self,
        launch: &Launch<'_>,
        interrupt: &Interrupt,
        observer: &mut dyn Observer,
    ) {
        while !self.run.is_over() {
            let now = self.start.elapsed();
            self.run.advance(now);
            if interrupt.is_set() {
                self.run.interrupt(now);
            }
            let lines = self.run.take_net_log();
            lines.iter().for_each(|line| observer.on_line(line));
            while let Some(command) = self.run.next_command() {
                self.execute(command, launch);
            }
            self.slots.iter_mut().for_each(NodeSlot::pass_input);
            if let Some(behind) = self.slots.iter().position(|it| it.child.is_far_behind()) {
                let (name, most) = (&self.run.nodes()[behind], MAX_INPUT_BYTES >> 30);
                self.run.abort(format!(
                    "{name} does not read its stdin, or too slowly: more than {most} GiB wait for it"
                ));
            }
            if now >= self.next_progress {
                self.next_progress = now + PROGRESS_INTERVAL;
                observer.on_progress(&self.run);
            }
            if self.slots.iter().any(|slot| slot.is_closed) {
                self.reap_exited(launch);
            }
            if let Some(why) = launch.hosts.and_then(Hosts::failure) {
                self.run.abort(why);
            }
            let deadline = self.run.deadline();
            let wake = deadline.map_or(self.next_progress, |at| at.min(self.next_progress));
            let timeout = wake.saturating_sub(self.start.elapsed());
            // The only error is the timeout: `self.sender` keeps the channel open.
            if let Ok(event) = self.events.recv_timeout(timeout) {
                self.on_events(event, observer);
            }
        }
    }

    fn execute(&mut self, command: Command, launch: &Launch<'_>) {
        match command {
            Command::Line(node, message) => message.push_line(&mut self.slots[node].input),
            Command::Pause(node) => {
                self.slots[node].pass_input();
                self.slots[node].child.set_paused(true);
            }
            Command::Resume(node) => self.slots[node].child.set_paused(false),
            Command::Kill(node) => {
                // First report the nodes that exited by themselves.
                self.reap_exited(launch);
                self.slots[node].child.kill();
                self.slots[node].is_dead = true;
            }
            Command::Start(node) => self.restart(node, launch),
            Command::Skew(..) => {
                unreachable!("live clocks cannot be skewed, which the flags refuse")
            }
        }
    }

    fn restart(&mut self, node: usize, launch: &Launch<'_>) {
        let incarnation = Incarnation {
            node,
            number: self.slots[node].incarnation.number + 1,
        };
        let name = self.run.nodes()[node].clone();
        launch.hosts.into_iter().for_each(Hosts::settle);
        if !self.slots[node].child.ends_after_kill() {
            let why = format!("the command for signals did not end {name}");
            return self.run.abort(why);
        }
        match Child::start(launch, incarnation, &name, &self.sender) {
            Ok(child) => self.slots[node] = NodeSlot::new(child, incarnation),
            Err(error) => self
                .run
                .abort(format!("node {name} cannot be restarted: {error:#}")),
        }
    }

    /// Handles an event, and all that have arrived since.
    fn on_events(&mut self, event: ChildEvent, observer: &mut dyn Observer) {
        let now = self.start.elapsed();
        let more = self.events.try_iter().take(EVENT_QUEUE);
        let more = more.collect::<Vec<ChildEvent>>();
        for event in std::iter::once(event).chain(more) {
            match event {
                ChildEvent::Lines(from, lines) if self.is_current(from) => {
                    for line in lines.lines() {
                        self.run.on_line(now, from.node, line);
                    }
                }
                ChildEvent::PartialLine(from) if self.is_current(from) => {
                    self.run.on_partial_line(from.node);
                }
                ChildEvent::Closed(from) if self.is_current(from) => {
                    self.slots[from.node].is_closed = true;
                }
                // Output of a killed process is lost, such as the end of a line.
                ChildEvent::PartialLine(_) | ChildEvent::Lines(..) | ChildEvent::Closed(_) => {}
                ChildEvent::Stderr(from, line) => {
                    observer.on_line(&format!("{} │ {line}", self.run.nodes()[from.node]));
                }
                ChildEvent::Log(from, problem) => {
                    if let Some(what) = problem.what() {
                        self.run.report(now, from.node, what, None);
                    }
                    observer.on_log(&self.run.nodes()[from.node], &problem);
                }
            }
        }
    }

    /// Whether this is the node's current process, and it was not killed.
    fn is_current(&self, incarnation: Incarnation) -> bool {
        let slot = &self.slots[incarnation.node];
        slot.incarnation == incarnation && !slot.is_dead
    }

    /// Resumes all paused nodes.
    fn resume_all(&mut self) {
        let slots = self.slots.iter_mut();
        slots.for_each(|slot| slot.child.set_paused(false));
    }

    /// Kills the nodes and waits for the ends of their logs. The wait is bounded, since a process
    /// that has left a node's group may keep its pipes open for ever.
    fn shut_down(&mut self, observer: &mut dyn Observer) {
        self.slots.iter_mut().for_each(|slot| slot.child.kill());
        // Without our own sender the channel closes when the last of the children's threads ends.
        self.sender = sync_channel(0).0;
        let until = Instant::now() + DRAIN_TIMEOUT;
        while Instant::now() < until
            && let Ok(event) = self
                .events
                .recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            self.on_events(event, observer);
        }
    }

    /// Aborts the run if a node has exited by itself, whatever its exit status.
    fn reap_exited(&mut self, launch: &Launch<'_>) {
        let now = self.start.elapsed();
        for (node, slot) in self.slots.iter_mut().enumerate() {
            let Some(status) = slot.child.exit_status().filter(|_| !slot.is_dead) else {
                continue;
            };
            slot.is_dead = true;
            if launch.leave_running {
                slot.is_closed = false;
                continue;
            }
            let exit = Exit {
                status: status.to_string(),
                why: slot.child.explain_exit(launch.program, status),
                stderr: slot.child.stderr_tail(),
            };
            self.run.report_exit(now, node, exit);
        }
    }
}
