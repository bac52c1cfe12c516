//! Tests of the test harness: messages, cuts and restarts.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::{Caller, Cluster, Context, Failure, LIN_KV, Node};
use simulator::latency::Latency;
use simulator::testing::{Conditions, TestCluster};

/// Forwards a client's value to all other nodes, and forwarded values to lin-kv.
#[derive(Debug)]
struct Relay(Cluster);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Spread { value: u64 },
    Store { value: u64 },
}

#[derive(Debug)]
enum Event {
    Stored(Result<(), Failure>),
}

impl Node for Relay {
    type Request = Request;
    type Event = Event;

    fn on_request(&mut self, request: Request, _: Caller, ctx: &mut Context<Event>) {
        match request {
            Request::Spread { value } => {
                for node in self.0.others() {
                    ctx.send(node, Request::Store { value });
                }
            }
            Request::Store { value } => ctx.call(LIN_KV.write("k", value), Event::Stored),
        }
    }

    fn on_event(&mut self, event: Event, ctx: &mut Context<Event>) {
        let Event::Stored(outcome) = event;
        ctx.log(format!("{outcome:?}"));
    }
}

fn relays(count: usize, seed: u64, conditions: Conditions) -> TestCluster<Relay> {
    let mut cluster = TestCluster::of_nodes(count, seed, conditions, |cluster, _| Relay(cluster));
    cluster.sent.clear();
    cluster
}

fn spread(cluster: &mut TestCluster<Relay>) {
    cluster.deliver("c1", "n0", r#"{"type":"spread","value":7}"#);
}

/// Takes the messages sent since the last call, without their bodies.
fn take_sent(cluster: &mut TestCluster<Relay>) -> Vec<String> {
    let sent = cluster.sent.drain(..);
    sent.map(|it| format!("{:?} {}→{}", it.at, it.src, it.dest))
        .collect()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const LATENCY: Latency = Latency::constant(100);

#[test]
fn messages_among_nodes_and_services_take_the_latency_and_are_counted() {
    let mut cluster = relays(2, 1, Conditions::reliable(LATENCY));
    spread(&mut cluster);
    cluster.advance(ms(1000));
    let expected = ["0ns n0→n1", "100ms n1→lin-kv", "200ms lin-kv→n1"];
    assert_eq!(take_sent(&mut cluster), expected);
    assert_eq!(cluster.logs, [("n1".to_owned(), "Ok(())".to_owned())]);
    assert_eq!((cluster.messages(), cluster.is_idle()), (3, true));
}

#[test]
fn a_cut_drops_messages_one_way_until_it_is_healed() {
    let mut cluster = relays(2, 1, Conditions::reliable(LATENCY));
    cluster.cut_one_way("lin-kv", "n1");
    spread(&mut cluster);
    cluster.advance(ms(5000));
    assert_eq!(take_sent(&mut cluster).len(), 3);
    assert_eq!(cluster.logs, [("n1".to_owned(), "Err(Timeout)".to_owned())]);
    cluster.cut_one_way("n0", "n1");
    spread(&mut cluster);
    cluster.advance(ms(5000));
    assert_eq!(take_sent(&mut cluster), ["5s n0→n1"]);
    cluster.heal();
    cluster.logs.clear();
    spread(&mut cluster);
    cluster.advance(ms(5000));
    assert_eq!(cluster.logs, [("n1".to_owned(), "Ok(())".to_owned())]);
}

#[test]
fn messages_that_arrive_at_a_dead_node_are_lost_and_those_under_way_are_not() {
    for (down_for, is_received) in [(99, true), (101, false)] {
        let mut cluster = relays(2, 1, Conditions::reliable(LATENCY));
        spread(&mut cluster);
        cluster.kill("n1");
        assert_eq!(cluster.dead(), ["n1"]);
        cluster.advance(ms(down_for));
        assert_eq!(cluster.restart_dead(), ["n1"]);
        cluster.advance(ms(1000));
        let received = cluster.sent.iter().any(|it| it.dest == "lin-kv");
        assert_eq!(received, is_received, "down for {down_for} ms");
    }
}

#[test]
fn after_the_end_of_faults_messages_under_way_arrive_within_the_latency() {
    let mut lost = 0;
    for seed in 0..100 {
        let storm = Conditions {
            latency: Latency::constant(20_000),
            ..Conditions::WORST
        };
        let mut cluster = relays(2, seed, storm);
        spread(&mut cluster);
        cluster.end_faults(LATENCY);
        cluster.advance(ms(100));
        let arrived = cluster.sent.iter().any(|it| it.dest == "lin-kv");
        lost += u64::from(!arrived);
        assert_eq!(cluster.is_idle(), !arrived, "seed {seed}");
    }
    assert!(
        (45..75).contains(&lost),
        "{lost} of 100 with a loss of 60 %"
    );
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed| {
        let mut cluster = relays(5, seed, Conditions::WORST);
        (0..20).for_each(|_| spread(&mut cluster));
        cluster.advance(Duration::from_secs(60));
        take_sent(&mut cluster)
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}

#[test]
fn a_request_that_no_service_answers_is_logged() {
    let mut cluster = relays(1, 1, Conditions::reliable(LATENCY));
    cluster.deliver("c1", "lin-kv", r#"{"type":"ts","msg_id":1}"#);
    assert_eq!(cluster.logs[0].0, "lin-kv");
    assert!(cluster.is_idle());
}
