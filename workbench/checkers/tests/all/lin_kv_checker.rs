//! The checker of linearizable registers on small histories, one for each rule.

use checkers::{CheckerResult as _, RegistersResult, Unjudged, Validity, lin_kv};
use history::History;
use history::edn::{Edn, compact, get};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Judges a history of lines `process kind f value`, a millisecond apart; the value is JSON.
fn judge<S: AsRef<str>>(lines: &[S]) -> Result<RegistersResult, Unjudged> {
    lin_kv(&read(lines).unwrap())
}

fn read<S: AsRef<str>>(lines: &[S]) -> anyhow::Result<History> {
    let line = |(index, line): (usize, &S)| {
        let parts: Vec<_> = line.as_ref().splitn(4, ' ').collect();
        let [process, kind, f, value] = parts[..] else {
            panic!("not an operation: {}", line.as_ref())
        };
        let time = index * 1_000_000;
        format!(
            r#"{{"index":{index},"time":{time},"type":"{kind}","process":{process},"f":"{f}","value":{value}}}"#
        )
    };
    let json: Vec<_> = lines.iter().enumerate().map(line).collect();
    History::read_json(json.join("\n").as_bytes())
}

fn check(lines: &[&str], valid: Validity, finding: &str) {
    let verdict = judge(lines);
    assert_eq!(
        verdict.validity(),
        valid,
        "{lines:?}: {:?}",
        verdict.sentences()
    );
    assert_eq!(verdict.sentences().join("\n"), finding, "{lines:?}");
}

#[test]
fn a_linearizable_history_is_valid() {
    let check = |lines: &[&str]| check(lines, Validity::Valid, "");
    check(&[]);
    check(&[
        "0 invoke write [0,1]",
        "0 ok write [0,1]",
        "0 invoke read [0,null]",
        "0 ok read [0,1]",
    ]);
    // A concurrent read sees the write or does not.
    let concurrent = |seen| {
        check(&[
            "0 invoke write [0,1]",
            "0 ok write [0,1]",
            "0 invoke write [0,2]",
            "1 invoke read [0,null]",
            seen,
            "0 ok write [0,2]",
        ]);
    };
    concurrent("1 ok read [0,1]");
    concurrent("1 ok read [0,2]");
    // Keys are independent, and a read of null says nothing.
    check(&[
        "0 invoke write [0,1]",
        "0 ok write [0,1]",
        "0 invoke cas [0,[1,2]]",
        "0 ok cas [0,[1,2]]",
        "1 invoke read [1,null]",
        "1 ok read [1,null]",
        "1 invoke read [0,null]",
        "1 ok read [0,null]",
    ]);
}

#[test]
fn indeterminate_operations_may_take_effect_and_failed_ones_do_not() {
    let write = [
        "0 invoke write [0,1]",
        "0 ok write [0,1]",
        "1 invoke write [0,2]",
        "1 info write [0,2]",
    ];
    let read = |first: &'static str, second: &'static str| {
        [
            &write[..],
            &[
                "2 invoke read [0,null]",
                first,
                "2 invoke read [0,null]",
                second,
            ],
        ]
        .concat()
    };
    check(
        &read("2 ok read [0,1]", "2 ok read [0,1]"),
        Validity::Valid,
        "",
    );
    check(
        &read("2 ok read [0,1]", "2 ok read [0,2]"),
        Validity::Valid,
        "",
    );
    check(
        &read("2 ok read [0,2]", "2 ok read [0,1]"),
        Validity::Invalid,
        "key 0: no order explains the read of 1 by process 2 at 0.007 s (op 7); before it the register can \
         only hold 2 (the longest order has 3 operations: the write of 1 by process 0 at 0.001 s (op 1), \
         the write of 2 by process 1 at 0.002 s (op 2), the read of 2 by process 2 at 0.005 s (op 5))",
    );
    let failed = [
        "0 invoke cas [0,[null,2]]",
        "0 fail cas [0,[null,2]]",
        "0 invoke read [0,null]",
        "0 ok read [0,2]",
    ];
    let none = "key 0: no order explains the read of 2 by process 0 at 0.003 s (op 3); before it the \
                register can only hold null";
    check(&failed, Validity::Invalid, none);
    // An operation without a completion is indeterminate, too.
    let open = [
        "0 invoke write [0,2]",
        "1 invoke read [0,null]",
        "1 ok read [0,2]",
    ];
    check(&open, Validity::Valid, "");
}

