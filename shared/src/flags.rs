//! Ways to read flags and to boot nodes with them, in a process of their own or not.

use clap::builder::{RangedU64ValueParser, ValueParser};
use clap::{Args, Command};

use crate::context::Context;
use crate::id::Cluster;
use crate::node::Node;

/// The longest wait that a flag can ask for, an hour in milliseconds: longer ones are slips of the
/// pen.
const MOST_MS: u64 = 3_600_000;

/// Takes milliseconds from `least` up to an hour.
pub fn milliseconds(least: u64) -> ValueParser {
    RangedU64ValueParser::<u64>::new()
        .range(least..=MOST_MS)
        .into()
}

/// A solution's flags from the words of a command line, without the program's name.
///
/// # Errors
/// When the solution would not take these words; the error says so as the program itself would.
pub fn read_flags<F: Args>(program: &'static str, words: &[&str]) -> Result<F, clap::Error> {
    let command = F::augment_args(Command::new(program).no_binary_name(true));
    let matches = command.try_get_matches_from(words)?;
    F::from_arg_matches(&matches)
}

/// What boots nodes of one kind with these flags, as the runtime and the engine want it.
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
    fn milliseconds_are_within_their_limits_and_words_that_are_no_flags_are_refused() {
        let read = |words: &[&str]| read_flags::<Wait>("node", words);
        assert_eq!(read(&[]).unwrap().wait, 7);
        assert_eq!(read(&["--wait=3600000"]).unwrap().wait, MOST_MS);
        for words in ["--wait=0", "--wait=3600001", "--wait=-1", "--weight=5"] {
            assert!(read(&[words]).is_err(), "{words}");
        }
    }
}
