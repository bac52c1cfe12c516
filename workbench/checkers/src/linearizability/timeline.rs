//! The operations in order of time, and a window that moves over them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::{Specification, TimedOp};

/// Stands for no slot, lane, class or path.
pub(super) const NONE: u32 = u32::MAX;

/// The effect of an operation on the state, as far as the search distinguishes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effect {
    Read,
    Overwrite,
    Other,
}

/// Begins and ends in order of time. An operation with an end has a slot of its own while it is
/// pending. Equal operations without an end share a lane.
pub(super) struct Timeline {
    /// Each is `2 * op`, plus one for an end. Indices into this list are the search's moments.
    events: Vec<u32>,
    pub(super) effects: Vec<Effect>,
    /// By operation: its slot, or its lane if it has no end. `NONE` for a read without an end,
    /// which has no effect.
    slots_or_lanes: Vec<u32>,
    /// By operation: the moment of its end.
    pub(super) ends: Vec<u32>,
    /// By operation: its class. Equal operations that change the state have the same class.
    pub(super) classes: Vec<u32>,
    /// The number of slots.
    pub(super) slots: usize,
    /// By lane: its operations in order of time.
    pub(super) lanes: Vec<Vec<u32>>,
    /// By class: its lane, if it has one.
    pub(super) lane_of: Vec<u32>,
}

/// The event at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// An operation without an end begins.
    Open {
        op: u32,
        lane: usize,
    },
    Begin {
        op: u32,
        slot: usize,
    },
    End {
        op: u32,
        slot: usize,
    },
}

impl Timeline {
    pub(super) fn new<P: Specification>(specification: &P, ops: &[TimedOp<P::Operation>]) -> Self {
        let effect = |op: &TimedOp<P::Operation>| {
            if specification.is_read(&op.operation) {
                Effect::Read
            } else if specification.is_overwrite(&op.operation) {
                Effect::Overwrite
            } else {
                Effect::Other
            }
        };
        let mut timeline = Timeline {
            events: Vec::with_capacity(2 * ops.len()),
            effects: ops.iter().map(effect).collect(),
            slots_or_lanes: vec![NONE; ops.len()],
            ends: vec![NONE; ops.len()],
            classes: vec![NONE; ops.len()],
            slots: 0,
            lanes: Vec::new(),
            lane_of: Vec::new(),
        };
        timeline.sort_events(ops);
        timeline.classify(ops);
        timeline.assign_slots_and_lanes(ops);
        timeline
    }

    fn sort_events<O>(&mut self, ops: &[TimedOp<O>]) {
        for (index, op) in ops.iter().enumerate() {
            let event = u32::try_from(2 * index).expect("fewer than 2^31 operations");
            if op.end.is_some() {
                self.events.extend([event, event + 1]);
            } else if self.effects[index] != Effect::Read {
                self.events.push(event);
            }
        }
        self.events.sort_unstable_by_key(|event| {
            let op = &ops[(event / 2) as usize];
            // An operation that ends before it begins does both at once; begins come first.
            let moment = match op.end {
                Some(end) if event % 2 == 1 => end.max(op.begin),
                _ => op.begin,
            };
            (moment, event % 2, event / 2)
        });
    }

    fn classify<O: Eq + std::hash::Hash>(&mut self, ops: &[TimedOp<O>]) {
        let mut known = HashMap::new();
        for (index, op) in ops.iter().enumerate() {
            if self.effects[index] != Effect::Read {
                let fresh = known.len() as u32;
                self.classes[index] = *known.entry(&op.operation).or_insert(fresh);
            }
        }
        self.lane_of = vec![NONE; known.len()];
    }

