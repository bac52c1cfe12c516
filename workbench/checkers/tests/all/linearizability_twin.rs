//! The search for an order of calls against a naive twin, which tries all orders there are, on
//! small random histories of three kinds of objects. Each strategy is held to it.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::hash::Hash;

use checkers::linearizability::{
    Attempt, Call, CasRegister, Effort, Linearizability, RegisterOp, Specification, Strategy,
    linearize, linearize_with,
};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// How many histories of each object are tried.
const HISTORIES: u64 = 6_000;

/// A queue: `Some` puts a value in, `None` takes one out.
struct Queue;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum QueueOp {
    Put(u8),
    /// Nothing comes out of an empty queue.
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

/// A number that is taken and raised by one; a call is what it was.
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

/// A few calls that overlap, some of which have no end.
fn calls<O>(rng: &mut ChaCha8Rng, mut operation: impl FnMut(&mut ChaCha8Rng) -> O) -> Vec<Call<O>> {
    let count = rng.random_range(0..=8);
    let span = rng.random_range(1..=40);
    let call = |_| {
        let begin = rng.random_range(0..span);
        let end = begin + rng.random_range(0..=12);
        Call {
            operation: operation(rng),
            begin,
            end: (!rng.random_ratio(1, 4)).then_some(end),
        }
    };
    (0..count).map(call).collect()
}

/// Whether some order explains all calls that ended, by trying each call that nobody else must
/// precede.
fn holds<P: Specification>(specification: &P, calls: &[Call<P::Operation>]) -> bool {
    fn go_on<P: Specification>(
        specification: &P,
        calls: &[Call<P::Operation>],
        state: &P::State,
        is_left: &mut [bool],
    ) -> bool {
        let ended = |place: usize| calls[place].end;
        let left = |is_left: &[bool]| {
            (0..calls.len())
                .filter(|it| is_left[*it])
                .collect::<Vec<_>>()
        };
        if left(is_left).iter().all(|place| ended(*place).is_none()) {
            return true;
        }
        for place in left(is_left) {
            let is_preceded =
                |other: &usize| ended(*other).is_some_and(|end| end < calls[place].begin);
            if left(is_left).iter().any(is_preceded) {
                continue;
            }
            let Some(state) = specification.step(state, &calls[place].operation) else {
                continue;
            };
            is_left[place] = false;
            let found = go_on(specification, calls, &state, is_left);
            is_left[place] = true;
            if found {
                return true;
            }
        }
        false
    }
    go_on(
        specification,
        calls,
        &specification.initial(),
        &mut vec![true; calls.len()],
    )
}

/// Demands that calls in this order lead to this state, none before one that ended before it began.
fn follow<P>(specification: &P, calls: &[Call<P::Operation>], order: &[usize]) -> P::State
where
    P: Specification,
{
    let mut state = specification.initial();
    for (place, call) in order.iter().enumerate() {
        for later in &order[place + 1..] {
            let is_late = calls[*later]
                .end
                .is_some_and(|end| end < calls[*call].begin);
            assert!(!is_late && later != call, "{order:?}");
        }
        state = specification
            .step(&state, &calls[*call].operation)
            .expect("it fits");
    }
    state
}

/// Each strategy, and searches with relaxed rules from the start.
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

/// Demands the twin's answer, an order that can be followed, and a failure where it belongs.
fn check<P>(specification: &P, calls: &[Call<P::Operation>]) -> bool
where
    P: Specification,
    P::State: Debug,
    P::Operation: Clone + Debug,
{
    let expected = holds(specification, calls);
    let mut violated = None;
    for effort in efforts() {
        let answer = linearize_with(effort, specification, calls, || true);
        let call = check_answer(specification, calls, expected, answer);
        assert_eq!(*violated.get_or_insert(call), call, "{effort:?}: {calls:?}");
    }
    expected
}

/// Demands an order, or evidence that there is none: the call without a place.
fn check_answer<P>(
    specification: &P,
    calls: &[Call<P::Operation>],
    expected: bool,
    answer: Linearizability<P::State>,
) -> Option<usize>
where
    P: Specification,
    P::State: Debug,
    P::Operation: Clone + Debug,
{
    match answer {
        Linearizability::Holds { order } => {
            assert!(expected, "{calls:?}");
            follow(specification, calls, &order);
            let ended = (0..calls.len()).filter(|it| calls[*it].end.is_some());
            assert!(
                ended.clone().all(|call| order.contains(&call)),
                "{calls:?}: {order:?}"
            );
            None
        }
        Linearizability::Violated(violation) => {
            assert!(!expected, "{calls:?}");
            let end = calls[violation.call]
                .end
                .expect("only what ended must have a place");
            // Cut off there, all but this one can be put in order.
            let is_done = |call: &Call<P::Operation>| call.end.is_some_and(|it| it < end);
            let open = |call: &Call<P::Operation>| Call {
                end: call.end.filter(|_| is_done(call)),
                ..call.clone()
            };
            let before: Vec<_> = calls
                .iter()
                .filter(|it| it.begin <= end)
                .map(open)
                .collect();
            assert!(holds(specification, &before), "{calls:?}");
            assert!(!violation.attempts.is_empty());
            for Attempt {
                order,
                state,
                pending,
            } in &violation.attempts
            {
                assert_eq!(follow(specification, calls, order), *state, "{calls:?}");
                assert!(pending.contains(&violation.call) && !order.contains(&violation.call));
                let done = (0..calls.len()).filter(|it| is_done(&calls[*it]));
                assert!(
                    done.clone().all(|call| order.contains(&call)),
                    "{calls:?}: {order:?}"
                );
            }
            Some(violation.call)
        }
        Linearizability::Unfinished(unfinished) => panic!("nothing stopped it: {unfinished:?}"),
    }
}

/// Checks many histories; of both kinds there must be enough.
fn check_many<P>(specification: &P, mut operation: impl FnMut(&mut ChaCha8Rng) -> P::Operation)
where
    P: Specification,
    P::State: Debug,
    P::Operation: Clone + Debug,
{
    let mut good = 0;
    for seed in 0..HISTORIES {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let calls = calls(&mut rng, &mut operation);
        good += u32::from(check(specification, &calls));
    }
    assert!((600..5_400).contains(&good), "{good} of {HISTORIES} hold");
}

/// Registers of few and of many values, and with few and many changes on condition.
#[test]
fn registers_are_judged_as_the_naive_twin_judges_them() {
    for (values, reads, writes) in [(3_u8, 1_u8, 1_u8), (4, 4, 4), (6, 2, 3), (3, 1, 5)] {
        check_many(&CasRegister::default(), |rng| {
            let mut value = || rng.random_range(0..values).checked_sub(1);
            let (from, to) = (value(), value());
            match rng.random_range(0..=reads + writes) {
                kind if kind < reads => RegisterOp::Read(to),
                kind if kind < reads + writes => RegisterOp::Write(to),
                _ => RegisterOp::Cas(from, to),
            }
        });
    }
}

#[test]
fn queues_are_judged_as_the_naive_twin_judges_them() {
    check_many(&Queue, |rng| {
        let value = rng.random_range(0..3_u8);
        if rng.random() {
            QueueOp::Put(value)
        } else {
            QueueOp::Take(value.checked_sub(1))
        }
    });
}

#[test]
fn tickets_are_judged_as_the_naive_twin_judges_them() {
    check_many(&Ticket, |rng| rng.random_range(0..5_u8));
}

#[test]
fn a_configuration_that_is_reached_in_two_ways_is_expanded_once() {
    let call = |operation, begin, end| Call {
        operation,
        begin,
        end: Some(end),
    };
    let calls = [
        call(RegisterOp::Read(Some(2)), 14, 26),
        call(RegisterOp::Write(Some(2)), 17, 24),
        call(RegisterOp::Write(Some(0)), 15, 17),
        call(RegisterOp::Read(Some(0)), 17, 23),
        call(RegisterOp::Cas(Some(2), None), 16, 19),
        call(RegisterOp::Write(Some(1)), 5, 16),
    ];
    assert!(check(&CasRegister::default(), &calls));
}

#[test]
fn a_search_that_is_stopped_says_where_it_was() {
    let call = |begin, end| Call {
        operation: RegisterOp::Write(Some(begin)),
        begin,
        end: Some(end),
    };
    let calls = [call(0, 10), call(20, 30)];
    let mut steps = 0;
    let answer = linearize(&CasRegister::default(), &calls, || {
        steps += 1;
        steps <= 2
    });
    let Linearizability::Unfinished(unfinished) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!((unfinished.call, unfinished.explained), (1, 1));
    assert_eq!(unfinished.steps, 2);
    assert!(!unfinished.is_out_of_memory && unfinished.bytes > 0);
    let effort = Effort {
        max_bytes: 1,
        ..Effort::default()
    };
    let answer = linearize_with(effort, &CasRegister::default(), &calls, || true);
    assert!(matches!(answer, Linearizability::Unfinished(it) if it.is_out_of_memory));
}

/// Writes and reads of five values by turns, and for each of the first few a write and, if wanted,
/// a change on condition without an end.
fn with_open_ends(rounds: u64, open: u64, changes: bool) -> Vec<Call<RegisterOp<u64>>> {
    let mut calls = Vec::new();
    for round in 0..rounds {
        let mut call = |operation, begin, end: Option<u64>| {
            calls.push(Call {
                operation,
                begin: 100 * round + begin,
                end: end.map(|end| 100 * round + end),
            });
        };
        let value = |ahead| Some((round + ahead) % 5);
        if round < open {
            call(RegisterOp::Write(value(0)), 0, None);
            if changes {
                call(RegisterOp::Cas(value(0), value(2)), 1, None);
            }
        }
        call(RegisterOp::Write(value(1)), 2, Some(50));
        // What is read is what the write without an end has written, if there is one.
        let seen = if round < open { value(0) } else { value(1) };
        call(RegisterOp::Read(seen), 60, Some(90));
    }
    calls
}

#[test]
fn calls_without_an_end_do_not_multiply() {
    for (rounds, open, changes, most) in [(400, 400, false, 50_000), (2_000, 10, true, 2_000_000)] {
        let calls = with_open_ends(rounds, open, changes);
        let mut steps = 0_u64;
        let answer = linearize(&CasRegister::default(), &calls, || {
            steps += 1;
            steps <= most
        });
        let holds = matches!(answer, Linearizability::Holds { .. });
        assert!(holds, "{open} of {rounds} open, {steps} steps");
    }
}
