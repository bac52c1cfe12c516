//! The kinds of cycles that are anomalies, by their relations.
//!
//! A kind is a small automaton that reads a cycle step by step, beginning with a step that every
//! cycle of the kind has. Its state says whether a second anti-dependency was read, or two in a
//! row; whether an edge of time was read; and whether the last step was an anti-dependency. No
//! cycle is of two kinds.

use super::component::Subgraph;
use super::graph::{Relation, Relations};
use super::models::Anomaly;

/// The data dependencies that a cycle consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Only writes that replace writes.
    G0,
    /// Writes that replace writes, and at least one read of a write.
    G1c,
    /// One anti-dependency.
    Single,
    /// Two or more anti-dependencies, no two of which are adjacent.
    Nonadjacent,
    /// Two or more anti-dependencies, at least two of which are adjacent.
    G2,
}

/// A kind of cycle.
#[derive(Debug, Clone, Copy)]
pub(super) struct CycleKind {
    /// The anomaly.
    pub(super) name: Anomaly,
    /// Its data dependencies.
    pub(super) family: Family,
    /// `Process` or `Realtime`, if a cycle must have such an edge.
    pub(super) order: Option<Relation>,
}

/// The state of the automaton.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress(u8);

/// A second anti-dependency was read; for `G2`, two in a row.
const SECOND: u8 = 1;
const JUST_NOW: u8 = 2;
const ORDER: u8 = 4;

const fn kind(name: Anomaly, family: Family, order: Option<Relation>) -> CycleKind {
    CycleKind {
        name,
        family,
        order,
    }
}

/// All kinds, in the order of the search: a kind comes before those that it implies, and is
/// reported first.
#[rustfmt::skip]
pub(super) const CYCLE_KINDS: [CycleKind; 15] = {
    use Family::{G0, G1c, G2, Nonadjacent, Single};
    const PROCESS: Option<Relation> = Some(Relation::Process);
    const REALTIME: Option<Relation> = Some(Relation::Realtime);
    [
        kind("G-single-item", Single, None),
        kind("G0", G0, None),
        kind("G-nonadjacent-item", Nonadjacent, None),
        kind("G-single-item-process", Single, PROCESS),
        kind("G1c", G1c, None),
        kind("G-nonadjacent-item-process", Nonadjacent, PROCESS),
        kind("G-single-item-realtime", Single, REALTIME),
        kind("G2-item", G2, None),
        kind("G-nonadjacent-item-realtime", Nonadjacent, REALTIME),
        kind("G0-process", G0, PROCESS),
        kind("G1c-process", G1c, PROCESS),
        kind("G2-item-process", G2, PROCESS),
        kind("G0-realtime", G0, REALTIME),
        kind("G1c-realtime", G1c, REALTIME),
        kind("G2-item-realtime", G2, REALTIME),
    ]
};

impl Family {
    /// The steps that its cycles may have, with an order or without.
    pub(super) fn subgraph(self, order: Option<Relation>) -> Subgraph {
        let writes = match self {
            Family::G0 => Relations::of(&[Relation::Ww]),
            Family::G1c | Family::Single | Family::Nonadjacent | Family::G2 => Relations::WRITES,
        };
        let free = order.map_or(writes, |order| writes.with(order));
        let fenced = Relations::of(&[Relation::Rw]);
        match self {
            Family::G0 | Family::G1c => Subgraph::plain(free),
            Family::Single | Family::Nonadjacent => Subgraph { free, fenced },
            Family::G2 => Subgraph::plain(free.with(Relation::Rw)),
        }
    }
}

impl Progress {
    /// The number of states.
    pub(super) const COUNT: usize = 8;

    /// The state with this number, below `COUNT`.
    pub(super) fn numbered(number: usize) -> Self {
        Progress((number % Self::COUNT) as u8)
    }

    /// Its number, below `COUNT`.
    pub(super) fn number(self) -> usize {
        usize::from(self.0)
    }
}

impl CycleKind {
    /// The relation of the first step.
    pub(super) fn opening(&self) -> Relation {
        match self.family {
            Family::G0 => Relation::Ww,
            Family::G1c => Relation::Wr,
            Family::Single | Family::Nonadjacent | Family::G2 => Relation::Rw,
        }
    }

    /// The state after the first step.
    pub(super) fn opened(&self) -> Progress {
        match self.family {
            Family::Nonadjacent | Family::G2 => Progress(JUST_NOW),
            Family::G0 | Family::G1c | Family::Single => Progress(0),
        }
    }

    /// The state after one more step. `None` if the step is not allowed.
    pub(super) fn read(&self, Progress(seen): Progress, step: Relation) -> Option<Progress> {
        let later = seen & !JUST_NOW;
        let seen = match (step, self.family) {
            (Relation::Ww, _) => later,
            (Relation::Wr, Family::G0) => return None,
            (Relation::Wr, _) => later,
            (Relation::Rw, Family::G2) if seen & JUST_NOW == 0 => seen | JUST_NOW,
            (Relation::Rw, Family::G2) => seen | SECOND,
            (Relation::Rw, Family::Nonadjacent) if seen & JUST_NOW == 0 => seen | SECOND | JUST_NOW,
            (Relation::Rw, _) => return None,
            (order, _) if self.order == Some(order) => later | ORDER,
            (Relation::Process | Relation::Realtime, _) => return None,
        };
        Some(Progress(seen))
    }

    /// Whether a cycle may be complete in this state.
    pub(super) fn is_complete(&self, Progress(seen): Progress) -> bool {
        let has = |what: u8| seen & what != 0;
        let has_data = match self.family {
            Family::G0 | Family::G1c | Family::Single => true,
            // The first step was an anti-dependency, and the last one is adjacent to it.
            Family::Nonadjacent => has(SECOND) && !has(JUST_NOW),
            Family::G2 => has(SECOND) || has(JUST_NOW),
        };
        has_data && (self.order.is_none() || has(ORDER))
    }
}