#[test]
fn results_describe_each_key_that_is_not_linearizable() {
    let verdict = judge(&[
        "0 invoke write [3,1]",
        "0 ok write [3,1]",
        "1 invoke cas [3,[2,4]]",
        "1 ok cas [3,[2,4]]",
        "1 invoke write [\"k\",1]",
        "1 ok write [\"k\",1]",
    ]);
    let entry = |path: &[&'static str]| get(&verdict.to_edn(), path).map(compact).unwrap();
    assert_eq!(entry(&["failures"]), "[3]");
    let results = verdict.to_edn();
    let Some(Edn::Map(keys)) = get(&results, &["results"]) else {
        panic!("no keys")
    };
    assert_eq!(keys.len(), 2);
    let failing = get(&keys[&Edn::Int(3)], &["linearizable"]).unwrap();
    let entry = |name| get(failing, &[name]).map(compact).unwrap();
    let write = "{:index 1, :time 1000000, :type :ok, :process 0, :f :write, :value 1}";
    let cas = "{:index 3, :time 3000000, :type :ok, :process 1, :f :cas, :value [2 4]}";
    let invoked = cas
        .replace(":index 3", ":index 2")
        .replace("3000000", "2000000");
    let invoked = invoked.replace(":ok", ":invoke");
    let model = "#knossos.model.CASRegister {:value 1}";
    assert_eq!(entry("op"), cas);
    assert_eq!(entry("previous-ok"), write);
    assert_eq!(entry("last-op"), write);
    assert_eq!(
        entry("configs"),
        format!("({{:last-op {write}, :model {model}, :pending [{invoked}]}})")
    );
    let msg = "can't CAS 1 from 2 to 4";
    let last = format!("{{:model #knossos.model.Inconsistent {{:msg \"{msg}\"}}, :op {cas}}}");
    assert_eq!(
        entry("final-paths"),
        format!("([{{:model {model}, :op {write}}} {last}])")
    );
}

#[test]
fn there_is_one_result_for_each_key_or_one_without_a_key() {
    let check = |lines: &[&str], expected: &[Option<&str>]| {
        let results = judge(lines).unwrap();
        let keys = results.registers.iter().map(|it| it.key.as_ref());
        let keys: Vec<_> = keys.map(|key| key.map(ToString::to_string)).collect();
        let keys: Vec<_> = keys.iter().map(Option::as_deref).collect();
        assert_eq!(keys, expected, "{lines:?}");
    };
    check(
        &["0 invoke write [8,1]", "1 invoke read [9,null]"],
        &[Some("8"), Some("9")],
    );
    check(&["0 invoke write 1"], &[None]);
}

#[test]
fn values_without_a_key_belong_to_one_register() {
    let stale = [
        "0 invoke write 1",
        "0 ok write 1",
        "1 invoke read null",
        "1 ok read 2",
    ];
    let finding = "no order explains the read of 2 by process 1 at 0.003 s (op 3); before it the \
                   register can only hold 1 (the longest order has 1 operation: the write of 1 by \
                   process 0 at 0.001 s (op 1))";
    check(&stale, Validity::Invalid, finding);
    let entry = |path: &[&str]| get(&judge(&stale).to_edn(), path).map(compact).unwrap();
    assert!(entry(&["op"]).contains(":value 2"), "{}", entry(&["op"]));
    check(
        &["0 invoke cas [1,2]", "0 fail cas [1,2]"],
        Validity::Valid,
        "",
    );
    let cas = [
        "0 invoke write 1",
        "0 ok write 1",
        "0 invoke cas [1,2]",
        "0 ok cas [1,2]",
    ];
    check(&cas, Validity::Valid, "");
}

#[test]
fn a_history_that_cannot_be_judged_is_unknown_with_the_reason() {
    let check = |lines: &[&str], why: &str| {
        let verdict = judge(lines);
        assert_eq!(verdict.validity(), Validity::Unknown, "{lines:?}");
        assert!(
            verdict.sentences()[0].ends_with(why),
            "{:?}",
            verdict.sentences()
        );
    };
    let no_pair = "a cas must have an old and a new value";
    check(&["0 invoke read null", "1 invoke cas 5"], no_pair);
    check(&["0 invoke read [0,null]", "1 invoke cas [0,1]"], no_pair);
    let no_register = "a register has only read, write and cas";
    check(&["0 invoke add [0,1]"], no_register);
}

#[test]
fn a_mangled_history_never_causes_a_panic() {
    const WRONG: [&str; 20] = [
        "x", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "",
    ];
    const KINDS: [&str; 4] = ["invoke", "ok", "fail", "info"];
    const FS: [&str; 4] = ["read", "write", "cas", "cas"];
    const VALUES: [&str; 9] = [
        "[0,null]",
        "[0,1]",
        "[0,[1,2]]",
        "[1,[null,1]]",
        "[0,1.0]",
        "[\"0\",1]",
        "[0,{}]",
        "[null,null]",
        "[0,[2,2]]",
    ];
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut pick = |words: &[&'static str]| words[rng.random_range(0..words.len() as u32) as usize];
    let mut seen = [0; 3];
    let mut refused = 0;
    for _ in 0..5_000 {
        let mut is_open = [false; 3];
        let lines: Vec<String> = (0..6)
            .map(|_| {
                let process = pick(&["0", "1", "2"]);
                let open = &mut is_open[process.parse::<usize>().unwrap()];
                let ends = if *open { &KINDS[1..] } else { &KINDS[..1] };
                // One line in about twenty has the wrong kind.
                let kind = if pick(&WRONG).is_empty() {
                    pick(ends)
                } else {
                    pick(&KINDS)
                };
                *open = kind == "invoke";
                format!("{process} {kind} {} {}", pick(&FS), pick(&VALUES))
            })
            .collect();
        match read(&lines) {
            Ok(history) => seen[lin_kv(&history).validity() as usize] += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(
        refused > 100 && seen.iter().all(|count| *count > 100),
        "{refused} {seen:?}"
    );
}
