//! Programs that do not start, or end at once since their first line is wrong: the person learns
//! why, and what to do.

use std::env;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::bench::{alone, check, echo, node, text, workbench_amid};

/// Makes a file. A shell writes it: what this process has open for writing, even in a child that
/// another test starts at this moment, cannot be executed.
fn make(folder: &Path, name: &str, content: &str) -> &'static str {
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
fn a_program_that_does_not_start_is_told_with_the_reason_and_what_to_do() {
    let place = TempDir::new().unwrap();
    let make = |name, content| make(place.path(), name, content);
    let broken = |node, says: &[&str]| echo().node(node).exits(255).says(says.iter().copied());
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
            make("crlf.sh", "#!/bin/sh\r\ncat\r\n"),
            &[
                "cannot start",
                carriage_return,
                r"sed -i 's/\r$//' ",
                "crlf.sh\n",
            ],
        ),
        broken(
            make("interpreter.sh", "#!/no/such/interpreter\n"),
            &[
                "cannot start",
                "its first line names the interpreter /no/such/interpreter, which does not exist",
            ],
        ),
        broken(
            make("denied.sh", "#!/etc/passwd\n"),
            &[
                "cannot start",
                "the interpreter /etc/passwd, which is not executable",
            ],
        ),
        broken(
            make("data", r"\0\1\2\3"),
            &[
                "cannot start",
                "it is neither a program for this system nor a script",
            ],
        ),
    ]);
}

/// `env` starts, and ends at once since it does not find what it is to start.
#[test]
fn a_script_whose_interpreter_env_does_not_find_is_told_with_the_reason() {
    let place = TempDir::new().unwrap();
    let make = |name, content| make(place.path(), name, content);
    let ended = "it ended before the test did (exit status: 127): its first line ";
    let dies = |node| echo().node(node).exits(255).says([ended]);
    check([
        dies(make("crlf.py", "#!/usr/bin/env python3\r\n"))
            .says(["ends in a carriage return", r"sed -i 's/\r$//' "]),
        dies(make("missing.py", "#!/usr/bin/env no-such-python\n"))
            .says(["names the interpreter no-such-python, which is not on PATH"]),
    ]);
}

/// The bench in this folder, with one more folder on PATH.
fn bench_in(folder: &Path, on_path: &Path, bin: &str) -> Output {
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::split_paths(&path).chain([on_path.to_owned()]);
    let mut command = alone(Command::new(env!("CARGO_BIN_EXE_workbench")));
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
    let says = "exec \"$NODE\"\n";
    let script = |name: &str| format!("#!/bin/sh\necho {name} >&2\n{says}");
    make(here.path(), "both-node", &script("here"));
    make(there.path(), "both-node", &script("there"));
    make(there.path(), "path-node", &script("there"));
    std::fs::create_dir(here.path().join("path-node")).unwrap();
    let log = |expected: &str, bin: &str| {
        let output = bench_in(here.path(), there.path(), bin);
        let log = here.path().join("store/latest/node-logs/n0.log");
        let log = std::fs::read_to_string(log).unwrap();
        assert!(log.starts_with(expected), "{bin}: {log}\n{}", text(&output));
        text(&output)
    };
    log("here", "both-node");
    log("here", "./both-node");
    let said = log("there", "path-node");
    let note = "note: --bin path-node is ";
    assert!(
        said.contains(note) && said.contains(", found on PATH"),
        "{said}"
    );

    for (bin, why) in [
        ("no-such-node", "and no program on PATH"),
        ("./path-less", "No such file"),
    ] {
        let output = bench_in(here.path(), there.path(), bin);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(255), "{said}");
        assert!(
            said.contains("there is no program") && said.contains(why),
            "{said}"
        );
    }
}

#[test]
fn a_tmpdir_that_is_not_there_is_said_and_nodes_start_in_the_usual_folder() {
    let place = TempDir::new().unwrap();
    let store = place.path().join("store");
    let node = node("no-shebang.sh");
    let words = [
        "test",
        "-w",
        "echo",
        "--node-count",
        "1",
        "--time-limit",
        "1",
        "--bin",
    ];
    let words = words.map(str::to_owned).into_iter().chain([
        node.display().to_string(),
        "--store".to_owned(),
        store.display().to_string(),
    ]);
    let output = workbench_amid(&[("TMPDIR", "/no/such/folder")], &words.collect::<Vec<_>>());
    let said = text(&output);
    let note = "TMPDIR names /no/such/folder, which does not exist: nodes start in /tmp";
    assert!(said.contains(note), "{said}");
    assert!(!said.contains("cannot start"), "{said}");
    let log = std::fs::read_to_string(store.join("latest/jepsen.log")).unwrap();
    assert!(log.contains(note), "{log}");
}
