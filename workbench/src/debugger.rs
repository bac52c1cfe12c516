//! Stops a simulation at a moment, shows its nodes, and prints what changes in them.

use std::fs;
use std::io::{BufRead, Write, stdin};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use crate::interrupt::Interrupt;
use simulator::simulation::{Inspector, Moment, NodeView};

/// Where to stop a simulation, and what to watch.
#[derive(Debug, Clone, Default, Args)]
pub struct DebugFlags {
    /// Stops all nodes of a simulation at a time in seconds (12.34), at an entry of the history
    /// (op:47), or at the first error of a node (failure), shows what each one holds or waits for, and
    /// goes on after Enter. No virtual time passes meanwhile.
    #[arg(long, value_name = "WHEN")]
    pub stop_at: Option<Breakpoint>,

    /// With --stop-at: writes a core file of each node's process into this folder, or a text with the
    /// state of each of our own nodes.
    #[arg(long, value_name = "DIR", requires = "stop_at")]
    pub dump: Option<PathBuf>,

    /// Prints what changes in the state of this simulated node from step to step; may be repeated.
    #[arg(long, value_name = "NODE")]
    pub watch: Vec<String>,
}

impl DebugFlags {
    /// Whether anything is asked for.
    pub fn are_given(&self) -> bool {
        self.stop_at.is_some() || !self.watch.is_empty()
    }

    /// What inspects the simulation, if anything is asked for.
    pub fn debugger(&self, interrupt: &Interrupt) -> Option<Debugger> {
        self.are_given().then(|| Debugger {
            interrupt: interrupt.clone(),
            stop_at: self.stop_at,
            dump: self.dump.clone(),
            watched: self.watch.iter().map(|it| (it.clone(), None)).collect(),
        })
    }

    /// The flags as words, to repeat a command.
    pub fn words(&self) -> Vec<String> {
        let stop_at = self
            .stop_at
            .map(|it| ["--stop-at".to_owned(), it.to_string()]);
        let watched = self.watch.iter();
        let watched = watched.flat_map(|it| ["--watch".to_owned(), it.clone()]);
        let dump = self.dump.iter();
        let dump = dump.flat_map(|it| ["--dump".to_owned(), it.display().to_string()]);
        let stop_at = stop_at.into_iter().flatten();
        stop_at.chain(dump).chain(watched).collect()
    }
}

/// Where a simulation stops.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Breakpoint {
    /// At so many seconds since time zero.
    Seconds(f64),
    /// When the history has this entry.
    Op(usize),
    /// At the first error of a node.
    Failure,
}

impl FromStr for Breakpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let seconds = || text.parse().ok().filter(|it: &f64| it.is_finite());
        let breakpoint = match (text, text.strip_prefix("op:")) {
            ("failure", _) => Some(Breakpoint::Failure),
            (_, Some(index)) => index.parse().ok().map(Breakpoint::Op),
            (_, None) => seconds().map(Breakpoint::Seconds),
        };
        breakpoint.ok_or_else(|| {
            "expected seconds such as 12.34, an entry of the history such as op:47, or failure"
                .to_owned()
        })
    }
}

impl std::fmt::Display for Breakpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Breakpoint::Seconds(seconds) => write!(f, "{seconds}"),
            Breakpoint::Op(index) => write!(f, "op:{index}"),
            Breakpoint::Failure => f.write_str("failure"),
        }
    }
}

/// Looks at the moments of a simulation.
pub struct Debugger {
    interrupt: Interrupt,
    /// `None` once it has been reached.
    stop_at: Option<Breakpoint>,
    dump: Option<PathBuf>,
    /// Nodes, and their states when they were last printed.
    watched: Vec<(String, Option<String>)>,
}

impl Inspector for Debugger {
    fn inspect(&mut self, moment: &Moment<'_>) -> ControlFlow<String> {
        if !self.watched.is_empty() {
            self.print_changes(moment);
        }
        let is_reached = match self.stop_at {
            None => false,
            Some(Breakpoint::Seconds(seconds)) => {
                let now = moment.since_zero();
                now.is_some_and(|now| now >= Duration::from_secs_f64(seconds.max(0.0)))
            }
            Some(Breakpoint::Op(index)) => moment.history_len() > index,
            Some(Breakpoint::Failure) => !moment.failures().is_empty(),
        };
        if !is_reached {
            return ControlFlow::Continue(());
        }
        self.stop_at = None;
        print(&describe(moment));
        if let Some(folder) = &self.dump {
            print(&dump(moment, folder));
        }
        self.interrupt.at_once(|| ask(moment))
    }

    fn interrupts(&self) -> bool {
        self.interrupt.is_set()
    }

    fn shows_input(&self) -> bool {
        true
    }
}

