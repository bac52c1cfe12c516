//! Flags that concern the nodes of a challenge.

use clap::Args;

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
