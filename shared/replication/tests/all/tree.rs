//! Links in a tree: seven nodes, two below each inner one, replicate numbers in one rhythm.

use std::collections::BTreeMap;
use std::time::Duration;

use replication::{Links, Packet, TreeFlags};
use serde::{Deserialize, Serialize};
use shared::{Caller, Cluster, Context, Node, NodeId, read_flags, with_flags};
use simulator::latency::Latency;
use simulator::testing::{Conditions, TestCluster};

const NODES: usize = 7;

/// Of each packet, in milliseconds.
const LATENCY: u32 = 20;
const SLACK: u64 = 25;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[derive(Debug)]
struct Replica {
    links: Links<u64>,
    /// Each number with the time, in milliseconds, at which it became known.
    known: Vec<(u64, u64)>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Learn { number: u64 },
    Gossip { packet: Packet<u64> },
    Read,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Outgoing {
    Gossip { packet: Packet<u64> },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Response<'a> {
    ReadOk { known: &'a [(u64, u64)] },
}

#[derive(Deserialize)]
struct Answer {
    known: Vec<(u64, u64)>,
}

impl Replica {
    fn boot(&(period, min_gap): &(u64, u64), cluster: &Cluster, ctx: &mut Context<()>) -> Self {
        let slack = format!("--slack={SLACK}");
        let flags: TreeFlags = read_flags("replica", &["--fan-out=2", &slack]).unwrap();
        let boot = ctx.rng().boot_number();
        Replica {
            links: flags.links(boot, flags.tree(cluster), period, min_gap),
            known: Vec::new(),
        }
    }

    fn learn(&mut self, ctx: &Context<()>, src: Option<&NodeId>, number: u64) {
        let now = ctx.now();
        self.known.push((number, now.as_millis() as u64));
        self.links.push_to_all_but(now, src, &number);
    }

    fn flush(&mut self, ctx: &mut Context<()>) {
        let request = |packet| Outgoing::Gossip { packet };
        self.links.flush(ctx, request, || ());
    }
}

impl Node for Replica {
    type Request = Request;
    type Event = ();

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<()>) {
        match request {
            Request::Learn { number } => self.learn(ctx, None, number),
            Request::Gossip { packet } => {
                let src = caller.node();
                for number in self.links.receive(ctx.now(), src, packet).items {
                    self.learn(ctx, Some(src), number);
                }
            }
            Request::Read => {
                let known = &self.known;
                ctx.reply(caller, Response::ReadOk { known });
            }
        }
        self.flush(ctx);
    }

    fn on_event(&mut self, (): (), ctx: &mut Context<()>) {
        self.flush(ctx);
    }
}

/// A cluster whose numbers are the times at which they were learned, in milliseconds.
struct Tree(TestCluster<Replica>);

impl Tree {
    fn new(period: u64, min_gap: u64) -> Self {
        let latency = Conditions::reliable(Latency::constant(LATENCY));
        let boot = with_flags((period, min_gap), Replica::boot);
        Tree(TestCluster::of_nodes(NODES, 1, latency, boot))
    }

    /// A node learns the time.
    fn learn(&mut self, node: usize, at: u64) {
        self.0.run_until(ms(at));
        let learn = format!(r#"{{"type":"learn","number":{at}}}"#);
        self.0.deliver("c1", &format!("n{node}"), &learn);
    }

    /// How long each number travelled to a node.
    fn delays(&mut self, node: usize) -> BTreeMap<u64, u64> {
        let read = r#"{"type":"read","msg_id":1}"#;
        let answer = self.0.ask(&format!("n{node}"), read);
        let answer: Answer = serde_json::from_str(&answer).unwrap();
        let delays = answer
            .known
            .iter()
            .map(|(number, at)| (*number, at - number));
        let delays: BTreeMap<u64, u64> = delays.collect();
        assert_eq!(
            delays.len(),
            answer.known.len(),
            "a number was delivered twice"
        );
        delays
    }
}

/// The number of edges between two nodes.
fn distance(mut one: usize, mut other: usize) -> u64 {
    let mut edges = 0;
    while one != other {
        let lower = if one > other { &mut one } else { &mut other };
        *lower = (*lower - 1) / 2;
        edges += 1;
    }
    edges
}

#[test]
fn in_a_rhythm_an_edge_carries_a_packet_per_period_and_a_number_waits_for_one_period() {
    const PERIOD: u64 = 400;
    const PERIODS: u64 = 40;
    let mut tree = Tree::new(PERIOD, 50);
    let times: Vec<u64> = (1000..1000 + (PERIODS + 10) * PERIOD).step_by(37).collect();
    for at in &times {
        tree.learn((at / 37) as usize % NODES, *at);
    }
    tree.0.advance(ms(1000));
    // The first ten periods are the nodes' to find the rhythm.
    let mut packets: BTreeMap<_, u64> = BTreeMap::new();
    for sent in &tree.0.sent {
        if sent.at > ms(1000 + 10 * PERIOD) {
            *packets.entry((&sent.src, &sent.dest)).or_default() += 1;
        }
    }
    assert_eq!(packets.len(), 2 * (NODES - 1));
    let max = packets.values().max().copied();
    assert!(max <= Some(PERIODS + 3), "{packets:?}");
    let longest_path = 4 * u64::from(LATENCY);
    for node in 0..NODES {
        let delays = tree.delays(node);
        assert!(delays.keys().eq(&times), "n{node} lacks numbers");
        let max = delays.values().max().copied();
        assert!(
            max <= Some(PERIOD + 2 * SLACK + longest_path),
            "n{node} {delays:?}"
        );
    }
    tree.0.advance(ms(10_000));
    assert!(tree.0.is_idle());
}

#[test]
fn a_lone_number_and_one_in_a_tree_without_a_period_wait_nowhere() {
    for (period, step) in [(400, 5000), (0, 37)] {
        let mut tree = Tree::new(period, 50);
        let times: Vec<u64> = (0..20).map(|i| 1000 + i * step).collect();
        let origin = |at: u64| (at / step) as usize % NODES;
        for at in &times {
            tree.learn(origin(*at), *at);
        }
        tree.0.advance(ms(5000));
        for node in 0..NODES {
            let expected = |at: &u64| (*at, distance(origin(*at), node) * u64::from(LATENCY));
            assert!(
                tree.delays(node).into_iter().eq(times.iter().map(expected)),
                "n{node}"
            );
        }
    }
}

#[test]
fn without_a_rhythm_numbers_leave_for_the_parent_after_a_gap_and_for_children_after_a_period() {
    let mut tree = Tree::new(400, 50);
    tree.learn(3, 1000);
    tree.learn(3, 1010);
    tree.0.advance(ms(5000));
    // Up at 1050 and 1070; the other nodes are below nodes that have sent to them before.
    let delays = [0, 1, 3, 4].map(|node| tree.delays(node)[&1010]);
    assert_eq!(delays, [80, 60, 0, 430]);
}

#[test]
fn a_batch_says_once_how_early_the_childs_last_packet_was() {
    let mut tree = Tree::new(400, 50);
    // The child acknowledges the first batch before the second one leaves, and that after the third.
    for at in [1000, 5000, 5500] {
        tree.learn(0, at);
    }
    let batches = tree
        .0
        .sent
        .iter()
        .filter(|it| it.dest == "n1" && it.body.contains("items"));
    let have_echo: Vec<bool> = batches.map(|it| it.body.contains("echo")).collect();
    assert_eq!(have_echo, [false, true, false]);
}
