//! lin-kv: registers, one for each key, that can be read, written, and changed on condition.

use std::time::Duration;

use rand::RngExt;
use serde_json::value::RawValue;

use super::{Completion, Evidence, Invocation, Session, Step, Turn, Workload};
use crate::options::Concurrency;
use crate::rng::SeededRng;
use crate::rpc::{Answer, ClientRequest, Field, FieldType, Rpc};
use checkers::Verdict;
use history::{History, Kind};

const KEY: Field = Field::new(
    "key",
    FieldType::Any,
    "0",
    "the register's name, an integer",
);

static READ: Rpc = Rpc {
    request: "read",
    meaning: "What a register holds; error 20 if it was never written. In this workload clients \
              wait for ten times the mean latency, but for one second at least.",
    arguments: &[KEY],
    response: "read_ok",
    fields: &[Field::new("value", FieldType::Any, "3", "what it holds")],
};

static WRITE: Rpc = Rpc {
    request: "write",
    meaning: "A register holds this from now on.",
    arguments: &[
        KEY,
        Field::new(
            "value",
            FieldType::Any,
            "3",
            "what it is to hold, an integer",
        ),
    ],
    response: "write_ok",
    fields: &[],
};

static CAS: Rpc = Rpc {
    request: "cas",
    meaning: "Compare and set: a register holds something new, if it holds what is expected. Error \
              22 if it holds something else, error 20 if it was never written.",
    arguments: &[
        KEY,
        Field::new("from", FieldType::Any, "3", "what it must hold"),
        Field::new("to", FieldType::Any, "4", "what it is to hold then"),
    ],
    response: "cas_ok",
    fields: &[],
};

/// Values are 0 to 4: few, so that a compare-and-set finds what it compares with now and then.
const VALUES: u64 = 5;

/// How many processes touch a key before another takes its place. Every one whose operation was
/// lost track of makes checking harder for as long as the key is in use.
const MAX_PROCESSES: usize = 20;

/// How long a client waits at least.
const MIN_TIMEOUT: Duration = Duration::from_secs(1);

/// The workload. A group has two workers for each node, and a key of its own. All workers of a group
/// draw from the same mix: in the first group half of the operations are reads, in all others one of
/// seven, and of the rest a third are writes and two thirds compare and set.
///
/// Maelstrom divides a group into readers and writers, but for the readers it counts workers from
/// the first one of the run, so that only the first group has any. With readers in every group, a
/// key on one node would have a single writer, and no write could race with another: so all workers
/// do both. Many reads in one group find old reads, many changes in the others find races.
#[derive(Debug)]
pub(super) struct LinKv {
    timeout: Duration,
    groups: Vec<Group>,
    /// By worker: how many operations it has lost track of, and so been somebody else since.
    incarnations: Vec<u64>,
    next_key: u64,
}

#[derive(Debug)]
struct Group {
    key: u64,
    /// Who has touched the key: worker and life.
    processes: Vec<(usize, u64)>,
}

impl LinKv {
    /// With clients who wait ten times as long as messages take on average.
    pub(super) fn new(latency_ms: u32) -> Self {
        LinKv {
            timeout: (10 * Duration::from_millis(latency_ms.into())).max(MIN_TIMEOUT),
            groups: Vec::new(),
            incarnations: Vec::new(),
            next_key: 0,
        }
    }

    /// The key that a worker's operation is on.
    fn key(&mut self, turn: Turn) -> u64 {
        let size = 2 * turn.nodes;
        let (index, incarnation) = (turn.worker / size, self.incarnation(turn.worker));
        while self.groups.len() <= index {
            let group = self.new_group();
            self.groups.push(group);
        }
        let process = (turn.worker, incarnation);
        if !self.groups[index].processes.contains(&process) {
            // A group of more than the usual number must be able to work, too.
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

    fn incarnation(&self, worker: usize) -> u64 {
        self.incarnations.get(worker).copied().unwrap_or(0)
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
            "lin-kv needs two workers a node or a multiple of that, {size}, {}, …, and there are \
             {workers}: give --concurrency 2n",
            2 * size
        ))
    }

    /// Any group with a free worker, and any free worker of it, as in Maelstrom. In turn, the same
    /// two workers of a small group would always meet, after the same pause.
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

    fn observe(&mut self, worker: usize, _: &'static str, kind: Kind, _: &RawValue) {
        if kind == Kind::Info {
            if self.incarnations.len() <= worker {
                self.incarnations.resize(worker + 1, 0);
            }
            self.incarnations[worker] += 1;
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

    fn is_idempotent(&self, f: &str) -> bool {
        f == "read"
    }

    fn check(&self, history: &History) -> Verdict {
        checkers::lin_kv(history)
    }

    fn evidence(&self) -> Evidence {
        Evidence::Registers
    }

    fn required_concurrency(&self) -> Option<Concurrency> {
        Some(Concurrency::PerNode(2))
    }

    /// Of all that can be done to a register, a write alone cannot be refused for good reason.
    fn after_recovery(&mut self, turn: Turn, _: &mut SeededRng) -> Invocation {
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

/// An operation's value: the key, and what else it needs.
fn parts(invocation: &Invocation) -> (u64, Box<RawValue>) {
    serde_json::from_str(invocation.value.get()).unwrap_or((0, history::null()))
}

impl Session for Client {
    fn begin(&mut self, invocation: &Invocation) -> Step {
        let (key, argument) = parts(invocation);
        let mut fields = vec![("key", history::json(&key))];
        let rpc = match invocation.f {
            "read" => &READ,
            "write" => {
                fields.push(("value", argument));
                &WRITE
            }
            _ => {
                let (from, to): (Box<RawValue>, Box<RawValue>) =
                    serde_json::from_str(argument.get())
                        .unwrap_or((history::null(), history::null()));
                fields.extend([("from", from), ("to", to)]);
                &CAS
            }
        };
        Step::Send(ClientRequest {
            rpc,
            fields,
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
    fn all_workers_of_a_group_draw_alike_and_those_of_the_first_read_more() {
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
    fn any_group_with_a_free_worker_is_next_however_many_of_it_are_free() {
        let (workload, mut rng) = (LinKv::new(0), seeded(1));
        let mut counts = [0_u32; 8];
        for _ in 0..3_000 {
            let is_free = |worker| [1, 4, 6].contains(&worker);
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
            // What fails or succeeds leaves the process as it is.
            workload.observe(3, "cas", Kind::Fail, RawValue::NULL);
            keys.push(key(&workload.next(turn(3), &mut rng)));
            workload.observe(3, "cas", Kind::Info, RawValue::NULL);
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
    fn a_cluster_of_any_size_can_be_worked_on() {
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
    fn clients_wait_a_second_or_ten_times_as_long_as_messages_take() {
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
