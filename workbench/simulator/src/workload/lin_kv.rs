//! lin-kv: registers, one per key, with read, write and compare-and-set.

use std::time::Duration;

use rand::RngExt;
use serde_json::value::RawValue;

use super::{Completion, Invocation, Session, Step, Turn, Workload};
use crate::options::Concurrency;
use crate::rng::SeededRng;
use crate::rpc::{Answer, ClientRequest, Field, FieldType, Rpc};
use checkers::WorkloadVerdict;
use history::{History, Kind, Value};

const KEY: Field = Field::new(
    "key",
    FieldType::Any,
    "0",
    "the register's name, an integer",
);

static READ: Rpc = Rpc {
    request: "read",
    meaning: "Reads a register; error 20 if it was never written. In this workload the clients' \
              timeout is ten times the mean latency, but at least 1 s.",
    arguments: &[KEY],
    response: "read_ok",
    response_fields: &[Field::new("value", FieldType::Any, "3", "its value")],
};

static WRITE: Rpc = Rpc {
    request: "write",
    meaning: "Writes a register.",
    arguments: &[
        KEY,
        Field::new("value", FieldType::Any, "3", "the new value, an integer"),
    ],
    response: "write_ok",
    response_fields: &[],
};

static CAS: Rpc = Rpc {
    request: "cas",
    meaning: "Compare and set: writes a new value if the register has the expected one. Error 22 \
              if it has another value, error 20 if it was never written.",
    arguments: &[
        KEY,
        Field::new("from", FieldType::Any, "3", "the expected value"),
        Field::new("to", FieldType::Any, "4", "the new value"),
    ],
    response: "cas_ok",
    response_fields: &[],
};

/// Values are 0 to 4: few, so that a compare-and-set often succeeds.
const VALUES: u64 = 5;

/// The number of processes that use a key before a new key replaces it. Each process with an
/// indeterminate operation makes all later checking of the key more expensive.
const MAX_PROCESSES: usize = 20;

/// The minimum timeout of clients.
const MIN_TIMEOUT: Duration = Duration::from_secs(1);

/// The workload. A group has two workers per node, and its own key. All workers of a group draw
/// from the same mix: in the first group half of the operations are reads, in all others one of
/// seven; of the rest a third are writes and two thirds compare-and-sets.
///
/// Maelstrom divides a group into readers and writers, but it counts readers from the first worker
/// of the run, so that only the first group has any. With readers in every group, a key on a single
/// node would have a single writer, and writes could never race: so all workers do both. Many reads
/// in one group find stale reads, many writes in the others find races.
#[derive(Debug)]
pub(super) struct LinKv {
    timeout: Duration,
    groups: Vec<Group>,
    /// By worker: the number of its indeterminate operations, each of which starts a new process.
    process_numbers: Vec<u64>,
    next_key: u64,
}

#[derive(Debug)]
struct Group {
    key: u64,
    /// The processes that have used the key, as worker and process number.
    processes: Vec<(usize, u64)>,
}

impl LinKv {
    /// A workload with a timeout of ten times the mean latency.
    pub(super) fn new(latency_ms: u32) -> Self {
        LinKv {
            timeout: (10 * Duration::from_millis(latency_ms.into())).max(MIN_TIMEOUT),
            groups: Vec::new(),
            process_numbers: Vec::new(),
            next_key: 0,
        }
    }

    /// The key of a worker's next operation.
    fn key(&mut self, turn: Turn) -> u64 {
        let size = 2 * turn.nodes;
        let (index, number) = (turn.worker / size, self.process_number(turn.worker));
        while self.groups.len() <= index {
            let group = self.new_group();
            self.groups.push(group);
        }
        let process = (turn.worker, number);
        if !self.groups[index].processes.contains(&process) {
            // A group may have more workers than MAX_PROCESSES.
            if self.groups[index].processes.len() >= MAX_PROCESSES.max(size) {
                self.groups[index] = self.new_group();
            }
            self.groups[index].processes.push(process);
        }
        self.groups[index].key
    }

    fn new_group(&mut self) -> Group {
        let key = self.next_key;
        self.next_key += 1;
        Group {
            key,
            processes: Vec::new(),
        }
    }

    fn process_number(&self, worker: usize) -> u64 {
        self.process_numbers.get(worker).copied().unwrap_or(0)
    }
}

