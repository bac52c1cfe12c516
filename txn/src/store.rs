//! A replica: for each key the value of the latest write, by the order of stamps.
//!
//! What a transaction has written is one unit, stamped once and applied in one step. Applying it is
//! idempotent, and units may be applied in any order: what is left is the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::key::Key;

/// So many transactions no honest cluster is ahead of one of its nodes.
const FORGED: u64 = 1 << 40;

/// When something was written, in the order of Lamport (*Time, clocks, and the ordering of events
/// in a distributed system*, 1978): later than all that the writer had seen. Stamps of different
/// writers are never equal, and neither are those of two lives of one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "(u64, u64)", into = "(u64, u64)")]
pub(crate) struct Stamp {
    counter: u64,
    /// The writer's boot number.
    writer: u64,
}

impl From<(u64, u64)> for Stamp {
    fn from((counter, writer): (u64, u64)) -> Self {
        Stamp { counter, writer }
    }
}

impl From<Stamp> for (u64, u64) {
    fn from(stamp: Stamp) -> Self {
        (stamp.counter, stamp.writer)
    }
}

/// What one transaction has written, as it travels: told whole, and applied in one step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Unit {
    stamp: Stamp,
    /// For each key the last value that it was given.
    writes: Vec<(Key, Box<RawValue>)>,
}

impl Unit {
    /// When it was executed, and by whom.
    pub(crate) fn stamp(&self) -> Stamp {
        self.stamp
    }
}

/// A step of a transaction.
#[derive(Debug)]
pub(crate) enum Step {
    /// Reads a key.
    Read,
    /// Gives a key a value.
    Write(Box<RawValue>),
}

impl Step {
    /// The step's name in the protocol.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Step::Read => "r",
            Step::Write(_) => "w",
        }
    }

    fn is_write(&self) -> bool {
        match self {
            Step::Read => false,
            Step::Write(_) => true,
        }
    }
}

/// All keys, and the clock.
///
/// A transaction is *executed* and its unit *applied*, at once or later. What is held meanwhile is
/// seen by transactions that write, which cannot come true without it, and by nobody else.
#[derive(Debug)]
pub(crate) struct Store {
    boot: u64,
    /// The highest counter seen.
    counter: u64,
    cells: Cells,
    /// The latest that is held of each key.
    held: Cells,
}

type Cells = BTreeMap<Key, Cell>;

#[derive(Debug)]
struct Cell {
    stamp: Stamp,
    value: Box<RawValue>,
}

impl Store {
    /// An empty store of the incarnation `boot`.
    pub(crate) fn new(boot: u64) -> Self {
        Store {
            boot,
            counter: 0,
            cells: Cells::new(),
            held: Cells::new(),
        }
    }

