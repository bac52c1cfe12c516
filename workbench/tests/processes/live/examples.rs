//! The nodes in `examples`, each run by the command in its head. An example whose compiler or
//! interpreter is missing is skipped with a note.

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
    /// The file itself, or the compiled program.
    program: PathBuf,
    folder: TempDir,
}

impl Example {
    /// None if its compiler or interpreter is missing.
    fn new(file: PathBuf) -> Option<Self> {
        let (tool, arguments) = match file.extension()?.to_str()? {
            "sh" => ("sh", "-c :"),
            "py" => ("python3", "--version"),
            "js" => ("node", "--version"),
            "c" => ("cc", "--version"),
            "go" => ("go", "version"),
            _ => panic!("unknown language: {}", file.display()),
        };
        let output = Command::new(tool).args(arguments.split(' ')).output();
        if !output.is_ok_and(|it| it.status.success()) {
            // Not by `eprintln`, whose output is shown only if a test fails.
            let name = file.display();
            let _ = writeln!(
                io::stderr(),
                "skipped {name}: there is no {tool} that works"
            );
            return None;
        }
        let folder = TempDir::new().unwrap();
        let program = match tool {
            "cc" => compile("cc -O2 -Wall -Wextra -Werror -o", &file, folder.path()),
            "go" => compile("go build -o", &file, folder.path()),
            _ => file.clone(),
        };
        Some(Example {
            file,
            program,
            folder,
        })
    }

    /// The flags of a command in its head, which may span several lines.
    fn flags(&self, command: &str) -> Vec<String> {
        let text = fs::read_to_string(&self.file).unwrap();
        let is_prefix = |c: char| c.is_whitespace() || "#/*".contains(c);
        let head = text.lines().map(|line| line.trim_start_matches(is_prefix));
        let start = format!("cargo workbench {command} ");
        let mut command = String::new();
        for line in head.skip_while(|line| !line.starts_with(&start)) {
            command += line.trim_end_matches('\\');
            if !line.ends_with('\\') {
                break;
            }
        }
        let args = command.split_whitespace().skip(3);
        args.map(str::to_owned).collect()
    }

    /// Runs a command in its head; the output if it is not valid.
    fn problem(&self, command: &str) -> Option<String> {
        let mut flags = self.flags(command);
        let program = flags.iter().position(|flag| flag == "--bin").unwrap() + 1;
        flags[program] = self.program.to_str().unwrap().to_owned();
        let store = self.folder.path().join("store");
        let mut args = vec![command, "--store", store.to_str().unwrap()];
        args.extend(flags.iter().map(String::as_str));
        let output = workbench(&args);
        let problem = || format!("workbench {}\n{}", args.join(" "), text(&output));
        (output.status.code() != Some(0)).then(problem)
    }

    /// The output of the program for these input lines.
    fn output_for(&self, lines: &str) -> String {
        let mut command = Command::new(&self.program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut node = command.stderr(Stdio::null()).spawn().unwrap();
        let mut stdin = node.stdin.take().unwrap();
        stdin.write_all(lines.as_bytes()).unwrap();
        drop(stdin);
        String::from_utf8(node.wait_with_output().unwrap().stdout).unwrap()
    }
}

fn compile(compiler: &str, file: &Path, folder: &Path) -> PathBuf {
    let program = folder.join("program");
    let mut args = compiler.split(' ');
    let mut command = Command::new(args.next().unwrap());
    command.args(args).arg(&program).arg(file);
    command.env("GOCACHE", folder.join("cache"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    program
}

/// Checks all examples in parallel, since they mostly wait for the clock.
fn check(problem: impl Fn(&Example) -> Option<String> + Sync) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = fs::read_dir(folder).unwrap();
    let files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    assert!(!files.is_empty());
    let problem = &problem;
    let problems: Vec<String> = thread::scope(|scope| {
        let start = |file| scope.spawn(move || Example::new(file).and_then(|it| problem(&it)));
        let started: Vec<_> = files.into_iter().map(start).collect();
        let problems = started.into_iter().filter_map(|it| it.join().unwrap());
        problems.collect()
    });
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

#[test]
fn every_example_is_valid_by_the_command_in_its_head() {
    check(|example| example.problem("test"));
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn every_example_survives_the_storms_in_its_head() {
    check(|example| example.problem("storm"));
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
fn examples_print_only_messages_whatever_their_input_is() {
    check(|example| {
        let printed = example.output_for(HARD);
        let read = |line| serde_json::from_str(line).unwrap_or(Value::Null);
        let messages: Vec<Value> = printed.lines().map(read).collect();
        let is_message = |at: usize, dest: &str, kind: &str, to: u64| {
            let Some(Value::Object(message)) = messages.get(at) else {
                return false;
            };
            let body = &message["body"];
            message.len() == 3
                && message["dest"] == dest
                && (body["type"] == kind && body["in_reply_to"] == to)
        };
        let is_correct = messages.len() == 2
            && is_message(0, "c1", "init_ok", 1)
            && is_message(1, "c1", "error", 2);
        (!is_correct).then(|| format!("{} printed:\n{printed}", example.file.display()))
    });
}