impl Workload for LinKv {
    fn name(&self) -> &'static str {
        "lin-kv"
    }

    fn operations(&self) -> &'static [&'static str] {
        &["read", "write", "cas"]
    }

    fn check_workers(&self, nodes: usize, workers: usize) -> Result<(), String> {
        let size = 2 * nodes;
        if workers > 0 && workers.is_multiple_of(size) {
            return Ok(());
        }
        Err(format!(
            "lin-kv needs two workers per node or a multiple of that, {size}, {}, …, but there are \
             {workers}: set --concurrency 2n",
            2 * size
        ))
    }

    /// A random group with a free worker, and a random free worker of it, as in Maelstrom. With
    /// round-robin the same two workers of a small group would always alternate.
    fn choose_worker(
        &self,
        workers: usize,
        nodes: usize,
        is_free: &dyn Fn(usize) -> bool,
        rng: &mut SeededRng,
    ) -> Option<usize> {
        let size = 2 * nodes;
        let free = |group: usize| (group * size..(group + 1) * size).filter(|it| is_free(*it));
        let groups = (0..workers / size).filter(|group| free(*group).next().is_some());
        let group = any(groups, rng)?;
        any(free(group), rng)
    }

    fn next(&mut self, turn: Turn, rng: &mut SeededRng) -> Invocation {
        let key = self.key(turn);
        let is_first_group = turn.worker < 2 * turn.nodes;
        let (reads, writes, cas): (u32, u32, u32) =
            if is_first_group { (3, 1, 2) } else { (1, 2, 4) };
        let drawn = rng.random_range(0..reads + writes + cas);
        let mut value = || rng.random_range(0..VALUES);
        if drawn < reads {
            Invocation::new("read", history::json(&(key, ())))
        } else if drawn < reads + writes {
            Invocation::new("write", history::json(&(key, value())))
        } else {
            Invocation::new("cas", history::json(&(key, (value(), value()))))
        }
    }

    fn observe(&mut self, worker: usize, _: &'static str, kind: Kind, _: &Value) {
        if kind == Kind::Info {
            if self.process_numbers.len() <= worker {
                self.process_numbers.resize(worker + 1, 0);
            }
            self.process_numbers[worker] += 1;
        }
    }

    fn requests(&self) -> Vec<&'static Rpc> {
        vec![&READ, &WRITE, &CAS]
    }

    fn session(&self) -> Box<dyn Session> {
        Box::new(Client {
            timeout: self.timeout,
        })
    }

    fn keeps_clients(&self) -> bool {
        true
    }

    fn is_read_only(&self, f: &str) -> bool {
        f == "read"
    }

    fn check(&self, history: &History) -> WorkloadVerdict {
        checkers::lin_kv(history).into()
    }

    fn required_concurrency(&self) -> Option<Concurrency> {
        Some(Concurrency::PerNode(2))
    }

    /// A write: unlike reads and compare-and-sets it must always succeed.
    fn recovery_operation(&mut self, turn: Turn, _: &mut SeededRng) -> Invocation {
        Invocation::new("write", history::json(&(turn.worker, 0)))
    }
}

fn any(of: impl Iterator<Item = usize>, rng: &mut SeededRng) -> Option<usize> {
    let of: Vec<usize> = of.collect();
    let last = of.len().checked_sub(1)? as u64;
    Some(of[rng.random_range(0..=last) as usize])
}

struct Client {
    timeout: Duration,
}

/// The value of an operation: the key, and the argument.
fn parts(invocation: &Invocation) -> (u64, Box<RawValue>) {
    serde_json::from_str(invocation.value.get()).unwrap_or((0, history::null()))
}

impl Session for Client {
    fn begin(&mut self, invocation: &Invocation) -> Step {
        let (key, argument) = parts(invocation);
        let mut arguments = vec![("key", history::json(&key))];
        let rpc = match invocation.f {
            "read" => &READ,
            "write" => {
                arguments.push(("value", argument));
                &WRITE
            }
            _ => {
                let (from, to): (Box<RawValue>, Box<RawValue>) =
                    serde_json::from_str(argument.get())
                        .unwrap_or((history::null(), history::null()));
                arguments.extend([("from", from), ("to", to)]);
                &CAS
            }
        };
        Step::Send(ClientRequest {
            rpc,
            arguments,
            timeout: self.timeout,
        })
    }

