//! A replica: for each key the value of the latest write, by the order of stamps.
//!
//! The writes of a transaction are one unit, stamped once and applied in one step. Applying a unit
//! is idempotent, and units may be applied in any order: the result is the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::key::Key;

/// A stamp further ahead than this is forged: no honest cluster gets so far ahead of a node.
const MAX_AHEAD: u64 = 1 << 40;

/// A Lamport timestamp (*Time, clocks, and the ordering of events in a distributed system*, 1978):
/// later than all that the writer had seen. Stamps of different writers are never equal, and
/// neither are those of two incarnations of one node.
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

/// The writes of one transaction, which are sent together and applied in one step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Unit {
    stamp: Stamp,
    /// For each key the last value written.
    writes: Vec<(Key, Box<RawValue>)>,
}

impl Unit {
    /// When and by which incarnation it was executed.
    pub(crate) fn stamp(&self) -> Stamp {
        self.stamp
    }
}

/// A read or write of a key.
#[derive(Debug)]
pub(crate) enum Access {
    Read,
    Write(Box<RawValue>),
}

impl Access {
    /// Its name in the protocol.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Access::Read => "r",
            Access::Write(_) => "w",
        }
    }

    fn is_write(&self) -> bool {
        match self {
            Access::Read => false,
            Access::Write(_) => true,
        }
    }
}

/// All keys, and the clock.
///
/// A transaction is *executed* and its unit *applied*, at once or later. Meanwhile the unit is
/// *held*: only transactions that write see it, as they take effect only after it.
#[derive(Debug)]
pub(crate) struct Store {
    boot: u64,
    /// The highest counter seen.
    counter: u64,
    cells: Cells,
    /// The latest held write of each key.
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

    /// Executes a transaction. Returns the value that each access has read or written, none for an
    /// absent key, and the unit to be applied, if it writes.
    pub(crate) fn execute<'a>(
        &self,
        accesses: impl Iterator<Item = (&'a Key, &'a Access)> + Clone,
    ) -> (Vec<Option<Box<RawValue>>>, Option<Unit>) {
        let mut values = Vec::new();
        let mut writes: BTreeMap<&Key, &RawValue> = BTreeMap::new();
        let does_write = accesses.clone().any(|(_, access)| access.is_write());
        for (key, access) in accesses {
            let value = match access {
                Access::Write(value) => {
                    writes.insert(key, value);
                    Some(&**value)
                }
                Access::Read => match writes.get(key) {
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

    /// Holds a unit of this node that will be applied later. Units are held in the order of
    /// execution.
    pub(crate) fn hold(&mut self, unit: &Unit) {
        self.counter = self.counter.max(unit.stamp.counter);
        keep_newest(&mut self.held, unit);
    }

    /// Applies a held unit.
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

    /// Applies the writes of a unit that are later than the present ones, and returns whether there
    /// were any. A unit with a forged stamp is ignored, since it could exhaust the counter.
    pub(crate) fn apply(&mut self, unit: &Unit) -> bool {
        if unit.stamp.counter.saturating_sub(self.counter) > MAX_AHEAD {
            return false;
        }
        self.counter = self.counter.max(unit.stamp.counter);
        keep_newest(&mut self.cells, unit)
    }

    /// All present values, as units in the order of their stamps.
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

/// Replaces values by the later writes of a unit, and returns whether there were any.
fn keep_newest(cells: &mut Cells, unit: &Unit) -> bool {
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

    /// Executes a transaction: `x` reads, `x=1` writes. Returns the values and the unit.
    fn execute(store: &Store, text: &str) -> (String, Option<Unit>) {
        let accesses: Vec<(Key, Access)> = text
            .split(' ')
            .map(|access| {
                let (key, access) = match access.split_once('=') {
                    Some((key, value)) => (key, Access::Write(raw(value))),
                    None => (access, Access::Read),
                };
                (Key::new(&raw(&format!("\"{key}\""))).unwrap(), access)
            })
            .collect();
        let (values, unit) = store.execute(accesses.iter().map(|(key, access)| (key, access)));
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

    /// Executes a transaction that writes, and holds its unit.
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
    fn a_transaction_sees_its_own_writes_and_only_the_last_ones_remain() {
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
    fn units_may_arrive_in_any_order_and_more_than_once() {
        let (mut one, mut other) = (Store::new(7), Store::new(8));
        let units: Vec<Unit> = ["x=1 y=1", "x=2", "y=3 z=3"]
            .iter()
            .map(|text| run(&mut one, text).1.unwrap())
            .collect();
        let foreign = run(&mut other, "x=9 z=9").1.unwrap();
        assert!(!one.apply(&foreign), "an old stamp loses everywhere");
        for index in [2, 0, 1, 2, 0] {
            other.apply(&units[index]);
        }
        assert_eq!(read(&mut one, "x y z"), "2 3 3");
        assert_eq!(read(&mut other, "x y z"), "2 3 3");
        assert!(!other.apply(&units[1]), "the second time it has no effect");
    }

    #[test]
    fn a_write_is_later_than_all_that_its_node_has_seen() {
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
    fn a_newcomer_receives_everything_in_whole_units() {
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
    fn held_units_are_visible_only_to_later_transactions_that_write() {
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
    fn a_unit_that_arrives_while_another_is_held_wins_if_it_is_later() {
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
    fn a_unit_with_a_forged_stamp_is_not_applied() {
        let unit = |counter: u64| -> Unit {
            let json = format!(r#"{{"stamp":[{counter},1],"writes":[["x",{counter}]]}}"#);
            serde_json::from_str(&json).unwrap()
        };
        let mut store = Store::new(7);
        assert!(!store.apply(&unit(u64::MAX)));
        assert!(!store.apply(&unit(MAX_AHEAD + 1)));
        assert!(store.apply(&unit(MAX_AHEAD)));
        let (_, next) = run(&mut store, "x=1");
        assert_eq!(next.unwrap().stamp.counter, MAX_AHEAD + 1);
        assert_eq!(read(&mut store, "x"), "1");
    }
}
