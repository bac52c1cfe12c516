//! Flags that concern the nodes of a challenge, and the cores that simulate them.

use clap::Args;
use rayon::ThreadPoolBuilder;

use crate::challenge::Challenge;

/// What nodes are started with.
#[derive(Args)]
pub(super) struct NodeFlags {
    /// Flags of the nodes, in place of those that the challenge would give them.
    #[arg(
        long = "node-flags",
        value_name = "FLAGS",
        value_delimiter = ' ',
        allow_hyphen_values = true
    )]
    given: Option<Vec<String>>,
}

impl NodeFlags {
    /// Those that were given, if any were, be it none at all.
    pub(super) fn given(&self) -> Option<Vec<String>> {
        let given = self.given.as_ref()?;
        Some(given.iter().filter(|it| !it.is_empty()).cloned().collect())
    }

    /// Those that were given, or the challenge's own.
    pub(super) fn of(&self, challenge: &Challenge) -> Vec<String> {
        let own = || {
            challenge
                .node_flags
                .iter()
                .map(ToString::to_string)
                .collect()
        };
        self.given().unwrap_or_else(own)
    }
}

/// How much of the machine is used.
#[derive(Args)]
pub(super) struct Jobs {
    /// How many runs go on at the same time; as many as there are cores otherwise.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

impl Jobs {
    /// Holds from now on.
    ///
    /// # Errors
    /// When there are no threads to be had.
    pub(super) fn settle(&self) -> anyhow::Result<()> {
        if let Some(jobs) = self.jobs {
            let pool = ThreadPoolBuilder::new().num_threads(jobs.into());
            pool.build_global()?;
        }
        Ok(())
    }
}
