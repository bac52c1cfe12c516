//! The linearizability search on histories of many busy clients of a simulated register: it must
//! find an order, and refuse the history after one read is altered.

use checkers::linearizability::{
    CasRegister, Linearizability, RegisterOp, Specification, TimedOp, linearize,
};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

type Ops = Vec<TimedOp<RegisterOp<u32>>>;

/// The parameters of a generated history.
#[derive(Debug, Clone, Copy)]
struct Load {
    clients: usize,
    /// The number of operations of each client.
    operations: usize,
    values: u32,
    /// The percentage of operations that are indeterminate.
    indeterminate: u32,
}

/// A pending operation, and whether it has taken effect.
#[derive(Debug, Clone, Copy)]
struct UnderWay {
    client: usize,
    op: usize,
    is_done: bool,
}

/// Generates operations of clients on one register, each taking effect at some moment. A
/// compare-and-set that finds another value is left out.
fn generate(load: Load, rng: &mut ChaCha8Rng) -> Ops {
    let mut left = vec![load.operations; load.clients];
    let mut under_way: Vec<UnderWay> = Vec::new();
    let mut ops: Vec<Option<TimedOp<RegisterOp<u32>>>> = Vec::new();
    let mut register = None;
    for moment in 0.. {
        let is_idle = |client: &usize| !under_way.iter().any(|it| it.client == *client);
        let idle: Vec<_> = (0..load.clients)
            .filter(|client| left[*client] > 0)
            .filter(is_idle)
            .collect();
        if idle.is_empty() && under_way.is_empty() {
            break;
        }
        let is_busy = 10 * under_way.len() >= 9 * load.clients;
        if !idle.is_empty() && (!is_busy || rng.random_ratio(3, 10)) {
            let client = idle[rng.random_range(0..idle.len())];
            left[client] -= 1;
            under_way.push(UnderWay {
                client,
                op: ops.len(),
                is_done: false,
            });
            let mut value = || Some(rng.random_range(0..load.values));
            let (from, to) = (value(), value());
            let operation = match rng.random_range(0..3_u32) {
                0 => RegisterOp::Read(None),
                1 => RegisterOp::Write(to),
                _ => RegisterOp::Cas(from, to),
            };
            ops.push(Some(TimedOp {
                operation,
                begin: moment,
                end: None,
            }));
            continue;
        }
        if under_way.is_empty() {
            continue;
        }
        let index = rng.random_range(0..under_way.len());
        let UnderWay { op, is_done, .. } = under_way[index];
        if is_done {
            if let Some(op) = &mut ops[op] {
                op.end = Some(moment);
            }
            under_way.swap_remove(index);
            continue;
        }
        let is_indeterminate = rng.random_ratio(load.indeterminate, 100);
        if !is_indeterminate || rng.random() {
            let operation = ops[op].as_mut().map(|op| &mut op.operation);
            match operation {
                Some(RegisterOp::Read(seen)) => *seen = register,
                Some(RegisterOp::Write(to)) => register = *to,
                Some(RegisterOp::Cas(from, to)) if *from == register => register = *to,
                Some(RegisterOp::Cas(..)) if is_indeterminate => {}
                Some(RegisterOp::Cas(..)) | None => ops[op] = None,
            }
        }
        if is_indeterminate {
            under_way.swap_remove(index);
        } else {
            under_way[index].is_done = true;
        }
    }
    ops.into_iter().flatten().collect()
}

/// Changes the result of a read in the middle to another value that was written before.
fn alter(ops: &mut Ops, rng: &mut ChaCha8Rng) {
    let is_read = |op: &TimedOp<_>| matches!(op.operation, RegisterOp::Read(Some(_)));
    let middle = ops.len() / 3..2 * ops.len() / 3;
    let reads: Vec<_> = middle.filter(|index| is_read(&ops[*index])).collect();
    let index = reads[rng.random_range(0..reads.len())];
    let before = ops[..index].iter().filter_map(|op| match op.operation {
        RegisterOp::Write(value) => Some(value),
        RegisterOp::Read(_) | RegisterOp::Cas(..) => None,
    });
    let mut written: Vec<_> = before.collect();
    written.retain(|value| RegisterOp::Read(*value) != ops[index].operation);
    let value = written[rng.random_range(0..written.len())];
    ops[index].operation = RegisterOp::Read(value);
}

