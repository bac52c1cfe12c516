//! Shared ssh connections. A host gets one connection for its session, and as many others as the server
//! needs for a session of each node: OpenSSH's server allows ten a connection (MaxSessions), which is
//! found out by trying. If it allows too few, each node has a connection of its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::launcher::Tool;
use super::session::Session;
use super::spawn::{Local, Spawner};

/// Keeps a connection open until the end of stdin.
const HOLD: &str = "echo ready; read -r x";

/// The user on the servers, as far as the configuration of ssh does not say it.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    /// The user's name there.
    pub user: Option<String>,
    /// The password, for servers that take no key.
    pub password: Option<String>,
    /// The file of the private key.
    pub key: Option<PathBuf>,
    /// Whether a host without a known key is refused, whatever the configuration says.
    pub is_strict: bool,
}

/// The variable from which the bench prints the password when ssh asks it.
pub const PASSWORD: &str = "WORKBENCH_SSH_PASSWORD";

impl Identity {
    /// Options for every call of ssh, behind those that the user gave, which come first and so count.
    pub(super) fn options(&self) -> Vec<String> {
        let mut words: Vec<String> = ["-T", "-x", "-a"].map(str::to_owned).into();
        let mut set = |option: &str| words.extend(["-o".to_owned(), option.to_owned()]);
        set(if self.password.is_some() {
            "NumberOfPasswordPrompts=1"
        } else {
            "BatchMode=yes"
        });
        for option in [
            "ConnectTimeout=10",
            "ClearAllForwardings=yes",
            "ControlPersist=no",
            "PermitLocalCommand=no",
            "RemoteCommand=none",
            "ServerAliveInterval=5",
            "ServerAliveCountMax=2",
        ] {
            set(option);
        }
        if self.is_strict {
            set("StrictHostKeyChecking=yes");
        }
        words.extend(self.of_user());
        words
    }

    /// Who the user is.
    pub(super) fn of_user(&self) -> Vec<String> {
        let user = self.user.iter().map(|user| ["-l".to_owned(), user.clone()]);
        let key = self.key.iter();
        let key = key.map(|key| ["-i".to_owned(), key.display().to_string()]);
        user.chain(key).flatten().collect()
    }

    /// Variables with which ssh asks the bench for the password, and nobody else.
    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        let Some(password) = &self.password else {
            return Vec::new();
        };
        let own = std::env::current_exe().unwrap_or_default();
        vec![
            ("SSH_ASKPASS", own.to_string_lossy().into_owned()),
            ("SSH_ASKPASS_REQUIRE", "force".to_owned()),
            (PASSWORD, password.clone()),
        ]
    }
}

/// How a call of ssh uses connections.
#[derive(Debug, Clone, Copy)]
pub(super) enum Via<'a> {
    /// Opens one that others may share.
    New(&'a Path),
    /// Shares one, or fails.
    Shared(&'a Path),
    /// Opens one of its own.
    Own,
}

impl Via<'_> {
    /// Options before the user's: if the server refuses another session, ssh would open a connection,
    /// which must fail, even with a proxy.
    pub(super) fn first(self) -> Vec<String> {
        match self {
            Via::Shared(_) => vec!["-o".to_owned(), "PreferredAuthentications=none".to_owned()],
            Via::New(_) | Via::Own => Vec::new(),
        }
    }

    pub(super) fn options(self) -> Vec<String> {
        let options = match self {
            Via::New(socket) => vec![
                "ControlMaster=yes".to_owned(),
                format!("ControlPath={}", socket.display()),
            ],
            Via::Shared(socket) => vec![
                "ControlMaster=no".to_owned(),
                format!("ControlPath={}", socket.display()),
                "ProxyCommand=false".to_owned(),
            ],
            // A server's banner is not for the node's log.
            Via::Own => ["ControlMaster=no", "ControlPath=none", "LogLevel=ERROR"]
                .map(str::to_owned)
                .into(),
        };
        let options = options.into_iter();
        options.flat_map(|it| ["-o".to_owned(), it]).collect()
    }
}

/// The connections to a host.
#[derive(Debug)]
pub(super) struct Connections {
    sockets: Vec<PathBuf>,
    /// How many nodes share one; none if each has its own.
    per: usize,
    /// Keep open those that have no session of ours.
    _holders: Vec<Session>,
}

impl Connections {
    /// Opens what so many nodes need beside the connection of this socket.
    ///
    /// # Errors
    /// When the server refuses a connection.
    pub(super) fn open(
        first: PathBuf,
        nodes: usize,
        host: &str,
        spawner: &Spawner,
        options: impl Fn(Via<'_>) -> Vec<String>,
    ) -> anyhow::Result<Self> {
        let shared = options(Via::Shared(&first));
        // One more than the nodes, since a restarted node may come before the end of the killed one.
        let free = sessions(
            nodes + 1,
            spawner,
            &Tool::Ssh.words(&shared, host, HOLD, &[]),
        );
        let per = if free < 2 { 0 } else { free - 1 };
        let mut connections = Connections {
            sockets: vec![first],
            per,
            _holders: Vec::new(),
        };
        let count = if per == 0 { 1 } else { nodes.div_ceil(per) };
        for number in 1..count {
            let socket = connections.sockets[0].with_extension(number.to_string());
            let words = Tool::Ssh.words(&options(Via::New(&socket)), host, HOLD, &[]);
            let holder = Session::start(host, spawner, &words)?;
            holder.reply()?;
            connections.sockets.push(socket);
            connections._holders.push(holder);
        }
        Ok(connections)
    }

    /// How the node of this number, among the host's nodes, is reached.
    pub(super) fn of(&self, number: usize) -> Via<'_> {
        match number.checked_div(self.per) {
            Some(connection) => Via::Shared(&self.sockets[connection]),
            None => Via::Own,
        }
    }

    /// Any connection for a moment's work.
    pub(super) fn any(&self) -> Via<'_> {
        self.of(0)
    }
}

/// How many sessions a connection allows, up to `wanted`, beside that of its own.
fn sessions(wanted: usize, spawner: &Spawner, words: &[String]) -> usize {
    let tried: Vec<Local> = (0..wanted)
        .map_while(|_| spawner.start(words).ok())
        .collect();
    let opened = tried.into_iter().map(|mut local| {
        let mut byte = [0];
        local.read_errors();
        let stdout = local.process.stdout.as_mut();
        let is_open = stdout.is_some_and(|it| std::io::Read::read(it, &mut byte).unwrap_or(0) > 0);
        (local, is_open)
    });
    let mut opened: Vec<(Local, bool)> = opened.collect();
    for (local, _) in &mut opened {
        // The server has ended a session when its process here has.
        let stdin = local.process.stdin.take();
        stdin
            .into_iter()
            .for_each(|mut it| drop(it.write_all(b"\n")));
    }
    for (local, _) in &mut opened {
        wait(local);
    }
    opened.iter().filter(|(_, is_open)| *is_open).count()
}

fn wait(local: &mut Local) {
    let mut left = 1000;
    while left > 0 && matches!(local.process.try_wait(), Ok(None)) {
        std::thread::sleep(Duration::from_millis(2));
        left -= 1;
    }
}
