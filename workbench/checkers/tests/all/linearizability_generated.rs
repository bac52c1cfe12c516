//! The search for an order on histories of many clients that are always busy, from a simulated
//! register: what it must find, and where one read is altered, what it must refuse.

use checkers::linearizability::{
    Call, CasRegister, Linearizability, RegisterOp, Specification, linearize,
};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

type Calls = Vec<Call<RegisterOp<u32>>>;

/// What the histories are like.
#[derive(Debug, Clone, Copy)]
struct Kind {
    clients: usize,
    /// Operations of each client.
    operations: usize,
    values: u32,
    /// So many of a hundred operations end in doubt.
    in_doubt: u32,
}

/// An operation under way: a call, and whether it has taken effect.
#[derive(Debug, Clone, Copy)]
struct UnderWay {
    client: usize,
    call: usize,
    is_done: bool,
}

/// Clients that call one register, each call taking effect at some moment. Changes on condition
/// that find another value are left out.
fn generate(kind: Kind, rng: &mut ChaCha8Rng) -> Calls {
    let mut left = vec![kind.operations; kind.clients];
    let mut under_way: Vec<UnderWay> = Vec::new();
    let mut calls: Vec<Option<Call<RegisterOp<u32>>>> = Vec::new();
    let mut register = None;
    for moment in 0.. {
        let is_idle = |client: &usize| !under_way.iter().any(|it| it.client == *client);
        let idle: Vec<_> = (0..kind.clients)
            .filter(|client| left[*client] > 0)
            .filter(is_idle)
            .collect();
        if idle.is_empty() && under_way.is_empty() {
            break;
        }
        let is_busy = 10 * under_way.len() >= 9 * kind.clients;
        if !idle.is_empty() && (!is_busy || rng.random_ratio(3, 10)) {
            let client = idle[rng.random_range(0..idle.len())];
            left[client] -= 1;
            under_way.push(UnderWay {
                client,
                call: calls.len(),
                is_done: false,
            });
            let mut value = || Some(rng.random_range(0..kind.values));
            let (from, to) = (value(), value());
            let operation = match rng.random_range(0..3_u32) {
                0 => RegisterOp::Read(None),
                1 => RegisterOp::Write(to),
                _ => RegisterOp::Cas(from, to),
            };
            calls.push(Some(Call {
                operation,
                begin: moment,
                end: None,
            }));
            continue;
        }
        if under_way.is_empty() {
            continue;
        }
        let place = rng.random_range(0..under_way.len());
        let UnderWay { call, is_done, .. } = under_way[place];
        if is_done {
            if let Some(call) = &mut calls[call] {
                call.end = Some(moment);
            }
            under_way.swap_remove(place);
            continue;
        }
        let is_in_doubt = rng.random_ratio(kind.in_doubt, 100);
        if !is_in_doubt || rng.random() {
            let operation = calls[call].as_mut().map(|call| &mut call.operation);
            match operation {
                Some(RegisterOp::Read(seen)) => *seen = register,
                Some(RegisterOp::Write(to)) => register = *to,
                Some(RegisterOp::Cas(from, to)) if *from == register => register = *to,
                Some(RegisterOp::Cas(..)) if is_in_doubt => {}
                Some(RegisterOp::Cas(..)) | None => calls[call] = None,
            }
        }
        if is_in_doubt {
            under_way.swap_remove(place);
        } else {
            under_way[place].is_done = true;
        }
    }
    calls.into_iter().flatten().collect()
}

/// Has a read in the middle show another value that was written at some time before.
fn alter(calls: &mut Calls, rng: &mut ChaCha8Rng) {
    let is_read = |call: &Call<_>| matches!(call.operation, RegisterOp::Read(Some(_)));
    let middle = calls.len() / 3..2 * calls.len() / 3;
    let reads: Vec<_> = middle.filter(|place| is_read(&calls[*place])).collect();
    let place = reads[rng.random_range(0..reads.len())];
    let before = calls[..place]
        .iter()
        .filter_map(|call| match call.operation {
            RegisterOp::Write(value) => Some(value),
            RegisterOp::Read(_) | RegisterOp::Cas(..) => None,
        });
    let mut written: Vec<_> = before.collect();
    written.retain(|value| RegisterOp::Read(*value) != calls[place].operation);
    let value = written[rng.random_range(0..written.len())];
    calls[place].operation = RegisterOp::Read(value);
}

