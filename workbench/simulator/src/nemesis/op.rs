//! Operations of the nemesis, and their form in a history.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use serde_json::value::RawValue;

use super::Grudge;
use super::fault::Fault;
use super::partition::PartitionShape;

/// An operation of the nemesis.
#[derive(Debug, Clone, PartialEq)]
pub enum NemesisOp {
    /// A fault begins.
    Start(FaultStart),
    /// All faults of a kind end.
    Stop(Fault),
}

/// The start of a fault, with all that was drawn for it. Pause, kill and skew give nodes by index,
/// a partition by name.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultStart {
    /// Each receiver drops messages from its set of sources.
    Partition(PartitionShape, Grudge),
    /// This share of the messages among nodes and services is lost.
    Loss(f64),
    /// This share of the messages among nodes and services arrives twice.
    Duplicate(f64),
    /// Half of the messages among nodes and services are delayed, by at most this.
    Delay(Duration),
    /// These nodes are paused.
    Pause(BTreeSet<usize>),
    /// These nodes are killed.
    Kill(BTreeSet<usize>),
    /// These nodes' clocks jump ahead and change their pace.
    Skew(Vec<(usize, Skew)>),
}

/// A change of a clock, which never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skew {
    /// How far it jumps ahead.
    pub ahead: Duration,
    /// Its speed, in millionths of true time.
    pub speed_millionths: u32,
}

impl FaultStart {
    /// The kind of fault.
    pub fn fault(&self) -> Fault {
        match self {
            FaultStart::Partition(..) => Fault::Partition,
            FaultStart::Loss(_) => Fault::Loss,
            FaultStart::Duplicate(_) => Fault::Duplicate,
            FaultStart::Delay(_) => Fault::Delay,
            FaultStart::Pause(_) => Fault::Pause,
            FaultStart::Kill(_) => Fault::Kill,
            FaultStart::Skew(_) => Fault::Skew,
        }
    }
}

impl NemesisOp {
    /// The operation's name in a history.
    pub fn f(&self) -> &'static str {
        match self {
            NemesisOp::Start(start) => start.fault().start_f(),
            NemesisOp::Stop(fault) => fault.stop_f(),
        }
    }

    /// The value of its invocation: what shall happen. A partition has the same form as in
    /// Maelstrom.
    pub fn invocation_value(&self) -> Box<RawValue> {
        match self {
            NemesisOp::Start(FaultStart::Partition(shape, _)) => history::json(&shape.name()),
            NemesisOp::Start(FaultStart::Loss(part) | FaultStart::Duplicate(part)) => {
                history::json(part)
            }
            NemesisOp::Start(FaultStart::Delay(longest)) => history::json(&longest.as_millis()),
            NemesisOp::Start(FaultStart::Pause(_) | FaultStart::Kill(_) | FaultStart::Skew(_))
            | NemesisOp::Stop(_) => history::null(),
        }
    }

    /// The value of its completion: what has happened to which nodes. `name` gives a node's name,
    /// and `touched` are the nodes that a stop has resumed or restarted.
    pub fn completion_value<'a>(
        &self,
        name: impl Fn(usize) -> &'a str,
        touched: &BTreeSet<usize>,
    ) -> Box<RawValue> {
        let names = |nodes: &BTreeSet<usize>| -> Vec<&str> {
            nodes.iter().map(|node| name(*node)).collect()
        };
        match self {
            NemesisOp::Start(FaultStart::Partition(_, grudge)) => isolated(grudge),
            NemesisOp::Start(FaultStart::Loss(_)) => history::json(&"messages-lost"),
            NemesisOp::Start(FaultStart::Duplicate(_)) => history::json(&"messages-duplicated"),
            NemesisOp::Start(FaultStart::Delay(_)) => history::json(&"messages-delayed"),
            NemesisOp::Start(FaultStart::Pause(nodes)) => history::json(&("paused", names(nodes))),
            NemesisOp::Start(FaultStart::Kill(nodes)) => history::json(&("killed", names(nodes))),
            NemesisOp::Start(FaultStart::Skew(skews)) => {
                let mut clocks = serde_json::Map::new();
                for (node, skew) in skews {
                    let ahead_ms = skew.ahead.as_millis() as u64;
                    let pace = f64::from(skew.speed_millionths) / 1e6;
                    let clock = json!({"ahead-ms": ahead_ms, "pace": pace});
                    clocks.insert(name(*node).to_owned(), clock);
                }
                history::json(&("skewed", clocks))
            }
            NemesisOp::Stop(Fault::Partition) => history::json(&"network-healed"),
            NemesisOp::Stop(Fault::Loss | Fault::Duplicate | Fault::Delay) => {
                history::json(&"network-reliable")
            }
            NemesisOp::Stop(Fault::Pause) => history::json(&("resumed", names(touched))),
            NemesisOp::Stop(Fault::Kill) => history::json(&("restarted", names(touched))),
            // Only the pace is true again; the text stays, since stored histories have it.
            NemesisOp::Stop(Fault::Skew) => history::json(&"clocks-in-step"),
        }
    }
}

/// The value of a partition's completion: `["isolated", {"n0": ["n1", "n2"], …}]`.
fn isolated(grudge: &Grudge) -> Box<RawValue> {
    history::json(&("isolated", grudge))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(op: &NemesisOp) -> (&'static str, String, String) {
        let name = |node: usize| ["n0", "n1", "n2"][node];
        let outcome = op.completion_value(name, &BTreeSet::from([2]));
        (
            op.f(),
            op.invocation_value().get().to_owned(),
            outcome.get().to_owned(),
        )
    }

    #[track_caller]
    fn check(op: &NemesisOp, f: &str, value: &str, outcome: &str) {
        assert_eq!(described(op), (f, value.to_owned(), outcome.to_owned()));
    }

    #[test]
    fn partitions_have_the_same_form_as_in_maelstrom() {
        let grudge = Grudge::from([
            ("n0".into(), BTreeSet::from(["n2".into(), "n1".into()])),
            ("n1".into(), BTreeSet::new()),
        ]);
        let start = NemesisOp::Start(FaultStart::Partition(PartitionShape::MinorityThird, grudge));
        let isolated = r#"["isolated",{"n0":["n1","n2"],"n1":[]}]"#;
        check(&start, "start-partition", r#""minority-third""#, isolated);
        let stop = NemesisOp::Stop(Fault::Partition);
        check(&stop, "stop-partition", "null", r#""network-healed""#);
    }

    #[test]
    fn other_faults_state_their_strength_and_the_affected_nodes() {
        let kill = NemesisOp::Start(FaultStart::Kill(BTreeSet::from([1])));
        check(&kill, "start-kill", "null", r#"["killed",["n1"]]"#);
        let stop = NemesisOp::Stop(Fault::Kill);
        check(&stop, "stop-kill", "null", r#"["restarted",["n2"]]"#);
        let loss = NemesisOp::Start(FaultStart::Loss(0.25));
        check(&loss, "start-loss", "0.25", r#""messages-lost""#);
        let skew = Skew {
            ahead: Duration::from_millis(70),
            speed_millionths: 1_050_000,
        };
        let skew = NemesisOp::Start(FaultStart::Skew(vec![(0, skew)]));
        let clocks = r#"["skewed",{"n0":{"ahead-ms":70,"pace":1.05}}]"#;
        check(&skew, "start-skew", "null", clocks);
    }
}
