//! What the build has made of the catalogue: mutants of our nodes, and the nodes as they are.

use clap::Args;
use shared::{Cluster, Context, Engine, Node, read_flags};
use simulator::nemesis::Fault;
use simulator::simulation::Factory;
use simulator::storm::Storm;
use workbench::challenge;

/// A node with one mistake.
pub struct Mutant {
    /// The name of its file in the catalogue.
    pub name: &'static str,
    /// What is wrong with it.
    pub what: &'static str,
    /// The storm that is to find it.
    pub storm: Conditions,
    /// Whether it is found by a run that breaks off.
    pub breaks_off: bool,
    /// What makes its nodes.
    pub factory: Factory,
}

/// What is given of a storm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conditions {
    /// Whose storm it is, as of `workbench simulate`.
    pub challenge: &'static str,
    /// The faults that may be drawn; all but kills if nothing is said.
    pub faults: Option<&'static str>,
    /// Options that are not drawn.
    pub pins: &'static str,
    /// Flags of the nodes.
    pub node_flags: &'static [&'static str],
}

impl Conditions {
    /// The storm, over nodes that a factory makes.
    pub fn storm(&self, factory: Factory) -> Storm {
        let challenge = challenge::ALL.iter().find(|it| it.name == self.challenge);
        let challenge = challenge.expect("the catalogue names challenges");
        let faults: Vec<Fault> = match self.faults {
            Some(names) => names.split(", ").map(named).collect(),
            None => Fault::ALL
                .into_iter()
                .filter(|it| *it != Fault::Kill)
                .collect(),
        };
        let (workload, base) = challenge.trials[0].test();
        let pins = workbench::flags::pins(self.pins.split_whitespace());
        Storm::with_factory(workload, factory, base)
            .drawing_from(&faults)
            .with(&pins.expect("the catalogue pins options"))
    }
}

fn named(name: &str) -> Fault {
    Fault::named(name).unwrap_or_else(|| panic!("there is no fault {name:?}"))
}

/// Makes nodes that take no flags.
fn plain<N: Node>(boot: fn(Cluster, &mut Context<N::Event>) -> N) -> Factory {
    Box::new(move |seed| Box::new(Engine::new(seed, boot)))
}

/// Makes nodes with these flags.
fn with_flags<F, N>(words: &[&str], boot: fn(&F, &Cluster, &mut Context<N::Event>) -> N) -> Factory
where
    F: Args + Clone + Send + Sync + 'static,
    N: Node,
{
    let flags: F = read_flags("node", words).unwrap_or_else(|error| panic!("{error}"));
    let boot = shared::with_flags(flags, boot);
    Box::new(move |seed| Box::new(Engine::new(seed, boot.clone())))
}

include!(concat!(env!("OUT_DIR"), "/mutants.rs"));
