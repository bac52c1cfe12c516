//! The mutants that the build has made of the catalogue, and the unchanged nodes.

use clap::Args;
use shared::{Cluster, Context, Engine, Node, read_flags};
use simulator::nemesis::Fault;
use simulator::simulation::{Factory, in_process};
use simulator::storm::Storm;
use workbench::challenge;

/// A node with one mistake.
pub struct Mutant {
    /// The name of its file in the catalogue.
    pub name: &'static str,
    /// The mistake, in words.
    pub mistake: &'static str,
    /// The storms that must find it.
    pub storm: StormOptions,
    /// Makes its nodes.
    pub factory: Factory,
}

/// The options of a storm that are not drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StormOptions {
    /// The challenge, as in `workbench storm`.
    pub challenge: &'static str,
    /// The faults that may be drawn; by default all except kills.
    pub faults: Option<&'static str>,
    /// Options of the test that are not drawn.
    pub pins: &'static str,
    /// Flags of the nodes.
    pub node_flags: &'static [&'static str],
}

impl StormOptions {
    /// The storm, with nodes made by a factory.
    pub fn storm(&self, factory: Factory) -> Storm {
        let challenge = challenge::ALL.iter().find(|it| it.name == self.challenge);
        let challenge = challenge.expect("the catalogue has valid challenges");
        let faults: Vec<Fault> = match self.faults {
            Some(names) => names.split(", ").map(fault_named).collect(),
            None => Fault::ALL
                .into_iter()
                .filter(|it| *it != Fault::Kill)
                .collect(),
        };
        let (workload, base) = challenge.trials[0].test();
        let pins = workbench::flags::pins(self.pins.split_whitespace());
        Storm::with_factory(workload, factory, base)
            .drawing_from(&faults)
            .with(&pins.expect("the catalogue has valid pins"))
    }
}

fn fault_named(name: &str) -> Fault {
    Fault::named(name).unwrap_or_else(|| panic!("unknown fault {name:?}"))
}

/// Makes nodes that take no flags.
fn plain<N: Node>(boot: fn(Cluster, &mut Context<N::Event>) -> N) -> Factory {
    in_process(move |seed| Box::new(Engine::new(seed, boot)))
}

/// Makes nodes with these flags.
fn with_flags<F, N>(args: &[&str], boot: fn(&F, &Cluster, &mut Context<N::Event>) -> N) -> Factory
where
    F: Args + Clone + Send + Sync + 'static,
    N: Node,
{
    let flags: F = read_flags("node", args).unwrap_or_else(|error| panic!("{error}"));
    let boot = shared::with_flags(flags, boot);
    in_process(move |seed| Box::new(Engine::new(seed, boot.clone())))
}

include!(concat!(env!("OUT_DIR"), "/mutants.rs"));
