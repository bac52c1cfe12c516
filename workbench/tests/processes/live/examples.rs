//! The nodes in `examples`, each started by the command that stands in its head. Where a compiler
//! or an interpreter is missing, what needs it is passed over, and says so.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use super::bench::{text, workbench};

/// An example that can be run.
struct Example {
    file: PathBuf,
    /// The file itself, or what a compiler has made of it.
    program: PathBuf,
    folder: TempDir,
}

impl Example {
    /// Nothing if what it is written for is not there.
    fn new(file: PathBuf) -> Option<Self> {
        let (tool, question) = match file.extension()?.to_str()? {
            "sh" => ("sh", "-c :"),
            "py" => ("python3", "--version"),
            "js" => ("node", "--version"),
            "c" => ("cc", "--version"),
            "go" => ("go", "version"),
            _ => panic!("nobody knows how to run {}", file.display()),
        };
        let asked = Command::new(tool).args(question.split(' ')).output();
        if !asked.is_ok_and(|it| it.status.success()) {
            // Not by `eprintln`, which is heard only when a test fails.
            let name = file.display();
            let _ = writeln!(
                io::stderr(),
                "skipped {name}: there is no {tool} that works"
            );
            return None;
        }
        let folder = TempDir::new().unwrap();
        let program = match tool {
            "cc" => built("cc -O2 -Wall -Wextra -Werror -o", &file, folder.path()),
            "go" => built("go build -o", &file, folder.path()),
            _ => file.clone(),
        };
        Some(Example {
            file,
            program,
            folder,
        })
    }

    /// The flags of the command in its head, which may go on for several lines.
    fn flags(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.file).unwrap();
        let marks = |c: char| c.is_whitespace() || "#/*".contains(c);
        let head = text.lines().map(|line| line.trim_start_matches(marks));
        let mut command = String::new();
        for line in head.skip_while(|line| !line.starts_with("cargo workbench test ")) {
            command += line.trim_end_matches('\\');
            if !line.ends_with('\\') {
                break;
            }
        }
        let words = command.split_whitespace().skip(3);
        words.map(str::to_owned).collect()
    }

    /// What is wrong with a run of it, if anything.
    fn flaw(&self) -> Option<String> {
        let mut flags = self.flags();
        let program = flags.iter().position(|flag| flag == "--bin").unwrap() + 1;
        flags[program] = self.program.to_str().unwrap().to_owned();
        let store = self.folder.path().join("store");
        let mut words = vec!["test", "--store", store.to_str().unwrap()];
        words.extend(flags.iter().map(String::as_str));
        let output = workbench(&words);
        let flaw = || format!("workbench {}\n{}", words.join(" "), text(&output));
        (output.status.code() != Some(0)).then(flaw)
    }

    /// All that it prints when it is told these lines.
    fn told(&self, lines: &str) -> String {
        let mut command = Command::new(&self.program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut node = command.stderr(Stdio::null()).spawn().unwrap();
        let mut stdin = node.stdin.take().unwrap();
        stdin.write_all(lines.as_bytes()).unwrap();
        drop(stdin);
        String::from_utf8(node.wait_with_output().unwrap().stdout).unwrap()
    }
}

fn built(compiler: &str, file: &Path, folder: &Path) -> PathBuf {
    let program = folder.join("program");
    let mut words = compiler.split(' ');
    let mut command = Command::new(words.next().unwrap());
    command.args(words).arg(&program).arg(file);
    command.env("GOCACHE", folder.join("cache"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    program
}

/// Does this with all examples at once, and tells what was wrong: most of the time is spent waiting
/// for the clock.
fn check(flaw: impl Fn(&Example) -> Option<String> + Sync) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = fs::read_dir(folder).unwrap();
    let files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    assert!(!files.is_empty());
    let flaw = &flaw;
    let flaws: Vec<String> = thread::scope(|scope| {
        let start = |file| scope.spawn(move || Example::new(file).and_then(|it| flaw(&it)));
        let started: Vec<_> = files.into_iter().map(start).collect();
        let flaws = started.into_iter().filter_map(|it| it.join().unwrap());
        flaws.collect()
    });
    assert!(flaws.is_empty(), "{}", flaws.join("\n\n"));
}

#[test]
fn every_example_is_valid_by_the_command_in_its_head() {
    check(Example::flaw);
}

/// Lines that are no messages, and messages that are hard to read.
const HARD: &str = r#"{"id":1,"src":"c1","dest":"n\"1","body":{"type":"init","node_id":"n\"1","node_ids":["n\"1"],"msg_id":1}}

hello
[1, 2
{"src":"c1","dest":"n1","body":7}
{"src":"c1","dest":"n1","body":{"type":"ec
{"body":{"x":{"type":"z","q":"a\\"},"y":[[{"msg_id":9}],"\u00e9 \"}, {"], "type" : "tango","msg_id":2} ,"src":"c1","dest":"n1"}
{"src":"c1","dest":"n1","body":{"type":"tango"}}
"#;

#[test]
fn examples_print_messages_and_nothing_else_whatever_they_are_told() {
    check(|example| {
        let printed = example.told(HARD);
        let read = |line| serde_json::from_str(line).unwrap_or(Value::Null);
        let messages: Vec<Value> = printed.lines().map(read).collect();
        let says = |at: usize, dest: &str, kind: &str, to: u64| {
            let Some(Value::Object(message)) = messages.get(at) else {
                return false;
            };
            let body = &message["body"];
            message.len() == 3
                && message["dest"] == dest
                && (body["type"] == kind && body["in_reply_to"] == to)
        };
        let is_well =
            messages.len() == 2 && says(0, "c1", "init_ok", 1) && says(1, "c1", "error", 2);
        (!is_well).then(|| format!("{} printed:\n{printed}", example.file.display()))
    });
}
