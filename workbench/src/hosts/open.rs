//! Opens hosts: starts their keepers, checks the program, shares connections, copies the program.

use std::sync::Arc;

use anyhow::{Context, anyhow};

use super::launcher::{Template, Tool, Values};
use super::program::System;
use super::session::Session;
use super::spawn::Spawner;
use super::ssh::{Connections, Via};
use super::{CLEANING, Host, Launcher, Plan, TRIAL, script};
use crate::text::shell_word;

/// Opens hosts.
pub(super) struct Opener<'a> {
    pub(super) plan: &'a Plan,
    pub(super) spawner: Spawner,
    /// How many nodes there are.
    pub(super) nodes: usize,
}

impl Opener<'_> {
    /// # Errors
    /// Says which host cannot be used, why, and what to do.
    pub(super) fn open(&self, index: usize, name: &str) -> anyhow::Result<Host> {
        match &self.plan.launcher {
            Launcher::Own { start, .. } => self.open_own(index, name, start),
            Launcher::Known(tool, options) => {
                let opened = self.open_known(index, name, *tool, options);
                opened.map_err(|error| {
                    let error = format!("{error:#}");
                    let options = [&options[..], &self.plan.identity.of_user()].concat();
                    let hint = hint(&error, &tool.trial(&options, name));
                    let error = error.trim_end_matches('.');
                    anyhow!("host {name} cannot be used: {error}{hint}")
                })
            }
        }
    }

    /// Only the round trip is measured, through a `cat` there if there is one.
    fn open_own(&self, index: usize, name: &str, start: &Template) -> anyhow::Result<Host> {
        let command = ["cat".to_owned()];
        let node = format!("probe{index}");
        let values = Values {
            host: name,
            node: &node,
            index: self.nodes + index,
            command: &command,
            signal: "",
        };
        let session = Session::start(name, &self.spawner, &start.words(values))?;
        let session = Arc::new(session);
        session.measure(TRIAL);
        session.keep_alive();
        Ok(Host {
            name: name.to_owned(),
            session,
            folder: String::new(),
            program: self.plan.program.path.to_string_lossy().into_owned(),
            connections: None,
            _sockets: None,
        })
    }

    fn open_known(
        &self,
        index: usize,
        name: &str,
        tool: Tool,
        options: &[String],
    ) -> anyhow::Result<Host> {
        let sockets = match tool {
            Tool::Ssh => Some(
                self.sockets()
                    .context("cannot create a folder for ssh's sockets")?,
            ),
            Tool::Docker | Tool::Podman | Tool::Kubectl | Tool::Srun => None,
        };
        let socket = sockets.as_ref().map(|it| it.path().join("c"));
        let keeper = script(include_str!("keeper.sh"));
        let first = self.plan.options(options, socket.as_deref().map(Via::New));
        let session = Session::start(name, &self.spawner, &tool.words(&first, name, &keeper, &[]))?;
        let ready = session.reply()?;
        let session = Arc::new(session);
        session.keep_alive();
        let words: Vec<&str> = ready.split(' ').collect();
        let ["ready", folder @ .., system, processor] = &words[..] else {
            anyhow::bail!(
                "it printed {} before anything else, which would be taken for a message of a node: is \
                 that in a file that its shell reads, such as .bashrc?",
                shell_word(&ready)
            );
        };
        let mut host = Host {
            name: name.to_owned(),
            session,
            folder: folder.join(" "),
            program: String::new(),
            connections: None,
            _sockets: sockets,
        };
        let system = System {
            name: system,
            processor,
        };
        self.plan.program.check(&system, &host.session)?;
        if let Some(socket) = socket {
            let nodes = self
                .nodes
                .saturating_sub(index)
                .div_ceil(self.plan.hosts.len());
            let options = |via: Via<'_>| self.plan.options(options, Some(via));
            let connections = Connections::open(socket, nodes, name, &self.spawner, options)?;
            host.connections = Some(connections);
            // Refusals of the sessions that were tried.
            host.session.forget_errors();
        }
        // An answer comes behind the ends of the sessions that were tried: the server has room again.
        if let Some(why) = host.session.confirm() {
            anyhow::bail!("{why}");
        }
        let via = host.connections.as_ref().map(Connections::any);
        let options = self.plan.options(options, via);
        let words =
            |script: &str, arguments: &[&str]| tool.words(&options, name, script, arguments);
        host.program = self.plan.program.copy(&host.folder, &self.spawner, words)?;
        // Not while it is copied.
        host.session.measure(CLEANING);
        Ok(host)
    }

    /// A folder with a short path: that of a socket may have about a hundred characters.
    fn sockets(&self) -> std::io::Result<tempfile::TempDir> {
        let named = std::env::temp_dir();
        let is_short = named.as_os_str().len() < 40;
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix("workbench-");
        let folder = builder.tempdir_in(if is_short { &*named } else { "/tmp".as_ref() })?;
        self.spawner
            .keeper
            .iter()
            .for_each(|it| it.add_folder(folder.path()));
        Ok(folder)
    }
}

/// What to do about an error of a tool, in words that follow it: at least to try this command.
fn hint(error: &str, command: &str) -> String {
    let has = |text: &str| error.contains(text);
    let hint = if has("Permission denied (") || has("Too many authentication failures") {
        "check the user and the key"
    } else if has("Host key verification failed") {
        "connect once by hand to see and accept its key"
    } else if has("does not have")
        || has("was built for")
        || has("it has no program")
        || has("there is no program")
        || has("cannot copy")
        || has("set TMPDIR")
    {
        return String::new();
    } else {
        "see whether it can be used"
    };
    format!("; {hint}, with: {command}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_ssh_says_what_to_do() {
        for (error, what) in [
            ("root@a: Permission denied (publickey).", "check the user"),
            ("Host key verification failed.", "accept its key"),
            ("connect to host a port 22: No route to host", "ssh a true"),
        ] {
            assert!(hint(error, "ssh a true").contains(what), "{error}");
        }
        assert_eq!(hint("x was built for y", ""), "");
    }
}
