//! Values survive both notations of a history: any EDN value, wherever a workload has values, is
//! the same after a round trip through EDN or JSON, and so is the verdict.

use std::collections::{BTreeMap, BTreeSet};

use checkers::CheckerResult as _;
use history::History;
use history::edn::{Edn, compact, float, key, map, read, text};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use simulator::options::Options;
use simulator::workload::{Name, workload};

/// Values without parts, equal and unequal.
const ATOMS: [&str; 34] = [
    "nil",
    "true",
    "false",
    "0",
    "1",
    "2",
    "-1",
    "1.0",
    "1.5",
    "-0.0",
    "0.0",
    "1e300",
    "##NaN",
    "##Inf",
    "##-Inf",
    "1M",
    "1.0M",
    "1.50M",
    "-2E-3M",
    "1/2",
    "-4/6",
    "9223372036854775807",
    "9223372036854775808",
    "100000000000000000000000000001N",
    "-100000000000000000000000000001N",
    "\"1\"",
    "\"#set\"",
    "\"é\\n\\\"\\\\\"",
    ":a",
    ":a/b",
    "sym",
    "\\x",
    "\\newline",
    "\"\"",
];

fn value(rng: &mut ChaCha8Rng, depth: u32) -> Edn {
    let kind = if depth == 0 {
        0
    } else {
        rng.random_range(0..10)
    };
    let items = |rng: &mut ChaCha8Rng| -> Vec<Edn> {
        let count = rng.random_range(0..4);
        (0..count).map(|_| value(rng, depth - 1)).collect()
    };
    match kind {
        0..=4 => read(ATOMS[rng.random_range(0..ATOMS.len())]).unwrap(),
        5 => Edn::List(items(rng)),
        6 => Edn::Vector(items(rng)),
        7 => Edn::Set(items(rng).into_iter().collect::<BTreeSet<_>>()),
        8 => {
            let keys = items(rng);
            let entries = keys.into_iter().map(|key| (key, value(rng, depth - 1)));
            Edn::Map(entries.collect::<BTreeMap<_, _>>())
        }
        _ => match rng.random_range(0..3) {
            0 => Edn::tagged("inst", text("2026-01-01T00:00:00Z")),
            // Text that looks like a tag of the JSON notation.
            1 => Edn::Map([(text("#keyword"), value(rng, depth - 1))].into()),
            _ => Edn::Map([(text("##set"), Edn::Vector(items(rng)))].into()),
        },
    }
}

/// A value in the form of an operation of the workload, or sometimes any value.
fn argument(name: Name, f: &str, rng: &mut ChaCha8Rng) -> Edn {
    if rng.random_ratio(1, 12) {
        return value(rng, 3);
    }
    let small = |rng: &mut ChaCha8Rng| value(rng, 1);
    let key_of = |rng: &mut ChaCha8Rng| read(["1", "\"1\"", ":x"][rng.random_range(0..3)]).unwrap();
    match (name, f) {
        (Name::LinKv, "cas") => {
            let change = Edn::Vector(vec![small(rng), small(rng)]);
            Edn::Vector(vec![key_of(rng), change])
        }
        (Name::LinKv, _) => Edn::Vector(vec![key_of(rng), small(rng)]),
        (Name::TxnListAppend | Name::TxnRwRegister, _) => {
            let write = if name == Name::TxnListAppend {
                "append"
            } else {
                "w"
            };
            let micro_op = |rng: &mut ChaCha8Rng| match rng.random_range(0..3) {
                0 if name == Name::TxnListAppend => {
                    let list = (0..rng.random_range(0..3)).map(|_| small(rng)).collect();
                    Edn::Vector(vec![key("r"), key_of(rng), Edn::List(list)])
                }
                0 => Edn::Vector(vec![key("r"), key_of(rng), small(rng)]),
                1 => Edn::List(vec![key("r"), key_of(rng)]),
                _ => Edn::Vector(vec![key(write), key_of(rng), small(rng)]),
            };
            Edn::Vector((0..rng.random_range(0..4)).map(|_| micro_op(rng)).collect())
        }
        (Name::Kafka, "send") => {
            let record = Edn::Vector(vec![Edn::Int(rng.random_range(0..4)), small(rng)]);
            Edn::Vector(vec![Edn::Vector(vec![key("send"), key_of(rng), record])])
        }
        (Name::Kafka, "poll") => {
            let record = Edn::Vector(vec![Edn::Int(rng.random_range(0..4)), small(rng)]);
            let polled = Edn::Map([(key_of(rng), Edn::Vector(vec![record]))].into());
            Edn::Vector(vec![Edn::Vector(vec![key("poll"), polled])])
        }
        (Name::Kafka, "assign") => Edn::Vector(vec![key_of(rng)]),
        (Name::Echo, _) => map([("type", text("echo_ok")), ("echo", small(rng))]),
        (_, "read") => Edn::Vector((0..rng.random_range(0..5)).map(|_| small(rng)).collect()),
        _ => small(rng),
    }
}

