//! `workbench doc`.

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::{code, print_line};
use crate::doc::{self, Part};

/// Arguments of `doc`.
#[derive(Args)]
pub(super) struct Arguments {
    /// Only this part: protocol, errors, services, or a workload.
    #[arg(value_name = "PART", value_parser = names())]
    part: Option<String>,
}

fn names() -> PossibleValuesParser {
    let names = Part::all().into_iter().map(Part::name);
    PossibleValuesParser::new(names.collect::<Vec<_>>())
}

/// Prints one part, or all; returns the exit status.
pub(super) fn run(arguments: &Arguments) -> u8 {
    let named = |part: &Part| arguments.part.as_deref() == Some(part.name());
    let text = Part::all()
        .into_iter()
        .find(named)
        .map_or_else(doc::everything, Part::text);
    print_line(text.trim_end());
    code::VALID
}
