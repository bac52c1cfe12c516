//! Pauses, kills and skewed clocks.

use std::collections::BTreeSet;
use std::time::Duration;

use simulator::nemesis::Fault;
use simulator::network::{Delivery, DeliveryStatus};

use super::witness::{FaultInterval, TICK, WitnessRun, arrival, is_between_nodes, run_witnesses};

const NODES: [&str; 3] = ["n0", "n1", "n2"];

/// When a node sent its messages.
fn send_times<'a>(
    deliveries: &'a [&Delivery],
    node: &'a str,
) -> impl Iterator<Item = Duration> + 'a {
    let sent = deliveries.iter().filter(move |it| it.src.as_str() == node);
    sent.map(|it| it.sent)
}

/// The messages to a node that are sent during an interval.
fn sent_during<'a>(
    deliveries: &'a [&Delivery],
    node: &'a str,
    interval: &'a FaultInterval,
) -> impl Iterator<Item = &'a Delivery> {
    let to = deliveries.iter().filter(move |it| it.dest.as_str() == node);
    to.copied().filter(|it| interval.contains(it.sent))
}

/// Asserts that affected nodes send and receive no message while the fault is active.
fn assert_silent(run: &WitnessRun, fault: Fault, victims: usize) {
    let deliveries = run.deliveries();
    for interval in run.intervals(fault) {
        assert_eq!(interval.nodes.len(), victims);
        for node in &interval.nodes {
            assert!(
                !send_times(&deliveries, node).any(|at| interval.contains(at)),
                "{node} in {interval:?}"
            );
            let to = deliveries.iter().filter(|it| it.dest.as_str() == node);
            let mut arrivals = to.filter_map(|it| arrival(it));
            assert!(
                !arrivals.any(|at| interval.contains(at)),
                "{node} in {interval:?}"
            );
        }
    }
}

#[test]
fn a_paused_node_is_silent_and_then_receives_all_pending_messages() {
    let run = run_witnesses("--nemesis pause --targets 2 --nemesis-interval 2");
    assert_silent(&run, Fault::Pause, 2);
    let deliveries = run.deliveries();
    assert!(
        deliveries
            .iter()
            .all(|it| it.status != DeliveryStatus::Lost)
    );
    for interval in run.intervals(Fault::Pause) {
        for node in &interval.nodes {
            let mut pending = sent_during(&deliveries, node, &interval);
            assert!(pending.all(|it| arrival(it) == Some(interval.to)));
            let mut later = send_times(&deliveries, node).filter(|at| *at > interval.from);
            assert!(
                later.next().unwrap() <= interval.to + TICK,
                "it resumes at once"
            );
        }
    }
    // No node has lost its memory or missed a beat.
    for node in NODES {
        let log = run.log(node);
        let is_boot = |line: &&String| line.starts_with("boot");
        assert_eq!(log.iter().filter(is_boot).count(), 1);
        for other in NODES.iter().filter(|it| **it != node) {
            let start = format!("received {other} ");
            let received = log.iter().filter_map(|line| line.strip_prefix(&start));
            let numbers =
                received.map(|rest| rest.rsplit(' ').next().unwrap().parse::<u64>().unwrap());
            assert!(
                numbers
                    .zip(1..)
                    .all(|(number, expected)| number == expected)
            );
        }
    }
}

#[test]
fn a_killed_node_is_silent_and_restarts_without_memory() {
    let run = run_witnesses("--nemesis kill --targets 2 --nemesis-interval 2");
    assert_silent(&run, Fault::Kill, 2);
    let deliveries = run.deliveries();
    let intervals = run.intervals(Fault::Kill);
    for interval in &intervals {
        for node in &interval.nodes {
            let mut pending = sent_during(&deliveries, node, interval);
            assert!(pending.all(|it| it.status == DeliveryStatus::Lost));
        }
    }
    let is_dead = |it: &&&Delivery| {
        let is_during =
            |interval: &FaultInterval| it.sent >= interval.from && it.sent <= interval.to;
        let dest = it.dest.as_str();
        intervals
            .iter()
            .any(|interval| is_during(interval) && interval.nodes.iter().any(|node| node == dest))
    };
    let lost = deliveries
        .iter()
        .filter(|it| it.status == DeliveryStatus::Lost);
    assert!(lost.clone().count() > 100 && lost.clone().all(|it| is_dead(&it)));

    let mut boots = BTreeSet::new();
    for node in NODES {
        let kills = intervals
            .iter()
            .filter(|interval| interval.nodes.iter().any(|it| it == node))
            .count();
        let log = run.log(node);
        let incarnations: Vec<&[String]> = log.split(|line| line == "(killed)").collect();
        assert_eq!(incarnations.len(), kills + 1);
        for log in incarnations {
            let boot = log.first().and_then(|line| line.strip_prefix("boot "));
            assert!(boots.insert(boot.expect("each incarnation logs its boot number first")));
            let ticks = log.iter().filter_map(|line| line.strip_prefix("tick "));
            let numbers = ticks.map(|rest| rest.split(' ').next().unwrap().parse::<u64>().unwrap());
            assert!(
                numbers
                    .zip(1..)
                    .all(|(number, expected)| number == expected)
            );
        }
    }
    assert!(boots.len() > 20);
}

