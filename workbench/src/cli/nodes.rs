//! Flags for the nodes of a challenge.

use clap::Args;

use crate::challenge::Challenge;

/// The flags that nodes are started with.
#[derive(Args)]
pub(super) struct NodeFlags {
    /// Flags for the nodes in place of the challenge's own, in one word, quoted as in a shell.
    #[arg(
        long = "node-flags",
        value_name = "FLAGS",
        allow_hyphen_values = true,
        value_parser = parse_flags
    )]
    given: Option<FlagList>,
}

#[derive(Clone)]
struct FlagList(Vec<String>);

fn parse_flags(text: &str) -> Result<FlagList, String> {
    let flags = shlex::split(text).map(FlagList);
    flags.ok_or_else(|| "expected words as in a shell, but a quote is not closed".to_owned())
}

impl NodeFlags {
    /// The flags that were given, which may be none, or `None` without `--node-flags`.
    pub(super) fn given(&self) -> Option<&[String]> {
        self.given.as_ref().map(|given| &given.0[..])
    }

    /// The flags that were given, or the challenge's own.
    pub(super) fn or_those_of(&self, challenge: &Challenge) -> Vec<String> {
        let own = || challenge.node_flags.iter().map(ToString::to_string);
        self.given()
            .map_or_else(|| own().collect(), <[String]>::to_vec)
    }
}
