//! Flags that several replicating nodes share.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::{Cluster, milliseconds};

use crate::journal::Journal;
use crate::link::Timing;
use crate::links::Links;
use crate::rhythm::Rhythm;
use crate::tree::Tree;

/// The timeouts of a node's links.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct LinkFlags {
    /// How long an acknowledgement waits for a packet of items that can carry it, before it is sent
    /// alone.
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = milliseconds(0))]
    pub ack_delay: u64,

    /// How long a node waits for an acknowledgement before it resends: more than a round trip plus
    /// `--ack-delay`, or it resends needlessly.
    #[arg(long, value_name = "MS", default_value_t = 2000, value_parser = milliseconds(1))]
    pub resend: u64,
}

impl LinkFlags {
    /// The timing of a link with these flags and a window of `window_ms` milliseconds.
    pub fn timing(&self, window_ms: u64) -> Timing {
        Timing {
            window: Duration::from_millis(window_ms),
            ack_delay: Duration::from_millis(self.ack_delay),
            resend: Duration::from_millis(self.resend),
        }
    }
}

/// The tree along which nodes replicate, and the time of its packets.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct TreeFlags {
    /// How many children a node of the spanning tree has. Fewer share the work at the price of more
    /// hops. By default the tree is as low as it can be with 24 children: 25 nodes are a star.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub fan_out: Option<u16>,

    /// How long the items of a node's children arrive before it sends, so that they are in time.
    #[arg(long, value_name = "MS", default_value_t = 25, value_parser = milliseconds(0))]
    pub slack: u64,

    /// When its links acknowledge and resend.
    #[command(flatten)]
    pub patience: LinkFlags,
}

impl TreeFlags {
    /// The place of `cluster.me`.
    pub fn tree(&self, cluster: &Cluster) -> Tree {
        Tree::of(cluster, self.fan_out.map(usize::from))
    }

    /// Links of the incarnation `boot` to the neighbours in the tree, whose nodes all send in one
    /// rhythm: an item waits for `period_ms` milliseconds and the slack at most (if the period is 0,
    /// not at all). While a node knows no rhythm, it sends to its parent at once, but not twice within
    /// `min_gap_ms`.
    pub fn links<T: Clone>(
        &self,
        boot: u64,
        tree: Tree,
        period_ms: u64,
        min_gap_ms: u64,
    ) -> Links<T> {
        let [period, slack, min_gap] =
            [period_ms, self.slack, min_gap_ms].map(Duration::from_millis);
        let rhythm = (period_ms > 0).then(|| Rhythm::new(period, slack, min_gap));
        Links::in_tree(boot, tree, self.delays(period_ms).timing(0), rhythm)
    }

    /// The delays of the links: those of `patience`, or longer ones where the period requires it.
    /// Items carry acknowledgements, and leave once a period.
    pub fn delays(&self, period_ms: u64) -> LinkFlags {
        let ack_delay = self.patience.ack_delay.max(2 * period_ms);
        LinkFlags {
            ack_delay,
            resend: self.patience.resend.max(ack_delay + period_ms),
        }
    }
}

/// Whether acknowledged data survives when nodes are killed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
pub struct DurabilityFlags {
    /// Acknowledges data only after it is stored in the service lin-kv, and recovers stored data
    /// before it answers any request: no acknowledged data is lost, whichever nodes are killed.
    #[arg(long)]
    pub durable: bool,

    /// How long a node collects data before it stores it in the service, in one write. By default
    /// as long as costs its clients little.
    #[arg(long, value_name = "MS", value_parser = milliseconds(0), requires = "durable")]
    pub journal_window: Option<u64>,
}

impl DurabilityFlags {
    /// These flags, with a window of `window_ms` milliseconds if they set none.
    #[must_use]
    pub fn or_window(&self, window_ms: u64) -> Self {
        DurabilityFlags {
            journal_window: self.journal_window.or(Some(window_ms)),
            ..*self
        }
    }

    /// The node's journal, if it has one; see [`Journal::open`].
    pub(crate) fn open_journal<T>(
        &self,
        key_prefix: &'static str,
        cluster: &Cluster,
        boot: u64,
    ) -> Option<Journal<T>>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
    {
        let window = Duration::from_millis(self.journal_window.unwrap_or(0));
        self.durable
            .then(|| Journal::open(key_prefix, cluster, boot, window))
    }
}

#[cfg(test)]
mod tests {
    use shared::read_flags;

    use super::{DurabilityFlags, LinkFlags, TreeFlags};

    #[test]
    fn timeouts_are_at_most_an_hour_and_a_resend_timeout_is_not_zero() {
        let read = |args: &[&str]| read_flags::<LinkFlags>("node", args);
        let defaults = read(&[]).unwrap();
        assert_eq!((defaults.ack_delay, defaults.resend), (1000, 2000));
        assert!(read(&["--ack-delay=0", "--resend=3600000"]).is_ok());
        for arg in [
            "--resend=0",
            "--resend=3600001",
            "--ack-delay=-1",
            "--window=5",
        ] {
            assert!(read(&[arg]).is_err(), "{arg}");
        }
    }

    #[test]
    fn a_journal_window_requires_a_durable_node() {
        let read = |args: &[&str]| read_flags::<DurabilityFlags>("node", args);
        assert_eq!(read(&[]).unwrap(), DurabilityFlags::default());
        let flags = read(&["--durable", "--journal-window=40"]).unwrap();
        assert_eq!((flags.durable, flags.journal_window), (true, Some(40)));
        assert_eq!(flags.or_window(5), flags);
        let flags = read(&["--durable"]).unwrap();
        assert_eq!(flags.or_window(5).journal_window, Some(5));
        assert!(read(&["--journal-window=40"]).is_err());
    }

    #[test]
    fn links_in_a_tree_acknowledge_after_two_periods_at_the_earliest_and_resend_one_later() {
        let flags = ["--ack-delay=30", "--resend=50"];
        let flags: TreeFlags = read_flags("node", &flags).unwrap();
        let delays = |period_ms| {
            let LinkFlags { ack_delay, resend } = flags.delays(period_ms);
            (ack_delay, resend)
        };
        assert_eq!([0, 15, 100].map(delays), [(30, 50), (30, 50), (200, 300)]);
    }
}
