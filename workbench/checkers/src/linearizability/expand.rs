//! What can follow a configuration. Each rule leaves out only what something else makes up for.
//!
//! An order is *valid* if each call in it has a moment of its own time; all that ended are in it.
//!
//! - **Just in time.** Calls are put next in batches, each when the end of a call is reached that
//!   must still take effect, and that call is the last of its batch. In any valid order, calls can
//!   be delayed until the next end that must wait for them: they have begun, and have not ended.
//! - **Reads at once.** A read takes effect as soon as it fits. Wherever it stands in an order,
//!   it changes nothing there, so that it can be moved.
//! - **Equal calls: the first to end comes first,** and those without an end last. If it comes
//!   later in a valid order, or not at all, it can change places with the one that comes first:
//!   both have begun, and it ends no earlier than it would have to.
//! - **Excused by an overwrite.** When a call overwrites, the other overwrites under way can have
//!   taken effect just before, unseen. They owe nothing from then on, and can still be used up to
//!   their end. At that end there are two ways: it was left out, or it takes effect now. The first
//!   puts nothing else next, by the rule of batches.
//! - **Covering.** A configuration makes up for another in the same state, if each call owes
//!   nothing that owes nothing in the other, if each can be used that can be used there, and if no
//!   more calls without an end were used: an order of what is left for the other is one for it,
//!   without reads that were done and calls that may be left out.
//! - **Nothing unseen before an overwrite.** An overwrite that no read has seen is not followed by
//!   another: the second can come without the first, which it excuses.
//! - **Seen by reads under way alone.** If no other call will need a state, overwriting costs
//!   nothing if it is overwritten in turn. So before each overwrite all calls take effect that
//!   write what only reads under way wait for; in an order that has them later, they and the reads
//!   can be moved here, as what stood behind them was an overwrite, too.
//! - **Needed by none.** A call that owes nothing and writes what no call needs is as good as used:
//!   in an order it stands before the overwrite that excused it. All states that no call needs are
//!   one, and how often calls were used that write such states does not count.
//!
//! With relaxed rules more is possible than in fact: calls can be used again, or owe nothing. A
//! valid order is one by these rules, too; so if there is none by these, there is none.

use super::Specification;
use super::levels::Node;
use super::moves::{Choice, Moves};
use super::search::{PER_STEP, Rules, Search};
use super::timeline::{Effect, Event};

impl<P: Specification> Search<'_, '_, P> {
    /// Expands the best of a level.
    pub(super) fn expand(&mut self, level: u32) {
        let moment = level as usize;
        let Event::End { call, slot } = self.problem.timeline.event(moment) else {
            unreachable!("a level is the end of a call")
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
            self.follow_all(node, &key, (call, slot));
        }
        self.key = key;
    }

    /// Adds all that can follow a configuration. `last` is the call that ends.
    fn follow_all(&mut self, node: Node, key: &[u64], last: (u32, usize)) {
        let shape = &self.problem.shape;
        let mut next = vec![0; key.len()];
        if node.is_entry && shape.is_free(key, last.1) {
            next.copy_from_slice(key);
            shape.clear(&mut next, last.1);
            self.changes.clear();
            self.advance(node, &mut next, self.moves().window.moment + 1);
            if self.is_useless(last.0, key) {
                return;
            }
        }
        let here = self.landing(node.state);
        for at in 0..self.moves().moves(here).len() {
            let (run, to) = self.moves().moves(here)[at];
            if let Some(choice) = self.choose(run as usize, key)
                && (!choice.is_open || to != node.state)
            {
                next.copy_from_slice(key);
                self.follow(node, choice, to, &mut next, last);
            }
        }
        if node.is_unseen {
            return;
        }
        for run in 0..self.moves().runs.len() {
            if self.moves().runs[run].effect == Effect::Overwrite
                && let Some(choice) = self.choose(run, key)
            {
                next.copy_from_slice(key);
                let to = self.moves().runs[run].after;
                self.follow(node, choice, to, &mut next, last);
            }
        }
    }

