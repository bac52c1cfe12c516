//! What the workload generates, and when its final phase ends.

use super::*;
use crate::rng::seeded;

fn turn(worker: usize, ms: u64) -> Turn {
    Turn {
        worker,
        workers: 3,
        nodes: 1,
        at: Duration::from_millis(ms),
    }
}

fn kafka() -> Kafka {
    Kafka::new(transactions::TxnParams::default())
}

#[test]
fn half_of_the_operations_send_and_one_in_64_assigns() {
    let (mut kafka, mut rng) = (kafka(), seeded(1));
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for ms in 0..64_000 {
        let operation = kafka.next(turn(0, ms), &mut rng);
        *counts.entry(operation.f).or_default() += 1;
    }
    let near = |f: &str, expected: u32| {
        let off = f64::from(counts[f]) / f64::from(expected);
        assert!((0.85..1.15).contains(&off), "{counts:?}");
    };
    near("assign", 1_000);
    near("send", 31_500);
    near("poll", 31_500);
    // Once in thirty seconds for each of three workers, and once at the start.
    assert!((4..=12).contains(&counts["crash"]), "{counts:?}");
}

#[test]
fn an_assignment_has_the_key_of_the_next_operation() {
    let (mut kafka, mut rng) = (kafka(), seeded(2));
    kafka.next_crash = Duration::MAX;
    let mut assigned: Option<Invocation> = None;
    let mut seen = 0;
    for _ in 0..10_000 {
        let operation = kafka.next(turn(0, 0), &mut rng);
        if operation.f == "send"
            && let Some(assign) = assigned.take()
        {
            let sends: Vec<(String, String, u64)> =
                serde_json::from_str(operation.value.get()).unwrap();
            assert_eq!(assign.value.get(), format!("[\"{}\"]", sends[0].1));
            seen += 1;
        }
        assigned = (operation.f == "assign").then_some(operation);
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn one_assignment_in_three_includes_all_keys_whose_end_was_not_polled() {
    let (mut kafka, mut rng) = (kafka(), seeded(3));
    kafka.next_crash = Duration::MAX;
    kafka.observe(
        0,
        "send",
        Kind::Ok,
        &Value::from_wire(r#"[["send","70",[5,1]]]"#),
    );
    kafka.observe(
        0,
        "send",
        Kind::Ok,
        &Value::from_wire(r#"[["send","80",[6,1]]]"#),
    );
    kafka.observe(
        0,
        "send",
        Kind::Info,
        &Value::from_wire(r#"[["send","90",1]]"#),
    );
    kafka.observe(
        0,
        "poll",
        Kind::Ok,
        &Value::from_wire(r#"[["poll",{"70":[[2,9],[3,9]],"80":[[6,1]]}]]"#),
    );
    let operations = (0..20_000).map(|_| kafka.next(turn(0, 0), &mut rng));
    let assigns: Vec<_> = operations.filter(|it| it.f == "assign").collect();
    let wide: Vec<_> = assigns
        .iter()
        .filter(|it| it.meta.unseen.is_some())
        .collect();
    let share = wide.len() as f64 / assigns.len() as f64;
    assert!((0.25..0.42).contains(&share), "{share}");
    for assign in wide {
        let unseen = Unseen { polled: 3, sent: 5 };
        assert_eq!(
            assign.meta.unseen,
            history::boxed_unless_empty(BTreeMap::from([("70".to_owned(), unseen)]))
        );
        let keys: Vec<String> = serde_json::from_str(assign.value.get()).unwrap();
        assert_eq!((keys.len(), &*keys[0]), (2, "70"));
    }
}

#[test]
fn a_message_at_offset_0_is_unseen_until_it_is_polled() {
    let mut kafka = kafka();
    let send = Value::from_wire(r#"[["send","7",[0,1]]]"#);
    kafka.observe(0, "send", Kind::Ok, &send);
    let unseen = Unseen {
        polled: -1,
        sent: 0,
    };
    assert_eq!(kafka.unseen.by_key(), [(7, unseen)]);
    let poll = Value::from_wire(r#"[["poll",{"7":[[0,1]]}]]"#);
    kafka.observe(0, "poll", Kind::Ok, &poll);
    assert_eq!(kafka.unseen.by_key(), []);
}

#[test]
fn the_final_phase_polls_until_the_ends_are_reached_or_ten_seconds_are_over() {
    let (mut kafka, mut rng) = (kafka(), seeded(4));
    kafka.observe(
        0,
        "send",
        Kind::Ok,
        &Value::from_wire(r#"[["send","7",[5,1]]]"#),
    );
    let mut f = |kafka: &mut Kafka, worker, ms| match kafka.next_final(turn(worker, ms), &mut rng) {
        FinalStep::Invoke(it) => format!("{} {}", it.f, it.value),
        FinalStep::Wait(until) => {
            assert!(until > Duration::from_millis(ms) && until <= MAX_FINAL_PHASE);
            "wait".to_owned()
        }
        FinalStep::Done => "done".to_owned(),
    };
    for worker in [0, 1] {
        assert_eq!(f(&mut kafka, worker, 0), "crash null");
        assert_eq!(f(&mut kafka, worker, 1), "assign [\"7\"]");
        assert_eq!(f(&mut kafka, worker, 2), r#"poll [["poll"]]"#);
        assert_eq!(f(&mut kafka, worker, 2), "wait");
        assert_eq!(f(&mut kafka, worker, 402), r#"poll [["poll"]]"#);
    }
    kafka.observe(
        0,
        "poll",
        Kind::Ok,
        &Value::from_wire(r#"[["poll",{"7":[[4,1]]}]]"#),
    );
    assert_eq!(f(&mut kafka, 0, 900), r#"poll [["poll"]]"#);
    kafka.observe(
        0,
        "poll",
        Kind::Ok,
        &Value::from_wire(r#"[["poll",{"7":[[5,1]]}]]"#),
    );
    assert_eq!(f(&mut kafka, 0, 1_400), "done");
    assert_eq!(f(&mut kafka, 1, 1_400), r#"poll [["poll"]]"#);
    assert_eq!(f(&mut kafka, 1, 10_000), "done");
    assert_eq!(f(&mut kafka, 2, 10_000), "done");
}

#[test]
fn the_final_phase_is_empty_if_nothing_was_sent() {
    let step = kafka().next_final(turn(0, 0), &mut seeded(1));
    assert!(matches!(step, FinalStep::Done), "{step:?}");
}
