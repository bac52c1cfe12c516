//! Realtime lag: for how long the newest message that a process has reached was no longer the
//! newest of its key when its poll began. It decides nothing, but tells how stale polls are.
//!
//! A poll is charged with every key that its process follows, read or not. To look at each of them
//! would be quadratic, but only the worst counts: each process keeps its keys sorted by the time at
//! which its place in them was overtaken, and the earliest is the worst.

use std::collections::{BTreeSet, HashMap};

use super::account::{Account, Completion, Entry, KeyId, Run};
use super::result::{PollLag, WorstLag};
use history::Kind;

/// How far behind a poll was.
#[derive(Clone, Copy)]
pub(super) struct Lag {
    /// When the poll began.
    begun: u64,
    process: u64,
    key: KeyId,
    nanoseconds: u64,
}

impl Lag {
    /// The first one of the greatest; nothing if no poll was behind in anything, since there was
    /// no key to be behind in.
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

    pub(super) fn resolve(&self, account: &Account<'_>) -> WorstLag {
        WorstLag {
            poll: self.poll(),
            process: self.process,
            key: account.keys[self.key].name.to_element(),
        }
    }

    /// How far behind each poll was, in the key that it was most behind in.
    pub(super) fn all(account: &Account<'_>) -> Vec<Self> {
        let frontiers = Frontiers::of(account);
        let mut readers: HashMap<u64, Reader> = HashMap::new();
        let mut lags = Vec::new();
        for completion in account.completions.iter().filter(|it| counts(it)) {
            let reader = readers.entry(completion.process).or_default();
            if let Some(keys) = &completion.assigned {
                *reader = reader.reassigned(keys, &frontiers);
                continue;
            }
            for run in completion.polls.iter() {
                reader.advance(run.key, next_offset(run), &frontiers);
            }
            if let Some((key, nanoseconds)) = reader.worst(completion.begun) {
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

/// Whether it moves its process, or is measured: an assignment or a poll that succeeded.
fn counts(completion: &Completion<'_>) -> bool {
    completion.op.kind == Kind::Ok && completion.op.f != "send"
}

/// The offset after the highest one of a run; 0 if there is none.
fn next_offset(run: Run<'_>) -> u64 {
    let offsets = run.entries.iter().filter_map(Entry::offset);
    offsets.max().map_or(0, |offset| offset + 1)
}

/// For each key, when its log was first known to be that long: lengths and times, lengths growing.
struct Frontiers(Vec<Vec<(u64, u64)>>);

impl Frontiers {
    fn of(account: &Account<'_>) -> Self {
        let mut frontiers: Vec<Vec<(u64, u64)>> = vec![Vec::new(); account.keys.len()];
        for completion in &account.completions {
            if completion.op.kind == Kind::Fail {
                continue;
            }
            for run in completion.polls.iter().chain(completion.sends.iter()) {
                let (length, frontier) = (next_offset(run), &mut frontiers[run.key]);
                if length > frontier.last().map_or(0, |(longest, _)| *longest) {
                    frontier.push((length, completion.op.time));
                }
            }
        }
        Frontiers(frontiers)
    }

    /// When it was known that more than `length` offsets of a key's log are in use; the end of time
    /// if never.
    fn overtaken(&self, key: KeyId, length: u64) -> u64 {
        let frontier = &self.0[key];
        let at = frontier.partition_point(|(longest, _)| *longest <= length);
        frontier.get(at).map_or(u64::MAX, |(_, time)| *time)
    }
}

/// How far a process has come in the keys that it follows.
#[derive(Default)]
struct Reader {
    /// In the order of their assignment or first poll.
    keys: Vec<KeyId>,
    /// Each key's place in that order, and the next offset.
    places: HashMap<KeyId, (usize, u64)>,
    /// When each place was overtaken, the earliest first.
    overtaken: BTreeSet<(u64, usize)>,
}

impl Reader {
    /// Follows these keys from now on; goes on where it was in those that it followed before.
    fn reassigned(&self, keys: &[KeyId], frontiers: &Frontiers) -> Self {
        let mut reader = Reader::default();
        for key in keys {
            let next = self.places.get(key).map_or(0, |(_, next)| *next);
            reader.advance(*key, next, frontiers);
        }
        reader
    }

    fn advance(&mut self, key: KeyId, next: u64, frontiers: &Frontiers) {
        let last = self.keys.len();
        let (place, known) = *self.places.entry(key).or_insert((last, next));
        if place == last {
            self.keys.push(key);
        } else if next > known {
            self.places.insert(key, (place, next));
            self.overtaken
                .remove(&(frontiers.overtaken(key, known), place));
        } else {
            return;
        }
        self.overtaken
            .insert((frontiers.overtaken(key, next), place));
    }

    /// The key that it is most behind in at a time, and by how much; the first one of several.
    fn worst(&self, now: u64) -> Option<(KeyId, u64)> {
        let (overtaken, place) = *self.overtaken.first()?;
        if overtaken < now {
            Some((self.keys[place], now - overtaken))
        } else {
            Some((*self.keys.first()?, 0))
        }
    }
}
