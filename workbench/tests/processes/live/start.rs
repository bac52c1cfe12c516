//! Programs that do not start, or exit at once because of a wrong first line: the bench prints the
//! reason and what to do.

use std::env;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::bench::{check, clean_env, echo, node, text, workbench_with_env};

/// Writes an executable file. A shell does it: a file that this process has open for writing, even
/// in a child that another test starts at this moment, cannot be executed.
fn write_program(folder: &Path, name: &str, content: &str) -> &'static str {
    let file = folder.join(name);
    let script = r#"printf "$1" >"$2" && chmod +x "$2""#;
    let status = Command::new("sh")
        .args(["-c", script, "sh", content])
        .arg(&file)
        .status();
    assert!(status.unwrap().success());
    file.to_str().unwrap().to_owned().leak()
}

#[test]
fn a_program_that_does_not_start_is_reported_with_reason_and_advice() {
    let folder = TempDir::new().unwrap();
    let write = |name, content| write_program(folder.path(), name, content);
    let broken = |node, texts: &[&str]| echo().node(node).exits(255).prints(texts.iter().copied());
    let carriage_return = "its first line ends in a carriage return";
    check([
        broken(
            "not-executable.sh",
            &[
                "cannot start",
                "it is not executable; try: chmod +x ",
                "not-executable.sh",
            ],
        ),
        broken(
            ".",
            &[
                "cannot start",
                "it is a directory; give --bin the program in it",
            ],
        ),
        broken(
            write("crlf.sh", "#!/bin/sh\r\ncat\r\n"),
            &[
                "cannot start",
                carriage_return,
                r"sed -i 's/\r$//' ",
                "crlf.sh\n",
            ],
        ),
        broken(
            write("interpreter.sh", "#!/no/such/interpreter\n"),
            &[
                "cannot start",
                "its first line names the interpreter /no/such/interpreter, which does not exist",
            ],
        ),
        broken(
            write("denied.sh", "#!/etc/passwd\n"),
            &[
                "cannot start",
                "the interpreter /etc/passwd, which is not executable",
            ],
        ),
        broken(
            write("data", r"\0\1\2\3"),
            &[
                "cannot start",
                "it is neither a program for this system nor a script",
            ],
        ),
    ]);
}

/// `env` itself starts, and exits at once because it does not find the interpreter.
#[test]
fn a_script_whose_interpreter_env_does_not_find_is_reported_with_the_reason() {
    let folder = TempDir::new().unwrap();
    let write = |name, content| write_program(folder.path(), name, content);
    let ended = "it ended before the test did (exit status: 127): its first line ";
    let dies = |node| echo().node(node).exits(255).prints([ended]);
    check([
        dies(write("crlf.py", "#!/usr/bin/env python3\r\n"))
            .prints(["ends in a carriage return", r"sed -i 's/\r$//' "]),
        dies(write("missing.py", "#!/usr/bin/env no-such-python\n"))
            .prints(["names the interpreter no-such-python, which is not on PATH"]),
    ]);
}

/// Runs the bench in this folder, with another folder at the end of PATH.
fn workbench_in(folder: &Path, on_path: &Path, bin: &str) -> Output {
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::split_paths(&path).chain([on_path.to_owned()]);
    let mut command = clean_env(Command::new(env!("CARGO_BIN_EXE_workbench")));
    command
        .args([
            "test",
            "-w",
            "echo",
            "--node-count",
            "1",
            "--time-limit",
            "1",
            "--bin",
            bin,
        ])
        .env("PATH", env::join_paths(path).unwrap())
        .current_dir(folder)
        .output()
        .unwrap()
}

#[test]
fn a_name_without_a_slash_is_a_file_here_or_else_a_program_on_path() {
    let [here, there] = [(); 2].map(|()| TempDir::new().unwrap());
    let exec = "exec \"$NODE\"\n";
    let script = |name: &str| format!("#!/bin/sh\necho {name} >&2\n{exec}");
    write_program(here.path(), "both-node", &script("here"));
    write_program(there.path(), "both-node", &script("there"));
    write_program(there.path(), "path-node", &script("there"));
    std::fs::create_dir(here.path().join("path-node")).unwrap();
    let log = |expected: &str, bin: &str| {
        let output = workbench_in(here.path(), there.path(), bin);
        let log = here.path().join("store/latest/node-logs/n0.log");
        let log = std::fs::read_to_string(log).unwrap();
        assert!(log.starts_with(expected), "{bin}: {log}\n{}", text(&output));
        text(&output)
    };
    log("here", "both-node");
    log("here", "./both-node");
    let output = log("there", "path-node");
    let note = "note: --bin path-node is ";
    assert!(
        output.contains(note) && output.contains(", found on PATH"),
        "{output}"
    );

    for (bin, why) in [
        ("no-such-node", "and no program on PATH"),
        ("./path-less", "No such file"),
    ] {
        let output = workbench_in(here.path(), there.path(), bin);
        let text = text(&output);
        assert_eq!(output.status.code(), Some(255), "{text}");
        assert!(
            text.contains("there is no program") && text.contains(why),
            "{text}"
        );
    }
}

#[test]
fn a_missing_tmpdir_is_reported_and_nodes_start_in_tmp() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("store");
    let node = node("no-shebang.sh");
    let args = [
        "test",
        "-w",
        "echo",
        "--node-count",
        "1",
        "--time-limit",
        "1",
        "--bin",
    ];
    let args = args.map(str::to_owned).into_iter().chain([
        node.display().to_string(),
        "--store".to_owned(),
        store.display().to_string(),
    ]);
    let output = workbench_with_env(&[("TMPDIR", "/no/such/folder")], &args.collect::<Vec<_>>());
    let text = text(&output);
    let note = "TMPDIR names /no/such/folder, which does not exist: nodes start in /tmp";
    assert!(text.contains(note), "{text}");
    assert!(!text.contains("cannot start"), "{text}");
    let log = std::fs::read_to_string(store.join("latest/jepsen.log")).unwrap();
    assert!(log.contains(note), "{log}");
}
