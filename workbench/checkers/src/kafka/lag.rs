//! Realtime lag: for how long the newest message that a process has polled was no longer the newest
//! of its key when its poll began. It decides nothing, but measures how stale polls are.
//!
//! A poll is charged with every key that its process follows, polled or not. A look at each of them
//! would be quadratic, but only the worst counts: each process keeps its keys sorted by the time at
//! which its position in them was overtaken, and the earliest is the worst.

use std::collections::{BTreeSet, HashMap};

use super::parsed::{Completion, Entry, KeyGroup, KeyId, ParsedHistory};
use super::result::{PollLag, WorstLag};
use history::Kind;

/// The lag of a poll.
#[derive(Clone, Copy)]
pub(super) struct Lag {
    /// The time at which the poll began.
    begun: u64,
    process: u64,
    key: KeyId,
    nanoseconds: u64,
}

impl Lag {
    /// The first of the greatest lags. `None` if no poll followed a key.
    pub(super) fn worst(lags: &[Self]) -> Option<Self> {
        let lags = lags.iter().copied();
        lags.reduce(|worst, lag| {
            if lag.nanoseconds > worst.nanoseconds {
                lag
            } else {
                worst
            }
        })
    }

    pub(super) fn poll(&self) -> PollLag {
        PollLag {
            begun_ns: self.begun,
            lag_ns: self.nanoseconds,
        }
    }

    pub(super) fn resolve(&self, parsed: &ParsedHistory<'_>) -> WorstLag {
        WorstLag {
            poll: self.poll(),
            process: self.process,
            key: parsed.keys[self.key].name.to_element(),
        }
    }

    /// The lag of each poll, in the key in which it is greatest.
    pub(super) fn all(parsed: &ParsedHistory<'_>) -> Vec<Self> {
        let frontiers = Frontiers::of(parsed);
        let mut consumers: HashMap<u64, Consumer> = HashMap::new();
        let mut lags = Vec::new();
        for completion in parsed.completions.iter().filter(|it| counts(it)) {
            let consumer = consumers.entry(completion.process).or_default();
            if let Some(keys) = &completion.assigned {
                *consumer = consumer.reassigned(keys, &frontiers);
                continue;
            }
            for group in completion.polls.iter() {
                consumer.advance(group.key, next_offset(group), &frontiers);
            }
            if let Some((key, nanoseconds)) = consumer.worst(completion.begun) {
                lags.push(Lag {
                    begun: completion.begun,
                    process: completion.process,
                    key,
                    nanoseconds,
                });
            }
        }
        lags
    }
}

/// Whether it is a poll or an assignment that succeeded.
fn counts(completion: &Completion<'_>) -> bool {
    completion.op.kind == Kind::Ok && completion.op.f != "send"
}

/// The offset after the highest one of a group; 0 if there is none.
fn next_offset(group: KeyGroup<'_>) -> u64 {
    let offsets = group.entries.iter().filter_map(Entry::offset);
    offsets.max().map_or(0, |offset| offset + 1)
}

/// For each key, the time at which each length of its log was first known, with growing lengths.
struct Frontiers(Vec<Vec<(u64, u64)>>);

impl Frontiers {
    fn of(parsed: &ParsedHistory<'_>) -> Self {
        let mut frontiers: Vec<Vec<(u64, u64)>> = vec![Vec::new(); parsed.keys.len()];
        for completion in &parsed.completions {
            if completion.op.kind == Kind::Fail {
                continue;
            }
            for group in completion.polls.iter().chain(completion.sends.iter()) {
                let (length, frontier) = (next_offset(group), &mut frontiers[group.key]);
                if length > frontier.last().map_or(0, |(longest, _)| *longest) {
                    frontier.push((length, completion.op.time));
                }
            }
        }
        Frontiers(frontiers)
    }

    /// The time at which more than `length` offsets of a key were known to be in use; `u64::MAX` if
    /// never.
    fn overtaken(&self, key: KeyId, length: u64) -> u64 {
        let frontier = &self.0[key];
        let at = frontier.partition_point(|(longest, _)| *longest <= length);
        frontier.get(at).map_or(u64::MAX, |(_, time)| *time)
    }
}

/// The position of a process in the keys that it follows.
#[derive(Default)]
struct Consumer {
    /// In the order of their assignment or first poll.
    keys: Vec<KeyId>,
    /// Each key's index in that order, and its next offset.
    next_offsets: HashMap<KeyId, (usize, u64)>,
    /// The time at which each position was overtaken, the earliest first, with the key's index.
    overtaken: BTreeSet<(u64, usize)>,
}

impl Consumer {
    /// The position after an assignment: keys that were followed before keep their next offset.
    fn reassigned(&self, keys: &[KeyId], frontiers: &Frontiers) -> Self {
        let mut consumer = Consumer::default();
        for key in keys {
            let next = self.next_offsets.get(key).map_or(0, |(_, next)| *next);
            consumer.advance(*key, next, frontiers);
        }
        consumer
    }

    fn advance(&mut self, key: KeyId, next: u64, frontiers: &Frontiers) {
        let last = self.keys.len();
        let (index, known) = *self.next_offsets.entry(key).or_insert((last, next));
        if index == last {
            self.keys.push(key);
        } else if next > known {
            self.next_offsets.insert(key, (index, next));
            self.overtaken
                .remove(&(frontiers.overtaken(key, known), index));
        } else {
            return;
        }
        self.overtaken
            .insert((frontiers.overtaken(key, next), index));
    }

    /// The key with the greatest lag at a time, and that lag; the first of several.
    fn worst(&self, now: u64) -> Option<(KeyId, u64)> {
        let (overtaken, index) = *self.overtaken.first()?;
        if overtaken < now {
            Some((self.keys[index], now - overtaken))
        } else {
            Some((*self.keys.first()?, 0))
        }
    }
}
