//! Reading a node's flags, and booting nodes with them.

use clap::builder::{RangedU64ValueParser, ValueParser};
use clap::{Args, Command};

use crate::context::Context;
use crate::id::Cluster;
use crate::node::Node;

/// The maximum duration of a flag, one hour in milliseconds: a longer one is a typing error.
const MAX_MS: u64 = 3_600_000;

/// A parser for flags in milliseconds, from `min` up to one hour.
pub fn milliseconds(min: u64) -> ValueParser {
    RangedU64ValueParser::<u64>::new()
        .range(min..=MAX_MS)
        .into()
}

/// Parses the flags of a node from a command line without the program's name.
///
/// # Errors
/// When the program would not accept the arguments, with the same error.
pub fn read_flags<F: Args>(program: &'static str, args: &[&str]) -> Result<F, clap::Error> {
    let command = F::augment_args(Command::new(program).no_binary_name(true));
    let matches = command.try_get_matches_from(args)?;
    F::from_arg_matches(&matches)
}

/// A function that boots nodes with these flags, for [`run`](crate::run) and
/// [`Engine::new`](crate::Engine::new).
pub fn with_flags<F, N>(
    flags: F,
    boot: fn(&F, &Cluster, &mut Context<N::Event>) -> N,
) -> impl Fn(Cluster, &mut Context<N::Event>) -> N + Clone + Send + Sync + 'static
where
    F: Clone + Send + Sync + 'static,
    N: Node,
{
    move |cluster, ctx| boot(&flags, &cluster, ctx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Args)]
    struct Wait {
        #[arg(long, default_value_t = 7, value_parser = milliseconds(1))]
        wait: u64,
    }

    #[test]
    fn milliseconds_out_of_range_and_unknown_flags_are_rejected() {
        let read = |args: &[&str]| read_flags::<Wait>("node", args);
        assert_eq!(read(&[]).unwrap().wait, 7);
        assert_eq!(read(&["--wait=3600000"]).unwrap().wait, MAX_MS);
        for arg in ["--wait=0", "--wait=3600001", "--wait=-1", "--weight=5"] {
            assert!(read(&[arg]).is_err(), "{arg}");
        }
    }
}
