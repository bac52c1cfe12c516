//! `workbench new`: in each language the node is built by the first command that is printed, passes
//! its challenge by the next one, and survives every line.

use std::env;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use super::bench::{clean_env, text};
use super::examples::HARD;
use super::examples::example::works;
use super::output::assert_exit;

/// Each language, and what shows whether it is installed.
const LANGUAGES: [(&str, &str, &str); 6] = [
    ("go", "go", "version"),
    ("python", "python3", "--version"),
    ("javascript", "node", "--version"),
    ("rust", "cargo", "--version"),
    ("java", "javac", "--version"),
    ("c", "cc", "--version"),
];

/// Languages of which the machine of a developer has at least one.
const COMMON: [&str; 2] = ["rust", "c"];

/// A shell quotes the folder of a node.
const FOLDER: &str = "deep/it's a node";

#[test]
fn the_node_in_each_language_passes_its_challenge_and_survives_every_line() {
    let languages = LANGUAGES.into_iter().filter(|(language, tool, version)| {
        let skipped = format!("workbench new --language {language}");
        works(tool, version, &skipped)
    });
    let languages: Vec<&str> = languages.map(|it| it.0).collect();
    let has_common = languages.iter().any(|it| COMMON.contains(it));
    assert!(has_common, "neither of {COMMON:?} is installed");
    thread::scope(|scope| {
        for language in languages {
            scope.spawn(move || check(language));
        }
    });
}

fn check(language: &str) {
    let folder = TempDir::new().unwrap();
    let printed = assert_exit(&new(folder.path(), &["--language", language, FOLDER]), 0);
    let commands: Vec<&str> = printed
        .lines()
        .filter_map(|it| it.strip_prefix("  "))
        .collect();
    assert_eq!(commands.len(), 2, "{printed}");
    for command in &commands {
        let mut shell = with_bench("sh", folder.path());
        let output = assert_exit(&shell.args(["-c", command]).output().unwrap(), 0);
        // The bench warns when the machine is slow; compilers must not.
        let is_clean = command.starts_with("workbench") || !output.contains("warning");
        assert!(is_clean, "{command}: {output}");
    }
    let is_challenge = |it: &&&str| it.starts_with("workbench challenge echo --bin ");
    let challenge = commands.iter().find(is_challenge).unwrap();
    let program = shlex::split(challenge).unwrap().pop().unwrap();
    check_replies(language, &folder.path().join(program));
}

/// Sends the node lines that are no messages, requests without a field, and at last an echo.
fn check_replies(language: &str, program: &Path) {
    let own = r#"{"src":"c1","dest":"n1","body":{"type":"echo","msg_id":3}}
{"src":"c1","dest":"n1","body":{"msg_id":4,"echo":"of no type"}}
{"src":"c1","dest":"n1","body":{"type":"unknown_ok","in_reply_to":1,"msg_id":5}}
{"dest":"n1","body":{}}
null
{"src":"c1","dest":"n1","body":{"\u0074ype":"\u0065cho","msg_id":6,"echo":["\ud83d\ude00é\n\"",{"":[-2.5e1,null]}]}}
"#;
    let deep = "[".repeat(100_000) + "\n";
    let mut command = Command::new(program);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut node = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = node.stdin.take().unwrap();
    let lines = [
        HARD.as_bytes(),
        b"\xff\xfe\n",
        deep.as_bytes(),
        own.as_bytes(),
    ];
    let written = stdin.write_all(&lines.concat());
    drop(stdin);
    let output = node.wait_with_output().unwrap();
    written.unwrap_or_else(|error| panic!("{language}: {error}\n{}", text(&output)));

    let stdout = String::from_utf8(output.stdout).unwrap();
    let bodies: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["body"].take())
        .collect();
    let summary = bodies.iter().map(|it| {
        let number = |name| it[name].as_f64().unwrap_or_default();
        let kind = it["type"].as_str().unwrap_or_default();
        format!("{kind} {} {}", number("in_reply_to"), number("code"))
    });
    assert_eq!(
        summary.collect::<Vec<_>>(),
        ["init_ok 1 0", "error 2 10", "error 3 12", "echo_ok 6 0"],
        "{language}: {stdout}"
    );
    let echo = serde_json::json!(["😀é\n\"", {"": [-25.0, null]}]).to_string();
    let received = bodies[3]["echo"].to_string();
    assert_eq!(received.replace("-25,", "-25.0,"), echo, "{language}");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("hello") && stderr.contains("of no type"),
        "{stderr}"
    );
}

#[test]
fn new_overwrites_nothing_and_names_the_languages() {
    let folder = TempDir::new().unwrap();
    let new = |args: &[&str], expected: i32| assert_exit(&new(folder.path(), args), expected);
    let languages = LANGUAGES.map(|(language, _, _)| language);
    let text = new(&["x"], 254);
    assert!(languages.iter().all(|it| text.contains(it)), "{text}");
    assert!(!folder.path().join("x").exists());

    fs::write(folder.path().join("file"), "mine").unwrap();
    let text = new(&["--language", "go", "file"], 254);
    assert!(text.contains("file is a file"), "{text}");
    let text = new(&["--language", "go", "."], 254);
    assert!(text.contains(". is not empty"), "{text}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(
        fs::read_to_string(folder.path().join("file")).unwrap(),
        "mine"
    );

    fs::create_dir(folder.path().join("empty")).unwrap();
    let text = new(&["--language", "c", "empty"], 0);
    assert!(text.contains("empty/node.c empty/json.c\n"), "{text}");
    let text = new(&["--language", "c", "--", "-dash"], 0);
    assert!(text.contains(" ./-dash/node.c "), "{text}");
}

/// Runs `workbench new` as a user does that has it on PATH.
fn new(folder: &Path, args: &[&str]) -> Output {
    let mut command = with_bench("workbench", folder);
    command.arg("new").args(args).output().unwrap()
}

/// A program that starts in this folder, with the bench on PATH. Rust's crates are those of the bench.
fn with_bench(program: &str, folder: &Path) -> Command {
    let bench = Path::new(env!("CARGO_BIN_EXE_workbench")).parent().unwrap();
    let path = env::var_os("PATH").unwrap_or_default();
    let path = [bench.to_owned()]
        .into_iter()
        .chain(env::split_paths(&path));
    let mut command = clean_env(Command::new(program));
    command
        .current_dir(folder)
        .env("PATH", env::join_paths(path).unwrap())
        .env("GOCACHE", folder.join("cache"))
        .env("CARGO_NET_OFFLINE", "true")
        // Cargo sets it, so that the bench would print commands with `cargo`.
        .env_remove("CARGO_MANIFEST_DIR");
    command
}
