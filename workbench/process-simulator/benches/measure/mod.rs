//! The measurements.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use process_simulator::Threads;
use simulator::options::{Nodes, Options, PartialOptions};
use simulator::run::Record;
use simulator::simulation::{Incarnation, simulate};
use simulator::workload::{Name, workload};

use crate::languages::{Node, c, erlang, go, java, program, script};
use crate::support::{built, compile, run};

/// Runs of which a figure is the median.
const RUNS: usize = 3;

/// How often the program that measures a stop makes a call that stops.
const STOPS: u32 = 100_000;

/// Builds a node, unless its language's tools are missing.
type Build = fn() -> Option<Node>;

const NODES: [(&str, Build); 11] = [
    ("C", || c("nodes/node.c")),
    ("Perl", || script("nodes/node.pl", "perl")),
    ("Python", || script("nodes/threads.py", "python3")),
    ("Ruby", || script("nodes/node.rb", "ruby")),
    ("tokio", tokio),
    ("asyncio", || script("nodes/asynchronous.py", "python3")),
    ("Node.js", || script("nodes/node.js", "node")),
    ("Go", || go("nodes/node.go")),
    ("Java", || java("nodes", "Node")),
    ("Erlang", || erlang("nodes/node.erl")),
    ("bash", || script("nodes/node.sh", "bash")),
];

pub fn measure() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&String> = words.iter().filter(|it| !it.starts_with('-')).collect();
    let is_meant = |name: &str| words.is_empty() || words.iter().any(|it| name.contains(&**it));
    println!(
        "{:<12}{:>6}{:>14}{:>12}{:>12}{:>15}",
        "nodes", "", "start-up ms", "20 s in ms", "messages", "us a message"
    );
    for (name, build) in NODES.iter().filter(|(name, _)| is_meant(name)) {
        let Some(node) = build() else { continue };
        measure_node(name, &node, 3);
        if ["Python", "Go"].contains(name) {
            measure_node(name, &node, 25);
        }
    }
    if is_meant("stop") {
        measure_stop();
    }
}

fn measure_node(name: &str, node: &Node, nodes: u32) {
    let start_up = median(|| simulated(node, nodes, 0).0);
    let whole = median(|| simulated(node, nodes, 20).0);
    let (_, record) = simulated(node, nodes, 20);
    let time = whole.saturating_sub(start_up).as_secs_f64() * 1000.0;
    let messages = record.statistics.clients().received + record.statistics.servers().received;
    println!(
        "{name:<12}{nodes:>6}{:>14.0}{time:>12.0}{messages:>12}{:>15.1}",
        start_up.as_secs_f64() * 1000.0,
        time * 1000.0 / messages as f64
    );
}

/// Simulates nodes for some seconds. Returns how long it took.
fn simulated(node: &Node, nodes: u32, seconds: u64) -> (Duration, Record) {
    let options = Options::default().with(&PartialOptions {
        nodes: Some(Nodes::Count(nodes)),
        rate: Some(20.0),
        time_limit: Some(Duration::from_secs(seconds)),
        latency: Some(10),
        ..PartialOptions::default()
    });
    let workload = workload(Name::Broadcast, &options);
    let settings = options.settings(&*workload, 1).unwrap();
    let start = Instant::now();
    let record = simulate(&settings, workload, &node.factory(Threads::InOrder));
    let time = start.elapsed();
    assert_eq!(record.abort_reason, None, "{:?}", record.logs);
    (time, record)
}

/// The cost of a stop at a call that does not wait.
fn measure_stop() {
    let source = built().join("stops.c");
    let text = format!(
        "#include <unistd.h>\nint main() {{ for (int i = 0; i < {STOPS}; i++) getppid(); }}"
    );
    fs::write(&source, text).unwrap();
    let node = program(compile(&source), &[]);
    let time = median(|| {
        let mut host = node.factory(Threads::InOrder)(Incarnation {
            node: 0,
            number: 0,
            seed: 1,
        })
        .unwrap();
        let start = Instant::now();
        while let Some(at) = host.deadline()
            && host.failure().is_none()
        {
            host.wake(at);
        }
        start.elapsed()
    });
    println!(
        "a stop: {:.2} us",
        time.as_secs_f64() * 1e6 / f64::from(STOPS)
    );
}

/// The example of this package.
fn tokio() -> Option<Node> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let arguments = ["build", "--release", "--quiet", "--example", "tokio_node"];
    run("cargo", &arguments);
    Some(program(folder.join("release/examples/tokio_node"), &[]))
}

fn median(measure: impl Fn() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS).map(|_| measure()).collect();
    times.sort_unstable();
    times[RUNS / 2]
}
