//! The solutions' nodes as part of this process, for simulations.

use anyhow::Context as _;
use broadcast::Broadcast;
use clap::{Args, Command};
use echo::Echo;
use g_counter::GCounter;
use kafka_log::KafkaLog;
use shared::{Cluster, Context, Engine, Node, read_flags, with_flags};
use simulator::simulation::{Factory, in_process};
use txn::Txn;
use unique_ids::UniqueIds;

use super::Solution;

impl Solution {
    /// Makes a factory of its nodes, each with a seed for its rng, from flags of its binary.
    ///
    /// # Errors
    /// When the flags are invalid.
    pub fn factory(self, arguments: &[String]) -> anyhow::Result<Factory> {
        match self {
            Solution::Echo => {
                flags::<NoFlags>(self, arguments)?;
                Ok(in_process(|seed| Box::new(Engine::new(seed, |_, _| Echo))))
            }
            Solution::UniqueIds => {
                flags::<NoFlags>(self, arguments)?;
                Ok(in_process(|seed| {
                    let boot = |cluster, ctx: &mut _| UniqueIds::boot(&cluster, ctx);
                    Box::new(Engine::new(seed, boot))
                }))
            }
            Solution::Broadcast => nodes(flags(self, arguments)?, Broadcast::boot),
            Solution::GCounter => nodes(flags(self, arguments)?, GCounter::boot),
            Solution::KafkaLog => nodes(flags(self, arguments)?, KafkaLog::boot),
            Solution::Txn => nodes(flags(self, arguments)?, Txn::boot),
        }
    }

    /// Its binary's command line.
    pub fn command(self) -> Command {
        let command = Command::new(self.package());
        match self {
            Solution::Echo | Solution::UniqueIds => command,
            Solution::Broadcast => broadcast::Flags::augment_args(command),
            Solution::GCounter => g_counter::Flags::augment_args(command),
            Solution::KafkaLog => kafka_log::Flags::augment_args(command),
            Solution::Txn => txn::Flags::augment_args(command),
        }
    }
}

/// Makes a factory of nodes that boot with flags.
fn nodes<N, F>(
    flags: F,
    boot: fn(&F, &Cluster, &mut Context<N::Event>) -> N,
) -> anyhow::Result<Factory>
where
    N: Node,
    F: Clone + Send + Sync + 'static,
{
    let boot = with_flags(flags, boot);
    Ok(in_process(move |seed| {
        Box::new(Engine::new(seed, boot.clone()))
    }))
}

#[derive(Args)]
struct NoFlags {}

fn flags<F: Args>(solution: Solution, arguments: &[String]) -> anyhow::Result<F> {
    let package = solution.package();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    read_flags(package, &words).with_context(|| format!("{package} does not accept these flags"))
}
