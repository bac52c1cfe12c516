//! The linearizability search against a naive twin, which tries all orders, on small random
//! histories of three kinds of objects, with each strategy.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::hash::Hash;

use checkers::linearizability::{
    Attempt, CasRegister, Effort, Linearizability, RegisterOp, Specification, Strategy, TimedOp,
    linearize, linearize_with,
};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};

/// The number of histories of each object.
const HISTORIES: u64 = 6_000;

/// A queue.
struct Queue;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum QueueOp {
    Put(u8),
    /// `None` if the queue was empty.
    Take(Option<u8>),
}

impl Specification for Queue {
    type State = VecDeque<u8>;
    type Operation = QueueOp;

    fn initial(&self) -> VecDeque<u8> {
        VecDeque::new()
    }

    fn step(&self, state: &VecDeque<u8>, operation: &QueueOp) -> Option<VecDeque<u8>> {
        let mut state = state.clone();
        match operation {
            QueueOp::Put(value) => state.push_back(*value),
            QueueOp::Take(value) => {
                if state.pop_front() != *value {
                    return None;
                }
            }
        }
        Some(state)
    }

    fn is_read(&self, operation: &QueueOp) -> bool {
        *operation == QueueOp::Take(None)
    }
}

/// A counter that is read and incremented; an operation is the value that was read.
struct Ticket;

impl Specification for Ticket {
    type State = u8;
    type Operation = u8;

    fn initial(&self) -> u8 {
        0
    }

    fn step(&self, state: &u8, taken: &u8) -> Option<u8> {
        (state == taken).then(|| state + 1)
    }
}

/// Generates a few concurrent operations, some without an end.
fn ops<O>(rng: &mut dyn Rng, mut operation: impl FnMut(&mut dyn Rng) -> O) -> Vec<TimedOp<O>> {
    let count = rng.random_range(0..=8);
    let span = rng.random_range(1..=40);
    let op = |_| {
        let begin = rng.random_range(0..span);
        let end = begin + rng.random_range(0..=12);
        TimedOp {
            operation: operation(rng),
            begin,
            end: (!rng.random_ratio(1, 4)).then_some(end),
        }
    };
    (0..count).map(op).collect()
}

/// Whether some order explains all operations that ended, by trying each operation that no other
/// one must precede.
fn is_linearizable<P: Specification>(specification: &P, ops: &[TimedOp<P::Operation>]) -> bool {
    fn extend<P: Specification>(
        specification: &P,
        ops: &[TimedOp<P::Operation>],
        state: &P::State,
        is_left: &mut [bool],
    ) -> bool {
        let ended = |index: usize| ops[index].end;
        let left = |is_left: &[bool]| (0..ops.len()).filter(|it| is_left[*it]).collect::<Vec<_>>();
        if left(is_left).iter().all(|index| ended(*index).is_none()) {
            return true;
        }
        for index in left(is_left) {
            let is_preceded =
                |other: &usize| ended(*other).is_some_and(|end| end < ops[index].begin);
            if left(is_left).iter().any(is_preceded) {
                continue;
            }
            let Some(state) = specification.step(state, &ops[index].operation) else {
                continue;
            };
            is_left[index] = false;
            let found = extend(specification, ops, &state, is_left);
            is_left[index] = true;
            if found {
                return true;
            }
        }
        false
    }
    extend(
        specification,
        ops,
        &specification.initial(),
        &mut vec![true; ops.len()],
    )
}

/// Asserts that no operation of an order comes before one that ended before it began. Returns the
/// state after it.
fn follow<P>(specification: &P, ops: &[TimedOp<P::Operation>], order: &[usize]) -> P::State
where
    P: Specification,
{
    let mut state = specification.initial();
    for (index, op) in order.iter().enumerate() {
        for later in &order[index + 1..] {
            let is_late = ops[*later].end.is_some_and(|end| end < ops[*op].begin);
            assert!(!is_late && later != op, "{order:?}");
        }
        state = specification
            .step(&state, &ops[*op].operation)
            .expect("it fits");
    }
    state
}

/// Each strategy, and one with relaxed rules from the start.
fn efforts() -> [Effort; 4] {
    let effort = |strategy, first_turn| Effort {
        strategy,
        first_turn,
        ..Effort::default()
    };
    let mixed = Strategy::Mixed { narrow: 0, turn: 1 };
    [
        Effort::default(),
        effort(Strategy::Breadth, u64::MAX / 2),
        effort(Strategy::Depth, u64::MAX / 2),
        effort(mixed, 0),
    ]
}

