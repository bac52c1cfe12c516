//! Flags for nodes that run elsewhere.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::{misuse, program, warn};
use crate::hosts::{Identity, Launcher, Plan, Program, Tool};

/// The ids of the flags that a command which repeats a run has, too: all but the password.
pub(super) const REPEATED: [&str; 10] = [
    "hosts",
    "hosts_file",
    "launch",
    "signal_command",
    "copy",
    "no_copy",
    "username",
    "ssh_private_key",
    "strict_host_key_checking",
    "no_ssh",
];

/// Where nodes run, and what starts them there. Maelstrom accepts the flags about ssh, too, and ignores
/// them.
#[derive(Args)]
pub(super) struct HostFlags {
    /// Hosts on which nodes run, separated by commas: nodes are spread over them in turn. By ssh
    /// (HOST, USER@HOST or ssh://USER@HOST:PORT), unless --launch says otherwise.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = parse_host)]
    hosts: Vec<String>,

    /// A file with names of hosts, one per line; # begins a comment.
    #[arg(long, value_name = "FILE")]
    hosts_file: Option<PathBuf>,

    /// What starts nodes on hosts: ssh, docker, podman, kubectl or srun, with options for it if need
    /// be ("ssh -p 2222"); or a command line of your own, with {command} and, if need be, {host}, {node}
    /// and {index} [default: ssh]
    #[arg(long, value_name = "COMMAND")]
    launch: Option<String>,

    /// With a --launch of your own: a command line that sends {signal} (KILL, STOP or CONT) to {node},
    /// for --nemesis kill and pause.
    #[arg(long, value_name = "COMMAND", requires = "launch")]
    signal_command: Option<String>,

    /// A file or a folder that the program needs beside it on hosts; may be repeated.
    #[arg(long, value_name = "PATH", conflicts_with = "no_copy")]
    copy: Vec<PathBuf>,

    /// Copies no program to hosts: --bin is one that they have.
    #[arg(long)]
    no_copy: bool,

    /// The user on hosts [default: as in your configuration of ssh]
    #[arg(long, value_name = "USER")]
    username: Option<String>,

    /// The user's password on hosts that take no key. It can be seen in the list of processes.
    #[arg(long, value_name = "PASSWORD")]
    password: Option<String>,

    /// The file of the private key for hosts [default: as in your configuration of ssh]
    #[arg(long, value_name = "FILE")]
    ssh_private_key: Option<PathBuf>,

    /// Refuses hosts whose key is not known, whatever your configuration of ssh says.
    #[arg(long)]
    strict_host_key_checking: bool,

    /// Does without ssh, as without --hosts.
    #[arg(long)]
    no_ssh: bool,
}

fn parse_host(name: &str) -> Result<String, String> {
    let name = name.trim();
    let is_name = |c: char| !c.is_whitespace() && !c.is_control();
    if name.is_empty() || name.starts_with('-') || !name.chars().all(is_name) {
        return Err("expected a host's name, without spaces or a dash at its start".to_owned());
    }
    Ok(name.to_owned())
}

impl HostFlags {
    /// Whether nodes run elsewhere.
    pub(super) fn are_given(&self) -> bool {
        !self.hosts.is_empty() || self.hosts_file.is_some() || self.launch.is_some()
    }

    /// The program that `--bin` names: here, or if it need not be here, as it was given.
    ///
    /// # Errors
    /// When there is no such program.
    pub(super) fn program(&self, bin: &Path) -> anyhow::Result<PathBuf> {
        let is_own = matches!(self.launcher()?, Some(Launcher::Own { .. }));
        if self.no_copy && self.are_given() || is_own && !bin.exists() {
            return Ok(bin.to_owned());
        }
        program::find(bin)
    }

    fn launcher(&self) -> anyhow::Result<Option<Launcher>> {
        let signal = self.signal_command.as_deref();
        let parsed = match &self.launch {
            Some(text) => Launcher::parse(text, signal).map(Some),
            None if self.are_given() => Ok(Some(Launcher::Known(Tool::Ssh, Vec::new()))),
            None => Ok(None),
        };
        parsed.map_err(misuse)
    }

    /// Where and how nodes are started, if not as processes of this machine.
    ///
    /// # Errors
    /// When flags are invalid or contradict one another, or a file cannot be read.
    pub(super) fn plan(
        &self,
        program: &Path,
        arguments: &[String],
    ) -> anyhow::Result<Option<Plan>> {
        let Some(launcher) = self.launcher()? else {
            self.warn_of("without --hosts, as nodes run on this machine");
            return Ok(None);
        };
        let is_ssh = matches!(launcher, Launcher::Known(Tool::Ssh, _));
        if is_ssh && self.no_ssh {
            return Err(misuse(
                "--no-ssh contradicts --hosts, whose nodes are started by ssh",
            ));
        }
        if !is_ssh {
            self.warn_of("with this --launch, which is not ssh");
        }
        let is_own = matches!(launcher, Launcher::Own { .. });
        if is_own && !self.copy.is_empty() {
            return Err(misuse(
                "--copy is not for a --launch of your own, which copies nothing",
            ));
        }
        let mut hosts = self.hosts.clone();
        if let Some(file) = &self.hosts_file {
            let text = std::fs::read_to_string(file).with_context(|| {
                format!("cannot read the names of hosts from {}", file.display())
            })?;
            let lines = text.trim_start_matches('\u{feff}').lines().zip(1..);
            for (line, number) in lines {
                let name = line.split('#').next().unwrap_or_default().trim();
                if !name.is_empty() {
                    let wrong = |why| misuse(format_args!("{}:{number}: {why}", file.display()));
                    hosts.push(parse_host(name).map_err(wrong)?);
                }
            }
            if hosts.is_empty() {
                return Err(misuse(format_args!("{} names no host", file.display())));
            }
        }
        if let Some(missing) = self.copy.iter().find(|it| !it.exists()) {
            let missing = missing.display();
            return Err(misuse(format_args!(
                "--copy {missing}: there is no such file"
            )));
        }
        if hosts.is_empty() && launcher.needs_hosts() {
            return Err(misuse(
                "this --launch needs hosts: --hosts LIST or --hosts-file FILE",
            ));
        }
        if hosts.is_empty() {
            hosts.push("localhost".to_owned());
        }
        if cfg!(not(unix)) {
            return Err(misuse("--hosts and --launch need a Unix system here"));
        }
        Ok(Some(Plan {
            hosts,
            launcher,
            identity: Identity {
                user: self.username.clone(),
                password: self.password.clone(),
                key: self.ssh_private_key.clone(),
                is_strict: self.strict_host_key_checking,
            },
            program: Program {
                path: program.to_owned(),
                arguments: arguments.to_vec(),
                is_copied: !self.no_copy,
                extra: self.copy.clone(),
            },
        }))
    }

    /// Warns of flags about ssh that have no effect.
    fn warn_of(&self, why: &str) {
        let all = [
            (self.username.is_some(), "--username"),
            (self.password.is_some(), "--password"),
            (self.ssh_private_key.is_some(), "--ssh-private-key"),
            (self.strict_host_key_checking, "--strict-host-key-checking"),
        ];
        let given = all.into_iter().filter(|(is_given, _)| *is_given);
        let given: Vec<&str> = given.map(|(_, flag)| flag).collect();
        if !given.is_empty() {
            let given = given.join(", ");
            warn(format_args!("note: {given}: no effect {why}"));
        }
    }
}
