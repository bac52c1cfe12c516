//! `workbench doc`.

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::{code, say};
use crate::doc::{self, Part};

/// What `doc` takes.
#[derive(Args)]
pub(super) struct Arguments {
    /// One part alone: protocol, errors, services, or a workload.
    #[arg(value_name = "PART", value_parser = names())]
    part: Option<String>,
}

fn names() -> PossibleValuesParser {
    let names = Part::all().into_iter().map(Part::name);
    PossibleValuesParser::new(names.collect::<Vec<_>>())
}

/// Prints what was asked for; the exit status.
pub(super) fn run(arguments: &Arguments) -> u8 {
    let named = |part: &Part| arguments.part.as_deref() == Some(part.name());
    let text = Part::all()
        .into_iter()
        .find(named)
        .map_or_else(doc::everything, Part::text);
    say(text.trim_end());
    code::VALID
}