    /// Executes a transaction. Returns the value that each step has read or written, none for an
    /// absent key, and what it changes, if anything, once that is applied.
    pub(crate) fn execute<'a>(
        &self,
        steps: impl Iterator<Item = (&'a Key, &'a Step)> + Clone,
    ) -> (Vec<Option<Box<RawValue>>>, Option<Unit>) {
        let mut values = Vec::new();
        let mut writes: BTreeMap<&Key, &RawValue> = BTreeMap::new();
        let does_write = steps.clone().any(|(_, step)| step.is_write());
        for (key, step) in steps {
            let value = match step {
                Step::Write(value) => {
                    writes.insert(key, value);
                    Some(&**value)
                }
                Step::Read => match writes.get(key) {
                    Some(value) => Some(*value),
                    None => self.value(key, does_write),
                },
            };
            values.push(value.map(ToOwned::to_owned));
        }
        let writes = writes.into_iter();
        let unit = does_write.then(|| Unit {
            stamp: Stamp {
                counter: self.counter + 1,
                writer: self.boot,
            },
            writes: writes
                .map(|(key, value)| (key.clone(), value.to_owned()))
                .collect(),
        });
        (values, unit)
    }

    fn value(&self, key: &Key, with_held: bool) -> Option<&RawValue> {
        let held = self.held.get(key).filter(|_| with_held);
        let cells = [held, self.cells.get(key)].into_iter().flatten();
        let latest = cells.max_by_key(|cell| cell.stamp)?;
        Some(&latest.value)
    }

    /// Keeps a unit of this store's own that will be applied later, in the order of execution.
    pub(crate) fn hold(&mut self, unit: &Unit) {
        self.counter = self.counter.max(unit.stamp.counter);
        write_later(&mut self.held, unit);
    }

    /// Applies a unit that was held.
    pub(crate) fn settle(&mut self, unit: &Unit) {
        for (key, _) in &unit.writes {
            if self
                .held
                .get(key)
                .is_some_and(|cell| cell.stamp == unit.stamp)
            {
                self.held.remove(key);
            }
        }
        self.apply(unit);
    }

    /// Lets a unit take effect where nothing later has been written; whether it did anywhere. One
    /// whose stamp cannot be honest does not: it must not leave the counter without a next number.
    pub(crate) fn apply(&mut self, unit: &Unit) -> bool {
        if unit.stamp.counter.saturating_sub(self.counter) > FORGED {
            return false;
        }
        self.counter = self.counter.max(unit.stamp.counter);
        write_later(&mut self.cells, unit)
    }

    /// Everything, as units in the order of their stamps, without what was overwritten.
    pub(crate) fn units(&self) -> impl Iterator<Item = Unit> {
        let mut units: BTreeMap<Stamp, Vec<(Key, Box<RawValue>)>> = BTreeMap::new();
        for (key, cell) in &self.cells {
            let writes = units.entry(cell.stamp).or_default();
            writes.push((key.clone(), cell.value.clone()));
        }
        let units = units.into_iter();
        units.map(|(stamp, writes)| Unit { stamp, writes })
    }
}

