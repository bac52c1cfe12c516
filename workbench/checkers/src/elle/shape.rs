//! The kinds of cycles that are anomalies, by what they are made of.
//!
//! A kind is a little automaton that reads a cycle step by step, beginning with a step that each
//! cycle of the kind must have. It remembers what is yet to be seen: a second anti-dependency, or
//! two in a row; an edge of time; and whether the step just taken was an anti-dependency. No cycle
//! is of two kinds.

use super::component::Subgraph;
use super::graph::{Relation, Relations};
use super::models::Anomaly;

/// What a cycle is made of, but for edges of process or time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Writes that replace writes.
    G0,
    /// Some reads of writes among them.
    G1c,
    /// One anti-dependency.
    Single,
    /// Two or more anti-dependencies, which never follow one another.
    Nonadjacent,
    /// Two or more anti-dependencies, two of which follow one another.
    G2,
}

/// A kind of cycles.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// The anomaly.
    pub(super) name: Anomaly,
    /// What its cycles are made of.
    pub(super) family: Family,
    /// `Process` or `Realtime`, if there is at least one such edge.
    pub(super) order: Option<Relation>,
}

/// How far a cycle was read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress(u8);

/// A second anti-dependency; in `G2`, one that followed another.
const SECOND: u8 = 1;
const JUST_NOW: u8 = 2;
const ORDER: u8 = 4;

const fn shape(name: Anomaly, family: Family, order: Option<Relation>) -> Shape {
    Shape {
        name,
        family,
        order,
    }
}

/// All kinds, in the order in which they are looked for: what implies others goes before them, and
/// is what is told first.
#[rustfmt::skip]
pub(super) const SHAPES: [Shape; 15] = {
    use Family::{G0, G1c, G2, Nonadjacent, Single};
    const PROCESS: Option<Relation> = Some(Relation::Process);
    const REALTIME: Option<Relation> = Some(Relation::Realtime);
    [
        shape("G-single-item", Single, None),
        shape("G0", G0, None),
        shape("G-nonadjacent-item", Nonadjacent, None),
        shape("G-single-item-process", Single, PROCESS),
        shape("G1c", G1c, None),
        shape("G-nonadjacent-item-process", Nonadjacent, PROCESS),
        shape("G-single-item-realtime", Single, REALTIME),
        shape("G2-item", G2, None),
        shape("G-nonadjacent-item-realtime", Nonadjacent, REALTIME),
        shape("G0-process", G0, PROCESS),
        shape("G1c-process", G1c, PROCESS),
        shape("G2-item-process", G2, PROCESS),
        shape("G0-realtime", G0, REALTIME),
        shape("G1c-realtime", G1c, REALTIME),
        shape("G2-item-realtime", G2, REALTIME),
    ]
};

impl Family {
    /// The steps that its cycles are made of, with an order or without.
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
    /// How many different ones there are.
    pub(super) const COUNT: usize = 8;

    /// The one of this number, below `COUNT`.
    pub(super) fn numbered(number: usize) -> Self {
        Progress((number % Self::COUNT) as u8)
    }

    /// Its number, below `COUNT`.
    pub(super) fn number(self) -> usize {
        usize::from(self.0)
    }
}

impl Shape {
    /// The relation of the first step.
    pub(super) fn opening(&self) -> Relation {
        match self.family {
            Family::G0 => Relation::Ww,
            Family::G1c => Relation::Wr,
            Family::Single | Family::Nonadjacent | Family::G2 => Relation::Rw,
        }
    }

    /// What is seen after the first step.
    pub(super) fn opened(&self) -> Progress {
        match self.family {
            Family::Nonadjacent | Family::G2 => Progress(JUST_NOW),
            Family::G0 | Family::G1c | Family::Single => Progress(0),
        }
    }

    /// What is seen after one more step; nothing if the step is not allowed.
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

    /// Whether a cycle may be complete now.
    pub(super) fn is_complete(&self, Progress(seen): Progress) -> bool {
        let has = |what: u8| seen & what != 0;
        let has_data = match self.family {
            Family::G0 | Family::G1c | Family::Single => true,
            // The first step was an anti-dependency, and the last one stands before it.
            Family::Nonadjacent => has(SECOND) && !has(JUST_NOW),
            Family::G2 => has(SECOND) || has(JUST_NOW),
        };
        has_data && (self.order.is_none() || has(ORDER))
    }
}