#[test]
fn a_node_that_is_both_paused_and_killed_is_running_in_the_end() {
    let run =
        run_witnesses("--nemesis pause,kill --targets 3 --nemesis-interval 0.3 --time-limit 20");
    for node in NODES {
        let deliveries = run.deliveries();
        let last = send_times(&deliveries, node).max().unwrap();
        let end = deliveries.iter().map(|it| it.sent).max().unwrap();
        assert!(last + TICK * 2 > end, "{node} sends to the end");
    }
}

/// The times at which a node's timer fired: by the true clock, and by its own.
fn ticks(run: &WitnessRun, node: &str) -> (Vec<Duration>, Vec<Duration>) {
    let deliveries = run.deliveries();
    let beats: Vec<&Delivery> = deliveries
        .into_iter()
        .filter(|it| is_between_nodes(it))
        .collect();
    let mut sent: Vec<Duration> = send_times(&beats, node).collect();
    sent.dedup();
    let log = run.log(node).iter();
    let own = log.filter_map(|line| line.strip_prefix("tick ")?.split(' ').nth(2)?.parse().ok());
    (sent, own.map(Duration::from_nanos).collect())
}

fn gaps(times: &[Duration]) -> Vec<Duration> {
    times
        .windows(2)
        .map(|pair| pair[1].checked_sub(pair[0]).expect("clocks are monotonic"))
        .collect()
}

#[test]
fn a_skewed_clock_makes_timers_fire_early_and_late_and_never_goes_back() {
    let run = run_witnesses("--nemesis skew --skew 700 --drift 0.5 --nemesis-interval 2");
    let end = run.intervals(Fault::Skew).last().unwrap().to;
    for node in NODES {
        let (sent, own) = ticks(&run, node);
        let true_gaps = gaps(&sent);
        let shorter = true_gaps.iter().filter(|gap| **gap < TICK * 9 / 10).count();
        let longer = true_gaps
            .iter()
            .filter(|gap| **gap > TICK * 11 / 10)
            .count();
        assert!(shorter > 20 && longer > 20, "{shorter} {longer}");
        let rounding = Duration::from_nanos(10);
        assert!(true_gaps.iter().all(|gap| *gap <= TICK * 2 + rounding));
        // By the node's own clock a timer is never early, and late by at most a jump of the clock.
        let own_gaps = gaps(&own);
        let jump = Duration::from_millis(700);
        let is_right = |gap: &Duration| *gap >= TICK && *gap <= TICK + jump + rounding;
        assert!(own_gaps.iter().all(is_right), "{own_gaps:?}");
        assert!(own_gaps.iter().any(|gap| *gap > TICK + jump / 2));
        // After the fault the clock's rate is right.
        let later = sent.iter().filter(|at| **at > end).copied();
        let later = gaps(&later.collect::<Vec<Duration>>());
        assert!(later.len() > 50 && later.iter().all(|gap| *gap == TICK));
    }
}

#[test]
fn a_clock_does_not_go_back_when_its_node_is_killed() {
    let run = run_witnesses("--nemesis skew,kill --skew 3600000 --drift 1 --nemesis-interval 2");
    for node in NODES {
        let (_, own) = ticks(&run, node);
        assert!(own.is_sorted());
        assert!(
            own.last() > Some(&Duration::from_secs(3600)),
            "it has jumped"
        );
    }
}
