//! The nemesis: random faults that start and stop. It decides when and which; the run applies
//! them.
//!
//! Each kind of fault has its own schedule and generator, so that adding one does not change the
//! others. Partitions follow Maelstrom's schedule exactly.

mod fault;
mod op;
mod partition;

use std::collections::BTreeSet;
use std::time::Duration;

use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};

use shared::NodeId;

use crate::rng::{SeededRng, substream};

pub use fault::{Fault, Faults};
pub use op::{FaultStart, NemesisOp, Skew};
pub use partition::{Grudge, PartitionShape, grudge};

/// The minimum mean interval: one of zero would stop a virtual clock for ever.
const MIN_INTERVAL: Duration = Duration::from_millis(1);

/// Starts and stops faults; those of one kind alternately.
#[derive(Debug)]
pub struct Nemesis {
    nodes: Vec<NodeId>,
    faults: Faults,
    schedules: Vec<Schedule>,
    started: u64,
}

/// The schedule of one kind of fault.
#[derive(Debug)]
struct Schedule {
    fault: Fault,
    interval: Duration,
    rng: SeededRng,
    next_at: Duration,
    is_active: bool,
}

impl Nemesis {
    /// A nemesis that causes these faults on these nodes. Partitions start at once, as in
    /// Maelstrom; other faults after a first interval.
    pub fn new(nodes: Vec<NodeId>, faults: Faults, seed: u64) -> Nemesis {
        let schedule = |(fault, interval): &(Fault, Duration)| match fault {
            Fault::Partition => Schedule::new(*fault, *interval, substream(seed, "nemesis")),
            other => {
                let rng = substream(seed, &format!("nemesis {}", other.name()));
                let mut schedule = Schedule::new(*fault, *interval, rng);
                schedule.schedule_next(Duration::ZERO);
                schedule
            }
        };
        Nemesis {
            schedules: faults.intervals.iter().map(schedule).collect(),
            nodes,
            faults,
            started: 0,
        }
    }

    /// When its next operation is due, since the phase began; `Duration::MAX` after the last one.
    pub fn next_at(&self) -> Duration {
        let next = self.schedules.iter().map(|it| it.next_at).min();
        next.unwrap_or(Duration::MAX)
    }

    /// The operation that is due at `now`, the time since the phase began.
    ///
    /// The next one of the same kind follows 0 to 2 intervals later, counted from `now`: a late
    /// call shifts all later ones.
    pub fn wake(&mut self, now: Duration) -> Option<NemesisOp> {
        let next = self.schedules.iter_mut().min_by_key(|it| it.next_at)?;
        if now < next.next_at || next.next_at == Duration::MAX {
            return None;
        }
        if !next.is_active && self.faults.max_count.is_some_and(|max| self.started >= max) {
            next.next_at = Duration::MAX;
            return None;
        }
        next.schedule_next(now);
        next.is_active = !next.is_active;
        if !next.is_active {
            return Some(NemesisOp::Stop(next.fault));
        }
        self.started += 1;
        let (fault, rng) = (next.fault, &mut next.rng);
        draw_fault(fault, &self.faults, &self.nodes, rng).map(NemesisOp::Start)
    }
}

impl Schedule {
    fn new(fault: Fault, interval: Duration, rng: SeededRng) -> Self {
        Schedule {
            fault,
            interval: interval.max(MIN_INTERVAL),
            rng,
            next_at: Duration::ZERO,
            is_active: false,
        }
    }

    fn schedule_next(&mut self, now: Duration) {
        let max = nanos(self.interval.saturating_mul(2));
        let gap = Duration::from_nanos(self.rng.random_range(0..max));
        self.next_at = now.saturating_add(gap);
    }
}

