//! The nodes in `examples`, each run by a command in its head. An example whose compiler or
//! interpreter is missing is skipped with a note.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use tempfile::TempDir;

/// An example that can be run.
pub struct Example {
    pub file: PathBuf,
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
        if !works(tool, arguments, &file.display().to_string()) {
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
    pub fn problem(&self, command: &str) -> Option<String> {
        let mut flags = self.flags(command);
        let program = flags.iter().position(|flag| flag == "--bin").unwrap() + 1;
        flags[program] = self.program.to_str().unwrap().to_owned();
        let store = self.folder.path().join("store");
        let mut args = vec![command, "--store", store.to_str().unwrap()];
        args.extend(flags.iter().map(String::as_str));
        let mut bench = Command::new(env!("CARGO_BIN_EXE_workbench"));
        let output = bench.args(&args).output().unwrap();
        let problem = || format!("workbench {}\n{}", args.join(" "), text(&output));
        (output.status.code() != Some(0)).then(problem)
    }

    /// The output of the program for these input lines.
    pub fn output_for(&self, lines: &str) -> String {
        let mut command = Command::new(&self.program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut node = command.stderr(Stdio::null()).spawn().unwrap();
        let mut stdin = node.stdin.take().unwrap();
        stdin.write_all(lines.as_bytes()).unwrap();
        drop(stdin);
        String::from_utf8(node.wait_with_output().unwrap().stdout).unwrap()
    }
}

/// Whether a tool can be started with these arguments; if not, notes that `skipped` is skipped.
pub fn works(tool: &str, arguments: &str, skipped: &str) -> bool {
    let output = Command::new(tool).args(arguments.split(' ')).output();
    let works = output.is_ok_and(|it| it.status.success());
    if !works {
        // Not by `eprintln`, whose output is shown only if a test fails.
        let _ = writeln!(
            io::stderr(),
            "skipped {skipped}: there is no {tool} that works"
        );
    }
    works
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
pub fn check(problem: impl Fn(&Example) -> Option<String> + Sync) {
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

fn text(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}