impl Debugger {
    fn print_changes(&mut self, moment: &Moment<'_>) {
        for view in moment.nodes() {
            let mut watched = self.watched.iter_mut();
            let Some((_, before)) = watched.find(|(name, _)| name == view.name.as_str()) else {
                continue;
            };
            let now = view.state.unwrap_or_else(|| "(dead)".to_owned());
            if let Some(before) = before.as_ref().filter(|before| **before != now) {
                let changes = changed_lines(before, &now);
                print(&format!("{} {}:\n{changes}", time(moment), view.name));
            }
            *before = Some(now);
        }
    }
}

/// Lines that only the first or only the second text has, in their order.
fn changed_lines(before: &str, after: &str) -> String {
    let only = |mark: &str, text: &str, other: &str| {
        let lines = text
            .lines()
            .filter(|line| !other.lines().any(|it| it == *line));
        let lines = lines.map(|line| format!("  {mark} {line}\n"));
        lines.collect::<String>()
    };
    only("-", before, after) + &only("+", after, before)
}

fn describe(moment: &Moment<'_>) -> String {
    let mut text = format!("stopped at {}", time(moment));
    for failure in moment.failures() {
        text.push_str(&format!("\n{failure}"));
    }
    for NodeView { name, state, input } in moment.nodes() {
        let state = state.unwrap_or_else(|| "(dead)".to_owned());
        text.push_str(&format!("\n\n{name}:\n{}", indented(&state)));
        if !input.is_empty() {
            text.push_str(&format!(
                "\n  its last input:\n{}",
                indented(&input.join("\n"))
            ));
        }
    }
    text
}

/// What can be done while a simulation is stopped.
const CHOICES: &str = "\n\
    Enter    goes on; until then, what does not trace a process can look at it: /proc/ID, or\n         \
             py-spy dump --nonblocking --pid ID. Debuggers read the files of --dump.\n\
    release  lets debuggers attach to the processes. They can look, but not go on: calls that are\n         \
             virtual fail without the bench. The run ends after that.\n\
    quit     ends the run.";

/// Asks what is to be done. A closed stdin goes on at once.
fn ask(moment: &Moment<'_>) -> ControlFlow<String> {
    loop {
        print(CHOICES);
        let mut line = String::new();
        let _ = stdin().lock().read_line(&mut line);
        match line.trim() {
            "" => return ControlFlow::Continue(()),
            "quit" => return ControlFlow::Break("it was ended at --stop-at".to_owned()),
            "release" => {
                release(moment);
                return ControlFlow::Break("its processes were released at --stop-at".to_owned());
            }
            _ => {}
        }
    }
}

/// Lets debuggers attach until the next line of input.
fn release(moment: &Moment<'_>) {
    match moment.release() {
        Ok(ids) if ids.is_empty() => print("these nodes have no processes"),
        Ok(ids) => {
            print("\nattach with gdb -p ID, or dlv attach ID; Enter ends the run");
            for id in ids {
                let name = fs::read_to_string(format!("/proc/{id}/comm"));
                print(&format!("  {id} {}", name.unwrap_or_default().trim()));
            }
            let _ = stdin().lock().read_line(&mut String::new());
        }
        Err(error) => print(&format!("the processes cannot be released: {error}")),
    }
}

/// Writes the nodes' states into a folder. Returns what to tell the user.
fn dump(moment: &Moment<'_>, folder: &Path) -> String {
    let files = fs::create_dir_all(folder).and_then(|()| moment.dump(folder));
    match files {
        Ok(files) => {
            let files = files
                .iter()
                .map(|file| format!("\nwritten: {}", file.display()));
            files.collect()
        }
        Err(error) => format!("\ncannot write into {}: {error}", folder.display()),
    }
}

fn indented(text: &str) -> String {
    let lines = text.lines().map(|line| format!("    {line}"));
    lines.collect::<Vec<_>>().join("\n")
}

fn time(moment: &Moment<'_>) -> String {
    let seconds = moment.since_zero().map(|it| it.as_secs_f64());
    seconds.map_or_else(|| "the start".to_owned(), |it| format!("{it:.6} s"))
}

/// Prints text for the user. Stdout is for the verdict.
fn print(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breakpoint_is_a_time_an_entry_or_the_first_failure() {
        for text in ["12.34", "op:47", "failure"] {
            let breakpoint: Breakpoint = text.parse().unwrap();
            assert_eq!(breakpoint.to_string(), text);
        }
        for text in ["", "op:", "op:-1", "soon", "inf", "NaN"] {
            assert!(text.parse::<Breakpoint>().is_err(), "{text}");
        }
    }

    #[test]
    fn changed_lines_are_those_that_one_text_lacks() {
        assert_eq!(changed_lines("a\nb\nc", "a\nB\nc"), "  - b\n  + B\n");
        assert_eq!(changed_lines("a", "a"), "");
    }
}
