//! Flags that several replicating nodes have.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::{Cluster, milliseconds};

use crate::journal::Journal;
use crate::link::Timing;

/// How patient a node's links are.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Patience {
    /// How long a node waits for something that can carry its acknowledgement before it sends one
    /// alone.
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = milliseconds(0))]
    pub ack_delay: u64,

    /// How long a node waits for an acknowledgement before it tries again: more than a round trip
    /// and `--ack-delay`, or it repeats itself for nothing.
    #[arg(long, value_name = "MS", default_value_t = 2000, value_parser = milliseconds(1))]
    pub resend: u64,
}

impl Patience {
    /// The timing of a link that gathers items for a window of so many milliseconds.
    pub fn timing(&self, window_ms: u64) -> Timing {
        Timing {
            window: Duration::from_millis(window_ms),
            ack_delay: Duration::from_millis(self.ack_delay),
            resend: Duration::from_millis(self.resend),
        }
    }
}

/// Whether what a node acknowledges outlives it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
pub struct Durability {
    /// Acknowledges nothing before the service lin-kv holds it, and fetches what was missed before
    /// anything is answered: no acknowledged data is lost, whichever nodes are killed.
    #[arg(long)]
    pub durable: bool,

    /// How long a node gathers what it has to keep before it hands it to the service.
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = milliseconds(0),
          requires = "durable")]
    pub journal_window: u64,
}

impl Durability {
    /// The node's journal, if it has one; see [`Journal::open`].
    pub(crate) fn journal<T>(
        &self,
        name: &'static str,
        cluster: &Cluster,
        boot: u64,
    ) -> Option<Journal<T>>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
    {
        let window = Duration::from_millis(self.journal_window);
        self.durable
            .then(|| Journal::open(name, cluster, boot, window))
    }
}

#[cfg(test)]
mod tests {
    use shared::read_flags;

    use super::{Durability, Patience};

    #[test]
    fn waits_are_between_nothing_and_an_hour_and_a_resend_is_never_at_once() {
        let read = |words: &[&str]| read_flags::<Patience>("node", words);
        let usual = read(&[]).unwrap();
        assert_eq!((usual.ack_delay, usual.resend), (1000, 2000));
        assert!(read(&["--ack-delay=0", "--resend=3600000"]).is_ok());
        for words in [
            "--resend=0",
            "--resend=3600001",
            "--ack-delay=-1",
            "--window=5",
        ] {
            assert!(read(&[words]).is_err(), "{words}");
        }
    }

    #[test]
    fn only_a_durable_node_has_a_journal_with_its_window() {
        let read = |words: &[&str]| read_flags::<Durability>("node", words);
        assert_eq!(read(&[]).unwrap(), Durability::default());
        let flags = read(&["--durable", "--journal-window=40"]).unwrap();
        assert_eq!((flags.durable, flags.journal_window), (true, 40));
        assert!(read(&["--journal-window=40"]).is_err());
    }
}
