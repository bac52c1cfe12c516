//! The headline of each wrong node's run: it names the symptom, how often it occurs, and the first
//! operation with its node and time.

use history::History;
use pages::story::Story;
use simulator::run::Settings;

use super::SEEDS;
use super::case::Case;

/// What the headline of a workload says.
fn symptoms(flags: &str) -> &'static [&'static str] {
    let workload = flags.split_whitespace().nth(1).unwrap();
    match workload {
        "echo" => &[
            "do not echo the request",
            "did not succeed, and all of them must",
        ],
        "unique-ids" => &["ids were returned more than once"],
        "broadcast" | "g-set" => &["acknowledged values were lost"],
        "g-counter" | "pn-counter" => &["final reads are wrong", "final reads is wrong"],
        "kafka" => &["lost messages", "skips within polls", "skip within a poll"],
        "lin-kv" => &["not linearizable; "],
        "txn-list-append" | "txn-rw-register" => &["anomalies that "],
        other => panic!("{other}"),
    }
}

#[test]
fn the_headline_has_symptom_count_first_operation_node_and_time() {
    let mut bad = Vec::new();
    for case in super::cases() {
        let Some(seed) = (0..SEEDS).find(|seed| case.is_found(*seed)) else {
            continue;
        };
        let (settings, record, verdict) = case.run_in_full(true, seed, true);
        let Story {
            headline, reason, ..
        } = Story::of(&settings, &record, Some(&verdict));
        println!("{}: {headline}\n    {reason:?}", case.mistake);
        if let Err(why) = check(&case, &headline, &settings, &record.history) {
            bad.push(format!("{} (seed {seed}): {why}: {headline}", case.mistake));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

fn check(
    case: &Case,
    headline: &str,
    settings: &Settings,
    history: &History,
) -> Result<(), &'static str> {
    if !symptoms(case.flags).iter().any(|it| headline.contains(it)) {
        return Err("no symptom");
    }
    let counted = headline.split_once(|c: char| c.is_ascii_digit());
    if counted.is_none() {
        return Err("no count");
    }
    // The operations that it names are in the history, on these nodes; one is at a time that it names.
    let ops = headline
        .split("(op ")
        .skip(1)
        .filter_map(|it| it.split([')', ',']).next());
    let ops: Vec<&history::Op> = ops
        .map(|it| &history.ops[it.parse::<usize>().unwrap()])
        .collect();
    if ops.is_empty() {
        return Err("no operation");
    }
    let has_time = |op: &&history::Op| headline.contains(&format!("{:.3} s", op.seconds()));
    if !ops.iter().any(has_time) {
        return Err("no operation with its time");
    }
    let node_of = |op: &history::Op| settings.node_of(op.process.client().unwrap()).as_str();
    if !ops.iter().all(|op| headline.contains(node_of(op))) {
        return Err("an operation without its node");
    }
    Ok(())
}
