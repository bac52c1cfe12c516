//! Small random histories of transactions on registers or lists.

use std::collections::BTreeMap;
use std::fmt::Write;

use history::History;
use rand::{Rng, RngExt};
use serde_json::value::RawValue;

/// The objects of transactions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Objects {
    Registers,
    Lists,
}

/// A store that runs one transaction at a time and makes random mistakes.
struct Store<'a> {
    objects: Objects,
    rng: &'a mut dyn Rng,
    keys: u32,
    /// The percentage of reads that return a wrong value.
    chaos: u32,
    /// By key: the written values, in order.
    stored: BTreeMap<u32, Vec<String>>,
    /// By key: the number of values written.
    written: BTreeMap<u32, u32>,
}

/// A history of up to twelve transactions of a few clients.
pub fn random_history(objects: Objects, rng: &mut dyn Rng) -> History {
    let chaos = [0, 5, 20, 60][rng.random_range(0..4)];
    let keys = rng.random_range(1..=4);
    let transactions = rng.random_range(1..=12);
    let clients = rng.random_range(1..=4);
    let mut store = Store {
        objects,
        rng,
        keys,
        chaos,
        stored: BTreeMap::new(),
        written: BTreeMap::new(),
    };
    let mut lines = String::new();
    let mut open: BTreeMap<u64, String> = BTreeMap::new();
    let mut processes: Vec<u64> = (0..clients).collect();
    let (mut begun, mut index) = (0, 0);
    let mut line = |kind: &str, process: u64, value: &str| {
        let head = format!(r#""index":{index},"time":{index},"type":"{kind}""#);
        writeln!(
            lines,
            r#"{{{head},"process":{process},"f":"txn","value":{value}}}"#
        )
        .unwrap();
        index += 1;
    };
    while begun < transactions || !open.is_empty() {
        let at = store.rng.random_range(0..processes.len());
        let process = processes[at];
        match open.remove(&process) {
            None if begun == transactions => {}
            None => {
                begun += 1;
                let requested = store.draw();
                line("invoke", process, &requested);
                open.insert(process, requested);
            }
            // Some never complete.
            Some(_) if store.percent(1) => {
                processes[at] += clients;
            }
            Some(requested) => match store.rng.random_range(0..20) {
                0 => {
                    // It failed, although it was performed.
                    if objects == Objects::Lists && store.percent(store.chaos) {
                        store.perform(&requested);
                    }
                    line("fail", process, &requested);
                }
                1 => {
                    // It may have been performed.
                    let answer = store.perform(&requested);
                    let reported = if store.percent(50) {
                        &requested
                    } else {
                        &answer
                    };
                    line("info", process, reported);
                    processes[at] += clients;
                }
                2 => line("ok", process, "null"),
                _ => {
                    let answer = store.perform(&requested);
                    line("ok", process, &answer);
                }
            },
        }
    }
    History::read_json(lines.as_bytes()).unwrap()
}

impl Store<'_> {
    fn percent(&mut self, chance: u32) -> bool {
        self.rng.next_u32() % 100 < chance
    }

    fn write(&self) -> &'static str {
        match self.objects {
            Objects::Registers => "w",
            Objects::Lists => "append",
        }
    }

    /// Random reads and writes, as JSON.
    fn draw(&mut self) -> String {
        let mut drawn = Vec::new();
        for _ in 0..self.rng.random_range(0..=4) {
            let key = self.rng.random_range(0..self.keys);
            if self.rng.random() {
                drawn.push(format!(r#"["r",{key},null]"#));
            } else {
                let value = self.value(key);
                let write = self.write();
                drawn.push(format!(r#"["{write}",{key},{value}]"#));
            }
        }
        format!("[{}]", drawn.join(","))
    }

    /// Usually a new value, sometimes an old or unusual one.
    fn value(&mut self, key: u32) -> String {
        let written = self.written.entry(key).or_default();
        *written += 1;
        let value = *written;
        match self.rng.random_range(0..300) {
            0 => value.saturating_sub(1).to_string(),
            1..=4 | 9..=16 => "null".to_owned(),
            5 => format!("\"{value}\""),
            6 => format!("{value}.5"),
            7 => format!("{{\"a\": {value}}}"),
            8 => "99999999999999999999".to_owned(),
            _ => value.to_string(),
        }
    }

    fn perform(&mut self, requested: &str) -> String {
        let requested: Vec<(String, u32, Box<RawValue>)> = serde_json::from_str(requested).unwrap();
        let mut done = Vec::new();
        // The writes of some are lost, and some do not see their own.
        let is_lost = self.percent(self.chaos / 2);
        let before = self.stored.clone();
        let is_blind = self.percent(self.chaos / 2);
        for (action, key, value) in requested {
            let value = if action == "r" {
                let stored = if is_blind { &before } else { &self.stored };
                let stored = stored.get(&key).cloned().unwrap_or_default();
                self.read(key, stored)
            } else {
                if !is_lost {
                    self.stored.entry(key).or_default().push(value.to_string());
                }
                value.to_string()
            };
            let key = if self.rng.random_ratio(1, 1_000) {
                format!("\"{key}\"")
            } else {
                key.to_string()
            };
            done.push(format!(r#"["{action}",{key},{value}]"#));
        }
        if self.rng.random_ratio(1, 300) {
            done.push(["5", r#"["add",1,2]"#, r#"["r",1]"#][self.rng.random_range(0..3)].into());
        }
        format!("[{}]", done.join(","))
    }

    /// The result of a read.
    fn read(&mut self, key: u32, stored: Vec<String>) -> String {
        let is_right = !self.percent(self.chaos);
        let is_list = self.objects == Objects::Lists;
        let is_null = is_list && stored.is_empty() && !self.percent(5);
        match self.objects {
            Objects::Registers if is_right => stored.last().cloned().unwrap_or("null".to_owned()),
            Objects::Registers => {
                let written = self.written.get(&key).copied().unwrap_or(0);
                match self.rng.random_range(0..=written) {
                    0 => "null".to_owned(),
                    value => value.to_string(),
                }
            }
            Objects::Lists if is_null => "null".to_owned(),
            Objects::Lists if is_right => format!("[{}]", stored.join(",")),
            Objects::Lists => self.wrong_list(key, stored),
        }
    }

    /// Usually an older list, or one that is out of order.
    fn wrong_list(&mut self, key: u32, mut list: Vec<String>) -> String {
        let any = |rng: &mut dyn Rng, length: usize| rng.random_range(0..length as u32) as usize;
        let written = self.written.get(&key).copied().unwrap_or(0);
        match self.rng.random_range(0..12) {
            0 => return "null".to_owned(),
            1 => list.clear(),
            2 | 3 if !list.is_empty() => {
                let (a, b) = (any(self.rng, list.len()), any(self.rng, list.len()));
                list.swap(a, b);
            }
            4 if !list.is_empty() => drop(list.remove(any(self.rng, list.len()))),
            5 if !list.is_empty() => list.push(list[any(self.rng, list.len())].clone()),
            // A requested element that may have failed, or is yet to come.
            6 | 7 if written > 0 => list.push(self.rng.random_range(1..=written).to_string()),
            8 if self.percent(10) => return "7".to_owned(),
            _ => list.truncate(any(self.rng, list.len() + 1)),
        }
        format!("[{}]", list.join(","))
    }
}
