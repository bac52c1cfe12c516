//! The causes of units, so that a node that reads journals recovers no effect without its cause.
//!
//! Journals are read at different moments: one may hold a unit, and another not yet the units that
//! its transaction had seen. So each entry of a journal lists what its node had seen since the
//! entry before. The units seen of one incarnation are always a prefix of its units, in order, so
//! one stamp describes them. Only units with all their causes are recovered.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use shared::NodeId;

use crate::store::{Stamp, Unit};

/// A unit in the journal of its node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    unit: Unit,
    /// The latest unit that its node had seen of each incarnation, if that is new in this journal.
    /// The node's own units are not listed: the journal holds them before this entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    seen: Vec<Stamp>,
}

impl Entry {
    /// An entry for a unit whose node has seen these units. Entries are made in the journal's
    /// order.
    pub(crate) fn new(unit: Unit, seen: &mut Seen) -> Self {
        let seen = seen.take_new();
        Entry { unit, seen }
    }

    pub(crate) fn unit(&self) -> &Unit {
        &self.unit
    }
}

/// The units that a node has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The highest counter of each incarnation, by its boot number.
    latest: BTreeMap<u64, u64>,
    /// The incarnations of which more was seen than was put into entries.
    new: BTreeSet<u64>,
}

impl Seen {
    /// Adds a unit with this stamp, and all before it of the same incarnation.
    pub(crate) fn add(&mut self, stamp: Stamp) {
        if !self.contains(stamp) {
            let (counter, writer) = stamp.into();
            self.latest.insert(writer, counter);
            self.new.insert(writer);
        }
    }

    fn contains(&self, stamp: Stamp) -> bool {
        let (counter, writer) = stamp.into();
        self.latest.get(&writer).is_some_and(|it| *it >= counter)
    }

    fn take_new(&mut self) -> Vec<Stamp> {
        let new = std::mem::take(&mut self.new).into_iter();
        new.map(|writer| Stamp::from((self.latest[&writer], writer)))
            .collect()
    }
}

/// The entries that were read in journals.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    journals: BTreeMap<NodeId, VecDeque<Entry>>,
}

impl Recovered {
    /// Adds the next entry of a node's journal.
    pub(crate) fn add(&mut self, owner: NodeId, entry: Entry) {
        self.journals.entry(owner).or_default().push_back(entry);
    }

    /// The units whose causes are there, causes first, which are added to `seen`. The node's own
    /// units are always among them, as all of their causes were journaled before its incarnation
    /// ended.
    pub(crate) fn with_causes(mut self, me: &NodeId, seen: &mut Seen) -> Vec<Unit> {
        let mut units = Vec::new();
        let mut is_stuck = false;
        while !is_stuck {
            is_stuck = true;
            for (owner, journal) in &mut self.journals {
                let is_own = owner == me;
                while let Some(entry) = journal.front()
                    && (is_own || entry.seen.iter().all(|cause| seen.contains(*cause)))
                {
                    seen.add(entry.unit.stamp());
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

    /// Checks the stamps of the units that node a recovers from entries such as `a 5/1: 3/2`: in
    /// a's journal, a unit with counter 5 of incarnation 1, which had seen unit 3 of incarnation 2.
    fn check(entries: &[&str], expected: &[&str]) {
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
        assert_eq!(units.collect::<Vec<_>>(), expected, "{entries:?}");
    }

    #[test]
    fn a_unit_without_its_cause_is_left_out_with_all_that_follow_it() {
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
    fn two_journals_with_causes_in_each_other_are_recovered_completely() {
        let alternating = ["b 1/2:", "b 3/2: 2/3", "c 2/3: 1/2", "c 4/3: 3/2"];
        check(&alternating, &["1/2", "2/3", "3/2", "4/3"]);
    }

    #[test]
    fn own_units_are_never_left_out() {
        check(
            &["a 5/1: 3/2", "b 1/2:", "b 6/2: 5/1"],
            &["5/1", "1/2", "6/2"],
        );
    }

    #[test]
    fn seen_units_are_listed_once() {
        let mut seen = Seen::default();
        for stamp in [(1, 7), (3, 8), (2, 7), (2, 8)] {
            seen.add(Stamp::from(stamp));
        }
        assert_eq!(seen.take_new(), [(2, 7), (3, 8)].map(Stamp::from));
        seen.add(Stamp::from((2, 7)));
        assert_eq!(seen.take_new(), []);
        seen.add(Stamp::from((4, 7)));
        assert_eq!(seen.take_new(), [Stamp::from((4, 7))]);
    }
}
