//! `workbench test`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::audience::{Audience, Output};
use super::seeds::last_seed;
use super::{
    code, command_line, exit_code, fresh_seed, own_command, paint, program, progress, warn,
};
use crate::flags::TestFlags;
use crate::live::Stopwatch;
use crate::log::Notation;
use crate::store::Store;
use crate::test::{Stage, Telling, Test};
use checkers::Validity;
use pages::report::{Ending, Tested};
use simulator::network::NetLog;

/// What `test` takes.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    flags: TestFlags,

    /// The node's program: it reads messages from stdin and writes messages to stdout. A name
    /// without a slash is a file in the working directory, or else a program on PATH.
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

    /// Prints one JSON document for machines: exit-status, error, and tests with their runs
    /// (command, seed, folder, valid, crash, incidents, findings, results). People read stderr.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    output: Output,

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
    let mut audience = Audience::begin_tests("test", &arguments.output, arguments.json)?;
    let done = run_rounds(arguments, &mut audience);
    audience.finish(done)
}

fn run_rounds(arguments: &Arguments, audience: &mut Audience) -> anyhow::Result<u8> {
    let program = program::find(&arguments.bin)?;
    let ignored = arguments.ignored.given();
    if !ignored.is_empty() {
        let ignored = ignored.join(", ");
        warn(format_args!(
            "note: {ignored} ignored: nodes are started here, without ssh"
        ));
    }
    let first = arguments.seed.unwrap_or_else(fresh_seed);
    last_seed(first, arguments.test_count)?;
    let mut tested = Tested {
        challenge: None,
        part: (1, 1),
        workload: arguments.flags.workload.to_string(),
        flags: arguments.words(),
        figures: None,
        endings: Vec::new(),
        status: code::VALID,
        command: own_command(Some(first)),
    };
    for round in 0..u64::from(arguments.test_count) {
        let ending = arguments.run_one(&program, first + round, audience)?;
        tested.status = ending.valid.map_or(code::CRASH, exit_code);
        tested.endings.push(ending);
        if tested.status != code::VALID {
            break;
        }
    }
    audience.hear_test(&tested);
    Ok(tested.status)
}

impl Arguments {
    fn run_one(&self, program: &Path, seed: u64, audience: &Audience) -> anyhow::Result<Ending> {
        let options = self.flags.options()?;
        let test = Test {
            workload: self.flags.workload,
            options: &options,
            seed,
            stage: Stage::Live {
                program,
                arguments: &self.arguments,
                telling: Telling {
                    stderr: self.log_stderr,
                    network: NetLog {
                        sent: self.log_net_send,
                        received: self.log_net_recv,
                    },
                    notation: if self.logging_json {
                        Notation::Json
                    } else {
                        Notation::Text
                    },
                },
                leave_running: self.leave_db_running,
            },
            command: own_command(Some(seed)),
            held: None,
        };
        let start = Stopwatch::start();
        let workload = self.flags.workload;
        let mut line = progress::Line::new(&workload.to_string(), audience.is_quiet);
        let outcome = test.perform(&Store::new(&self.store), &mut line);
        line.finish();
        let ending = Ending::new(&outcome?, &test.command, test.stage.name(), start.elapsed());
        let is_valid = ending.valid == Some(Validity::Valid);
        if !is_valid || !audience.is_quiet {
            audience.say(&ending.summary);
        }
        if let Some(valid) = ending.valid {
            let verdict = paint::verdict(valid);
            audience.say(format_args!("{workload}: {verdict} (seed {seed})"));
        }
        if !is_valid {
            audience.say(format_args!("again: {}", test.command));
        }
        if let Some(valid) = ending.valid {
            audience.remark(format_args!("\n{}", paint::closing(valid)));
        }
        Ok(ending)
    }

    /// What makes this test another one than that without any flags, as far as it is told.
    fn words(&self) -> String {
        let mut words = vec!["--bin".to_owned(), self.bin.display().to_string()];
        words.extend(self.arguments.iter().cloned());
        command_line(&words)
    }
}
