//! The wall clock: a run with nodes as child processes, of any language.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use crate::child::{Child, Launch, Life, Said};
use simulator::run::{Command, Record, Run, Settings};
use simulator::workload::Workload;

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

    /// The run is over, and so many operations are going to be judged.
    fn check(&mut self, _operations: usize) {}
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
    let start_child = |(place, name)| {
        let life = Life { place, number: 0 };
        let child = Child::start(launch, life, name, &sender)?;
        Ok(Seat {
            child,
            life,
            is_closed: false,
            is_dead: false,
        })
    };
    let seats = names.iter().enumerate().map(start_child);
    let mut live = Live {
        seats: seats.collect::<anyhow::Result<Vec<Seat>>>()?,
        start: Instant::now(),
        run: Run::new(Duration::ZERO, settings, workload),
        said,
        sender,
        look_at: Duration::ZERO,
    };
    live.go(launch, watcher);
    live.find_the_dead(launch);
    if launch.leave_running {
        live.wake_up();
    } else {
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

/// The time in Greenwich, as it stands before each line of a log.
pub fn moment() -> String {
    let now = jiff::Timestamp::now();
    now.strftime("%Y-%m-%d %H:%M:%S,%3f{GMT}").to_string()
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
    seats: Vec<Seat>,
    start: Instant,
    said: Receiver<Said>,
    /// For the threads of processes that are yet to be started.
    sender: SyncSender<Said>,
    look_at: Duration,
}

/// A node's place, and its process of the moment.
struct Seat {
    child: Child,
    life: Life,
    /// Its stdout has ended: it may be dying.
    is_closed: bool,
    /// It has died, and that was told or wanted.
    is_dead: bool,
}

impl Live {
    fn go(&mut self, launch: &Launch<'_>, watcher: &mut dyn Watcher) {
        while !self.run.is_over() {
            let now = self.start.elapsed();
            self.run.advance(now);
            self.run
                .take_lines()
                .iter()
                .for_each(|line| watcher.say(line));
            while let Some(command) = self.run.next_command() {
                self.execute(command, launch);
            }
            if now >= self.look_at {
                self.look_at = now + TICK;
                watcher.look(&self.run);
            }
            if self.seats.iter().any(|seat| seat.is_closed) {
                self.find_the_dead(launch);
            }
            let next = self
                .run
                .deadline()
                .map_or(self.look_at, |at| at.min(self.look_at));
            let patience = next.saturating_sub(self.start.elapsed());
            // An error means that nothing was said: this side itself keeps the channel open.
            if let Ok(said) = self.said.recv_timeout(patience) {
                self.listen(said, watcher);
            }
        }
    }

    fn execute(&mut self, command: Command, launch: &Launch<'_>) {
        match command {
            Command::Line(place, line) => self.seats[place].child.write(line),
            Command::Pause(place) => self.seats[place].child.set_paused(true),
            Command::Resume(place) => self.seats[place].child.set_paused(false),
            Command::Kill(place) => {
                // One that has died by itself is not killed any more.
                self.find_the_dead(launch);
                self.seats[place].child.kill();
                self.seats[place].is_dead = true;
            }
            Command::Start(place) => self.start_anew(place, launch),
            Command::Skew(..) => {
                unreachable!("live clocks cannot be skewed, which the flags refuse")
            }
        }
    }

    fn start_anew(&mut self, place: usize, launch: &Launch<'_>) {
        let Seat { life, .. } = self.seats[place];
        let life = Life {
            place,
            number: life.number + 1,
        };
        let name = self.run.nodes()[place].clone();
        match Child::start(launch, life, &name, &self.sender) {
            Ok(child) => {
                self.seats[place] = Seat {
                    child,
                    life,
                    is_closed: false,
                    is_dead: false,
                };
            }
            Err(error) => self
                .run
                .abort(format!("node {name} cannot be started anew: {error:#}")),
        }
    }

    /// Hears this and whatever else has come in meanwhile.
    fn listen(&mut self, said: Said, watcher: &mut dyn Watcher) {
        let now = self.start.elapsed();
        let more = self.said.try_iter().take(QUEUE).collect::<Vec<Said>>();
        for said in std::iter::once(said).chain(more) {
            match said {
                Said::Lines(life, lines) if self.is_alive(life) => {
                    for line in lines.lines() {
                        self.run.on_line(now, life.place, line);
                    }
                }
                Said::Part(life) if self.is_alive(life) => self.run.on_partial_line(life.place),
                Said::Closed(life) if self.is_alive(life) => {
                    self.seats[life.place].is_closed = true;
                }
                // The last words of one that was killed are lost, the rest of a line among them.
                Said::Part(_) | Said::Lines(..) | Said::Closed(_) => {}
                Said::Stderr(life, line) => {
                    watcher.say(&format!("{} │ {line}", self.run.nodes()[life.place]));
                }
                Said::LogFailed(life, error) => {
                    let what = format!("its log is incomplete, it cannot be written: {error}");
                    self.run.report(now, life.place, what, None);
                }
            }
        }
    }

    /// Whether this process is the node of the moment, and was not killed.
    fn is_alive(&self, life: Life) -> bool {
        let seat = &self.seats[life.place];
        seat.life == life && !seat.is_dead
    }

    /// Nobody stands still for ever.
    fn wake_up(&mut self) {
        let seats = self.seats.iter_mut();
        seats.for_each(|seat| seat.child.set_paused(false));
    }

    /// Kills the nodes and waits for their logs, though not for a node's own child that may hold
    /// its pipes for ever.
    fn end(&mut self, watcher: &mut dyn Watcher) {
        self.seats.iter_mut().for_each(|seat| seat.child.kill());
        // When the last of the children's threads ends, so does the channel.
        self.sender = sync_channel(0).0;
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
        for (place, seat) in self.seats.iter_mut().enumerate() {
            let Some(status) = seat.child.exit_status().filter(|_| !seat.is_dead) else {
                continue;
            };
            seat.is_dead = true;
            if launch.leave_running {
                seat.is_closed = false;
                continue;
            }
            let mut what = format!("it ended before the test did ({status})");
            if let Some(why) = launch.explain_end(status) {
                what.push_str(": ");
                what.push_str(&why);
            }
            for line in seat.child.last_words() {
                what.push_str("\n    stderr: ");
                what.push_str(&line);
            }
            self.run.report(now, place, what, None);
            self.run
                .abort("a node ended before the test did".to_owned());
        }
    }
}
