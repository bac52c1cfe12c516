//! Loss, duplication and delay affect messages between nodes, and only while they are active.

use std::collections::BTreeMap;
use std::time::Duration;

use simulator::nemesis::Fault;
use simulator::network::{Delivery, DeliveryStatus};

use super::witness::{FaultInterval, WitnessRun, arrival, is_between_nodes, run_witnesses};

/// The messages that are subject to a fault, and all others.
fn partition(run: &WitnessRun, fault: Fault) -> (Vec<&Delivery>, Vec<&Delivery>) {
    let intervals = run.intervals(fault);
    let is_affected = |it: &&Delivery| {
        let contains = |interval: &FaultInterval| interval.contains(it.sent);
        is_between_nodes(it) && intervals.iter().any(contains)
    };
    let (affected, others): (Vec<_>, Vec<_>) = run.deliveries().into_iter().partition(is_affected);
    assert!(affected.len() > 1000 && others.len() > 1000);
    (affected, others)
}

/// Asserts that a fraction is about as expected.
#[track_caller]
fn assert_fraction(part: usize, whole: usize, expected: f64) {
    let measured = part as f64 / whole as f64;
    assert!(
        (measured - expected).abs() < 0.05,
        "{measured}, expected {expected}"
    );
}

#[test]
fn loss_drops_its_fraction_of_messages_between_nodes_and_no_others() {
    let run = run_witnesses("--nemesis loss --loss 0.3 --nemesis-interval 2");
    let (affected, others) = partition(&run, Fault::Loss);
    let is_lost = |it: &&&Delivery| it.status == DeliveryStatus::Lost;
    assert_fraction(affected.iter().filter(is_lost).count(), affected.len(), 0.3);
    assert_eq!(others.iter().filter(is_lost).count(), 0);
}

#[test]
fn loss_may_drop_every_message() {
    let run = run_witnesses("--nemesis loss --loss 1 --nemesis-interval 2");
    let (affected, _) = partition(&run, Fault::Loss);
    assert!(affected.iter().all(|it| it.status == DeliveryStatus::Lost));
}

#[test]
fn duplication_delivers_its_fraction_of_messages_between_nodes_twice_and_no_others() {
    let run = run_witnesses("--nemesis duplicate --duplicate 0.4 --nemesis-interval 2");
    let (affected, others) = partition(&run, Fault::Duplicate);
    let copies = |deliveries: &[&Delivery]| {
        let mut copies: BTreeMap<u64, usize> = BTreeMap::new();
        for delivery in deliveries {
            assert_ne!(delivery.status, DeliveryStatus::Lost);
            *copies.entry(delivery.id).or_default() += 1;
        }
        copies
    };
    let twice = copies(&affected);
    assert!(twice.values().all(|copies| *copies <= 2));
    assert_fraction(affected.len() - twice.len(), twice.len(), 0.4);
    assert_eq!(copies(&others).len(), others.len());
    // Receivers handle each copy as a message.
    let received = |node: &str| {
        let log = run.log(node).iter();
        log.filter(|line| line.starts_with("received")).count()
    };
    let arrived = run.deliveries().into_iter();
    let arrived = arrived.filter(|it| is_between_nodes(it) && arrival(it).is_some());
    assert_eq!(
        ["n0", "n1", "n2"].map(received).iter().sum::<usize>(),
        arrived.count()
    );
}

#[test]
fn delay_reorders_half_of_the_messages_between_nodes_and_loses_none() {
    let run = run_witnesses("--nemesis delay --delay 500 --nemesis-interval 2");
    let (affected, others) = partition(&run, Fault::Delay);
    let delay = |it: &&Delivery| arrival(it).expect("nothing is lost") - it.sent;
    let delays: Vec<Duration> = affected.iter().map(delay).collect();
    let max = Duration::from_millis(500);
    assert!(delays.iter().all(|delay| *delay <= max));
    assert!(delays.iter().any(|delay| *delay > max * 9 / 10));
    assert_fraction(
        delays.iter().filter(|delay| !delay.is_zero()).count(),
        delays.len(),
        0.5,
    );
    assert!(others.iter().all(|it| delay(it).is_zero()));
    let is_reordered = |from: &str, to: &str| {
        let deliveries = affected.iter();
        let on_path = deliveries.filter(|it| it.src.as_str() == from && it.dest.as_str() == to);
        !on_path.map(|it| arrival(it)).is_sorted()
    };
    assert!(is_reordered("n0", "n1") && is_reordered("n2", "n1"));
}