/// Asserts that every effort gives the twin's answer, with valid evidence. Returns the answer.
fn check<P>(specification: &P, ops: &[TimedOp<P::Operation>]) -> bool
where
    P: Specification,
    P::State: Debug,
    P::Operation: Clone + Debug,
{
    let expected = is_linearizable(specification, ops);
    let mut violated = None;
    for effort in efforts() {
        let answer = linearize_with(effort, specification, ops, || true);
        let op = check_answer(specification, ops, expected, answer);
        assert_eq!(*violated.get_or_insert(op), op, "{effort:?}: {ops:?}");
    }
    expected
}

/// Asserts that the evidence is valid. Returns the operation that cannot be ordered, if any.
fn check_answer<P>(
    specification: &P,
    ops: &[TimedOp<P::Operation>],
    expected: bool,
    answer: Linearizability<P::State>,
) -> Option<usize>
where
    P: Specification,
    P::State: Debug,
    P::Operation: Clone + Debug,
{
    match answer {
        Linearizability::Linearizable { order } => {
            assert!(expected, "{ops:?}");
            follow(specification, ops, &order);
            let ended = (0..ops.len()).filter(|it| ops[*it].end.is_some());
            assert!(
                ended.clone().all(|op| order.contains(&op)),
                "{ops:?}: {order:?}"
            );
            None
        }
        Linearizability::Violated(violation) => {
            assert!(!expected, "{ops:?}");
            let end = ops[violation.op]
                .end
                .expect("only what ended must have a index");
            // Without what came later, all but this one can be ordered.
            let is_done = |op: &TimedOp<P::Operation>| op.end.is_some_and(|it| it < end);
            let open = |op: &TimedOp<P::Operation>| TimedOp {
                end: op.end.filter(|_| is_done(op)),
                ..op.clone()
            };
            let before: Vec<_> = ops.iter().filter(|it| it.begin <= end).map(open).collect();
            assert!(is_linearizable(specification, &before), "{ops:?}");
            assert!(!violation.attempts.is_empty());
            for Attempt {
                order,
                state,
                pending,
            } in &violation.attempts
            {
                assert_eq!(follow(specification, ops, order), *state, "{ops:?}");
                assert!(pending.contains(&violation.op) && !order.contains(&violation.op));
                let done = (0..ops.len()).filter(|it| is_done(&ops[*it]));
                assert!(
                    done.clone().all(|op| order.contains(&op)),
                    "{ops:?}: {order:?}"
                );
            }
            Some(violation.op)
        }
        Linearizability::Unfinished(unfinished) => panic!("nothing stopped it: {unfinished:?}"),
    }
}

/// Checks many histories, and that enough of them are linearizable and enough are not.
fn check_many<P>(specification: &P, mut operation: impl FnMut(&mut dyn Rng) -> P::Operation)
where
    P: Specification,
    P::State: Debug,
    P::Operation: Clone + Debug,
{
    let mut good = 0;
    for seed in 0..HISTORIES {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let ops = ops(&mut rng, &mut operation);
        good += u32::from(check(specification, &ops));
    }
    assert!(
        (600..5_400).contains(&good),
        "{good} of {HISTORIES} are linearizable"
    );
}

/// Registers with few and with many values, and with few and with many compare-and-sets.
#[test]
fn registers_are_judged_as_the_naive_twin_judges_them() {
    for (values, reads, writes) in [(3_u8, 1_u8, 1_u8), (4, 4, 4), (6, 2, 3), (3, 1, 5)] {
        check_many(&CasRegister::default(), |rng| {
            register_op(rng, values, reads, writes)
        });
    }
}

/// An operation on a register of one of these values, or of none.
fn register_op(rng: &mut dyn Rng, values: u8, reads: u8, writes: u8) -> RegisterOp<u8> {
    let mut value = || rng.random_range(0..values).checked_sub(1);
    let (from, to) = (value(), value());
    match rng.random_range(0..=reads + writes) {
        kind if kind < reads => RegisterOp::Read(to),
        kind if kind < reads + writes => RegisterOp::Write(to),
        _ => RegisterOp::Cas(from, to),
    }
}

