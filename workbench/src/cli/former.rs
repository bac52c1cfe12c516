//! Former names of commands and flags. They are not accepted, but the error says the present name.

use clap::error::{ContextKind, ContextValue};

/// Former and present names.
const RENAMED: [(&str, &str); 3] = [
    ("simulate", "storm"),
    ("--exactly", "--fixed"),
    ("--victims", "--targets"),
];

/// Adds the present name to an error about a former one.
pub(super) fn suggest(error: &mut clap::Error) {
    let kinds = [ContextKind::InvalidSubcommand, ContextKind::InvalidArg];
    let Some(ContextValue::String(unknown)) = kinds.into_iter().find_map(|kind| error.get(kind))
    else {
        return;
    };
    if let Some((former, present)) = RENAMED.iter().find(|(former, _)| former == unknown) {
        let tip = format!("'{former}' is now called '{present}'");
        error.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![tip.into()]),
        );
    }
}
