//! A short simulated run of a cluster, drawn from bytes: a workload, our nodes for it, and faults.

use std::collections::BTreeSet;
use std::time::Duration;

use checkers::CheckerResult as _;
use pages::story::Story;
use simulator::judge::judge;
use simulator::nemesis::Fault;
use simulator::options::{Concurrency, Nodes, Options};
use simulator::run::Settings;
use simulator::simulation::{Factory, simulate};
use simulator::workload::{Name, Workload, with_convergence, workload};
use workbench::solutions::Solution;

use crate::bytes::Bytes;
use crate::hostile::{Side, hostile};

/// A run that is ready to start.
pub(crate) struct Cluster {
    pub(crate) name: Name,
    options: Options,
    is_storm: bool,
    pub(crate) is_durable: bool,
    pub(crate) settings: Settings,
}

impl Cluster {
    /// Draws a cluster. `faults` are those that may occur.
    pub(crate) fn draw(bytes: &mut Bytes<'_>, faults: &[Fault]) -> Cluster {
        let name = bytes.pick(&Name::ALL);
        let shape = bytes.byte();
        let chosen = bytes.byte();
        let is_chosen = |index: &usize| chosen >> index & 1 == 1;
        let nemesis = faults
            .iter()
            .enumerate()
            .filter(|(index, _)| is_chosen(index));
        let latency = bytes.pick(&[0, 1, 10, 100]);
        let mut options = Options {
            nodes: Nodes::Count(1 + u32::from(shape & 3)),
            concurrency: Concurrency::PerNode(1 + u32::from(shape >> 2 & 1)),
            rate: bytes.pick(&[1.0, 5.0, 20.0]),
            time_limit: Duration::from_secs(1 + u64::from(shape >> 3 & 3)),
            latency,
            nemesis: nemesis.map(|(_, fault)| *fault).collect::<BTreeSet<_>>(),
            nemesis_interval: Duration::from_millis(300),
            ..Options::default()
        };
        if let Some(workers) = workload(name, &options).required_concurrency() {
            options.concurrency = workers;
        }
        let made = workload(name, &options);
        let seed = bytes.byte().into();
        Cluster {
            settings: options.settings(&*made, seed).expect("these options fit"),
            is_durable: shape & 0x80 != 0,
            is_storm: shape & 0x40 != 0,
            options,
            name,
        }
    }

    /// Runs the cluster behind a hostile layer, and judges and tells what happened.
    pub(crate) fn judge_hostile(mut self, side: Side, script: &[u8]) {
        self.settings.keeps_trace = true;
        let honest = factory(self.name, self.is_durable);
        let factory = hostile(honest, side, script);
        let record = simulate(&self.settings, self.workload(), &factory);
        let verdict = judge(&record, &*self.workload(), None);
        verdict.sentences();
        Story::of(&self.settings, &record, Some(&verdict)).lines();
    }

    /// The workload, made anew.
    pub(crate) fn workload(&self) -> Box<dyn Workload> {
        let made = workload(self.name, &self.options);
        match self.is_storm {
            true => with_convergence(made),
            false => made,
        }
    }
}

/// Our nodes for a workload. Where we have none, echo refuses all requests.
pub(crate) fn factory(name: Name, is_durable: bool) -> Factory {
    let solution = match name {
        Name::UniqueIds => Solution::UniqueIds,
        Name::Broadcast | Name::GSet => Solution::Broadcast,
        Name::GCounter | Name::PnCounter => Solution::GCounter,
        Name::Kafka => Solution::KafkaLog,
        Name::TxnRwRegister | Name::TxnListAppend => Solution::Txn,
        Name::Echo | Name::LinKv => Solution::Echo,
    };
    let flags = match is_durable && solution.is_durable_by_flag() {
        true => vec!["--durable".to_owned()],
        false => Vec::new(),
    };
    solution.factory(&flags).expect("these flags are valid")
}