fn queue_op(rng: &mut dyn Rng) -> QueueOp {
    let value = rng.random_range(0..3_u8);
    if rng.random() {
        QueueOp::Put(value)
    } else {
        QueueOp::Take(value.checked_sub(1))
    }
}

/// Asserts that the search and its twin agree on random operations of a random object.
#[allow(dead_code, reason = "the fuzz target `twins` calls it")]
pub fn compare_random(rng: &mut dyn Rng) {
    match rng.random_range(0..3_u8) {
        0 => {
            let ops = ops(rng, |rng| register_op(rng, 4, 3, 3));
            check(&CasRegister::default(), &ops)
        }
        1 => {
            let ops = ops(rng, queue_op);
            check(&Queue, &ops)
        }
        _ => {
            let ops = ops(rng, |rng| rng.random_range(0..5_u8));
            check(&Ticket, &ops)
        }
    };
}

#[test]
fn queues_are_judged_as_the_naive_twin_judges_them() {
    check_many(&Queue, queue_op);
}

#[test]
fn tickets_are_judged_as_the_naive_twin_judges_them() {
    check_many(&Ticket, |rng| rng.random_range(0..5_u8));
}

#[test]
fn a_configuration_reached_in_two_ways_is_expanded_once() {
    let op = |operation, begin, end| TimedOp {
        operation,
        begin,
        end: Some(end),
    };
    let ops = [
        op(RegisterOp::Read(Some(2)), 14, 26),
        op(RegisterOp::Write(Some(2)), 17, 24),
        op(RegisterOp::Write(Some(0)), 15, 17),
        op(RegisterOp::Read(Some(0)), 17, 23),
        op(RegisterOp::Cas(Some(2), None), 16, 19),
        op(RegisterOp::Write(Some(1)), 5, 16),
    ];
    assert!(check(&CasRegister::default(), &ops));
}

#[test]
fn a_stopped_search_reports_its_progress() {
    let op = |begin, end| TimedOp {
        operation: RegisterOp::Write(Some(begin)),
        begin,
        end: Some(end),
    };
    let ops = [op(0, 10), op(20, 30)];
    let mut steps = 0;
    let answer = linearize(&CasRegister::default(), &ops, || {
        steps += 1;
        steps <= 2
    });
    let Linearizability::Unfinished(unfinished) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!((unfinished.op, unfinished.explained), (1, 1));
    assert_eq!(unfinished.steps, 2);
    assert!(!unfinished.is_out_of_memory && unfinished.bytes > 0);
    let effort = Effort {
        max_bytes: 1,
        ..Effort::default()
    };
    let answer = linearize_with(effort, &CasRegister::default(), &ops, || true);
    assert!(matches!(answer, Linearizability::Unfinished(it) if it.is_out_of_memory));
}

/// Alternating writes and reads of five values, and in each of the first rounds a write and, if
/// `changes`, a compare-and-set without an end.
fn with_open_ends(rounds: u64, open: u64, changes: bool) -> Vec<TimedOp<RegisterOp<u64>>> {
    let mut ops = Vec::new();
    for round in 0..rounds {
        let mut op = |operation, begin, end: Option<u64>| {
            ops.push(TimedOp {
                operation,
                begin: 100 * round + begin,
                end: end.map(|end| 100 * round + end),
            });
        };
        let value = |ahead| Some((round + ahead) % 5);
        if round < open {
            op(RegisterOp::Write(value(0)), 0, None);
            if changes {
                op(RegisterOp::Cas(value(0), value(2)), 1, None);
            }
        }
        op(RegisterOp::Write(value(1)), 2, Some(50));
        // The read returns the value of the write without an end, if there is one.
        let seen = if round < open { value(0) } else { value(1) };
        op(RegisterOp::Read(seen), 60, Some(90));
    }
    ops
}

#[test]
fn operations_without_an_end_do_not_multiply_the_steps() {
    for (rounds, open, changes, max_steps) in
        [(400, 400, false, 50_000), (2_000, 10, true, 2_000_000)]
    {
        let ops = with_open_ends(rounds, open, changes);
        let mut steps = 0_u64;
        let answer = linearize(&CasRegister::default(), &ops, || {
            steps += 1;
            steps <= max_steps
        });
        let is_linearizable = matches!(answer, Linearizability::Linearizable { .. });
        assert!(is_linearizable, "{open} of {rounds} open, {steps} steps");
    }
}
