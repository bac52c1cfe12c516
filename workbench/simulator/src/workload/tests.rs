//! Each of Maelstrom's workloads: what it generates, and how its clients translate that.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::value::RawValue;

use super::*;
use crate::rng::seeded;
use history::json;

const TURN: Turn = Turn {
    worker: 0,
    workers: 2,
    nodes: 1,
    at: Duration::ZERO,
};

/// Describes a step: `type field=value`, or how the operation completes.
pub(super) fn describe(step: Step) -> String {
    match step {
        Step::Send(ClientRequest { rpc, arguments, .. }) => {
            let arguments: Vec<_> = arguments
                .iter()
                .map(|(name, it)| format!("{name}={it}"))
                .collect();
            format!("{} {}", rpc.request, arguments.join(" "))
        }
        Step::Done(Completion { kind, value, error }) => {
            let value = value.map_or_else(|| "-".to_owned(), |it| it.to_string());
            format!("{kind:?} {value} {}", error.map_or("", |_| "error"))
        }
    }
}

/// The step after an answer with these fields.
pub(super) fn on_reply(
    client: &mut dyn Session,
    operation: &Invocation,
    rpc: &'static Rpc,
    fields: &str,
) -> String {
    let body = format!(r#"{{"type":"{}","in_reply_to":1{fields}}}"#, rpc.response);
    let answer = rpc.read(&body).unwrap();
    describe(client.on_reply(operation, &answer))
}

fn make(name: Name) -> Box<dyn Workload> {
    workload(name, &Options::default())
}

/// Performs an operation with one request, whose answer has these fields.
#[track_caller]
fn check(name: Name, f: &'static str, value: &str, request: &str, answer: &str, completion: &str) {
    let workload = make(name);
    let mut client = workload.session();
    let value = RawValue::from_string(value.to_owned()).unwrap();
    let operation = Invocation::new(f, value);
    let step = client.begin(&operation);
    let Step::Send(ClientRequest { rpc, .. }) = &step else {
        panic!("{step:?}")
    };
    let rpc = *rpc;
    assert!(workload.requests().contains(&rpc));
    assert_eq!(describe(step).trim_end(), request);
    let answered = on_reply(&mut *client, &operation, rpc, answer);
    assert_eq!(answered.trim_end(), completion);
}

#[test]
fn clients_send_the_requests_of_maelstrom_and_complete_with_its_values() {
    let echo = r#""Please echo 7""#;
    let answer = r#","echo":"Please echo 7""#;
    let whole = r#"Ok {"type":"echo_ok","in_reply_to":1,"echo":"Please echo 7"}"#;
    check(
        Name::Echo,
        "echo",
        echo,
        r#"echo echo="Please echo 7""#,
        answer,
        whole,
    );
    check(
        Name::UniqueIds,
        "generate",
        "null",
        "generate",
        r#","id":[1,"a"]"#,
        r#"Ok [1,"a"]"#,
    );
    check(
        Name::Broadcast,
        "broadcast",
        "3",
        "broadcast message=3",
        "",
        "Ok -",
    );
    check(
        Name::Broadcast,
        "read",
        "null",
        "read",
        r#","messages":[3,1]"#,
        "Ok [3,1]",
    );
    check(Name::GSet, "add", "3", "add element=3", "", "Ok -");
    check(
        Name::GSet,
        "read",
        "null",
        "read",
        r#","value":[3,1]"#,
        "Ok [3,1]",
    );
    for counter in [Name::GCounter, Name::PnCounter] {
        check(counter, "add", "-3", "add delta=-3", "", "Ok -");
        check(counter, "read", "null", "read", r#","value":12"#, "Ok 12");
    }
    check(
        Name::LinKv,
        "write",
        "[0,3]",
        "write key=0 value=3",
        "",
        "Ok -",
    );
    check(
        Name::LinKv,
        "read",
        "[0,null]",
        "read key=0",
        r#","value":3"#,
        "Ok [0,3]",
    );
    check(
        Name::LinKv,
        "cas",
        "[0,[1,2]]",
        "cas key=0 from=1 to=2",
        "",
        "Ok -",
    );
    let registers = r#"[["r",9,null],["w",9,1]]"#;
    let request = format!("txn txn={registers}");
    let answer = r#","txn":[["r",9,4],["w",9,1]]"#;
    check(
        Name::TxnRwRegister,
        "txn",
        registers,
        &request,
        answer,
        r#"Ok [["r",9,4],["w",9,1]]"#,
    );
    let lists = r#"[["r",9,null],["append",9,1]]"#;
    let request = format!("txn txn={lists}");
    let answer = r#","txn":[["r",9,[4]],["append",9,1]]"#;
    check(
        Name::TxnListAppend,
        "txn",
        lists,
        &request,
        answer,
        r#"Ok [["r",9,[4]],["append",9,1]]"#,
    );
}

#[test]
fn the_main_phase_has_all_operations_and_distinct_elements() {
    for name in Name::ALL {
        let mut workload = make(name);
        let mut rng = seeded(1);
        let drawn: Vec<_> = (0..2_000).map(|_| workload.next(TURN, &mut rng)).collect();
        let found: BTreeSet<_> = drawn.iter().map(|it| it.f).collect();
        assert_eq!(
            found,
            workload.operations().iter().copied().collect(),
            "{name}"
        );
        let elements = |f: &str| {
            let all = drawn.iter().filter(|it| it.f == f);
            all.map(|it| it.value.get().to_owned()).collect::<Vec<_>>()
        };
        if let Name::Broadcast | Name::GSet = name {
            let elements = elements(workload.operations()[0]);
            assert!((900..1_100).contains(&elements.len()));
            let expected: Vec<_> = (0..elements.len()).map(|it| it.to_string()).collect();
            assert_eq!(elements, expected, "{name}");
        }
        if name == Name::Echo {
            let texts: BTreeSet<_> = elements("echo").into_iter().collect();
            let expected = (0..128).map(|it| format!("\"Please echo {it}\""));
            assert_eq!(texts, expected.collect(), "{name}");
        }
    }
}

#[test]
fn errors_and_timeouts_are_taken_as_in_maelstrom() {
    for name in Name::ALL {
        let workload = make(name);
        assert_eq!(workload.name(), name.name());
        let all = workload.operations().iter();
        let read_only: Vec<_> = all.filter(|f| workload.is_read_only(f)).copied().collect();
        let expected: &[&str] = match name {
            Name::Broadcast | Name::LinKv => &["read"],
            Name::Kafka => &["assign"],
            _ => &[],
        };
        assert_eq!(read_only, expected, "{name}");
        let ignores = matches!(name, Name::GSet | Name::GCounter | Name::PnCounter);
        assert_eq!(workload.interprets_errors(), !ignores, "{name}");
        let keeping = [
            Name::UniqueIds,
            Name::LinKv,
            Name::TxnRwRegister,
            Name::TxnListAppend,
        ];
        assert_eq!(workload.keeps_clients(), keeping.contains(&name), "{name}");
    }
}

#[test]
fn each_workload_has_a_description_of_its_own() {
    let all: BTreeSet<_> = Name::ALL.iter().map(|name| name.about()).collect();
    assert_eq!(all.len(), Name::ALL.len());
    assert!(!all.contains(""));
}

#[test]
fn only_broadcast_tells_nodes_their_topology() {
    for name in Name::ALL {
        let request = make(name).set_up(&["n0".into(), "n1".into()]);
        let text = request.map(|it| describe(Step::Send(it)));
        let expected = r#"topology topology={"n0":["n1"],"n1":["n0"]}"#;
        let expected = (name == Name::Broadcast).then_some(expected);
        assert_eq!(text.as_deref(), expected, "{name}");
    }
}

/// Judges a history of one client, with `kind f value` lines.
fn is_vacuous(name: Name, lines: &[&str]) -> bool {
    let line = |(index, line): (usize, &&str)| {
        let parts: Vec<&str> = line.splitn(3, ' ').collect();
        let head = format!(r#""index":{index},"time":{index},"process":0"#);
        let [kind, f, value] = parts[..] else {
            panic!("{line}")
        };
        format!(r#"{{{head},"type":"{kind}","f":"{f}","value":{value}}}"#)
    };
    let text: Vec<String> = lines.iter().enumerate().map(line).collect();
    let history = History::read_json(text.join("\n").as_bytes()).unwrap();
    let workload = make(name);
    let result = workload.check(&history).result;
    workload.is_vacuous(&history, &result)
}

#[test]
fn a_set_to_which_nothing_was_added_says_nothing() {
    for (name, add) in [(Name::Broadcast, "broadcast"), (Name::GSet, "add")] {
        let invoke = format!("invoke {add} 0");
        let [ok, info] = ["ok", "info"].map(|kind| format!("{kind} {add} 0"));
        let reads = ["invoke read null", "ok read []"];
        let after = |end: &str| is_vacuous(name, &[&invoke, end, reads[0], reads[1]]);
        assert!(after(&info), "{name}");
        assert!(!after(&ok), "{name}");
        assert!(is_vacuous(name, &reads), "{name}");
    }
    assert!(!is_vacuous(Name::Echo, &[]));
}

#[test]
fn transactions_without_any_order_say_nothing() {
    let one = [r#"invoke txn [["w",1,1]]"#, r#"ok txn [["w",1,1]]"#];
    let read = [r#"invoke txn [["r",1,null]]"#, r#"ok txn [["r",1,1]]"#];
    assert!(is_vacuous(Name::TxnRwRegister, &one));
    assert!(!is_vacuous(Name::TxnRwRegister, &[one, read].concat()));
    let send = [
        r#"invoke send [["send","7",1]]"#,
        r#"ok send [["send","7",[0,1]]]"#,
    ];
    let poll = [
        r#"invoke poll [["poll"]]"#,
        r#"ok poll [["poll",{"7":[[0,1]]}]]"#,
    ];
    assert!(!is_vacuous(Name::Kafka, &[send, poll].concat()));
}

#[test]
fn a_transaction_after_recovery_reads_all_keys_that_were_used() {
    let mut workload = make(Name::TxnRwRegister);
    let mut rng = seeded(1);
    let mut keys = BTreeSet::new();
    for _ in 0..100 {
        let drawn = workload.next(TURN, &mut rng);
        let micro_ops: Vec<(&str, u64, Option<u64>)> =
            serde_json::from_str(drawn.value.get()).unwrap();
        keys.extend(micro_ops.iter().map(|(_, key, _)| key.to_string()));
    }
    let reads: Vec<(&str, u64, ())> = keys
        .iter()
        .map(|key| ("r", key.parse().unwrap(), ()))
        .collect();
    let last = workload.recovery_operation(TURN, &mut rng);
    assert_eq!((last.f, last.value.get()), ("txn", json(&reads).get()));
}