/// Demands that an order leads to this state, with all calls that ended before `until` in it, each
/// at a moment of its own time.
fn follow(calls: &Calls, order: &[usize], until: u64) -> Option<u32> {
    let register = CasRegister::default();
    let mut is_missing: Vec<_> = calls
        .iter()
        .map(|call| call.end.is_some_and(|end| end < until))
        .collect();
    let mut is_new = vec![true; calls.len()];
    let (mut state, mut moment) = (None, 0);
    for place in order {
        let call = &calls[*place];
        moment = moment.max(call.begin);
        assert!(call.end.is_none_or(|end| moment <= end), "{place} is late");
        assert!(std::mem::take(&mut is_new[*place]), "{place} comes twice");
        is_missing[*place] = false;
        state = register.step(&state, &call.operation).expect("it fits");
    }
    assert!(!is_missing.contains(&true), "calls are missing");
    state
}

/// Demands an answer within so many steps, with proof of it: whether there is an order.
fn is_linearizable(calls: &Calls, most: u64) -> bool {
    let mut steps = 0;
    let answer = linearize(&CasRegister::default(), calls, || {
        steps += 1;
        steps <= most
    });
    match answer {
        Linearizability::Holds { order } => {
            follow(calls, &order, u64::MAX);
            true
        }
        Linearizability::Violated(violation) => {
            let end = calls[violation.call].end.expect("it must have ended");
            assert!(!violation.attempts.is_empty());
            for attempt in &violation.attempts {
                assert_eq!(follow(calls, &attempt.order, end), attempt.state);
                assert!(attempt.pending.contains(&violation.call));
                assert!(attempt.pending.iter().all(|it| !attempt.order.contains(it)));
            }
            false
        }
        Linearizability::Unfinished(unfinished) => panic!("{unfinished:?}"),
    }
}

fn kind(clients: usize, operations: usize, values: u32, in_doubt: u32) -> Kind {
    Kind {
        clients,
        operations,
        values,
        in_doubt,
    }
}

#[test]
fn what_a_register_did_for_many_clients_is_found_soon() {
    for kind in [
        kind(10, 300, 5, 5),
        kind(20, 100, 5, 0),
        kind(20, 100, 5, 5),
        kind(20, 100, 20, 0),
        kind(50, 60, 5, 0),
        kind(50, 60, 1_000, 0),
        kind(100, 30, 5, 0),
    ] {
        for seed in 0..3 {
            let calls = generate(kind, &mut ChaCha8Rng::seed_from_u64(seed));
            assert!(is_linearizable(&calls, 2_000_000), "{kind:?}, seed {seed}");
        }
    }
}

#[test]
fn a_read_of_another_value_is_judged_soon() {
    for (kind, fewest) in [
        (kind(5, 200, 5, 2), 1),
        (kind(20, 100, 20, 0), 1),
        (kind(20, 100, 1_000, 5), 4),
        (kind(50, 40, 1_000, 0), 3),
    ] {
        let is_refused = |seed: &u64| {
            let mut rng = ChaCha8Rng::seed_from_u64(*seed);
            let mut calls = generate(kind, &mut rng);
            alter(&mut calls, &mut rng);
            !is_linearizable(&calls, 4_000_000)
        };
        let refused = (0..6).filter(is_refused).count();
        assert!(refused >= fewest, "{kind:?}: {refused} of 6");
    }
}

#[test]
fn a_read_of_what_was_never_written_is_refused_however_many_clients_there_are() {
    for kind in [kind(10, 300, 5, 5), kind(50, 60, 5, 0)] {
        let mut calls = generate(kind, &mut ChaCha8Rng::seed_from_u64(1));
        let end = calls.iter().filter_map(|call| call.end).max().unwrap_or(0);
        calls.push(Call {
            operation: RegisterOp::Read(Some(kind.values)),
            begin: end + 1,
            end: Some(end + 2),
        });
        assert!(!is_linearizable(&calls, 2_000_000), "{kind:?}");
    }
}

#[test]
fn long_histories_take_steps_in_proportion() {
    for (kind, most) in [(kind(5, 20_000, 5, 0), 8), (kind(2, 10_000, 5, 0), 4)] {
        let calls = generate(kind, &mut ChaCha8Rng::seed_from_u64(2));
        let most = most * calls.len() as u64;
        assert!(is_linearizable(&calls, most), "{kind:?}");
    }
}