    /// Puts a call next; `key` is that before it, and is changed. `last` is the call that ends.
    fn follow(&mut self, node: Node, choice: Choice, to: u32, key: &mut [u64], last: (u32, usize)) {
        let shape = &self.problem.shape;
        let moment = self.moves().window.moment;
        let is_overwrite = self.problem.effect(choice.call) == Effect::Overwrite;
        self.steps += 1 + (self.moves().runs.len() / PER_STEP) as u64;
        self.changes.clear();
        self.take(choice, key);
        if is_overwrite {
            self.close(to, key);
            shape.excuse(key, &self.moves().window.overwrites);
        }
        self.changes.push(choice.call);
        let landing = self.landing(to);
        let is_seen = shape.fulfil(key, self.moves().reads(landing));
        self.forget(key);
        let is_done = shape.is_free(key, last.1) && !shape.is_unused(key, last.1);
        if is_done || choice.call == last.0 {
            shape.clear(key, last.1);
            let node = Node::new(to, node.path, true, false);
            return self.advance(node, key, moment + 1);
        }
        let is_unseen = is_overwrite && !is_seen;
        // Another overwrite can come next at best, and could have come here as well.
        let is_passed = is_unseen || !self.problem.is_live(&self.states, to, moment);
        if is_overwrite && is_passed && !self.has_move(landing, key) {
            return;
        }
        let node = Node::new(to, node.path, false, is_unseen);
        self.insert(moment, node, key, moment);
    }

    /// Puts calls before an overwrite that are seen by reads under way alone: it costs nothing.
    fn close(&mut self, to: u32, key: &mut [u64]) {
        for at in 0..self.moves().runs.len() {
            let run = self.moves().runs[at];
            if run.is_live || run.after == to {
                continue;
            }
            let landing = self.landing(run.after);
            let reads = self.moves().reads(landing);
            if self.problem.shape.is_owed(key, reads)
                && let Some(choice) = self.choose(at, key)
            {
                self.problem.shape.fulfil(key, reads);
                self.take(choice, key);
                self.changes.push(choice.call);
            }
        }
    }

    /// Whether a call overwrites with what is needed by none.
    fn is_useless(&mut self, call: u32, key: &[u64]) -> bool {
        let run = self.moves().run_of(self.problem, call);
        run.is_some_and(|run| {
            let landing = (!run.is_live).then(|| self.landing(run.after));
            landing.is_some_and(|landing| {
                let reads = self.moves().reads(landing);
                !self.problem.shape.is_owed(key, reads)
            })
        })
    }

    /// Takes calls for used that may be left out, if what they write is needed by none.
    fn forget(&mut self, key: &mut [u64]) {
        for at in 0..self.moves().runs.len() {
            let run = self.moves().runs[at];
            if run.is_live || run.pending().is_empty() {
                continue;
            }
            let landing = self.landing(run.after);
            if !self.problem.shape.is_owed(key, self.moves().reads(landing)) {
                for pending in &self.moves().window.changes[run.pending()] {
                    self.problem.shape.forget(key, pending.slot as usize);
                }
            }
        }
    }

    /// Whether a call other than an overwrite may be next.
    fn has_move(&self, landing: usize, key: &[u64]) -> bool {
        let mut moves = self.moves().moves(landing).iter();
        moves.any(|(run, _)| self.choose(*run as usize, key).is_some())
    }

    fn moves(&self) -> &Moves {
        &self.moves[self.in_use]
    }

    fn landing(&mut self, state: u32) -> usize {
        self.moves[self.in_use].landing(self.problem, &mut self.states, state)
    }

    fn choose(&self, run: usize, key: &[u64]) -> Option<Choice> {
        let is_endless = self.rules != Rules::Exact;
        self.moves().choose(self.problem, run, key, is_endless)
    }

    fn take(&self, choice: Choice, key: &mut [u64]) {
        let shape = &self.problem.shape;
        if choice.is_open {
            if self.rules == Rules::Exact {
                shape.spend(key, choice.place);
            }
            return;
        }
        let is_overwrite = self.problem.effect(choice.call) == Effect::Overwrite;
        match self.rules {
            Rules::Exact | Rules::OpenCalls => shape.take(key, choice.place),
            Rules::OpenCallsAndOverwrites if !is_overwrite => shape.take(key, choice.place),
            Rules::OpenCallsAndOverwrites | Rules::AllChanges => shape.release(key, choice.place),
        }
    }
}
