//! Pauses, deaths and wrong clocks.

use std::collections::BTreeSet;
use std::time::Duration;

use simulator::nemesis::Fault;
use simulator::network::{Delivery, DeliveryStatus};

use super::witness::{Scene, Span, TICK, arrival, is_among_servers, scene};

const NODES: [&str; 3] = ["n0", "n1", "n2"];

fn sends<'a>(deliveries: &'a [&Delivery], node: &'a str) -> impl Iterator<Item = Duration> + 'a {
    let own = deliveries.iter().filter(move |it| it.src.as_str() == node);
    own.map(|it| it.sent)
}

/// Those to one node that are sent within a span.
fn meanwhile<'a>(
    deliveries: &'a [&Delivery],
    node: &'a str,
    span: &'a Span,
) -> impl Iterator<Item = &'a Delivery> {
    let to = deliveries.iter().filter(move |it| it.dest.as_str() == node);
    to.copied().filter(|it| span.holds(it.sent))
}

/// No message leaves these nodes, and none gets to them, as long as they are hit.
fn assert_silent(scene: &Scene, fault: Fault, victims: usize) {
    let deliveries = scene.deliveries();
    for span in scene.spans(fault) {
        assert_eq!(span.whom.len(), victims);
        for node in &span.whom {
            assert!(
                !sends(&deliveries, node).any(|at| span.holds(at)),
                "{node} in {span:?}"
            );
            let to = deliveries.iter().filter(|it| it.dest.as_str() == node);
            let mut arrivals = to.filter_map(|it| arrival(it));
            assert!(!arrivals.any(|at| span.holds(at)), "{node} in {span:?}");
        }
    }
}

#[test]
fn who_is_paused_says_and_hears_nothing_and_then_goes_on_with_all_that_waited() {
    let scene = scene("--nemesis pause --targets 2 --nemesis-interval 2");
    assert_silent(&scene, Fault::Pause, 2);
    let deliveries = scene.deliveries();
    assert!(
        deliveries
            .iter()
            .all(|it| it.status != DeliveryStatus::Lost)
    );
    for span in scene.spans(Fault::Pause) {
        for node in &span.whom {
            let mut waited = meanwhile(&deliveries, node, &span);
            assert!(waited.all(|it| arrival(it) == Some(span.to)));
            let mut later = sends(&deliveries, node).filter(|at| *at > span.from);
            assert!(
                later.next().unwrap() <= span.to + TICK,
                "it goes on at once"
            );
        }
    }
    // Nobody has forgotten or missed anything.
    for node in NODES {
        let log = scene.log(node);
        let is_boot = |line: &&String| line.starts_with("boot");
        assert_eq!(log.iter().filter(is_boot).count(), 1);
        for other in NODES.iter().filter(|it| **it != node) {
            let start = format!("heard {other} ");
            let heard = log.iter().filter_map(|line| line.strip_prefix(&start));
            let numbers =
                heard.map(|rest| rest.rsplit(' ').next().unwrap().parse::<u64>().unwrap());
            assert!(numbers.zip(1..).all(|(number, due)| number == due));
        }
    }
}

#[test]
fn who_is_killed_says_and_hears_nothing_and_begins_anew_without_a_memory() {
    let scene = scene("--nemesis kill --targets 2 --nemesis-interval 2");
    assert_silent(&scene, Fault::Kill, 2);
    let deliveries = scene.deliveries();
    let spans = scene.spans(Fault::Kill);
    for span in &spans {
        for node in &span.whom {
            let mut waited = meanwhile(&deliveries, node, span);
            assert!(waited.all(|it| it.status == DeliveryStatus::Lost));
        }
    }
    let is_dead = |it: &&&Delivery| {
        let at = |span: &Span| it.sent >= span.from && it.sent <= span.to;
        let dest = it.dest.as_str();
        spans
            .iter()
            .any(|span| at(span) && span.whom.iter().any(|node| node == dest))
    };
    let lost = deliveries
        .iter()
        .filter(|it| it.status == DeliveryStatus::Lost);
    assert!(lost.clone().count() > 100 && lost.clone().all(|it| is_dead(&it)));

    let mut boots = BTreeSet::new();
    for node in NODES {
        let deaths = spans
            .iter()
            .filter(|span| span.whom.iter().any(|it| it == node))
            .count();
        let lives: Vec<&[String]> = scene.log(node).split(|line| line == "(killed)").collect();
        assert_eq!(lives.len(), deaths + 1);
        for life in lives {
            let boot = life.first().and_then(|line| line.strip_prefix("boot "));
            assert!(boots.insert(boot.expect("each life begins with a number of its own")));
            let ticks = life.iter().filter_map(|line| line.strip_prefix("tick "));
            let numbers = ticks.map(|rest| rest.split(' ').next().unwrap().parse::<u64>().unwrap());
            assert!(numbers.zip(1..).all(|(number, due)| number == due));
        }
    }
    assert!(boots.len() > 20);
}

