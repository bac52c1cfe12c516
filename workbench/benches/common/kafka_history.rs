//! A valid kafka history of any length: four workers, ten active keys, each of which is retired after
//! sixteen messages, half polls and half sends, some assigns and crashes, and final polls in which
//! every worker reads all messages.

use std::collections::BTreeMap;
use std::fmt::Write;

use history::History;
use rand::RngExt;
use simulator::rng::{SeededRng, seeded};

const WORKERS: usize = 4;
const KEYS: usize = 10;
const MESSAGES: usize = 16;

/// A worker's process, and the next message of each key assigned to it.
struct Worker {
    process: usize,
    next: BTreeMap<usize, usize>,
}

/// A history under construction.
struct Builder {
    rng: SeededRng,
    /// The distance between offsets.
    stride: u64,
    /// The number of messages of each key, retired or active.
    logs: Vec<usize>,
    active: [usize; KEYS],
    workers: Vec<Worker>,
    lines: String,
    index: usize,
}

/// A history with this many operations before the final polls.
pub fn kafka_history(operations: usize, stride: u64) -> History {
    let worker = |process| Worker {
        process,
        next: BTreeMap::new(),
    };
    let mut builder = Builder {
        rng: seeded(1),
        stride,
        logs: vec![0; KEYS],
        active: std::array::from_fn(|key| key),
        workers: (0..WORKERS).map(worker).collect(),
        lines: String::new(),
        index: 0,
    };
    for _ in 0..operations {
        builder.add_operation();
    }
    for worker in 0..WORKERS {
        builder.crash(worker);
        builder.assign(worker, (0..builder.logs.len()).collect());
        builder.poll(worker, usize::MAX);
    }
    History::read_json(builder.lines.as_bytes()).expect("the history is well-formed")
}

impl Builder {
    fn add_operation(&mut self) {
        let worker = self.rng.random_range(0..WORKERS as u32) as usize;
        let slot = self.rng.random_range(0..KEYS as u32) as usize;
        match self.rng.random_range(0..1_000_u32) {
            0..4 => self.crash(worker),
            4..20 => {
                let assigned = self.workers[worker].next.keys().copied();
                let mut keys: Vec<usize> = assigned.chain([self.active[slot]]).collect();
                let surplus = keys.len().saturating_sub(KEYS);
                keys.drain(..surplus);
                self.assign(worker, keys);
            }
            20..510 => self.send(worker, slot),
            _ => self.poll(worker, MESSAGES),
        }
    }

    fn crash(&mut self, worker: usize) {
        self.write(worker, ["invoke", "info"], "crash", ["null", "null"]);
        let worker = &mut self.workers[worker];
        worker.process += WORKERS;
        worker.next.clear();
    }

    fn assign(&mut self, worker: usize, keys: Vec<usize>) {
        let names: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
        let value = format!("[{}]", names.join(","));
        self.write(worker, ["invoke", "ok"], "assign", [&value, &value]);
        let next = &mut self.workers[worker].next;
        let kept = keys.into_iter();
        *next = kept
            .map(|key| (key, next.get(&key).copied().unwrap_or(0)))
            .collect();
    }

    fn send(&mut self, worker: usize, slot: usize) {
        if self.logs[self.active[slot]] == MESSAGES {
            self.active[slot] = self.logs.len();
            self.logs.push(0);
        }
        let key = self.active[slot];
        let offset = self.logs[key] as u64 * self.stride;
        self.logs[key] += 1;
        let message = self.logs[key];
        let invoked = format!(r#"[["send","{key}",{message}]]"#);
        let completed = format!(r#"[["send","{key}",[{offset},{message}]]]"#);
        self.write(worker, ["invoke", "ok"], "send", [&invoked, &completed]);
    }

    /// Polls at most `limit` messages of each key.
    fn poll(&mut self, worker: usize, limit: usize) {
        let mut keys = Vec::new();
        for (key, next) in &mut self.workers[worker].next {
            let end = self.logs[*key].min(next.saturating_add(limit));
            let pairs = (*next..end).map(|at| format!("[{},{}]", at as u64 * self.stride, at + 1));
            let pairs: Vec<String> = pairs.collect();
            if !pairs.is_empty() {
                keys.push(format!(r#""{key}":[{}]"#, pairs.join(",")));
            }
            *next = end;
        }
        let completed = format!(r#"[["poll",{{{}}}]]"#, keys.join(","));
        self.write(
            worker,
            ["invoke", "ok"],
            "poll",
            [r#"[["poll"]]"#, &completed],
        );
    }

    fn write(&mut self, worker: usize, kinds: [&str; 2], f: &str, values: [&str; 2]) {
        let process = self.workers[worker].process;
        for (kind, value) in kinds.into_iter().zip(values) {
            let (index, time) = (self.index, self.index * 1_000_000);
            let head = format!(r#""index":{index},"time":{time},"type":"{kind}""#);
            let line = format!(r#"{{{head},"process":{process},"f":"{f}","value":{value}}}"#);
            writeln!(self.lines, "{line}").expect("writing to a string does not fail");
            self.index += 1;
        }
    }
}