/// Draws a fault of a kind; `None` if no shape of partition is allowed.
fn draw_fault(
    fault: Fault,
    faults: &Faults,
    nodes: &[NodeId],
    rng: &mut SeededRng,
) -> Option<FaultStart> {
    Some(match fault {
        Fault::Partition => {
            let shape = faults.partition_shapes.choose(rng).copied()?;
            FaultStart::Partition(shape, grudge(shape, nodes, rng))
        }
        Fault::Loss => FaultStart::Loss(faults.loss),
        Fault::Duplicate => FaultStart::Duplicate(faults.duplicate),
        Fault::Delay => FaultStart::Delay(faults.delay),
        Fault::Pause => FaultStart::Pause(victims(faults.victims, nodes, rng)),
        Fault::Kill => FaultStart::Kill(victims(faults.victims, nodes, rng)),
        Fault::Skew => {
            let victims = victims(nodes.len() as u32, nodes, rng);
            FaultStart::Skew(skews(victims, faults, rng))
        }
    })
}

/// Draws `count` nodes, or all if there are fewer.
fn victims(count: u32, nodes: &[NodeId], rng: &mut SeededRng) -> BTreeSet<usize> {
    let mut victims: Vec<usize> = (0..nodes.len()).collect();
    victims.shuffle(rng);
    victims.into_iter().take(count as usize).collect()
}

fn skews(victims: BTreeSet<usize>, faults: &Faults, rng: &mut SeededRng) -> Vec<(usize, Skew)> {
    let drift = (faults.drift.clamp(0.0, 0.99) * 1e6) as u32;
    let mut skew = || Skew {
        ahead: Duration::from_nanos(rng.random_range(0..=nanos(faults.skew))),
        speed_millionths: rng.random_range(1_000_000 - drift..=1_000_000 + drift),
    };
    victims.into_iter().map(|node| (node, skew())).collect()
}

