//! What a transaction may have seen, so that whoever reads journals gets no effect without its cause.
//!
//! Journals are read at different moments: one may be found to hold a unit, and another not yet what
//! that unit's transaction had seen. So each journal tells along with its units what its node had
//! seen since the unit before. Of a life that is always a beginning of its units, in order: one
//! stamp tells it. What a reader finds is then cut back to what has all its causes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use shared::NodeId;

use crate::store::{Stamp, Unit};

/// A unit as it stands in the journal of its node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    unit: Unit,
    /// The latest units that its node had seen, of each life of which that is news in this journal.
    /// Those of its own need not be told: the journal holds them, further up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    seen: Vec<Stamp>,
}

impl Entry {
    /// A unit that was executed by one who had seen this, in the order in which it is called.
    pub(crate) fn new(unit: Unit, seen: &mut Seen) -> Self {
        let seen = seen.tell_news();
        Entry { unit, seen }
    }

    /// The unit.
    pub(crate) fn unit(&self) -> &Unit {
        &self.unit
    }
}

/// Whose units a node has seen, and how far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The highest counter of each life, by its boot number.
    latest: BTreeMap<u64, u64>,
    /// Of these lives more was seen than was told.
    news: BTreeSet<u64>,
}

impl Seen {
    /// A unit with this stamp was seen, and all before it of the same life.
    pub(crate) fn see(&mut self, stamp: Stamp) {
        if !self.has(stamp) {
            let (counter, writer) = stamp.into();
            self.latest.insert(writer, counter);
            self.news.insert(writer);
        }
    }

    fn has(&self, stamp: Stamp) -> bool {
        let (counter, writer) = stamp.into();
        self.latest.get(&writer).is_some_and(|it| *it >= counter)
    }

    fn tell_news(&mut self) -> Vec<Stamp> {
        let news = std::mem::take(&mut self.news).into_iter();
        news.map(|writer| Stamp::from((self.latest[&writer], writer)))
            .collect()
    }
}

/// What was read in journals, each up to some moment.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    journals: BTreeMap<NodeId, VecDeque<Entry>>,
}

impl Recovered {
    /// The next entry of somebody's journal.
    pub(crate) fn add(&mut self, owner: NodeId, entry: Entry) {
        self.journals.entry(owner).or_default().push_back(entry);
    }

    /// All units whose causes are there, causes first; they have been seen now. Those of the node
    /// itself always belong to them, as all of their causes were journaled before its life ended.
    pub(crate) fn with_causes(mut self, me: &NodeId, seen: &mut Seen) -> Vec<Unit> {
        let mut units = Vec::new();
        let mut is_stuck = false;
        while !is_stuck {
            is_stuck = true;
            for (owner, journal) in &mut self.journals {
                let is_own = owner == me;
                while let Some(entry) = journal.front()
                    && (is_own || entry.seen.iter().all(|cause| seen.has(*cause)))
                {
                    seen.see(entry.unit.stamp());
                    units.extend(journal.pop_front().map(|entry| entry.unit));
                    is_stuck = false;
                }
            }
        }
        units
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads entries such as `a 5/1: 3/2`: in a's journal, a unit stamped 5 by life 1, which had
    /// seen the one stamped 3 by life 2. What is left of them for node a, by stamp.
    fn check(entries: &[&str], left: &[&str]) {
        let stamp = |text: &str| {
            let (counter, writer) = text.split_once('/').unwrap();
            Stamp::from((counter.parse().unwrap(), writer.parse().unwrap()))
        };
        let mut recovered = Recovered::default();
        for entry in entries {
            let (owner, rest) = entry.split_once(' ').unwrap();
            let (own, seen) = rest.split_once(':').unwrap();
            let unit = serde_json::json!({"stamp": stamp(own), "writes": []});
            let entry = Entry {
                unit: serde_json::from_value(unit).unwrap(),
                seen: seen.split_whitespace().map(stamp).collect(),
            };
            recovered.add(NodeId::from(owner), entry);
        }
        let units = recovered.with_causes(&NodeId::from("a"), &mut Seen::default());
        let units = units.iter().map(|unit| {
            let (counter, writer) = unit.stamp().into();
            format!("{counter}/{writer}")
        });
        assert_eq!(units.collect::<Vec<_>>(), left, "{entries:?}");
    }

    #[test]
    fn what_lacks_a_cause_is_left_out_with_all_that_comes_after_it() {
        check(&["b 1/2:", "c 2/3: 1/2"], &["1/2", "2/3"]);
        check(&["c 1/2:", "b 2/3: 1/2"], &["1/2", "2/3"]);
        check(&["b 1/2:", "c 4/3: 3/2"], &["1/2"]);
        check(&["b 1/2:", "c 4/3: 3/2", "c 5/3:", "d 6/4: 5/3"], &["1/2"]);
        check(
            &["b 1/2:", "b 3/2:", "c 2/3: 1/2", "c 4/3: 3/2"],
            &["1/2", "3/2", "2/3", "4/3"],
        );
    }

    #[test]
    fn of_two_that_have_seen_one_another_by_turns_nothing_is_left_out() {
        let by_turns = ["b 1/2:", "b 3/2: 2/3", "c 2/3: 1/2", "c 4/3: 3/2"];
        check(&by_turns, &["1/2", "2/3", "3/2", "4/3"]);
    }

    #[test]
    fn ones_own_is_never_left_out() {
        check(
            &["a 5/1: 3/2", "b 1/2:", "b 6/2: 5/1"],
            &["5/1", "1/2", "6/2"],
        );
    }

    #[test]
    fn what_was_seen_is_told_once() {
        let mut seen = Seen::default();
        for stamp in [(1, 7), (3, 8), (2, 7), (2, 8)] {
            seen.see(Stamp::from(stamp));
        }
        assert_eq!(seen.tell_news(), [(2, 7), (3, 8)].map(Stamp::from));
        seen.see(Stamp::from((2, 7)));
        assert_eq!(seen.tell_news(), []);
        seen.see(Stamp::from((4, 7)));
        assert_eq!(seen.tell_news(), [Stamp::from((4, 7))]);
    }
}
