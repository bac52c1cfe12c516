//! `workbench test`.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::{code, command_line, exit_code, fresh_seed, progress, say, warn};
use crate::checker::Validity;
use crate::flags::TestFlags;
use crate::log::Notation;
use crate::network::Overheard;
use crate::report;
use crate::store::Store;
use crate::test::{Stage, Telling, Test};

/// What `test` takes.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    flags: TestFlags,

    /// The node's program: it reads messages from stdin and writes messages to stdout.
    #[arg(long, value_name = "FILE")]
    bin: PathBuf,

    /// What the order of events, latencies and faults are drawn from; one is chosen and printed
    /// otherwise.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// How often the test is repeated while it is valid, each time with the next seed.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..))]
    test_count: u32,

    /// Shows what nodes write to stderr as it comes. It is kept in their logs anyway.
    #[arg(long)]
    log_stderr: bool,

    /// Shows every message when it is sent. The run's jepsen.log keeps it, too.
    #[arg(long)]
    log_net_send: bool,

    /// Shows every message when it arrives. The run's jepsen.log keeps it, too.
    #[arg(long)]
    log_net_recv: bool,

    /// Writes the run's jepsen.log as JSON, an object a line.
    #[arg(long)]
    logging_json: bool,

    #[command(flatten)]
    ignored: Ignored,

    /// Does not kill the nodes at the end, and lets them end early.
    #[arg(long)]
    leave_db_running: bool,

    /// The folder where runs are kept.
    #[arg(long, value_name = "DIR", default_value = "store")]
    store: PathBuf,

    /// Arguments of the node's program; those that begin with a dash stand behind `--`.
    #[arg(value_name = "ARGUMENT")]
    arguments: Vec<String>,
}

/// Maelstrom takes these flags and has no use for them, either: nodes are processes of this
/// machine.
#[derive(Args)]
#[command(next_help_heading = "Taken for Maelstrom's sake, and ignored: nodes are started here")]
struct Ignored {
    /// Whom to log in as.
    #[arg(long, value_name = "USER")]
    username: Option<String>,

    /// With which password.
    #[arg(long, value_name = "PASSWORD")]
    password: Option<String>,

    /// With which key.
    #[arg(long, value_name = "FILE")]
    ssh_private_key: Option<PathBuf>,

    /// Whether hosts must be known.
    #[arg(long)]
    strict_host_key_checking: bool,

    /// Whether to log in at all.
    #[arg(long)]
    no_ssh: bool,
}

impl Ignored {
    fn given(&self) -> Vec<&'static str> {
        let all = [
            (self.username.is_some(), "--username"),
            (self.password.is_some(), "--password"),
            (self.ssh_private_key.is_some(), "--ssh-private-key"),
            (self.strict_host_key_checking, "--strict-host-key-checking"),
            (self.no_ssh, "--no-ssh"),
        ];
        let given = all.into_iter().filter(|(is_given, _)| *is_given);
        given.map(|(_, flag)| flag).collect()
    }
}

/// Runs the test; the exit status.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let program = std::fs::canonicalize(&arguments.bin)
        .with_context(|| format!("there is no program {}", arguments.bin.display()))?;
    let ignored = arguments.ignored.given();
    if !ignored.is_empty() {
        let ignored = ignored.join(", ");
        warn(format_args!(
            "note: {ignored} ignored: nodes are started here, without ssh"
        ));
    }
    let store = Store::new(&arguments.store);
    let first = arguments.seed.unwrap_or_else(fresh_seed);
    let mut status = code::VALID;
    for round in 0..u64::from(arguments.test_count) {
        let seed = first.wrapping_add(round);
        let test = Test {
            flags: &arguments.flags,
            seed,
            stage: Stage::Live {
                program: &program,
                arguments: &arguments.arguments,
                telling: Telling {
                    stderr: arguments.log_stderr,
                    network: Overheard {
                        sent: arguments.log_net_send,
                        received: arguments.log_net_recv,
                    },
                    notation: if arguments.logging_json {
                        Notation::Json
                    } else {
                        Notation::Text
                    },
                },
                leave_running: arguments.leave_db_running,
            },
            command: repetition(seed),
            held: None,
        };
        let mut line = progress::Line::new(&arguments.flags.workload.to_string());
        let outcome = test.perform(&store, &mut line);
        line.finish();
        let outcome = outcome?;
        say(format_args!("{}", report::summary(&outcome)));
        let Some(verdict) = &outcome.verdict else {
            say(format_args!("again: {}", test.command));
            return Ok(code::CRASH);
        };
        let workload = arguments.flags.workload;
        say(format_args!(
            "{workload}: {} (seed {seed})",
            report::verdict(verdict.valid)
        ));
        if verdict.valid != Validity::Valid {
            say(format_args!("again: {}", test.command));
        }
        say(format_args!("\n{}", report::closing(verdict.valid)));
        status = exit_code(verdict.valid);
        if status != code::VALID {
            break;
        }
    }
    Ok(status)
}

/// This very command, with its seed.
fn repetition(seed: u64) -> String {
    let words = std::env::args_os();
    let mut words: Vec<String> = words.map(|it| it.to_string_lossy().into_owned()).collect();
    let end = words
        .iter()
        .position(|word| word == "--")
        .unwrap_or(words.len());
    words.splice(end..end, ["--seed".to_owned(), seed.to_string()]);
    command_line(&words)
}