/// Whole nanoseconds, at most 64 bits.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::NodeId;

    use super::{Fault, FaultStart, Faults, Nemesis, NemesisOp, PartitionShape};

    fn nodes(count: usize) -> Vec<NodeId> {
        (0..count)
            .map(|number| NodeId::from(&*format!("n{number}")))
            .collect()
    }

    fn all(interval: Duration) -> Faults {
        Faults {
            intervals: Fault::ALL.iter().map(|fault| (*fault, interval)).collect(),
            ..Faults::default()
        }
    }

    #[test]
    fn the_first_partition_comes_at_once_and_pauses_last_up_to_two_intervals() {
        let interval = Duration::from_secs(10);
        let mut nemesis = Nemesis::new(nodes(5), Faults::partitions(interval), 1);
        let (mut now, mut longest, mut ops, mut counts) =
            (Duration::ZERO, Duration::ZERO, 0_u32, [0; 4]);
        assert_eq!(nemesis.next_at(), Duration::ZERO);
        while ops < 4000 {
            match nemesis.wake(now).unwrap() {
                NemesisOp::Start(FaultStart::Partition(shape, _)) => {
                    assert_eq!(ops % 2, 0);
                    let index = PartitionShape::MAELSTROMS
                        .iter()
                        .position(|it| *it == shape);
                    counts[index.unwrap()] += 1;
                }
                NemesisOp::Stop(Fault::Partition) => assert_eq!(ops % 2, 1),
                other => panic!("{other:?}"),
            }
            ops += 1;
            longest = longest.max(nemesis.next_at() - now);
            now = nemesis.next_at();
        }
        assert!(
            longest < 2 * interval && longest > interval * 19 / 10,
            "{longest:?}"
        );
        let mean = (now / ops).as_secs_f64();
        assert!((9.5..10.5).contains(&mean), "{mean}");
        assert!(
            counts.iter().all(|times| (400..600).contains(times)),
            "{counts:?}"
        );
    }

    #[test]
    fn a_wake_before_its_time_changes_nothing_and_a_late_one_shifts_the_rest() {
        let faults = Faults::partitions(Duration::from_secs(5));
        let mut nemesis = Nemesis::new(nodes(3), faults, 4);
        assert!(nemesis.wake(Duration::ZERO).is_some());
        let due = nemesis.next_at();
        assert_eq!(nemesis.wake(due - Duration::from_nanos(1)), None);
        assert_eq!(nemesis.next_at(), due);
        let late = due + Duration::from_secs(60);
        assert_eq!(nemesis.wake(late), Some(NemesisOp::Stop(Fault::Partition)));
        assert!(nemesis.next_at() >= late);
    }

    #[test]
    fn extreme_intervals_neither_panic_nor_stop_the_clock() {
        let mut nemesis = Nemesis::new(nodes(3), Faults::partitions(Duration::MAX), 4);
        assert!(nemesis.wake(Duration::ZERO).is_some());
        nemesis.wake(Duration::MAX);
        let mut nemesis = Nemesis::new(Vec::new(), all(Duration::ZERO), 4);
        for _ in 0..1000 {
            nemesis.wake(nemesis.next_at());
        }
        assert!(nemesis.next_at() > Duration::from_millis(50));
    }

    /// The operations of a nemesis in its first thousand seconds, with their times.
    fn ops(faults: Faults) -> Vec<(Duration, NemesisOp)> {
        let mut nemesis = Nemesis::new(nodes(5), faults, 9);
        let mut ops = Vec::new();
        while nemesis.next_at() < Duration::from_secs(1000) {
            let now = nemesis.next_at();
            ops.extend(nemesis.wake(now).map(|op| (now, op)));
        }
        ops
    }

    #[test]
    fn each_fault_starts_and_stops_alternately_and_does_not_disturb_the_others() {
        let interval = Duration::from_secs(5);
        let together = ops(all(interval));
        for fault in Fault::ALL {
            let of_this = |op: &NemesisOp| match op {
                NemesisOp::Start(start) => start.fault() == fault,
                NemesisOp::Stop(other) => *other == fault,
            };
            let mine: Vec<_> = together
                .iter()
                .filter(|it| of_this(&it.1))
                .cloned()
                .collect();
            assert!(mine.len() > 100, "{fault:?}");
            let mut starts = mine.iter().map(|(_, op)| matches!(op, NemesisOp::Start(_)));
            assert!(starts.by_ref().step_by(2).all(|it| it), "{fault:?}");
            let alone = Faults {
                intervals: [(fault, interval)].into(),
                ..Faults::default()
            };
            assert_eq!(ops(alone), mine);
        }
    }

    #[test]
    fn victims_are_as_many_as_asked_for_and_clocks_stay_within_their_drift() {
        let faults = Faults {
            victims: 2,
            ..all(Duration::from_secs(5))
        };
        let (mut slowest, mut fastest) = (1_000_000, 1_000_000);
        for (_, op) in ops(faults) {
            match op {
                NemesisOp::Start(FaultStart::Pause(nodes) | FaultStart::Kill(nodes)) => {
                    assert_eq!(nodes.len(), 2);
                }
                NemesisOp::Start(FaultStart::Skew(skews)) => {
                    assert_eq!(skews.len(), 5);
                    let is_within = |ppm| (900_000..=1_100_000).contains(&ppm);
                    assert!(
                        skews
                            .iter()
                            .all(|(_, skew)| is_within(skew.speed_millionths)
                                && skew.ahead <= Duration::from_secs(1))
                    );
                    let speeds = skews.iter().map(|(_, skew)| skew.speed_millionths);
                    let (slow, fast) = (speeds.clone().min(), speeds.max());
                    slowest = slowest.min(slow.unwrap());
                    fastest = fastest.max(fast.unwrap());
                }
                NemesisOp::Start(_) | NemesisOp::Stop(_) => {}
            }
        }
        assert!(
            slowest < 910_000 && fastest > 1_090_000,
            "{slowest} {fastest}"
        );
    }

    #[test]
    fn a_limited_nemesis_stops_what_it_has_started_and_starts_no_more() {
        let faults = Faults {
            max_count: Some(3),
            ..all(Duration::from_secs(5))
        };
        let ops = ops(faults);
        let starts = ops
            .iter()
            .filter(|(_, op)| matches!(op, NemesisOp::Start(_)));
        assert_eq!((starts.count(), ops.len()), (3, 6));
    }
}
