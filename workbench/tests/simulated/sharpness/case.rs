//! A node with a mistake, and how often the bench finds it on the virtual clock.

use checkers::{CheckerResult as _, Validity, Verdict};
use shared::{Cluster, Context, Engine, Node};
use simulator::judge::judge;
use simulator::run::{Record, Settings};
use simulator::simulation::{Factory, Host, in_process, simulate};
use simulator::workload::workload;
use workbench::flags::TestFlags;

/// Seeds of a case: 0, 1, 2, …
pub const SEEDS: u64 = 20;

/// On how many of the seeds a mistake must be found.
pub const MIN_FOUND: usize = 19;

/// A kind of node, with its mistake or without, and the flags of its test.
pub struct Case {
    /// What the wrong node does, in a few words.
    pub mistake: &'static str,
    /// The flags of `workbench test`.
    pub flags: &'static str,
    /// Why it may be found on fewer than [`MIN_FOUND`] seeds, if it may.
    pub why_missed: Option<&'static str>,
    /// Makes the nodes: those with the mistake, and the correct ones.
    wrong: Factory,
    correct: Factory,
}

impl Case {
    /// A case whose nodes are made by `boot`, given their kind and whether they are wrong.
    pub fn new<K, N>(
        mistake: &'static str,
        flags: &'static str,
        kind: K,
        boot: fn(K, bool, &Cluster, &mut Context<N::Event>) -> N,
    ) -> Self
    where
        K: Copy + Send + Sync + 'static,
        N: Node,
    {
        let factory = |is_wrong| {
            in_process(move |seed| -> Box<dyn Host> {
                let boot = move |cluster: Cluster, ctx: &mut Context<N::Event>| {
                    boot(kind, is_wrong, &cluster, ctx)
                };
                Box::new(Engine::new(seed, boot))
            })
        };
        Case {
            mistake,
            flags,
            why_missed: None,
            wrong: factory(true),
            correct: factory(false),
        }
    }

    /// Allows the mistake to be found on fewer seeds, for this reason.
    pub fn missed(self, why: &'static str) -> Self {
        Case {
            why_missed: Some(why),
            ..self
        }
    }

    /// The verdict of `workbench test` on a run, with the mistake or without it.
    pub fn run(&self, is_wrong: bool, seed: u64) -> Verdict {
        self.run_in_full(is_wrong, seed, false).2
    }

    /// A run's input, record with messages, and verdict.
    pub fn run_in_full(
        &self,
        is_wrong: bool,
        seed: u64,
        keeps_trace: bool,
    ) -> (Settings, Record, Verdict) {
        let flags = TestFlags::read(self.flags.split_whitespace()).unwrap();
        let options = flags.options().unwrap();
        let make = || workload(flags.workload, &options);
        let settings = Settings {
            keeps_trace,
            ..options.settings(&*make(), seed).unwrap()
        };
        let factory = if is_wrong { &self.wrong } else { &self.correct };
        let record = simulate(&settings, make(), factory);
        assert_eq!(record.abort_reason, None, "{} on seed {seed}", self.mistake);
        let verdict = judge(&record, &*make(), options.availability);
        (settings, record, verdict)
    }

    /// Whether the mistake is found on a seed.
    pub fn is_found(&self, seed: u64) -> bool {
        self.run(true, seed).validity() == Validity::Invalid
    }
}
