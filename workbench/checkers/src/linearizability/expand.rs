//! Expands a configuration. The pruning rules below leave out only what another configuration makes
//! up for, so no rule changes an answer.

// An order is *valid* if each operation takes effect between its begin and its end, and all
// operations that ended are in it. An operation is *settled* if it has taken effect or may be left
// out.
//
// - **Just in time.** Operations are applied in batches, each when the end of an unsettled
//   operation is reached, which is the last of its batch. In any valid order, operations can be
//   delayed until the next end that must wait for them: they have begun and not ended.
// - **Reads as early as possible.** A read takes effect as soon as it fits. It changes nothing at
//   its position in an order, so it can be moved.
// - **Of equal operations, the first to end comes first,** and those without an end last. If it
//   comes later in a valid order, or not at all, it can be swapped with the one that comes first:
//   both have begun, and it ends no earlier than it has to.
// - **Overwrites settle overwrites.** When an operation overwrites the state, the other concurrent
//   overwrites can have taken effect just before, unseen. They are settled from then on, and can
//   still be used until their end. At that end there are two branches: it was left out, or it takes
//   effect now. The first branch applies nothing else, by the rule of batches.
// - **Covering.** A configuration replaces another in the same state if it has settled every
//   operation that is settled there, can use every operation that can be used there, and has used
//   no more operations without an end: any order of the remaining operations for the other is one
//   for it, without reads already done and operations that may be left out.
// - **No unseen overwrite before an overwrite.** An overwrite that no read has seen is not followed
//   by another overwrite: the second can come without the first, which it settles.
// - **States that only concurrent reads need.** If no other operation will need a state, writing it
//   costs nothing if it is overwritten next. So before each overwrite, all operations take effect
//   that write what only concurrent reads wait for. In an order that has them later, they and the
//   reads can be moved here, as they were followed by an overwrite there, too.
// - **Dead states.** A settled operation that writes a state that no operation needs counts as
//   used: in an order it comes before the overwrite that settled it. All states that no operation
//   needs are one state, and how often operations that write such states were used is ignored.
//
// Relaxed rules allow more than is possible: operations can be used again, or are settled early.
// Every valid order is allowed by these rules, too; so if they allow none, there is none.

use super::Specification;
use super::levels::Node;
use super::moves::{Choice, Moves};
use super::search::{PER_STEP, Rules, Search};
use super::timeline::{Effect, Event};

impl<P: Specification> Search<'_, '_, P> {
    /// Expands the best configuration of a level.
    pub(super) fn expand(&mut self, level: u32) {
        let moment = level as usize;
        let Event::End { op, slot } = self.problem.timeline.event(moment) else {
            unreachable!("a level is the end of an operation")
        };
        self.steps += 1;
        let mut key = std::mem::take(&mut self.key);
        let taken = self.levels.get_mut(&level).and_then(|it| {
            let node = it.take(&mut key)?;
            Some((node, it.is_waiting()))
        });
        if !taken.is_some_and(|(_, is_waiting)| is_waiting) {
            self.waiting.remove(&level);
        }
        if let Some((node, _)) = taken {
            self.moves[self.in_use].move_to(self.problem, &mut self.states, moment);
            self.follow_all(node, &key, (op, slot));
        }
        self.key = key;
    }

    /// Adds all successors of a configuration. `last` is the operation that ends, with its slot.
    fn follow_all(&mut self, node: Node, key: &[u64], last: (u32, usize)) {
        let layout = &self.problem.layout;
        let mut next = vec![0; key.len()];
        if node.is_entry && layout.is_settled(key, last.1) {
            next.copy_from_slice(key);
            layout.clear(&mut next, last.1);
            self.changes.clear();
            self.advance(node, &mut next, self.moves().window.moment + 1);
            if self.is_useless(last.0, key) {
                return;
            }
        }
        let here = self.state_moves(node.state);
        for at in 0..self.moves().moves(here).len() {
            let (group, to) = self.moves().moves(here)[at];
            if let Some(choice) = self.choose(group as usize, key)
                && (!choice.is_open || to != node.state)
            {
                next.copy_from_slice(key);
                self.follow(node, choice, to, &mut next, last);
            }
        }
        if node.is_unseen {
            return;
        }
        for group in 0..self.moves().groups.len() {
            if self.moves().groups[group].effect == Effect::Overwrite
                && let Some(choice) = self.choose(group, key)
            {
                next.copy_from_slice(key);
                let to = self.moves().groups[group].after;
                self.follow(node, choice, to, &mut next, last);
            }
        }
    }