    fn assign_slots_and_lanes<O>(&mut self, ops: &[TimedOp<O>]) {
        let mut free = BinaryHeap::new();
        for moment in 0..self.events.len() {
            let (op, is_end) = self.raw(moment);
            if is_end {
                self.ends[op] = moment as u32;
                free.push(Reverse(self.slots_or_lanes[op]));
            } else if ops[op].end.is_some() {
                self.slots_or_lanes[op] =
                    free.pop().map_or(self.slots as u32, |Reverse(slot)| slot);
                self.slots = self.slots.max(self.slots_or_lanes[op] as usize + 1);
            } else {
                let lane = &mut self.lane_of[self.classes[op] as usize];
                if *lane == NONE {
                    *lane = self.lanes.len() as u32;
                    self.lanes.push(Vec::new());
                }
                self.slots_or_lanes[op] = *lane;
                self.lanes[*lane as usize].push(op as u32);
            }
        }
    }

    fn raw(&self, moment: usize) -> (usize, bool) {
        let event = self.events[moment];
        ((event / 2) as usize, event % 2 == 1)
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    pub(super) fn event(&self, moment: usize) -> Event {
        let (op, is_end) = self.raw(moment);
        let slot_or_lane = self.slots_or_lanes[op] as usize;
        let op = op as u32;
        if is_end {
            Event::End {
                op,
                slot: slot_or_lane,
            }
        } else if self.ends[op as usize] == NONE {
            Event::Open {
                op,
                lane: slot_or_lane,
            }
        } else {
            Event::Begin {
                op,
                slot: slot_or_lane,
            }
        }
    }
}

/// A pending operation with an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pending {
    pub(super) class: u32,
    /// The moment of its end.
    pub(super) end: u32,
    pub(super) op: u32,
    pub(super) slot: u32,
}

/// The pending operations just before a moment.
pub(super) struct Window {
    pub(super) moment: usize,
    pub(super) reads: Vec<Pending>,
    /// Operations that change the state, grouped by class, the first to end first.
    pub(super) changes: Vec<Pending>,
    /// The slots of overwrites.
    pub(super) overwrites: Vec<u64>,
    /// By lane: the number of operations that have begun.
    pub(super) open: Vec<u32>,
}

impl Window {
    pub(super) fn new(timeline: &Timeline) -> Self {
        Window {
            moment: 0,
            reads: Vec::new(),
            changes: Vec::new(),
            overwrites: vec![0; timeline.slots.div_ceil(64)],
            open: vec![0; timeline.lanes.len()],
        }
    }

    /// Moves the window, forwards or backwards.
    pub(super) fn move_to(&mut self, timeline: &Timeline, moment: usize) {
        while self.moment < moment {
            match timeline.event(self.moment) {
                Event::Open { lane, .. } => self.open[lane] += 1,
                Event::Begin { op, slot } => self.add(timeline, op, slot),
                Event::End { op, slot } => self.remove(timeline, op, slot),
            }
            self.moment += 1;
        }
        while self.moment > moment {
            self.moment -= 1;
            match timeline.event(self.moment) {
                Event::Open { lane, .. } => self.open[lane] -= 1,
                Event::Begin { op, slot } => self.remove(timeline, op, slot),
                Event::End { op, slot } => self.add(timeline, op, slot),
            }
        }
    }

    fn list(&mut self, timeline: &Timeline, op: u32, slot: usize) -> (&mut Vec<Pending>, Pending) {
        let pending = Pending {
            class: timeline.classes[op as usize],
            end: timeline.ends[op as usize],
            op,
            slot: slot as u32,
        };
        let list = match timeline.effects[op as usize] {
            Effect::Read => &mut self.reads,
            Effect::Overwrite => {
                self.overwrites[slot / 64] ^= 1 << (slot % 64);
                &mut self.changes
            }
            Effect::Other => &mut self.changes,
        };
        (list, pending)
    }

    fn add(&mut self, timeline: &Timeline, op: u32, slot: usize) {
        let (list, pending) = self.list(timeline, op, slot);
        let at = list.partition_point(|other| *other < pending);
        list.insert(at, pending);
    }

    fn remove(&mut self, timeline: &Timeline, op: u32, slot: usize) {
        let (list, pending) = self.list(timeline, op, slot);
        let at = list.partition_point(|other| *other < pending);
        list.remove(at);
    }
}