    fn on_reply(&mut self, invocation: &Invocation, answer: &Answer<'_>) -> Step {
        if invocation.f != "read" {
            return Step::Done(Completion::done());
        }
        let (key, _) = parts(invocation);
        let value = history::json(&(key, answer.field("value")));
        Step::Done(Completion::ok(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::seeded;

    fn turn(worker: usize) -> Turn {
        Turn {
            worker,
            workers: 8,
            nodes: 2,
            at: Duration::ZERO,
        }
    }

    fn key(invocation: &Invocation) -> u64 {
        parts(invocation).0
    }

    #[test]
    fn all_workers_of_a_group_have_the_same_mix_and_the_first_group_reads_more() {
        let (mut workload, mut rng) = (LinKv::new(0), seeded(1));
        let mut counts = [[0_u32; 3]; 8];
        for _ in 0..4_000 {
            for (worker, counts) in counts.iter_mut().enumerate() {
                let operation = workload.next(turn(worker), &mut rng);
                assert_eq!(key(&operation), worker as u64 / 4);
                let index = ["read", "write", "cas"]
                    .iter()
                    .position(|f| *f == operation.f);
                counts[index.unwrap()] += 1;
            }
        }
        for (worker, counts) in counts.into_iter().enumerate() {
            let expected = if worker < 4 {
                [2_000, 667, 1_333]
            } else {
                [571, 1_143, 2_286]
            };
            let is_near = (0..3).all(|it| counts[it].abs_diff(expected[it]) < 150);
            assert!(is_near, "worker {worker}: {counts:?}");
        }
    }

    #[test]
    fn on_one_node_each_two_workers_are_a_group() {
        let (mut workload, mut rng) = (LinKv::new(0), seeded(1));
        let one_node = |worker| Turn {
            nodes: 1,
            ..turn(worker)
        };
        let keys = [0, 1, 2, 3, 4].map(|it| key(&workload.next(one_node(it), &mut rng)));
        assert_eq!(keys, [0, 0, 1, 1, 2]);
        // Half of the first group's operations are reads, one of seven in the others.
        for (worker, expected) in [(1, 500_u32), (2, 143)] {
            let drawn = (0..1_000).map(|_| workload.next(one_node(worker), &mut rng));
            let reads = drawn.filter(|it| it.f == "read").count() as u32;
            assert!(reads.abs_diff(expected) < 60, "worker {worker}: {reads}");
        }
    }

    #[test]
    fn groups_with_a_free_worker_are_equally_likely_to_be_next() {
        let (workload, mut rng) = (LinKv::new(0), seeded(1));
        let mut counts = [0_u32; 8];
        for _ in 0..3_000 {
            let is_free = |worker| {
                assert!(worker < 8);
                [1, 4, 6].contains(&worker)
            };
            let chosen = workload.choose_worker(8, 2, &is_free, &mut rng);
            counts[chosen.unwrap()] += 1;
        }
        let near = |worker: usize, expected: u32| counts[worker].abs_diff(expected) < 150;
        assert!(near(1, 1_500) && near(4, 750) && near(6, 750), "{counts:?}");
        assert_eq!(
            counts.iter().sum::<u32>(),
            counts[1] + counts[4] + counts[6]
        );
        assert_eq!(workload.choose_worker(8, 2, &|_| false, &mut rng), None);
    }

    #[test]
    fn after_twenty_processes_a_group_takes_the_next_key() {
        let (mut workload, mut rng) = (LinKv::new(0), seeded(1));
        let mut keys = Vec::new();
        for _ in 0..41 {
            keys.push(key(&workload.next(turn(3), &mut rng)));
            // After `ok` and `fail` the process stays the same.
            workload.observe(3, "cas", Kind::Fail, &Value::nil());
            keys.push(key(&workload.next(turn(3), &mut rng)));
            workload.observe(3, "cas", Kind::Info, &Value::nil());
        }
        let counts: Vec<_> = (0..3)
            .map(|key| keys.iter().filter(|it| **it == key).count())
            .collect();
        assert_eq!(counts, [40, 40, 2]);
        assert_eq!(
            key(&workload.next(turn(4), &mut rng)),
            3,
            "a key of the other group's own"
        );
    }

    #[test]
    fn a_group_may_have_more_workers_than_processes_per_key() {
        let (mut workload, mut rng) = (LinKv::new(0), seeded(1));
        for worker in (0..50).chain(0..50) {
            let turn = Turn {
                worker,
                workers: 50,
                nodes: 25,
                at: Duration::ZERO,
            };
            assert_eq!(key(&workload.next(turn, &mut rng)), 0);
        }
    }

    #[test]
    fn the_timeout_is_ten_times_the_latency_but_at_least_a_second() {
        assert_eq!(LinKv::new(0).timeout, Duration::from_secs(1));
        assert_eq!(LinKv::new(200).timeout, Duration::from_secs(2));
    }

    #[test]
    fn the_number_of_workers_must_fit() {
        let workload = LinKv::new(0);
        for (nodes, workers, fits) in [(5, 10, true), (5, 20, true), (5, 5, false), (1, 0, false)] {
            assert_eq!(
                workload.check_workers(nodes, workers).is_ok(),
                fits,
                "{nodes} {workers}"
            );
        }
    }
}