    /// Applies an operation. `key` is the key before it, and is changed; `last` is the operation
    /// that ends, with its slot.
    fn follow(&mut self, node: Node, choice: Choice, to: u32, key: &mut [u64], last: (u32, usize)) {
        let layout = &self.problem.layout;
        let moment = self.moves().window.moment;
        let is_overwrite = self.problem.effect(choice.op) == Effect::Overwrite;
        self.steps += 1 + (self.moves().groups.len() / PER_STEP) as u64;
        self.changes.clear();
        self.apply(choice, key);
        if is_overwrite {
            self.apply_for_reads(to, key);
            layout.settle_unused(key, &self.moves().window.overwrites);
        }
        self.changes.push(choice.op);
        let state_moves = self.state_moves(to);
        let is_seen = layout.settle_reads(key, self.moves().reads(state_moves));
        self.discard_settled(key);
        let is_done = layout.is_settled(key, last.1) && !layout.is_unused(key, last.1);
        if is_done || choice.op == last.0 {
            layout.clear(key, last.1);
            let node = Node::new(to, node.path, true, false);
            return self.advance(node, key, moment + 1);
        }
        let is_unseen = is_overwrite && !is_seen;
        // Only another overwrite can come next, and it could have come here as well.
        let is_passed = is_unseen || !self.problem.is_live(&self.states, to, moment);
        if is_overwrite && is_passed && !self.has_move(state_moves, key) {
            return;
        }
        let node = Node::new(to, node.path, false, is_unseen);
        self.insert(moment, node, key, moment);
    }

    /// Applies operations before an overwrite that only concurrent reads need to see, which costs
    /// nothing.
    fn apply_for_reads(&mut self, to: u32, key: &mut [u64]) {
        for at in 0..self.moves().groups.len() {
            let group = self.moves().groups[at];
            if group.is_live || group.after == to {
                continue;
            }
            let state_moves = self.state_moves(group.after);
            let reads = self.moves().reads(state_moves);
            if self.problem.layout.has_unsettled(key, reads)
                && let Some(choice) = self.choose(at, key)
            {
                self.problem.layout.settle_reads(key, reads);
                self.apply(choice, key);
                self.changes.push(choice.op);
            }
        }
    }

    /// Whether an operation writes a state that no operation needs.
    fn is_useless(&mut self, op: u32, key: &[u64]) -> bool {
        let group = self.moves().group_of(self.problem, op);
        group.is_some_and(|group| {
            let state_moves = (!group.is_live).then(|| self.state_moves(group.after));
            state_moves.is_some_and(|state_moves| {
                let reads = self.moves().reads(state_moves);
                !self.problem.layout.has_unsettled(key, reads)
            })
        })
    }

    /// Marks settled operations as used if they write a state that no operation needs.
    fn discard_settled(&mut self, key: &mut [u64]) {
        for at in 0..self.moves().groups.len() {
            let group = self.moves().groups[at];
            if group.is_live || group.pending().is_empty() {
                continue;
            }
            let state_moves = self.state_moves(group.after);
            if !self
                .problem
                .layout
                .has_unsettled(key, self.moves().reads(state_moves))
            {
                for pending in &self.moves().window.changes[group.pending()] {
                    self.problem
                        .layout
                        .discard_settled(key, pending.slot as usize);
                }
            }
        }
    }

    /// Whether an operation other than an overwrite can come next.
    fn has_move(&self, state_moves: usize, key: &[u64]) -> bool {
        let mut moves = self.moves().moves(state_moves).iter();
        moves.any(|(group, _)| self.choose(*group as usize, key).is_some())
    }

    fn moves(&self) -> &Moves {
        &self.moves[self.in_use]
    }

    fn state_moves(&mut self, state: u32) -> usize {
        self.moves[self.in_use].state_moves(self.problem, &mut self.states, state)
    }

    fn choose(&self, group: usize, key: &[u64]) -> Option<Choice> {
        let is_unlimited = self.rules != Rules::Exact;
        self.moves().choose(self.problem, group, key, is_unlimited)
    }

    fn apply(&self, choice: Choice, key: &mut [u64]) {
        let layout = &self.problem.layout;
        if choice.is_open {
            if self.rules == Rules::Exact {
                layout.spend(key, choice.slot_or_lane);
            }
            return;
        }
        let is_overwrite = self.problem.effect(choice.op) == Effect::Overwrite;
        let slot = choice.slot_or_lane;
        match self.rules {
            Rules::Exact | Rules::OpenOps => layout.apply(key, slot),
            Rules::OpenOpsAndOverwrites if !is_overwrite => layout.apply(key, slot),
            Rules::OpenOpsAndOverwrites | Rules::AllChanges => layout.settle(key, slot),
        }
    }
}
