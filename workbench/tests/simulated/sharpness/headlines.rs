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
        "echo" => &["do not echo the request", "did not succeed, and all must"],
        "unique-ids" => &["ids were returned more than once"],
        "broadcast" | "g-set" => &["acknowledged values were lost"],
        "g-counter" | "pn-counter" => &["final reads are wrong", "final reads is wrong"],
        "kafka" => &["lost messages", "skips within polls", "skip within a poll"],
        "lin-kv" => &["not linearizable; "],
        "txn-list-append" | "txn-rw-register" => &["anomalies that "],
        other => panic!("{other}"),
    }
}

/// What the reason of some of the cases says, which the messages and faults of the run show.
const REASONS: [(&str, &str); 7] = [
    (
        "sends each value once; partitions",
        "messages with it were lost, the last at ",
    ),
    (
        "does not send one value in 30 to a node",
        "n3 did not: no message to them mentions it",
    ),
    (
        "acknowledges one element in 50 without keeping it",
        "never sent it on: no message to another node mentions it",
    ),
    (
        "takes over the larger set instead of the union",
        "all nodes received it: it was lost within them, not on the way",
    ),
    (
        "the first node sends each message to the others once; partitions",
        "messages with it were lost, the last at ",
    ),
    (
        "reads show a copy that is up to 150 ms old",
        "it answered from its own state",
    ),
    (
        "loses the last write of one transaction in 30",
        "read-committed and 21 stronger models are ruled out",
    ),
];

#[test]
fn the_headline_has_symptom_count_first_operation_node_and_time() {
    let (mut checked, mut bad, mut reasons) = (0, Vec::new(), 0);
    for case in super::cases() {
        let Some(seed) = (0..SEEDS).find(|seed| case.is_found(*seed)) else {
            continue;
        };
        checked += 1;
        let (settings, record, verdict) = case.run_in_full(true, seed, true);
        let Story {
            headline, reason, ..
        } = Story::of(&settings, &record, Some(&verdict));
        let reason = reason.unwrap_or_default();
        println!("{}: {headline}\n    why: {reason}", case.mistake);
        if let Err(why) = check(&case, &headline, &settings, &record.history) {
            bad.push(format!("{} (seed {seed}): {why}: {headline}", case.mistake));
        }
        if let Some((_, expected)) = REASONS.iter().find(|(mistake, _)| *mistake == case.mistake) {
            reasons += 1;
            if !reason.contains(expected) {
                bad.push(format!(
                    "{} (seed {seed}): the reason is {reason:?}",
                    case.mistake
                ));
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    assert!(
        checked > 40 && reasons == REASONS.len(),
        "{checked} cases, {reasons} reasons"
    );
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
    let words: Vec<&str> = headline
        .split(|c: char| !c.is_ascii_alphanumeric())
        .collect();
    if !ops.iter().all(|op| words.contains(&node_of(op))) {
        return Err("an operation without its node");
    }
    Ok(())
}