/// Operations of three processes and a nemesis, as EDN.
fn history(name: Name, rng: &mut ChaCha8Rng) -> String {
    let operations = workload(name, &Options::default()).operations();
    let mut open: [Option<&str>; 3] = [None; 3];
    let mut edn = String::new();
    for _ in 0..24 {
        let process = rng.random_range(0..3);
        let (kind, f) = match open[process].take() {
            Some(f) => (["ok", "ok", "fail", "info"][rng.random_range(0..4)], f),
            None => ("invoke", operations[rng.random_range(0..operations.len())]),
        };
        if kind == "invoke" {
            open[process] = Some(f);
        }
        let value = argument(name, f, rng);
        let op = [
            ("type", key(kind)),
            ("process", Edn::Int(process as i64)),
            ("f", key(f)),
            ("value", value),
            ("final?", Edn::Bool(rng.random())),
        ];
        edn += &compact(&map(op));
        if rng.random_ratio(1, 8) {
            let fault = [
                ("type", key("info")),
                ("process", key("nemesis")),
                ("f", key("odd")),
                ("value", value_of_fault(rng)),
            ];
            edn += &compact(&map(fault));
        }
    }
    edn
}

fn value_of_fault(rng: &mut ChaCha8Rng) -> Edn {
    let whole = [value(rng, 3), key("one"), float(1.0)];
    whole[rng.random_range(0..3)].clone()
}

fn edn_of(history: &History) -> String {
    let mut out = Vec::new();
    history.write_edn(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn json_of(history: &History) -> String {
    let mut out = Vec::new();
    history.write_json_lines(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_history_means_the_same_in_both_notations() {
    let mut valid = [0; 3];
    for seed in 0..2_000 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let name = Name::ALL[seed as usize % Name::ALL.len()];
        let text = history(name, &mut rng);
        let first = History::read(text.as_bytes()).unwrap();
        let json = json_of(&first);
        let second = History::read(json.as_bytes()).unwrap();
        let third = History::read(edn_of(&second).as_bytes()).unwrap();
        let fourth = History::read(json_of(&third).as_bytes()).unwrap();
        for ((a, b), (c, d)) in
            (first.ops.iter().zip(&second.ops)).zip(third.ops.iter().zip(&fourth.ops))
        {
            let values = [a, b, c, d].map(|op| op.value.to_edn());
            assert!(
                values.iter().all(|it| *it == values[0]),
                "seed {seed}: {values:?}"
            );
        }
        let judge = |history: &History| workload(name, &Options::default()).check(history);
        let verdicts = [&first, &second, &third, &fourth].map(judge);
        valid[verdicts[0].validity() as usize] += 1;
        for other in &verdicts[1..] {
            assert_eq!(
                other.validity(),
                verdicts[0].validity(),
                "seed {seed}: {text}"
            );
            assert_eq!(
                other.sentences(),
                verdicts[0].sentences(),
                "seed {seed}: {text}"
            );
            assert_eq!(other.to_edn(), verdicts[0].to_edn(), "seed {seed}: {text}");
        }
    }
    assert!(valid.iter().all(|count| *count > 5), "{valid:?}");
}

#[test]
fn values_are_equal_as_in_clojure() {
    let lost = |added: &str, seen: &str| {
        let edn = format!(
            "{{:type :invoke :process 0 :f :add :value {added}}}
             {{:type :ok :process 0 :f :add :value {added}}}
             {{:type :invoke :process 0 :f :read}}
             {{:type :ok :process 0 :f :read :value [{seen}]}}"
        );
        let history = History::read(edn.as_bytes()).unwrap();
        let verdict = workload(Name::GSet, &Options::default()).check(&history);
        !verdict.sentences().is_empty()
    };
    for (one, other) in [
        ("1", "1N"),
        ("(1 2)", "[1 2]"),
        ("1.0M", "1.00M"),
        ("2/4", "1/2"),
        ("0.0", "-0.0"),
        ("{:a 1 :b (2)}", "{:b [2] :a 1}"),
        ("#{1 2}", "#{2 1}"),
        ("[(1)]", "([1])"),
        ("\"\\u00e9\"", "\"é\""),
    ] {
        assert!(!lost(one, other), "{one} {other}");
        assert!(!lost(other, one), "{other} {one}");
    }
    for (one, other) in [
        ("1", "1.0"),
        ("1", "1M"),
        ("1.0", "1.0M"),
        ("1/2", "0.5"),
        (":a", "\"a\""),
        (":a", "a"),
        ("\\a", "\"a\""),
        ("[1 2]", "#{1 2}"),
        ("{1 2}", "{\"1\" 2}"),
        ("nil", "false"),
        (
            "100000000000000000000000000001N",
            "100000000000000000000000000002N",
        ),
        ("{\"#set\" [1]}", "#{1}"),
    ] {
        assert!(lost(one, other), "{one} {other}");
        assert!(lost(other, one), "{other} {one}");
    }
}
