//! Checkers: how long they take to judge long histories.
//!
//! `cargo bench -p workbench --bench checkers -- --requests 100000 --runs 5`
//!
//! The histories are valid, so that nothing ends the search early. `--requests` sets how many
//! operations the largest one has.

#[expect(dead_code, reason = "no other process takes part")]
mod common;
#[path = "common/kafka_history.rs"]
mod kafka_history;

use std::borrow::Cow;
use std::fmt::Write;
use std::time::Instant;

use anyhow::{Context, ensure};
use rand::RngExt;
use serde_json::value::RawValue;
use workbench::checker::{Validity, Verdict, kafka, rw_register};
use workbench::dice::{Dice, branch};
use workbench::history::{History, Kind, Marks, Op, Process};

use common::{Figures, Flags, grouped, median};
use kafka_history::kafka_history;

fn main() -> anyhow::Result<()> {
    let Some(flags) = Flags::wanted() else {
        return Ok(());
    };
    let mut figures = Figures::new(&flags);
    add_registers(&flags, &mut figures)?;
    add_logs(&flags, &mut figures)?;
    figures.print();
    Ok(())
}

/// Measures the judgement of one history, in milliseconds.
fn add(
    flags: &Flags,
    figures: &mut Figures,
    what: &str,
    aim: &str,
    judge: impl Fn() -> Verdict,
) -> anyhow::Result<()> {
    let mut times = Vec::new();
    for _ in 0..flags.runs {
        let start = Instant::now();
        let verdict = judge();
        times.push(start.elapsed().as_secs_f64() * 1e3);
        ensure!(
            verdict.valid == Validity::Valid,
            "{what}: {:?}",
            verdict.findings
        );
    }
    figures.add(what, [Some(median(times)), None], 0, aim);
    Ok(())
}

/// Transactions on registers: as the workload draws them, and all on one key.
fn add_registers(flags: &Flags, figures: &mut Figures) -> anyhow::Result<()> {
    let most = flags.requests(100_000);
    for count in [most.div_ceil(100), most.div_ceil(10), most] {
        for (keys, writes) in [(10, 16), (1, usize::MAX)] {
            let history = Registers::new(keys, writes).history(count)?;
            for model in ["strict-serializable", "read-committed"] {
                let models = model.parse()?;
                let told = if keys == 1 { ", one hot key" } else { "" };
                let many = grouped(count as f64, 0);
                let what = format!("{many} transactions{told}: {model}, ms");
                let aim = if count == 100_000 { "< 2000" } else { "" };
                add(flags, figures, &what, aim, || {
                    rw_register(&history, &models)
                })?;
            }
        }
    }
    Ok(())
}

/// Logs: as the workload uses them, and with offsets that lie as far apart as they can.
fn add_logs(flags: &Flags, figures: &mut Figures) -> anyhow::Result<()> {
    const FAR: u64 = (1 << 53) / 16;
    let most = flags.requests(100_000);
    for (count, stride) in [
        (most.div_ceil(100), 1),
        (most.div_ceil(10), 1),
        (most, 1),
        (most, FAR),
    ] {
        let history = kafka_history(count, stride);
        let told = if stride == FAR { ", sparse" } else { "" };
        let many = grouped(count as f64, 0);
        let aim = if count == 100_000 { "< 1000" } else { "" };
        let what = format!("{many} operations on logs{told}, ms");
        add(flags, figures, &what, aim, || kafka(&history))?;
    }
    Ok(())
}

/// A store that does one transaction at a time, and those who draw them.
struct Registers {
    dice: Dice,
    /// The keys in use, each with the last value that was drawn for it.
    active: Vec<(usize, usize)>,
    writes_per_key: usize,
    /// By key: what is stored.
    stored: Vec<Option<usize>>,
}

/// Where a client is with its transaction.
enum Client {
    Idle,
    Waiting(Vec<(usize, Option<usize>)>),
    Answered(String),
}

impl Registers {
    fn new(keys: usize, writes_per_key: usize) -> Self {
        Registers {
            dice: branch(1, "registers"),
            active: (0..keys).map(|key| (key, 0)).collect(),
            writes_per_key,
            stored: vec![None; keys],
        }
    }

    /// What five clients see, each of whom invokes, has its transaction done, and hears of it, at
    /// any time.
    fn history(mut self, transactions: usize) -> anyhow::Result<History> {
        let mut clients: Vec<Client> = (0..5).map(|_| Client::Idle).collect();
        let mut history = History::default();
        let mut begun = 0;
        while history.ops.len() < 2 * transactions {
            let process = self.dice.random_range(0..clients.len() as u32);
            let client = clients.get_mut(process as usize).context("no client")?;
            let (next, line) = match std::mem::replace(client, Client::Idle) {
                Client::Idle if begun == transactions => (Client::Idle, None),
                Client::Idle => {
                    begun += 1;
                    let drawn = self.draw();
                    let asked = text(&drawn);
                    (Client::Waiting(drawn), Some((Kind::Invoke, asked)))
                }
                Client::Waiting(drawn) => (Client::Answered(self.perform(drawn)), None),
                Client::Answered(answer) => (Client::Idle, Some((Kind::Ok, answer))),
            };
            *client = next;
            if let Some((kind, value)) = line {
                let index = history.ops.len();
                history.ops.push(Op {
                    index,
                    time: index as u64 * 1_000_000,
                    kind,
                    process: Process::Client(process.into()),
                    f: Cow::Borrowed("txn"),
                    value: RawValue::from_string(value)?,
                    error: None,
                    marks: Marks::default(),
                });
            }
        }
        Ok(history)
    }

    /// One to four reads (no value) and writes. A key further back is drawn twice as often as the
    /// one before it; a key that is written full gives way to a new one.
    fn draw(&mut self) -> Vec<(usize, Option<usize>)> {
        let length = self.dice.random_range(1..=4_u32);
        let mut drawn = Vec::new();
        while drawn.len() < length as usize {
            let range = ((1_u64 << self.active.len()) - 1) * 2;
            let point = self.dice.random::<f64>() * range as f64 + 2.0;
            let place = (point.log2() as usize - 1).min(self.active.len() - 1);
            let (key, last) = &mut self.active[place];
            if self.dice.random() {
                drawn.push((*key, None));
            } else if *last < self.writes_per_key {
                *last += 1;
                drawn.push((*key, Some(*last)));
            } else {
                self.active[place] = (self.stored.len(), 0);
                self.stored.push(None);
            }
        }
        drawn
    }

    fn perform(&mut self, mut drawn: Vec<(usize, Option<usize>)>) -> String {
        let mut answer = String::from("[");
        for (place, (key, value)) in drawn.drain(..).enumerate() {
            let comma = if place == 0 { "" } else { "," };
            let action = if value.is_some() { "w" } else { "r" };
            if value.is_some() {
                self.stored[key] = value;
            }
            let value = shown(self.stored[key]);
            answer += &format!(r#"{comma}["{action}",{key},{value}]"#);
        }
        answer + "]"
    }
}

fn shown(value: Option<usize>) -> String {
    value.map_or("null".to_owned(), |value| value.to_string())
}

fn text(drawn: &[(usize, Option<usize>)]) -> String {
    let mut text = String::new();
    for (key, value) in drawn {
        let action = if value.is_some() { "w" } else { "r" };
        let value = shown(*value);
        write!(text, r#",["{action}",{key},{value}]"#).expect("a string takes everything");
    }
    format!("[{}]", text.trim_start_matches(','))
}
