//! Tests of the network.

use serde_json::value::RawValue;

use super::*;
use crate::latency::Distribution;
use crate::rng::seeded;

fn network(mean_ms: u32, distribution: Distribution) -> Network {
    let mut network = Network::new(
        Latency {
            mean_ms,
            distribution,
        },
        seeded(1),
        seeded(2),
    );
    for name in ["n0", "n1", "c0", "seq-kv"] {
        network.register(name.into());
        network.listen(Duration::ZERO, &name.into());
    }
    network
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn send(network: &mut Network, at: u64, src: &str, dest: &str, text: &str) {
    let body = RawValue::from_string(format!("{{\"type\":\"{text}\"}}")).unwrap();
    network.send(ms(at), src, dest, body.into()).unwrap();
}

fn kind(body: &Body) -> String {
    body.counted_type().to_owned()
}

/// All deliveries, with their times in milliseconds.
fn deliveries(network: &mut Network) -> Vec<(u64, String)> {
    let mut seen = Vec::new();
    let mut last = None;
    while let Some(at) = network.deadline() {
        assert_ne!(Some(at), last, "nothing is due by the deadline");
        while let Some(envelope) = network.poll(at) {
            seen.push((at.as_millis() as u64, kind(&envelope.body)));
        }
        last = Some(at);
    }
    seen
}

#[test]
fn messages_of_clients_take_no_time_and_those_among_servers_the_latency() {
    let mut network = network(100, Distribution::Constant);
    send(&mut network, 0, "n0", "n1", "server");
    send(&mut network, 0, "c0", "n0", "client");
    send(&mut network, 5, "n0", "seq-kv", "service");
    let seen = deliveries(&mut network);
    let at = |name: &str| {
        seen.iter()
            .find(|(_, kind)| kind == name)
            .map(|(at, _)| *at)
    };
    assert_eq!(
        (at("client"), at("server"), at("service")),
        (Some(0), Some(100), Some(105))
    );
}

#[test]
fn a_message_that_waits_for_its_latency_delays_all_behind_it() {
    let mut network = network(100, Distribution::Constant);
    send(&mut network, 0, "n0", "n1", "slow");
    send(&mut network, 20, "c0", "n1", "client");
    assert_eq!(
        deliveries(&mut network),
        [(100, "slow".into()), (100, "client".into())]
    );
}

#[test]
fn a_partition_drops_a_message_when_its_consumer_takes_it() {
    let mut network = network(100, Distribution::Constant);
    let cut = |network: &mut Network| {
        network.cut(BTreeMap::from([(
            "n1".into(),
            BTreeSet::from(["n0".into()]),
        )]));
    };
    send(&mut network, 0, "n0", "n1", "taken before the cut");
    cut(&mut network);
    send(&mut network, 10, "n0", "n1", "taken during it");
    send(&mut network, 10, "n1", "n0", "the other way");
    send(&mut network, 20, "c0", "n1", "client");
    let seen: Vec<String> = deliveries(&mut network)
        .into_iter()
        .map(|(_, kind)| kind)
        .collect();
    assert_eq!(seen, ["taken before the cut", "client", "the other way"]);
    network.heal();
    send(&mut network, 200, "n0", "n1", "after the heal");
    assert_eq!(deliveries(&mut network), [(300, "after the heal".into())]);
}

#[test]
fn only_participants_can_send_and_receive() {
    let mut network = network(0, Distribution::Constant);
    let sent = network.send(ms(0), "n9", "n0", Body::default());
    assert_eq!(sent, Err(Unroutable::Sender("n9".into())));
    let sent = network.send(ms(0), "n0", "c9", Body::default());
    assert_eq!(sent, Err(Unroutable::Receiver("c9".into())));
    assert_eq!(network.statistics().all().sent, 0);
}

#[test]
fn messages_are_queued_while_a_participant_does_not_listen() {
    let mut network = network(0, Distribution::Constant);
    network.stop_listening(&"c0".into());
    send(&mut network, 0, "n0", "c0", "first");
    send(&mut network, 1, "n0", "c0", "second");
    assert_eq!(deliveries(&mut network), []);
    network.listen(ms(7), &"c0".into());
    assert_eq!(
        network.poll(ms(7)).map(|it| kind(&it.body)),
        Some("first".into())
    );
    network.stop_listening(&"c0".into());
    assert!(network.poll(ms(8)).is_none());
    network.listen(ms(9), &"c0".into());
    assert_eq!(
        network.poll(ms(9)).map(|it| kind(&it.body)),
        Some("second".into())
    );
}

#[test]
fn messages_are_counted_by_class_and_by_kind() {
    let mut network = network(0, Distribution::Constant);
    send(&mut network, 0, "c0", "n0", "read");
    send(&mut network, 0, "n0", "n1", "gossip");
    send(&mut network, 0, "n1", "seq-kv", "read");
    network.cut(BTreeMap::from([(
        "n1".into(),
        BTreeSet::from(["n0".into()]),
    )]));
    deliveries(&mut network);
    send(&mut network, 1, "n0", "n1", "gossip");
    deliveries(&mut network);
    let statistics = network.statistics();
    assert_eq!(
        (statistics.clients().sent, statistics.clients().received),
        (1, 1)
    );
    assert_eq!(
        (statistics.servers().sent, statistics.servers().received),
        (3, 2)
    );
    assert_eq!(statistics.by_type()["gossip"].sent, 2);
    // n1: from n0 twice, to the service once; not what clients send.
    assert_eq!(network.busiest_node(), 3);
}

#[test]
fn the_trace_has_each_copy_of_a_message_and_what_became_of_it() {
    let mut network = network(100, Distribution::Constant);
    network.keep_trace();
    send(&mut network, 1, "c0", "n0", "read");
    send(&mut network, 2, "n0", "n1", "gossip");
    assert_eq!(network.poll(ms(5)).map(|it| it.id), Some(0));
    network.faults_mut().loss = 1.0;
    send(&mut network, 6, "n0", "n1", "lost");
    *network.faults_mut() = MessageFaults {
        duplicate: 1.0,
        ..MessageFaults::default()
    };
    send(&mut network, 7, "n1", "seq-kv", "twice");
    let trace = network.take_trace().unwrap();
    let seen = trace.deliveries().iter().map(|it| {
        let ends = format!("{} {} {}", it.src, it.dest, it.kind);
        (it.id, it.sent, ends, it.body.clone(), it.status)
    });
    let message = |id, sent, ends: &str, status| {
        let (_, kind) = ends.rsplit_once(' ').unwrap();
        let body = format!("{{\"type\":\"{kind}\"}}");
        (id, ms(sent), ends.to_owned(), body, status)
    };
    let expected = [
        message(0, 1, "c0 n0 read", DeliveryStatus::Arrived(ms(5))),
        message(1, 2, "n0 n1 gossip", DeliveryStatus::InFlight),
        message(2, 6, "n0 n1 lost", DeliveryStatus::Lost),
        message(3, 7, "n1 seq-kv twice", DeliveryStatus::InFlight),
        message(3, 7, "n1 seq-kv twice", DeliveryStatus::InFlight),
    ];
    assert_eq!(seen.collect::<Vec<_>>(), expected);
    assert_eq!(trace.left_out(), 0);
    assert!(network.take_trace().is_none());
}

#[test]
fn the_log_has_the_messages_that_were_sent_and_received() {
    let log = |sent, received| {
        let mut network = network(0, Distribution::Constant);
        network.set_net_log(NetLog { sent, received });
        send(&mut network, 0, "c0", "n0", "read");
        network.stop_listening(&"c0".into());
        send(&mut network, 0, "n0", "c0", "read_ok");
        deliveries(&mut network);
        let lines = network.take_net_log();
        assert!(network.take_net_log().is_empty());
        let heads = lines.iter().map(|line| line.split_at(4));
        let heads: Vec<_> = heads
            .map(|(word, message)| {
                let message = serde_json::from_str::<serde_json::Value>(message).unwrap();
                format!("{word} {}", message["body"]["type"].as_str().unwrap())
            })
            .collect();
        heads.join(", ")
    };
    assert_eq!(log(true, false), "send read, send read_ok");
    assert_eq!(log(false, true), "recv read");
    assert_eq!(log(true, true), "send read, send read_ok, recv read");
    assert_eq!(log(false, false), "");
}

#[test]
fn message_faults_affect_messages_among_servers_only() {
    let mut network = network(5, Distribution::Constant);
    let seen = |network: &mut Network| -> Vec<u64> {
        for i in 0..1000 {
            send(network, 0, "n0", "n1", &i.to_string());
            send(network, 0, "c0", "n0", "client");
        }
        let seen = deliveries(network).into_iter();
        let seen = seen.filter_map(|(_, kind)| kind.parse().ok());
        seen.collect()
    };
    assert_eq!(seen(&mut network), (0..1000).collect::<Vec<_>>());
    network.faults_mut().loss = 0.5;
    let some = seen(&mut network);
    assert!((400..600).contains(&some.len()) && some.is_sorted());
    *network.faults_mut() = MessageFaults {
        duplicate: 0.5,
        ..MessageFaults::default()
    };
    let more = seen(&mut network);
    assert!((1400..1600).contains(&more.len()) && more.is_sorted());
    *network.faults_mut() = MessageFaults {
        delay: ms(100),
        ..MessageFaults::default()
    };
    let mut mixed = seen(&mut network);
    assert!(!mixed.is_sorted());
    mixed.sort_unstable();
    assert_eq!(mixed, (0..1000).collect::<Vec<_>>());
    assert_eq!(network.statistics().clients().received, 4000);
}

#[test]
fn messages_that_arrive_at_a_blocked_node_are_lost_and_those_under_way_are_not() {
    let mut network = network(100, Distribution::Constant);
    let n1 = NodeId::from("n1");
    network.stop_listening(&n1);
    send(&mut network, 0, "n0", "n1", "early");
    network.block(ms(0), &n1);
    assert!(network.poll(ms(100)).is_none());
    send(&mut network, 110, "n0", "n1", "late");
    network.admit_only(ms(120), &n1, "c0".into());
    send(&mut network, 120, "c0", "n1", "init");
    send(&mut network, 120, "seq-kv", "n1", "other");
    let first = network.poll(ms(210)).map(|it| kind(&it.body));
    assert_eq!(first, Some("init".into()));
    network.admit_all(ms(215), &n1);
    assert_eq!(deliveries(&mut network), [(220, "other".into())]);
}

#[test]
fn a_queue_is_limited_only_while_its_participant_does_not_listen() {
    let arrived = |listens: bool| {
        let mut network = network(100, Distribution::Constant);
        if !listens {
            network.stop_listening(&"n1".into());
        }
        for _ in 0..=MAX_WAITING {
            send(&mut network, 0, "n0", "n1", "more");
        }
        network.listen(ms(50), &"n1".into());
        deliveries(&mut network).len()
    };
    assert_eq!(arrived(true), MAX_WAITING + 1);
    assert_eq!(arrived(false), MAX_WAITING);
}

#[test]
fn rescheduled_messages_arrive_within_the_new_latency_even_if_they_were_delayed() {
    let mut network = network(5000, Distribution::Constant);
    send(&mut network, 0, "n0", "n1", "held");
    send(&mut network, 1, "n0", "n1", "waiting");
    network.faults_mut().delay = Duration::from_secs(100);
    for _ in 0..20 {
        send(&mut network, 2, "n0", "n1", "delayed");
    }
    *network.faults_mut() = MessageFaults::default();
    network.set_latency(Latency::constant(100));
    network.reschedule(ms(50));
    let seen = deliveries(&mut network);
    assert_eq!(seen.len(), 22);
    assert!(seen.iter().all(|(at, _)| *at == 150), "{seen:?}");
    assert_eq!(
        (&*seen[0].1, &*seen[1].1, network.deadline()),
        ("held", "waiting", None)
    );
}
