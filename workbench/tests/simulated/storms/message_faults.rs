//! Loss, duplication and delay: for messages among servers, while they are there.

use std::collections::BTreeMap;
use std::time::Duration;

use simulator::nemesis::Fault;
use simulator::network::{Delivery, DeliveryStatus};

use super::witness::{Scene, Span, arrival, is_among_servers, scene};

/// The messages that bad weather concerns, and all others.
fn sorted(scene: &Scene, fault: Fault) -> (Vec<&Delivery>, Vec<&Delivery>) {
    let spans = scene.spans(fault);
    let is_concerned = |it: &&Delivery| {
        is_among_servers(it) && spans.iter().any(|span: &Span| span.holds(it.sent))
    };
    let (concerned, others): (Vec<_>, Vec<_>) =
        scene.deliveries().into_iter().partition(is_concerned);
    assert!(concerned.len() > 1000 && others.len() > 1000);
    (concerned, others)
}

/// A part of some things is about this large.
#[track_caller]
fn assert_part(part: usize, whole: usize, expected: f64) {
    let measured = part as f64 / whole as f64;
    assert!(
        (measured - expected).abs() < 0.05,
        "{measured} instead of {expected}"
    );
}

#[test]
fn loss_loses_its_part_of_what_servers_say_and_nothing_else() {
    let scene = scene("--nemesis loss --loss 0.3 --nemesis-interval 2");
    let (stormy, others) = sorted(&scene, Fault::Loss);
    let is_lost = |it: &&&Delivery| it.status == DeliveryStatus::Lost;
    assert_part(stormy.iter().filter(is_lost).count(), stormy.len(), 0.3);
    assert_eq!(others.iter().filter(is_lost).count(), 0);
}

#[test]
fn everything_may_be_lost() {
    let scene = scene("--nemesis loss --loss 1 --nemesis-interval 2");
    let (stormy, _) = sorted(&scene, Fault::Loss);
    assert!(stormy.iter().all(|it| it.status == DeliveryStatus::Lost));
}

#[test]
fn duplication_lets_its_part_of_what_servers_say_arrive_twice_and_nothing_else() {
    let scene = scene("--nemesis duplicate --duplicate 0.4 --nemesis-interval 2");
    let (stormy, others) = sorted(&scene, Fault::Duplicate);
    let copies = |deliveries: &[&Delivery]| {
        let mut copies: BTreeMap<u64, usize> = BTreeMap::new();
        for delivery in deliveries {
            assert_ne!(delivery.status, DeliveryStatus::Lost);
            *copies.entry(delivery.id).or_default() += 1;
        }
        copies
    };
    let twice = copies(&stormy);
    assert!(twice.values().all(|copies| *copies <= 2));
    assert_part(stormy.len() - twice.len(), twice.len(), 0.4);
    assert_eq!(copies(&others).len(), others.len());
    // A copy is one more message that its receiver hears.
    let heard = |node: &str| {
        let log = scene.log(node).iter();
        log.filter(|line| line.starts_with("heard")).count()
    };
    let arrived = scene.deliveries().into_iter();
    let arrived = arrived.filter(|it| is_among_servers(it) && arrival(it).is_some());
    assert_eq!(
        ["n0", "n1", "n2"].map(heard).iter().sum::<usize>(),
        arrived.count()
    );
}

#[test]
fn delay_lets_half_of_what_servers_say_be_overtaken_and_loses_nothing() {
    let scene = scene("--nemesis delay --delay 500 --nemesis-interval 2");
    let (stormy, others) = sorted(&scene, Fault::Delay);
    let late = |it: &&Delivery| arrival(it).expect("nothing is lost") - it.sent;
    let lates: Vec<Duration> = stormy.iter().map(late).collect();
    let longest = Duration::from_millis(500);
    assert!(lates.iter().all(|late| *late <= longest));
    assert!(lates.iter().any(|late| *late > longest * 9 / 10));
    assert_part(
        lates.iter().filter(|late| !late.is_zero()).count(),
        lates.len(),
        0.5,
    );
    assert!(others.iter().all(|it| late(it).is_zero()));
    let overtaken = |from: &str, to: &str| {
        let deliveries = stormy.iter();
        let here = deliveries.filter(|it| it.src.as_str() == from && it.dest.as_str() == to);
        !here.map(|it| arrival(it)).is_sorted()
    };
    assert!(overtaken("n0", "n1") && overtaken("n2", "n1"));
}
