//! The help: which flags stand under which heading, which ones the short help leaves out, and what
//! commands that simulate challenges say of the flags of a test.

#[cfg(feature = "shell")]
use clap::builder::Resettable;
use clap::{Arg, Command, CommandFactory};

use super::CommandLine;
use super::wrap::wrap;
use crate::challenge::SET_BY_CHALLENGE;

/// Lines of help are never longer, even on a wide terminal.
pub(super) const MAX_WIDTH: usize = 100;

/// A heading, and its flags by their ids.
struct Section {
    heading: &'static str,
    /// Those that the short help lists, too.
    common: &'static [&'static str],
    others: &'static [&'static str],
}

const SECTIONS: [Section; 7] = [
    Section {
        heading: "Nodes",
        common: &["node_count", "given"],
        others: &["node", "nodes", "nodes_file", "leave_db_running"],
    },
    Section {
        heading: "Load and network",
        common: &["concurrency", "rate", "time_limit", "latency"],
        others: &[
            "latency_dist",
            "max_operations",
            "topology",
            "key_count",
            "max_txn_length",
            "max_writes_per_key",
        ],
    },
    Section {
        heading: "Faults",
        common: &["nemesis", "nemesis_interval", "faults"],
        others: &[
            "partition_shapes",
            "loss",
            "duplicate",
            "delay",
            "targets",
            "skew",
            "drift",
            "max_faults",
            "loss_interval",
            "duplicate_interval",
            "delay_interval",
            "pause_interval",
            "kill_interval",
            "skew_interval",
        ],
    },
    Section {
        heading: "Checks",
        common: &["availability", "consistency_models", "assume"],
        others: &[],
    },
    Section {
        heading: "Hosts",
        common: &["hosts", "launch"],
        others: &[
            "hosts_file",
            "signal_command",
            "copy",
            "no_copy",
            "username",
            "password",
            "ssh_private_key",
            "strict_host_key_checking",
            "no_ssh",
        ],
    },
    Section {
        heading: "Simulation",
        common: &["simulate", "jobs"],
        others: &["threads", "repeat", "stop_at", "dump", "watch"],
    },
    Section {
        heading: "Output",
        common: &["json", "quiet", "all", "junit", "store", "report", "out"],
        others: &[
            "svg",
            "csv",
            "log_stderr",
            "log_net_send",
            "log_net_recv",
            "logging_json",
            "color",
        ],
    },
];

/// Commands that have flags under headings.
const WITH_SECTIONS: [&str; 5] = ["test", "check", "challenge", "storm", "sweep"];

/// Commands that take the flags of a test, except those that a challenge sets.
#[cfg(feature = "simulate")]
const SIMULATED: [&str; 2] = ["storm", "sweep"];
#[cfg(not(feature = "simulate"))]
const SIMULATED: [&str; 0] = [];

/// Flags of a test whose values a storm draws.
const DRAWN: [&str; 12] = [
    "node_count",
    "concurrency",
    "rate",
    "latency",
    "latency_dist",
    "nemesis_interval",
    "partition_shapes",
    "loss",
    "duplicate",
    "delay",
    "skew",
    "drift",
];

/// All commands and their flags.
pub(super) fn command() -> Command {
    let line = CommandLine::command();
    let line = WITH_SECTIONS
        .into_iter()
        .filter(|name| line.find_subcommand(name).is_some())
        .collect::<Vec<_>>()
        .into_iter()
        .fold(line, |line, name| {
            line.mut_subcommand(name, |it| it.mut_args(arrange))
        });
    SIMULATED.into_iter().fold(line, |line, name| {
        line.mut_subcommand(name, |it| {
            // A workload is not required where a challenge sets it.
            let it = it.mut_arg("workload", |flag| flag.default_value("echo"));
            it.mut_args(|flag| adapt(name, flag))
        })
    })
}

/// Puts a flag under its heading.
fn arrange(flag: Arg) -> Arg {
    let id = flag.get_id().as_str();
    let has = |ids: &[&str]| ids.contains(&id);
    let section = SECTIONS.iter().find(|it| has(it.common) || has(it.others));
    let Some(section) = section else {
        return flag;
    };
    let is_common = has(section.common);
    flag.help_heading(section.heading)
        .hide_short_help(!is_common)
}

/// Says of a flag what holds in a storm or a sweep: which flags of a test there are, what happens
/// without them, and that the flags that watch a run need one seed.
fn adapt(command: &str, flag: Arg) -> Arg {
    let id = flag.get_id().to_string();
    if ["stop_at", "watch"].contains(&&*id) {
        let help = flag.get_help().map(ToString::to_string);
        return flag.help(format!(
            "{}. Needs one seed: --seeds N",
            help.unwrap_or_default()
        ));
    }
    let is_hidden = flag
        .get_long()
        .is_some_and(|it| SET_BY_CHALLENGE.contains(&it));
    if id == "workload" && command == "storm" {
        let about = "With --bin and without NAME: the operations that clients perform, and what is \
                     checked";
        return flag.help(about).hide_default_value(true);
    }
    let has_default =
        DRAWN.contains(&&*id) || id == "availability" || !flag.get_default_values().is_empty();
    if is_hidden || !is_of_test(&id) || !has_default {
        return flag.hide(is_hidden);
    }
    let help = flag.get_help().map(ToString::to_string);
    let help = help.unwrap_or_default();
    // The rest is about flags that these commands do not have.
    let help = match &*id {
        "node_count" => help.split(". ").next().unwrap_or_default(),
        _ => &help,
    };
    let default = match command {
        "storm" if id == "nemesis" => "drawn, from those that the nodes survive",
        "storm" if DRAWN.contains(&&*id) => "drawn",
        "storm" => "as in the challenge, or as in test",
        _ => "as in the challenge",
    };
    let help = format!("{help} [default: {default}]");
    flag.help(help).hide_default_value(true)
}

/// Whether this is the id of a test's option.
fn is_of_test(id: &str) -> bool {
    let sections = SECTIONS[..4].iter();
    let mut ids = sections.flat_map(|it| it.common.iter().chain(it.others));
    ids.any(|it| *it == id) && !["given", "faults"].contains(&id)
}

/// All commands and their flags, without hidden ones: for completions and manual pages.
#[cfg(feature = "shell")]
pub(super) fn visible_command() -> Command {
    let visible = |name: &'static str, command: &Command| {
        let flags = command.get_arguments();
        let flags = flags.filter(|flag| !flag.is_hide_set());
        Command::new(name)
            .about(Resettable::from(command.get_about().cloned()))
            .long_about(Resettable::from(command.get_long_about().cloned()))
            .after_help(Resettable::from(command.get_after_help().cloned()))
            .args(flags.cloned())
    };
    let show = |line: Command, name| line.mut_subcommand(name, |command| visible(name, &command));
    SIMULATED.into_iter().fold(command(), show)
}

/// Help or an error about usage, in lines that fit so many columns.
pub(super) fn rendered(error: &clap::Error, columns: usize) -> String {
    wrap(&error.render().ansi().to_string(), columns)
}
