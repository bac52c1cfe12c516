//! `workbench man`.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use clap_mangen::Man;

use super::{code, print_line, write_stdout};

/// Arguments of `man`.
#[derive(Args)]
pub(super) struct Arguments {
    /// The folder for a page of each command. Without it the main page is printed.
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Prints the main page, or writes all pages; returns the exit status.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let Some(folder) = &arguments.folder else {
        let mut page = Vec::new();
        Man::new(super::help::visible_command()).render(&mut page)?;
        write_stdout(String::from_utf8_lossy(&page))?;
        return Ok(code::VALID);
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    clap_mangen::generate_to(super::help::visible_command(), folder)
        .with_context(|| format!("cannot write the pages to {}", folder.display()))?;
    print_line(format_args!("the pages are in {}", folder.display()));
    Ok(code::VALID)
}
