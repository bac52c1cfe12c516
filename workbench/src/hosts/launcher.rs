//! How a command is started on a host: by a program that exists for that, ready-made or by a template.

use anyhow::bail;

use crate::text::shell_word;

/// A program that runs a command elsewhere, with the words that it needs.
#[derive(Debug, Clone, PartialEq)]
pub enum Launcher {
    /// One whose ways are known here.
    Known(Tool, Vec<String>),
    /// The user's own.
    Own {
        /// Starts a node.
        start: Template,
        /// Sends a signal to a node, if there is a way.
        signal: Option<Template>,
    },
}

/// A program that runs a shell's command on a host, with stdin, stdout and stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// OpenSSH's client; hosts are machines.
    Ssh,
    /// Hosts are containers that are running.
    Docker,
    /// As docker.
    Podman,
    /// Hosts are pods that are running.
    Kubectl,
    /// Hosts are the nodes of a Slurm allocation.
    Srun,
}

impl Tool {
    /// All of them.
    pub const ALL: [Tool; 5] = [
        Tool::Ssh,
        Tool::Docker,
        Tool::Podman,
        Tool::Kubectl,
        Tool::Srun,
    ];

    /// The program's name.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Ssh => "ssh",
            Tool::Docker => "docker",
            Tool::Podman => "podman",
            Tool::Kubectl => "kubectl",
            Tool::Srun => "srun",
        }
    }

    /// The command with which a user can try whether a host can be used.
    pub(super) fn trial(self, options: &[String], host: &str) -> String {
        let words = match self {
            Tool::Ssh => [
                &["ssh".to_owned()],
                options,
                &[host.to_owned(), "true".to_owned()],
            ]
            .concat(),
            _ => self.words(options, host, "true", &[]),
        };
        let words: Vec<String> = words.iter().map(|it| shell_word(it)).collect();
        words.join(" ")
    }

    /// The words that run a script with arguments in a shell of a host. The options are the user's.
    pub(super) fn words(
        self,
        options: &[String],
        host: &str,
        script: &str,
        arguments: &[&str],
    ) -> Vec<String> {
        let shell = ["sh", "-c", script, "sh"].into_iter();
        let shell = shell.chain(arguments.iter().copied()).map(str::to_owned);
        let shell: Vec<String> = shell.collect();
        let before: &[&str] = match self {
            Tool::Ssh => &["ssh"],
            Tool::Docker => &["docker", "exec", "-i"],
            Tool::Podman => &["podman", "exec", "-i"],
            Tool::Kubectl => &["kubectl", "exec", "-i"],
            Tool::Srun => &[
                "srun",
                "--overlap",
                "--nodes=1",
                "--ntasks=1",
                "--unbuffered",
            ],
        };
        let mut words: Vec<String> = before.iter().map(ToString::to_string).collect();
        words.extend(options.iter().cloned());
        match self {
            // A shell there, of whatever kind, splits the command into words.
            Tool::Ssh => {
                let quoted: Vec<String> = shell.iter().map(|word| shell_word(word)).collect();
                words.extend([host.to_owned(), format!("exec {}", quoted.join(" "))]);
                return words;
            }
            Tool::Docker | Tool::Podman => words.push(host.to_owned()),
            Tool::Kubectl => words.extend([host.to_owned(), "--".to_owned()]),
            Tool::Srun => words.push(format!("--nodelist={host}")),
        }
        words.extend(shell);
        words
    }
}

/// A command line with placeholders: `{host}`, `{node}`, `{index}`, `{command}`, `{signal}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Template(Vec<String>);

/// The values of placeholders.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Values<'a> {
    pub(super) host: &'a str,
    pub(super) node: &'a str,
    pub(super) index: usize,
    pub(super) command: &'a [String],
    pub(super) signal: &'a str,
}

/// The placeholders of a template that starts nodes, and of one that sends signals.
const OF_START: [&str; 4] = ["host", "node", "index", "command"];
const OF_SIGNAL: [&str; 4] = ["host", "node", "index", "signal"];

impl Launcher {
    /// Parses the values of `--launch` and `--signal-command`.
    ///
    /// # Errors
    /// Says what is wrong with which of them.
    pub fn parse(launch: &str, signal: Option<&str>) -> anyhow::Result<Self> {
        let start = Template::parse("--launch", launch, &OF_START)?;
        let tool = |name: &str| Tool::ALL.into_iter().find(|it| it.name() == name);
        if start.has("command") {
            let signal = signal.map(|it| Template::parse("--signal-command", it, &OF_SIGNAL));
            let signal = signal.transpose()?;
            if signal.as_ref().is_some_and(|it| !it.has("signal")) {
                bail!("--signal-command has no {{signal}}, which stands for KILL, STOP and CONT");
            }
            return Ok(Launcher::Own { start, signal });
        }
        let Some(tool) = tool(&start.0[0]) else {
            let tools = Tool::ALL.map(Tool::name).join(", ");
            bail!(
                "--launch {} has no {{command}}, and is not one of {tools} with options for it",
                shell_word(launch)
            );
        };
        if signal.is_some() {
            bail!(
                "--signal-command is for a --launch of your own: with {} signals reach the nodes",
                tool.name()
            );
        }
        Ok(Launcher::Known(tool, start.0[1..].to_vec()))
    }

    /// Whether nodes can be killed and paused.
    pub fn has_signals(&self) -> bool {
        !matches!(self, Launcher::Own { signal: None, .. })
    }

