//! What a campaign of storms is about.

use std::collections::BTreeSet;

use crate::challenge::Challenge;
use simulator::nemesis::Fault;
use simulator::options::{Nodes, Options, PartialOptions};
use simulator::workload::Name;

/// What a campaign runs: the test of a challenge, or of a workload.
pub(super) struct Scenario {
    /// The challenge's or the workload's name.
    pub(super) name: &'static str,
    pub(super) workload: Name,
    pub(super) base: Options,
    pub(super) challenge: Option<&'static Challenge>,
}

impl Scenario {
    pub(super) fn of_challenge(challenge: &'static Challenge) -> Self {
        let (workload, base) = challenge.trials[0].test();
        Scenario {
            name: challenge.name,
            workload,
            base,
            challenge: Some(challenge),
        }
    }

    pub(super) fn of_workload(workload: Name) -> Self {
        Scenario {
            name: workload.name(),
            workload,
            base: Options::default(),
            challenge: None,
        }
    }

    /// The pinned options: another program for a challenge with one node need not work with more.
    pub(super) fn pinned(&self, pinned: &PartialOptions, is_foreign: bool) -> PartialOptions {
        let one = Nodes::Count(1);
        let mut pinned = pinned.clone();
        if is_foreign && self.base.nodes == one {
            pinned.nodes.get_or_insert(one);
        }
        pinned
    }

    /// The faults that the challenge has.
    pub(super) fn faults(&self) -> BTreeSet<Fault> {
        let trials = self.challenge.iter().flat_map(|it| it.trials);
        let official = trials.filter(|it| it.is_official);
        official.flat_map(|it| it.test().1.nemesis).collect()
    }
}
