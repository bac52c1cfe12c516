//! Small random histories of a few clients, a few keys, and a service with faults.

use std::collections::BTreeMap;
use std::fmt::Write;

use history::History;
use rand::{Rng, RngExt};

/// The frequency of faults.
#[derive(Debug, Clone, Copy)]
pub enum Faults {
    /// No faults.
    None,
    /// Rare faults.
    Rare,
    /// Frequent faults.
    Frequent,
}

const KEYS: [&str; 3] = ["7", "8", "9"];
const WORKERS: u64 = 3;

/// A history of a service with these faults.
pub fn history(rng: &mut dyn Rng, faults: Faults) -> History {
    let mut service = Service {
        rng,
        faults,
        logs: [const { Vec::new() }; 3],
        next: [0; 3],
        clients: (0..WORKERS)
            .map(|number| (number, Client::default()))
            .collect(),
        numbers: (0..WORKERS).collect(),
        lines: String::new(),
        index: 0,
        time: 0,
    };
    for _ in 0..service.rng.random_range(0..50) {
        service.act();
    }
    History::read_json(service.lines.as_bytes()).unwrap()
}

/// A client's pending operation, and its position in the keys assigned to it.
#[derive(Default)]
struct Client {
    begun: Option<(&'static str, String)>,
    next: BTreeMap<usize, usize>,
}

struct Service<'a> {
    rng: &'a mut dyn Rng,
    faults: Faults,
    /// Offset and message of each entry.
    logs: [Vec<(i64, String)>; 3],
    /// The next message of each key.
    next: [u32; 3],
    clients: BTreeMap<u64, Client>,
    /// The process of each worker.
    numbers: Vec<u64>,
    lines: String,
    index: usize,
    time: u64,
}

