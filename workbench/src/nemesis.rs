//! The one who breaks things: partitions that come and go by chance. It decides when and what, and
//! leaves the doing to the network.

mod partition;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use rand::seq::IndexedRandom;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::dice::Dice;
use crate::history;

pub use partition::{Grudge, Target, grudge};

/// A mean interval below this is taken for this: an interval of zero would hold a virtual clock
/// for ever.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

/// Starts and stops partitions in turn.
#[derive(Debug)]
pub struct Nemesis {
    nodes: Vec<Arc<str>>,
    interval: Duration,
    dice: Dice,
    next_at: Duration,
    partitioned: bool,
}

/// What the nemesis does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A partition begins.
    Start(Target),
    /// All partitions end.
    Stop,
}

impl Nemesis {
    /// One that acts on `nodes` every `interval` on average, and first of all at once.
    pub fn new(nodes: Vec<Arc<str>>, interval: Duration, dice: Dice) -> Nemesis {
        let interval = interval.max(SHORTEST_INTERVAL);
        Nemesis {
            nodes,
            interval,
            dice,
            next_at: Duration::ZERO,
            partitioned: false,
        }
    }

    /// When its next act is due, since the phase began.
    pub fn next_at(&self) -> Duration {
        self.next_at
    }

    /// What it does at `now`, the time since the phase began; nothing while nothing is due.
    ///
    /// The act after this one follows 0 to 2 intervals later, counted from `now`: a late call
    /// shifts all that follows, it is never made up for.
    pub fn wake(&mut self, now: Duration) -> Option<Act> {
        if now < self.next_at {
            return None;
        }
        let most = nanos(self.interval.saturating_mul(2));
        let pause = Duration::from_nanos(self.dice.random_range(0..most));
        self.next_at = now.saturating_add(pause);
        self.partitioned = !self.partitioned;
        if !self.partitioned {
            return Some(Act::Stop);
        }
        Target::ALL.choose(&mut self.dice).copied().map(Act::Start)
    }

    /// Who shall drop whose messages, to hit the target.
    pub fn grudge(&mut self, target: Target) -> Grudge {
        grudge(target, &self.nodes, &mut self.dice)
    }
}

impl Act {
    /// The operation's name in a history.
    pub fn f(self) -> &'static str {
        match self {
            Act::Start(_) => "start-partition",
            Act::Stop => "stop-partition",
        }
    }

    /// The value of its invocation: the target's name, or `null`.
    pub fn value(self) -> Box<RawValue> {
        match self {
            Act::Start(target) => raw(target.name()),
            Act::Stop => history::null(),
        }
    }
}

/// The value that completes a start: `["isolated", {"n0": ["n1", "n2"], …}]`.
pub fn isolated(grudge: &Grudge) -> Box<RawValue> {
    let lists: BTreeMap<&str, BTreeSet<&str>> = grudge
        .iter()
        .map(|(node, drops)| (&**node, drops.iter().map(|source| &**source).collect()))
        .collect();
    raw(&("isolated", lists))
}

/// The value that completes a stop.
pub fn healed() -> Box<RawValue> {
    raw("network-healed")
}

/// In whole nanoseconds, as far as 64 bits reach.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn raw<T: Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    to_raw_value(value).expect("strings and lists of strings are JSON")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use std::time::Duration;

    use super::{Act, Grudge, Nemesis, Target, healed, isolated};
    use crate::dice::dice;

    fn nodes(count: usize) -> Vec<Arc<str>> {
        (0..count)
            .map(|number| format!("n{number}").into())
            .collect()
    }

    #[test]
    fn the_first_partition_comes_at_once_and_pauses_last_up_to_two_intervals() {
        let interval = Duration::from_secs(10);
        let mut nemesis = Nemesis::new(nodes(5), interval, dice(1));
        let (mut now, mut longest, mut acts, mut targets) =
            (Duration::ZERO, Duration::ZERO, 0_u32, [0; 4]);
        assert_eq!(nemesis.next_at(), Duration::ZERO);
        while acts < 4000 {
            let act = nemesis.wake(now).unwrap();
            match act {
                Act::Start(target) => {
                    assert_eq!(acts % 2, 0);
                    targets[Target::ALL
                        .iter()
                        .position(|&other| other == target)
                        .unwrap()] += 1;
                }
                Act::Stop => assert_eq!(acts % 2, 1),
            }
            acts += 1;
            longest = longest.max(nemesis.next_at() - now);
            now = nemesis.next_at();
        }
        assert!(
            longest < 2 * interval && longest > interval * 19 / 10,
            "{longest:?}"
        );
        let mean = (now / acts).as_secs_f64();
        assert!((9.5..10.5).contains(&mean), "{mean}");
        assert!(
            targets.iter().all(|times| (400..600).contains(times)),
            "{targets:?}"
        );
    }

    #[test]
    fn a_wake_before_its_time_changes_nothing_and_a_late_one_shifts_the_rest() {
        let mut nemesis = Nemesis::new(nodes(3), Duration::from_secs(5), dice(4));
        assert!(nemesis.wake(Duration::ZERO).is_some());
        let due = nemesis.next_at();
        assert_eq!(nemesis.wake(due - Duration::from_nanos(1)), None);
        assert_eq!(nemesis.next_at(), due);
        let late = due + Duration::from_secs(60);
        assert_eq!(nemesis.wake(late), Some(Act::Stop));
        assert!(nemesis.next_at() >= late);
    }

    #[test]
    fn extreme_intervals_neither_panic_nor_hold_the_clock() {
        let mut nemesis = Nemesis::new(nodes(3), Duration::MAX, dice(4));
        assert!(nemesis.wake(Duration::MAX).is_some());
        assert_eq!(nemesis.next_at(), Duration::MAX);
        let mut nemesis = Nemesis::new(Vec::new(), Duration::ZERO, dice(4));
        for _ in 0..100 {
            nemesis.wake(nemesis.next_at());
        }
        assert!(nemesis.next_at() > Duration::from_millis(50));
    }

    #[test]
    fn history_values_read_as_maelstroms() {
        assert_eq!(
            Act::Start(Target::MinorityThird).value().get(),
            r#""minority-third""#
        );
        assert_eq!(
            (Act::Stop.f(), Act::Stop.value().get().to_owned()),
            ("stop-partition", "null".to_owned())
        );
        let grudge = Grudge::from([
            ("n0".into(), BTreeSet::from(["n2".into(), "n1".into()])),
            ("n1".into(), BTreeSet::new()),
        ]);
        assert_eq!(
            isolated(&grudge).get(),
            r#"["isolated",{"n0":["n1","n2"],"n1":[]}]"#
        );
        assert_eq!(healed().get(), r#""network-healed""#);
    }
}