/// Asserts that an order has all operations that ended before `until`, each within its own time.
/// Returns the state after it.
fn follow(ops: &Ops, order: &[usize], until: u64) -> Option<u32> {
    let register = CasRegister::default();
    let mut is_missing: Vec<_> = ops
        .iter()
        .map(|op| op.end.is_some_and(|end| end < until))
        .collect();
    let mut is_new = vec![true; ops.len()];
    let (mut state, mut moment) = (None, 0);
    for index in order {
        let op = &ops[*index];
        moment = moment.max(op.begin);
        assert!(op.end.is_none_or(|end| moment <= end), "{index} is late");
        assert!(std::mem::take(&mut is_new[*index]), "{index} comes twice");
        is_missing[*index] = false;
        state = register.step(&state, &op.operation).expect("it fits");
    }
    assert!(!is_missing.contains(&true), "ops are missing");
    state
}

/// Whether there is an order. Asserts that the answer comes within a limit of steps, with valid
/// evidence.
fn is_linearizable(ops: &Ops, max_steps: u64) -> bool {
    let mut steps = 0;
    let answer = linearize(&CasRegister::default(), ops, || {
        steps += 1;
        steps <= max_steps
    });
    match answer {
        Linearizability::Linearizable { order } => {
            follow(ops, &order, u64::MAX);
            true
        }
        Linearizability::Violated(violation) => {
            let end = ops[violation.op].end.expect("it must have ended");
            assert!(!violation.attempts.is_empty());
            for attempt in &violation.attempts {
                assert_eq!(follow(ops, &attempt.order, end), attempt.state);
                assert!(attempt.pending.contains(&violation.op));
                assert!(attempt.pending.iter().all(|it| !attempt.order.contains(it)));
            }
            false
        }
        Linearizability::Unfinished(unfinished) => panic!("{unfinished:?}"),
    }
}

fn load(clients: usize, operations: usize, values: u32, indeterminate: u32) -> Load {
    Load {
        clients,
        operations,
        values,
        indeterminate,
    }
}

#[test]
fn histories_of_many_clients_are_linearized_quickly() {
    for load in [
        load(10, 300, 5, 5),
        load(20, 100, 5, 0),
        load(20, 100, 5, 5),
        load(20, 100, 20, 0),
        load(50, 60, 5, 0),
        load(50, 60, 1_000, 0),
        load(100, 30, 5, 0),
    ] {
        for seed in 0..3 {
            let ops = generate(load, &mut ChaCha8Rng::seed_from_u64(seed));
            assert!(is_linearizable(&ops, 2_000_000), "{load:?}, seed {seed}");
        }
    }
}

#[test]
fn an_altered_read_is_judged_quickly() {
    for (load, min) in [
        (load(5, 200, 5, 2), 1),
        (load(20, 100, 20, 0), 1),
        (load(20, 100, 1_000, 5), 4),
        (load(50, 40, 1_000, 0), 3),
    ] {
        let is_refused = |seed: &u64| {
            let mut rng = ChaCha8Rng::seed_from_u64(*seed);
            let mut ops = generate(load, &mut rng);
            alter(&mut ops, &mut rng);
            !is_linearizable(&ops, 4_000_000)
        };
        let refused = (0..6).filter(is_refused).count();
        assert!(refused >= min, "{load:?}: {refused} of 6");
    }
}

#[test]
fn a_read_of_a_value_never_written_is_refused_with_many_clients() {
    for load in [load(10, 300, 5, 5), load(50, 60, 5, 0)] {
        let mut ops = generate(load, &mut ChaCha8Rng::seed_from_u64(1));
        let end = ops.iter().filter_map(|op| op.end).max().unwrap_or(0);
        ops.push(TimedOp {
            operation: RegisterOp::Read(Some(load.values)),
            begin: end + 1,
            end: Some(end + 2),
        });
        assert!(!is_linearizable(&ops, 2_000_000), "{load:?}");
    }
}

#[test]
fn steps_grow_linearly_with_the_history() {
    for (load, max_steps) in [(load(5, 20_000, 5, 0), 8), (load(2, 10_000, 5, 0), 4)] {
        let ops = generate(load, &mut ChaCha8Rng::seed_from_u64(2));
        let max_steps = max_steps * ops.len() as u64;
        assert!(is_linearizable(&ops, max_steps), "{load:?}");
    }
}
