//! The doors, our packages with a public API, can be used by a crate outside the workspace with one
//! line each in its `Cargo.toml`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The manifest of a crate that uses the doors.
const MANIFEST: &str = r#"
[package]
name = "user"
edition = "2024"

[workspace]

[dependencies]
checkers = { git = "URL" }
shared = { git = "URL" }
simulator = { git = "URL" }
serde = { version = "1", features = ["derive"] }

[profile.dev]
debug = false
"#;

const SOURCE: &str = r#"
pub mod node {
    use shared::{Caller, Context, Node};

    #[derive(Debug)]
    pub struct Echo;

    #[derive(serde::Deserialize, serde::Serialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Body {
        Echo { echo: String },
        EchoOk { echo: String },
    }

    impl Node for Echo {
        type Request = Body;
        type Event = ();

        fn on_request(&mut self, request: Body, caller: Caller, ctx: &mut Context<()>) {
            if let Body::Echo { echo } = request {
                ctx.reply(caller, Body::EchoOk { echo });
            }
        }

        fn on_event(&mut self, (): (), _: &mut Context<()>) {}
    }
}

pub mod history {
    use checkers::{CheckerResult, Validity, history::History};

    pub fn is_linearizable(history: &[u8]) -> bool {
        let history = History::read(history).expect("a history");
        let result = checkers::register(&history).expect("a judged history");
        result.validity() == Validity::Valid
    }
}

pub mod storm {
    use simulator::{checkers::Verdict, shared::{Cluster, Context}};
    use simulator::{options::PartialOptions, storm::Storm, workload::Name};

    pub fn survive() -> Verdict {
        let boot = |_: Cluster, _: &mut Context<()>| crate::node::Echo;
        let pins = PartialOptions { latency: Some(10), ..PartialOptions::default() };
        let storm = Storm::new(Name::Echo, boot).with(&pins);
        storm.assert_survives(0..20);
        storm.run(20).expect("options that agree").verdict
    }
}
"#;

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Makes a `CARGO_HOME` with the content of the usual one, so that no crate is downloaded. Only the
/// clones of repositories are left out: that of this workspace is removed with the folder.
fn cargo_home(path: PathBuf) -> PathBuf {
    fs::create_dir(&path).unwrap();
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let usual = variable("CARGO_HOME").or_else(|| Some(variable("HOME")?.join(".cargo")));
    let entries = usual.and_then(|it| fs::read_dir(it).ok());
    for entry in entries.into_iter().flatten() {
        let entry = entry.unwrap();
        if entry.file_name() != "git" {
            symlink(entry.path(), path.join(entry.file_name())).unwrap();
        }
    }
    path
}

/// Checks the last commit, because that is what a git dependency means.
#[test]
fn a_crate_outside_the_workspace_can_use_each_door_with_one_line() {
    if !workspace().join(".git").exists() {
        eprintln!("skipped: {} is not a git repository", workspace().display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let url = format!("file://{}", workspace().display());
    fs::write(path("Cargo.toml"), MANIFEST.replace("URL", &url)).unwrap();
    fs::create_dir(path("src")).unwrap();
    fs::write(path("src/lib.rs"), SOURCE).unwrap();
    // With the same lock file, the crates that this test was built with suffice.
    fs::copy(workspace().join("Cargo.lock"), path("Cargo.lock")).unwrap();

    // Offline, cargo would not clone at all. So it is online, with a proxy that accepts nothing.
    let output = Command::new(env!("CARGO"))
        .args(["check", "--quiet"])
        .current_dir(folder.path())
        .env("CARGO_HOME", cargo_home(path("home")))
        .env("CARGO_TARGET_DIR", path("target"))
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_NET_OFFLINE", "false")
        .env("CARGO_NET_RETRY", "0")
        .env("CARGO_HTTP_PROXY", "http://127.0.0.1:9")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let is_usable = output.status.success();
    assert!(
        is_usable,
        "the last commit at {url} cannot be used:\n{stderr}"
    );
}
