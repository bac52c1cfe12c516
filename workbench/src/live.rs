//! The wall clock: a run with nodes as child processes, of any language.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use crate::child::{Child, Launch, Said};
use crate::run::{Record, Run, Settings};
use crate::workload::Workload;

/// How many messages of the children's threads may wait before the threads do.
const QUEUE: usize = 256;

/// How long the rest of what nodes wrote is waited for once they have been killed.
const LEFTOVERS: Duration = Duration::from_secs(1);

/// How often somebody is told how it goes, if nothing else happens.
const TICK: Duration = Duration::from_millis(100);

/// One who looks on while it runs.
pub trait Watcher {
    /// This is how far it has come; called about ten times a second.
    fn look(&mut self, run: &Run);

    /// A line for the person, ahead of everything else.
    fn say(&mut self, line: &str);
}

/// Runs a test to its end and kills the nodes.
///
/// # Errors
/// When a node cannot be started, or its log cannot be created. What nodes do wrong afterwards
/// stands in the record.
pub fn run_live(
    settings: Settings,
    workload: Box<dyn Workload>,
    launch: &Launch<'_>,
    watcher: &mut dyn Watcher,
) -> anyhow::Result<Record> {
    let names = settings.nodes.clone();
    let (sender, said) = sync_channel(QUEUE);
    let children = names
        .iter()
        .enumerate()
        .map(|(place, name)| Child::start(launch, place, name, &sender))
        .collect::<anyhow::Result<Vec<Child>>>()?;
    // What is left are the children's threads: when the last one ends, so does the channel.
    drop(sender);
    let start = Instant::now();
    let run = Run::new(Duration::ZERO, settings, workload);
    let nobody = vec![false; children.len()];
    let mut live = Live {
        run,
        children,
        closed: nobody.clone(),
        dead: nobody,
        start,
        said,
        look_at: Duration::ZERO,
    };
    live.go(launch, watcher);
    live.find_the_dead(launch);
    if !launch.leave_running {
        live.end(watcher);
    }
    watcher.look(&live.run);
    Ok(live.run.into_record())
}

/// The local time, as it names a run's folder.
pub fn timestamp() -> String {
    jiff::Zoned::now()
        .strftime("%Y%m%dT%H%M%S.%3f%z")
        .to_string()
}

/// Measures how long something takes by the wall clock.
#[derive(Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts to measure.
    pub fn start() -> Self {
        Stopwatch(Instant::now())
    }

    /// How long it has been.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

struct Live {
    run: Run,
    children: Vec<Child>,
    /// Whose stdout has ended: they may be dying.
    closed: Vec<bool>,
    /// Who has died, and it was told.
    dead: Vec<bool>,
    start: Instant,
    said: Receiver<Said>,
    look_at: Duration,
}

impl Live {
    fn go(&mut self, launch: &Launch<'_>, watcher: &mut dyn Watcher) {
        while !self.run.is_over() {
            let now = self.start.elapsed();
            self.run.advance(now);
            while let Some((place, line)) = self.run.to_nodes() {
                self.children[place].write(line);
            }
            if now >= self.look_at {
                self.look_at = now + TICK;
                watcher.look(&self.run);
            }
            if self.closed.contains(&true) {
                self.find_the_dead(launch);
            }
            let next = self
                .run
                .deadline()
                .map_or(self.look_at, |at| at.min(self.look_at));
            let patience = next.saturating_sub(self.start.elapsed());
            match self.said.recv_timeout(patience) {
                Ok(said) => self.listen(said, watcher),
                Err(RecvTimeoutError::Timeout) => {}
                // All threads have ended, and with them every pipe: time alone can go on.
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(patience),
            }
        }
    }

    /// Hears this and whatever else has come in meanwhile.
    fn listen(&mut self, said: Said, watcher: &mut dyn Watcher) {
        let now = self.start.elapsed();
        let more = self.said.try_iter().take(QUEUE).collect::<Vec<Said>>();
        for said in std::iter::once(said).chain(more) {
            match said {
                Said::Lines(place, lines) => {
                    for line in lines.lines() {
                        self.run.from_node(now, place, line);
                    }
                }
                Said::Closed(place) => self.closed[place] = true,
                Said::Stderr(place, line) => {
                    watcher.say(&format!("{} │ {line}", self.run.nodes()[place]));
                }
                Said::LogFailed(place, error) => {
                    let what = format!("its log is incomplete, it cannot be written: {error}");
                    self.run.note(now, place, what, None);
                }
            }
        }
    }

    /// Kills the nodes and waits for their logs, though not for a node's own child that may hold
    /// its pipes for ever.
    fn end(&mut self, watcher: &mut dyn Watcher) {
        self.children.iter_mut().for_each(Child::kill);
        let until = Instant::now() + LEFTOVERS;
        while Instant::now() < until
            && let Ok(said) = self
                .said
                .recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            self.listen(said, watcher);
        }
    }

    /// A node that ends before the test does fails it, whatever its exit status.
    fn find_the_dead(&mut self, launch: &Launch<'_>) {
        let now = self.start.elapsed();
        for (place, child) in self.children.iter_mut().enumerate() {
            let Some(status) = child.exit_status().filter(|_| !self.dead[place]) else {
                continue;
            };
            self.dead[place] = true;
            if launch.leave_running {
                self.closed[place] = false;
                continue;
            }
            let mut what = format!("it ended before the test did ({status})");
            for line in child.last_words() {
                what.push_str("\n    stderr: ");
                what.push_str(&line);
            }
            self.run.note(now, place, what, None);
            self.run
                .crash("a node ended before the test did".to_owned());
        }
    }
}