/// Writes what no later write has overtaken; whether that was anything.
fn write_later(cells: &mut Cells, unit: &Unit) -> bool {
    let mut has_effect = false;
    for (key, value) in &unit.writes {
        if cells.get(key).is_none_or(|cell| cell.stamp < unit.stamp) {
            let cell = Cell {
                stamp: unit.stamp,
                value: value.clone(),
            };
            cells.insert(key.clone(), cell);
            has_effect = true;
        }
    }
    has_effect
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    /// Executes a transaction: `x` reads, `x=1` writes. What was read and written, and what changes.
    fn execute(store: &Store, text: &str) -> (String, Option<Unit>) {
        let steps: Vec<(Key, Step)> = text
            .split(' ')
            .map(|step| {
                let (key, step) = match step.split_once('=') {
                    Some((key, value)) => (key, Step::Write(raw(value))),
                    None => (step, Step::Read),
                };
                (Key::new(&raw(&format!("\"{key}\""))).unwrap(), step)
            })
            .collect();
        let (values, unit) = store.execute(steps.iter().map(|(key, step)| (key, step)));
        let values = values
            .iter()
            .map(|value| value.as_ref().map_or("-", |it| it.get()));
        (values.collect::<Vec<_>>().join(" "), unit)
    }

    /// Executes a transaction and applies it at once.
    fn run(store: &mut Store, text: &str) -> (String, Option<Unit>) {
        let (values, unit) = execute(store, text);
        assert!(unit.iter().all(|unit| store.apply(unit)));
        (values, unit)
    }

    /// Executes a transaction that writes, and holds what it changes.
    fn hold(store: &mut Store, text: &str) -> (String, Unit) {
        let (values, unit) = execute(store, text);
        let unit = unit.unwrap();
        store.hold(&unit);
        (values, unit)
    }

    fn read(store: &mut Store, text: &str) -> String {
        run(store, text).0
    }

    #[test]
    fn a_transaction_sees_its_own_writes_and_only_the_last_ones_stay() {
        let mut store = Store::new(7);
        let (values, unit) = run(&mut store, "x x=1 x x=2 y y=null x y");
        assert_eq!(values, "- 1 1 2 - null 2 null");
        let json = serde_json::to_string(&unit.unwrap()).unwrap();
        assert_eq!(json, r#"{"stamp":[1,7],"writes":[["x",2],["y",null]]}"#);
        assert_eq!(read(&mut store, "x y"), "2 null");
    }

    #[test]
    fn reading_changes_nothing() {
        let mut store = Store::new(7);
        assert!(run(&mut store, "x y").1.is_none());
        assert_eq!(store.counter, 0);
    }

    #[test]
    fn units_may_come_in_any_order_and_more_than_once() {
        let (mut one, mut other) = (Store::new(7), Store::new(8));
        let units: Vec<Unit> = ["x=1 y=1", "x=2", "y=3 z=3"]
            .iter()
            .map(|text| run(&mut one, text).1.unwrap())
            .collect();
        let foreign = run(&mut other, "x=9 z=9").1.unwrap();
        assert!(!one.apply(&foreign), "an old stamp loses everywhere");
        for place in [2, 0, 1, 2, 0] {
            other.apply(&units[place]);
        }
        assert_eq!(read(&mut one, "x y z"), "2 3 3");
        assert_eq!(read(&mut other, "x y z"), "2 3 3");
        assert!(!other.apply(&units[1]), "the second time it has no effect");
    }

    #[test]
    fn what_is_written_after_something_was_seen_is_later() {
        let (mut one, mut other) = (Store::new(9), Store::new(1));
        run(&mut one, "y=1");
        run(&mut one, "y=2");
        let unit = run(&mut one, "x=1").1.unwrap();
        other.apply(&unit);
        let later = run(&mut other, "x=2").1.unwrap();
        assert!(later.stamp > unit.stamp);
        assert!(one.apply(&later));
    }

    #[test]
    fn everything_is_told_to_a_newcomer_in_whole_units() {
        let (mut one, mut newcomer) = (Store::new(7), Store::new(8));
        for text in ["x=1 y=1", "z=2 u=2", "y=3"] {
            run(&mut one, text);
        }
        let units: Vec<Unit> = one.units().collect();
        let sizes: Vec<usize> = units.iter().map(|unit| unit.writes.len()).collect();
        assert_eq!(sizes, [1, 2, 1], "of the first, half was overwritten");
        assert!(units.iter().all(|unit| newcomer.apply(unit)));
        assert_eq!(read(&mut newcomer, "x y z u"), "1 3 2 2");
        assert_eq!(newcomer.counter, one.counter);
    }

    #[test]
    fn what_is_held_is_seen_by_those_alone_who_come_after_it() {
        let mut store = Store::new(7);
        run(&mut store, "x=1 y=1");
        let (_, first) = hold(&mut store, "x=2 z=2");
        assert_eq!(read(&mut store, "x y z"), "1 1 -");
        let (values, second) = hold(&mut store, "x y z y=3");
        assert_eq!(values, "2 1 2 3");
        assert!(second.stamp > first.stamp);
        store.settle(&first);
        assert_eq!(read(&mut store, "x y z"), "2 1 2");
        store.settle(&second);
        assert_eq!(read(&mut store, "x y z"), "2 3 2");
        assert!(store.held.is_empty());
    }

    #[test]
    fn what_comes_while_something_is_held_wins_if_it_is_later() {
        let (mut store, mut other) = (Store::new(7), Store::new(8));
        let (_, held) = hold(&mut store, "x=1 y=1");
        let same_time = run(&mut other, "x=2").1.unwrap();
        let later = run(&mut other, "z=2").1.unwrap();
        assert!(store.apply(&same_time) && store.apply(&later));
        let (values, last) = hold(&mut store, "x y z y=3");
        assert_eq!(values, "2 1 2 3");
        assert!(last.stamp > later.stamp);
        store.settle(&held);
        assert_eq!(read(&mut store, "x y z"), "2 1 2");
        assert_eq!(execute(&store, "y y=4").0, "3 4");
    }

    #[test]
    fn what_is_stamped_beyond_all_reason_is_not_applied() {
        let unit = |counter: u64| -> Unit {
            let json = format!(r#"{{"stamp":[{counter},1],"writes":[["x",{counter}]]}}"#);
            serde_json::from_str(&json).unwrap()
        };
        let mut store = Store::new(7);
        assert!(!store.apply(&unit(u64::MAX)));
        assert!(!store.apply(&unit(FORGED + 1)));
        assert!(store.apply(&unit(FORGED)));
        let (_, next) = run(&mut store, "x=1");
        assert_eq!(next.unwrap().stamp.counter, FORGED + 1);
        assert_eq!(read(&mut store, "x"), "1");
    }
}