impl Service<'_> {
    /// Whether a fault occurs; with frequent faults, `rarity` is the number of chances per fault.
    fn has_fault(&mut self, rarity: u32) -> bool {
        let rarity = match self.faults {
            Faults::None => return false,
            Faults::Rare => rarity * 12,
            Faults::Frequent => rarity,
        };
        self.rng.random_ratio(1, rarity)
    }

    fn one_in(&mut self, times: u32) -> bool {
        self.rng.random_ratio(1, times)
    }

    fn write(&mut self, kind: &str, process: u64, f: &str, value: &str) {
        self.time += self.rng.random_range(0..4);
        let (index, time) = (self.index, self.time);
        let head = format!(r#""index":{index},"time":{time},"type":"{kind}""#);
        let line = format!(r#"{{{head},"process":{process},"f":"{f}","value":{value}}}"#);
        writeln!(self.lines, "{line}").unwrap();
        self.index += 1;
    }

    /// A worker invokes an operation, or completes one.
    fn act(&mut self) {
        let worker = self.rng.random_range(0..self.numbers.len());
        let process = self.numbers[worker];
        let client = self.clients.entry(process).or_default();
        let (f, value) = match client.begun.take() {
            None => {
                let (f, value) = self.choose();
                self.write("invoke", process, f, &value);
                if !self.has_fault(60) {
                    self.clients.entry(process).or_default().begun = Some((f, value));
                    return;
                }
                // It completes a second time without an invocation in between.
                (f, value)
            }
            Some(begun) => begun,
        };
        let kind = match f {
            "crash" => "info",
            _ => *["ok", "ok", "ok", "ok", "ok", "ok", "info", "fail"]
                .get(self.rng.random_range(0..8_usize))
                .unwrap(),
        };
        let value = self.end(process, kind, f, value);
        self.write(kind, process, f, &value);
        if kind == "info" && !self.has_fault(2) {
            self.numbers[worker] = process + WORKERS;
        }
    }

    /// An operation and its value.
    fn choose(&mut self) -> (&'static str, String) {
        match self.rng.random_range(0..20) {
            0..8 => {
                let send = self.choose_send();
                ("send", format!("[{send}]"))
            }
            8..16 => ("poll", r#"[["poll"]]"#.to_owned()),
            16..18 => {
                let mut keys: Vec<String> = KEYS.iter().map(|key| format!("{key:?}")).collect();
                keys.retain(|_| self.rng.random_ratio(2, 3));
                if self.one_in(2) {
                    keys.reverse();
                }
                ("assign", format!("[{}]", keys.join(",")))
            }
            18 => ("crash", "null".to_owned()),
            _ => match self.faults {
                Faults::None => ("poll", r#"[["poll"]]"#.to_owned()),
                Faults::Rare | Faults::Frequent => {
                    let sends: Vec<_> = (0..self.rng.random_range(0..4))
                        .map(|_| self.choose_send() + ",")
                        .collect();
                    ("txn", format!(r#"[{}["poll"]]"#, sends.concat()))
                }
            },
        }
    }

    fn choose_send(&mut self) -> String {
        let key = self.rng.random_range(0..KEYS.len());
        if !self.has_fault(12) {
            self.next[key] += 1;
        }
        let message = match self.next[key] {
            3 => r#"{"a":1,"b":"3"}"#.to_owned(),
            4 => r#""4""#.to_owned(),
            number => number.to_string(),
        };
        format!(r#"["send","{}",{message}]"#, KEYS[key])
    }

    /// The value of a completion.
    fn end(&mut self, process: u64, kind: &str, f: &'static str, value: String) -> String {
        if f == "crash" {
            return value;
        }
        if self.has_fault(300) {
            return "5".to_owned();
        }
        if f == "assign" {
            if kind == "ok" {
                self.assign(process, &value);
            }
            return value;
        }
        let parts: Vec<serde_json::Value> = serde_json::from_str(&value).unwrap();
        let ended = parts.iter().map(|part| {
            if part[0] == "send" {
                let key = KEYS.iter().position(|key| part[1] == *key).unwrap();
                self.end_send(kind, key, &part[2].to_string())
            } else {
                self.end_poll(process, kind)
            }
        });
        let ended: Vec<_> = ended.collect();
        format!("[{}]", ended.join(","))
    }

    fn assign(&mut self, process: u64, value: &str) {
        let keys: Vec<String> = serde_json::from_str(value).unwrap();
        let client = self.clients.entry(process).or_default();
        let next = keys.iter().map(|key| {
            let key = KEYS.iter().position(|it| it == key).unwrap();
            (key, client.next.get(&key).copied().unwrap_or(0))
        });
        client.next = next.collect();
    }

    fn end_send(&mut self, kind: &str, key: usize, message: &str) -> String {
        let takes_effect = match kind {
            "ok" => !self.has_fault(12),
            "info" => self.one_in(2),
            _ => self.has_fault(6),
        };
        let last = self.logs[key].last().map_or(-1, |(offset, _)| *offset);
        let mut offset = last + 1 + i64::from(self.rng.random_range(0..3_u32));
        if self.has_fault(10) {
            offset = self.rng.random_range(0..8_u32).into();
        }
        if takes_effect {
            self.logs[key].push((offset, message.to_owned()));
            if self.has_fault(15) {
                self.logs[key].push((offset + 1, message.to_owned()));
            }
            let is_messy = self.has_fault(3);
            if !is_messy {
                self.logs[key].sort_by_key(|(offset, _)| *offset);
            }
        }
        let key = KEYS[key];
        let has_offset = kind == "ok" || (takes_effect && kind == "info" && self.one_in(4));
        if has_offset && !self.has_fault(30) {
            format!(r#"["send","{key}",[{offset},{message}]]"#)
        } else if kind == "ok" {
            format!(r#"["send","{key}",[null,{message}]]"#)
        } else {
            format!(r#"["send","{key}",{message}]"#)
        }
    }

    fn end_poll(&mut self, process: u64, kind: &str) -> String {
        if kind != "ok" && !self.has_fault(2) {
            return r#"["poll"]"#.to_owned();
        }
        let mut keys = Vec::new();
        let mut next = self.clients.entry(process).or_default().next.clone();
        if self.has_fault(6) {
            next.insert(self.rng.random_range(0..KEYS.len()), 0);
        }
        for (key, mut from) in next {
            if self.has_fault(8) {
                from = self.rng.random_range(0..6);
            }
            let count = self.rng.random_range(0..4);
            let entries = self.logs[key].iter().skip(from).take(count).cloned();
            let mut entries: Vec<_> = entries.collect();
            from += entries.len();
            self.corrupt(&mut entries);
            if kind == "ok" {
                self.clients
                    .entry(process)
                    .or_default()
                    .next
                    .insert(key, from);
            }
            if !entries.is_empty() || self.has_fault(30) {
                let pairs = entries
                    .iter()
                    .map(|(offset, message)| format!("[{offset},{message}]"));
                let pairs: Vec<_> = pairs.collect();
                keys.push(format!("{:?}:[{}]", KEYS[key], pairs.join(",")));
            }
        }
        format!(r#"["poll",{{{}}}]"#, keys.join(","))
    }

    fn corrupt(&mut self, entries: &mut Vec<(i64, String)>) {
        if self.has_fault(8) {
            entries.reverse();
        }
        if entries.len() > 1 && self.has_fault(8) {
            entries.remove(1);
        }
        let (no_offset, no_message) = (self.has_fault(40), self.has_fault(80));
        if let Some((offset, message)) = entries.first_mut() {
            if no_offset {
                *offset = -1;
            }
            if no_message {
                "99".clone_into(message);
            }
        }
    }
}
