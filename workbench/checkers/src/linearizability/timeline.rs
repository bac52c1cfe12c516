//! The calls in order of time, and a window that moves over them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::{Call, Specification};

/// No slot, lane, class or path.
pub(super) const NONE: u32 = u32::MAX;

/// What a call does to states, as far as the search treats it in a way of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effect {
    Read,
    Overwrite,
    Other,
}

/// Beginnings and ends in order of time. A call that is to end has a slot, which no other has
/// while it lasts. Equal calls without an end share a lane.
pub(super) struct Timeline {
    /// Each is `2 * call`, plus one if it is an end. Places in this list are the search's moments.
    events: Vec<u32>,
    pub(super) effects: Vec<Effect>,
    /// By call: its slot, or its lane if it has no end. None for a read without an end, which
    /// need not happen and changes nothing.
    places: Vec<u32>,
    /// By call: when it ends, as a moment.
    pub(super) ends: Vec<u32>,
    /// By call: equal ones that change the state are of one class.
    pub(super) classes: Vec<u32>,
    /// How many slots there are.
    pub(super) slots: usize,
    /// By lane: its calls in order of time.
    pub(super) lanes: Vec<Vec<u32>>,
    /// By class: its lane, if it has one.
    pub(super) lane_of: Vec<u32>,
}

/// What happens at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// A call without an end begins.
    Open {
        call: u32,
        lane: usize,
    },
    Begin {
        call: u32,
        slot: usize,
    },
    End {
        call: u32,
        slot: usize,
    },
}

impl Timeline {
    pub(super) fn new<P: Specification>(specification: &P, calls: &[Call<P::Operation>]) -> Self {
        let effect = |call: &Call<P::Operation>| {
            if specification.is_read(&call.operation) {
                Effect::Read
            } else if specification.is_overwrite(&call.operation) {
                Effect::Overwrite
            } else {
                Effect::Other
            }
        };
        let mut timeline = Timeline {
            events: Vec::with_capacity(2 * calls.len()),
            effects: calls.iter().map(effect).collect(),
            places: vec![NONE; calls.len()],
            ends: vec![NONE; calls.len()],
            classes: vec![NONE; calls.len()],
            slots: 0,
            lanes: Vec::new(),
            lane_of: Vec::new(),
        };
        timeline.sort_events(calls);
        timeline.classify(calls);
        timeline.assign_places(calls);
        timeline
    }

    fn sort_events<O>(&mut self, calls: &[Call<O>]) {
        for (place, call) in calls.iter().enumerate() {
            let event = u32::try_from(2 * place).expect("fewer than two thousand million calls");
            if call.end.is_some() {
                self.events.extend([event, event + 1]);
            } else if self.effects[place] != Effect::Read {
                self.events.push(event);
            }
        }
        self.events.sort_unstable_by_key(|event| {
            let call = &calls[(event / 2) as usize];
            // One that ends before it begins does both at once; beginnings come first.
            let moment = match call.end {
                Some(end) if event % 2 == 1 => end.max(call.begin),
                _ => call.begin,
            };
            (moment, event % 2, event / 2)
        });
    }

    fn classify<O: Eq + std::hash::Hash>(&mut self, calls: &[Call<O>]) {
        let mut known = HashMap::new();
        for (place, call) in calls.iter().enumerate() {
            if self.effects[place] != Effect::Read {
                let fresh = known.len() as u32;
                self.classes[place] = *known.entry(&call.operation).or_insert(fresh);
            }
        }
        self.lane_of = vec![NONE; known.len()];
    }

    fn assign_places<O>(&mut self, calls: &[Call<O>]) {
        let mut free = BinaryHeap::new();
        for moment in 0..self.events.len() {
            let (call, is_end) = self.raw(moment);
            if is_end {
                self.ends[call] = moment as u32;
                free.push(Reverse(self.places[call]));
            } else if calls[call].end.is_some() {
                self.places[call] = free.pop().map_or(self.slots as u32, |Reverse(slot)| slot);
                self.slots = self.slots.max(self.places[call] as usize + 1);
            } else {
                let lane = &mut self.lane_of[self.classes[call] as usize];
                if *lane == NONE {
                    *lane = self.lanes.len() as u32;
                    self.lanes.push(Vec::new());
                }
                self.places[call] = *lane;
                self.lanes[*lane as usize].push(call as u32);
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
        let (call, is_end) = self.raw(moment);
        let place = self.places[call] as usize;
        let call = call as u32;
        if is_end {
            Event::End { call, slot: place }
        } else if self.ends[call as usize] == NONE {
            Event::Open { call, lane: place }
        } else {
            Event::Begin { call, slot: place }
        }
    }
}

/// A call under way that is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pending {
    pub(super) class: u32,
    /// When it ends, as a moment.
    pub(super) end: u32,
    pub(super) call: u32,
    pub(super) slot: u32,
}

/// What is under way just before a moment.
pub(super) struct Window {
    pub(super) moment: usize,
    pub(super) reads: Vec<Pending>,
    /// Calls that change the state; those of one class stand together, the first to end first.
    pub(super) changes: Vec<Pending>,
    /// The slots of those that overwrite.
    pub(super) overwrites: Vec<u64>,
    /// By lane: how many calls have begun.
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
                Event::Begin { call, slot } => self.add(timeline, call, slot),
                Event::End { call, slot } => self.remove(timeline, call, slot),
            }
            self.moment += 1;
        }
        while self.moment > moment {
            self.moment -= 1;
            match timeline.event(self.moment) {
                Event::Open { lane, .. } => self.open[lane] -= 1,
                Event::Begin { call, slot } => self.remove(timeline, call, slot),
                Event::End { call, slot } => self.add(timeline, call, slot),
            }
        }
    }

    fn list(
        &mut self,
        timeline: &Timeline,
        call: u32,
        slot: usize,
    ) -> (&mut Vec<Pending>, Pending) {
        let pending = Pending {
            class: timeline.classes[call as usize],
            end: timeline.ends[call as usize],
            call,
            slot: slot as u32,
        };
        let list = match timeline.effects[call as usize] {
            Effect::Read => &mut self.reads,
            Effect::Overwrite => {
                self.overwrites[slot / 64] ^= 1 << (slot % 64);
                &mut self.changes
            }
            Effect::Other => &mut self.changes,
        };
        (list, pending)
    }

    fn add(&mut self, timeline: &Timeline, call: u32, slot: usize) {
        let (list, pending) = self.list(timeline, call, slot);
        let at = list.partition_point(|other| *other < pending);
        list.insert(at, pending);
    }

    fn remove(&mut self, timeline: &Timeline, call: u32, slot: usize) {
        let (list, pending) = self.list(timeline, call, slot);
        let at = list.partition_point(|other| *other < pending);
        list.remove(at);
    }
}