#[test]
fn the_same_node_may_be_paused_and_killed_at_the_same_time_and_comes_back_in_the_end() {
    let scene = scene("--nemesis pause,kill --targets 3 --nemesis-interval 0.3 --time-limit 20");
    for node in NODES {
        let deliveries = scene.deliveries();
        let last = sends(&deliveries, node).max().unwrap();
        let end = deliveries.iter().map(|it| it.sent).max().unwrap();
        assert!(last + TICK * 2 > end, "{node} speaks to the end");
    }
}

/// The times at which a node's timer went off: by the true clock, and by its own.
fn ticks(scene: &Scene, node: &str) -> (Vec<Duration>, Vec<Duration>) {
    let deliveries = scene.deliveries();
    let among: Vec<&Delivery> = deliveries
        .into_iter()
        .filter(|it| is_among_servers(it))
        .collect();
    let mut sent: Vec<Duration> = sends(&among, node).collect();
    sent.dedup();
    let log = scene.log(node).iter();
    let own = log.filter_map(|line| line.strip_prefix("tick ")?.split(' ').nth(2)?.parse().ok());
    (sent, own.map(Duration::from_nanos).collect())
}

fn gaps(times: &[Duration]) -> Vec<Duration> {
    times
        .windows(2)
        .map(|pair| pair[1].checked_sub(pair[0]).expect("no clock goes back"))
        .collect()
}

#[test]
fn a_wrong_clock_lets_timers_go_off_early_and_late_and_never_goes_back() {
    let scene = scene("--nemesis skew --skew 700 --drift 0.5 --nemesis-interval 2");
    let spans = scene.spans(Fault::Skew);
    let calm = spans.last().unwrap().to;
    for node in NODES {
        let (sent, own) = ticks(&scene, node);
        let true_gaps = gaps(&sent);
        let shorter = true_gaps.iter().filter(|gap| **gap < TICK * 9 / 10).count();
        let longer = true_gaps
            .iter()
            .filter(|gap| **gap > TICK * 11 / 10)
            .count();
        assert!(shorter > 20 && longer > 20, "{shorter} {longer}");
        let rounding = Duration::from_nanos(10);
        assert!(true_gaps.iter().all(|gap| *gap <= TICK * 2 + rounding));
        // By its own clock a timer is never early, and late by no more than the clock jumps.
        let own_gaps = gaps(&own);
        let jump = Duration::from_millis(700);
        let is_right = |gap: &Duration| *gap >= TICK && *gap <= TICK + jump + rounding;
        assert!(own_gaps.iter().all(is_right), "{own_gaps:?}");
        assert!(own_gaps.iter().any(|gap| *gap > TICK + jump / 2));
        // Once it is over the pace is right.
        let later = sent.iter().filter(|at| **at > calm).copied();
        let later = gaps(&later.collect::<Vec<Duration>>());
        assert!(later.len() > 50 && later.iter().all(|gap| *gap == TICK));
    }
}

#[test]
fn a_clock_does_not_go_back_when_its_node_is_killed() {
    let scene = scene("--nemesis skew,kill --skew 3600000 --drift 1 --nemesis-interval 2");
    for node in NODES {
        let (_, own) = ticks(&scene, node);
        assert!(own.is_sorted());
        assert!(own.last() > Some(&Duration::from_secs(3600)), "it did jump");
    }
}
