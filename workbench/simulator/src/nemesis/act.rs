//! What a nemesis does, and what a history says of it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use serde_json::value::RawValue;

use super::Grudge;
use super::fault::Fault;
use super::partition::Target;

/// What the nemesis does.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// A fault begins.
    Start(Blow),
    /// All faults of a kind end.
    Stop(Fault),
}

/// A fault, with all that was drawn for it. Nodes are told by their places in the list.
#[derive(Debug, Clone, PartialEq)]
pub enum Blow {
    /// Each of these nodes drops what comes from its set of sources, to hit the target.
    Partition(Target, Grudge),
    /// This part of the messages between servers is lost.
    Loss(f64),
    /// This part of them arrives twice.
    Duplicate(f64),
    /// Half of them are late, by anything up to this.
    Delay(Duration),
    /// These nodes stand still.
    Pause(BTreeSet<usize>),
    /// These nodes die.
    Kill(BTreeSet<usize>),
    /// These nodes' clocks go wrong.
    Skew(Vec<(usize, Skew)>),
}

/// What happens to a clock: it never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skew {
    /// How far it jumps ahead.
    pub ahead: Duration,
    /// How much of a second passes on it in a second, in millionths.
    pub pace_ppm: u32,
}

impl Blow {
    /// Its kind.
    pub fn fault(&self) -> Fault {
        match self {
            Blow::Partition(..) => Fault::Partition,
            Blow::Loss(_) => Fault::Loss,
            Blow::Duplicate(_) => Fault::Duplicate,
            Blow::Delay(_) => Fault::Delay,
            Blow::Pause(_) => Fault::Pause,
            Blow::Kill(_) => Fault::Kill,
            Blow::Skew(_) => Fault::Skew,
        }
    }
}

impl Act {
    /// The operation's name in a history.
    pub fn f(&self) -> &'static str {
        match self {
            Act::Start(blow) => blow.fault().start_f(),
            Act::Stop(fault) => fault.stop_f(),
        }
    }

    /// The value of its invocation: what is meant to happen, in Maelstrom's words where it has any.
    pub fn value(&self) -> Box<RawValue> {
        match self {
            Act::Start(Blow::Partition(target, _)) => history::json(&target.name()),
            Act::Start(Blow::Loss(part) | Blow::Duplicate(part)) => history::json(part),
            Act::Start(Blow::Delay(longest)) => history::json(&longest.as_millis()),
            Act::Start(Blow::Pause(_) | Blow::Kill(_) | Blow::Skew(_)) | Act::Stop(_) => {
                history::null()
            }
        }
    }

    /// The value that completes it: what happened, to whom. `name` tells a node's name, and
    /// `touched` are the nodes that a stop has brought back.
    pub fn outcome<'a>(
        &self,
        name: impl Fn(usize) -> &'a str,
        touched: &BTreeSet<usize>,
    ) -> Box<RawValue> {
        let names = |places: &BTreeSet<usize>| -> Vec<&str> {
            places.iter().map(|place| name(*place)).collect()
        };
        match self {
            Act::Start(Blow::Partition(_, grudge)) => isolated(grudge),
            Act::Start(Blow::Loss(_)) => history::json(&"messages-lost"),
            Act::Start(Blow::Duplicate(_)) => history::json(&"messages-duplicated"),
            Act::Start(Blow::Delay(_)) => history::json(&"messages-delayed"),
            Act::Start(Blow::Pause(places)) => history::json(&("paused", names(places))),
            Act::Start(Blow::Kill(places)) => history::json(&("killed", names(places))),
            Act::Start(Blow::Skew(skews)) => {
                let mut clocks = serde_json::Map::new();
                for (place, Skew { ahead, pace_ppm }) in skews {
                    let pace = f64::from(*pace_ppm) / 1e6;
                    let clock = json!({"ahead-ms": ahead.as_millis() as u64, "pace": pace});
                    clocks.insert(name(*place).to_owned(), clock);
                }
                history::json(&("skewed", clocks))
            }
            Act::Stop(Fault::Partition) => history::json(&"network-healed"),
            Act::Stop(Fault::Loss | Fault::Duplicate | Fault::Delay) => {
                history::json(&"network-reliable")
            }
            Act::Stop(Fault::Pause) => history::json(&("resumed", names(touched))),
            Act::Stop(Fault::Kill) => history::json(&("restarted", names(touched))),
            Act::Stop(Fault::Skew) => history::json(&"clocks-in-step"),
        }
    }
}

/// The value that completes a partition: `["isolated", {"n0": ["n1", "n2"], …}]`.
fn isolated(grudge: &Grudge) -> Box<RawValue> {
    history::json(&("isolated", grudge))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(act: &Act) -> (&'static str, String, String) {
        let name = |place: usize| ["n0", "n1", "n2"][place];
        let outcome = act.outcome(name, &BTreeSet::from([2]));
        (
            act.f(),
            act.value().get().to_owned(),
            outcome.get().to_owned(),
        )
    }

    #[track_caller]
    fn check(act: &Act, f: &str, value: &str, outcome: &str) {
        assert_eq!(told(act), (f, value.to_owned(), outcome.to_owned()));
    }

    #[test]
    fn partitions_read_as_maelstroms() {
        let grudge = Grudge::from([
            ("n0".into(), BTreeSet::from(["n2".into(), "n1".into()])),
            ("n1".into(), BTreeSet::new()),
        ]);
        let start = Act::Start(Blow::Partition(Target::MinorityThird, grudge));
        let isolated = r#"["isolated",{"n0":["n1","n2"],"n1":[]}]"#;
        check(&start, "start-partition", r#""minority-third""#, isolated);
        let stop = Act::Stop(Fault::Partition);
        check(&stop, "stop-partition", "null", r#""network-healed""#);
    }

    #[test]
    fn other_faults_say_how_bad_they_are_and_whom_they_hit() {
        let kill = Act::Start(Blow::Kill(BTreeSet::from([1])));
        check(&kill, "start-kill", "null", r#"["killed",["n1"]]"#);
        let stop = Act::Stop(Fault::Kill);
        check(&stop, "stop-kill", "null", r#"["restarted",["n2"]]"#);
        let loss = Act::Start(Blow::Loss(0.25));
        check(&loss, "start-loss", "0.25", r#""messages-lost""#);
        let skew = Skew {
            ahead: Duration::from_millis(70),
            pace_ppm: 1_050_000,
        };
        let skew = Act::Start(Blow::Skew(vec![(0, skew)]));
        let clocks = r#"["skewed",{"n0":{"ahead-ms":70,"pace":1.05}}]"#;
        check(&skew, "start-skew", "null", clocks);
    }
}