    /// Whether hosts must be named.
    pub fn needs_hosts(&self) -> bool {
        match self {
            Launcher::Known(..) => true,
            Launcher::Own { start, signal } => {
                start.has("host") || signal.as_ref().is_some_and(|it| it.has("host"))
            }
        }
    }
}

impl Template {
    fn parse(flag: &str, text: &str, known: &[&str]) -> anyhow::Result<Self> {
        let Some(words) = shlex::split(text).filter(|words| !words.is_empty()) else {
            bail!("{flag} needs words as in a shell, with every quote closed");
        };
        for word in &words {
            if let Some(name) = placeholders(word).find(|name| !known.contains(name)) {
                let known: Vec<String> = known.iter().map(|it| format!("{{{it}}}")).collect();
                bail!(
                    "{flag} has {{{name}}}, but there are only {}",
                    known.join(", ")
                );
            }
        }
        Ok(Template(words))
    }

    fn has(&self, name: &str) -> bool {
        let mut all = self.0.iter().flat_map(|word| placeholders(word));
        all.any(|it| it == name)
    }

    /// The words of the command line. A word that is `{command}` becomes the program and its arguments,
    /// one word each; where a shell splits it again, which is behind `ssh` and `-c`, and inside of a
    /// longer word, it becomes their text, quoted for that shell.
    pub(super) fn words(&self, values: Values<'_>) -> Vec<String> {
        let quoted: Vec<String> = values.command.iter().map(|it| shell_word(it)).collect();
        let is_ssh = self.0.iter().any(|it| is_program(it, "ssh"));
        let mut words = Vec::new();
        for (index, word) in self.0.iter().enumerate() {
            let before = index.checked_sub(1).map_or("", |it| &self.0[it]);
            let is_flag = before.starts_with('-') && !before.starts_with("--");
            let is_text = is_ssh || (is_flag && before.ends_with('c'));
            if word == "{command}" && !is_text {
                words.extend_from_slice(values.command);
                continue;
            }
            words.push(
                word.replace("{host}", values.host)
                    .replace("{node}", values.node)
                    .replace("{index}", &values.index.to_string())
                    .replace("{signal}", values.signal)
                    .replace("{command}", &quoted.join(" ")),
            );
        }
        words
    }
}

/// Whether a word is this program, with or without its folder.
fn is_program(word: &str, name: &str) -> bool {
    word.rsplit('/').next() == Some(name)
}

/// The names in braces, if they are words.
fn placeholders(word: &str) -> impl Iterator<Item = &str> {
    let parts = word.split('{').skip(1);
    let names = parts.filter_map(|part| part.split_once('}').map(|it| it.0));
    names.filter(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(text: &str) -> Template {
        match Launcher::parse(text, None).unwrap() {
            Launcher::Own { start, .. } => start,
            Launcher::Known(tool, _) => panic!("{}", tool.name()),
        }
    }

    #[test]
    fn a_command_is_words_or_a_shells_text() {
        let command = ["/a b/node".to_owned(), "--x=1".to_owned()];
        let values = Values {
            host: "a",
            node: "n1",
            index: 1,
            command: &command,
            signal: "",
        };
        for (template, words) in [
            (
                "ip netns exec {host} {command}",
                &["ip", "netns", "exec", "a", "/a b/node", "--x=1"][..],
            ),
            ("ssh {host} {command}", &["ssh", "a", "'/a b/node' --x=1"]),
            ("sh -c {command}", &["sh", "-c", "'/a b/node' --x=1"]),
            (
                "su -c 'cd /x && {command}' {node}-{index}",
                &["su", "-c", "cd /x && '/a b/node' --x=1", "n1-1"],
            ),
            (
                "run '{\"a\": {}}' {command}",
                &["run", "{\"a\": {}}", "/a b/node", "--x=1"],
            ),
        ] {
            assert_eq!(own(template).words(values), words, "{template}");
        }
    }

    #[test]
    fn a_known_tool_has_options_and_others_need_a_command() {
        for (text, tool, options) in [
            ("ssh", Tool::Ssh, &[][..]),
            ("kubectl -n test", Tool::Kubectl, &["-n", "test"]),
        ] {
            let options = options.iter().map(ToString::to_string).collect();
            let parsed = Launcher::parse(text, None).unwrap();
            assert_eq!(parsed, Launcher::Known(tool, options));
        }
        for (text, signal, reason) in [
            ("rsh {host}", None, "has no {command}"),
            ("", None, "needs words"),
            ("x 'y {command}", None, "quote closed"),
            (
                "x {hosts} {command}",
                None,
                "{hosts}, but there are only {host}",
            ),
            ("ssh", Some("kill {signal}"), "--launch of your own"),
            ("x {command}", Some("kill -9"), "has no {signal}"),
            ("x {command}", Some("kill {signal} {pid}"), "{pid}"),
        ] {
            let error = Launcher::parse(text, signal).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_tool_runs_a_script_in_a_shell() {
        let words = |tool: Tool| tool.words(&["-v".to_owned()], "a", "echo $1", &["x y"]);
        assert_eq!(
            words(Tool::Ssh).last().unwrap(),
            "exec sh -c 'echo $1' sh 'x y'"
        );
        assert_eq!(
            words(Tool::Docker).join("|"),
            "docker|exec|-i|-v|a|sh|-c|echo $1|sh|x y"
        );
        assert!(words(Tool::Kubectl).join("|").contains("|-v|a|--|sh|-c|"));
        assert!(words(Tool::Srun).join("|").contains("|--nodelist=a|sh|-c|"));
    }
}
