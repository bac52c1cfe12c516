//! The stdio runtime as a process: its input, its output and its exit.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Output, Stdio};

const INIT: &str = r#"{"src":"c0","dest":"n0","body":{"type":"init","msg_id":1,"node_id":"n0","node_ids":["n0"]}}"#;

fn node(stdout: Stdio) -> Child {
    Command::new(env!("CARGO_BIN_EXE_echo"))
        .stdin(Stdio::piped())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn request(number: u64) -> String {
    format!(
        r#"{{"src":"c1","dest":"n0","body":{{"type":"echo","msg_id":{number},"echo":"e{number}"}}}}"#
    )
}

/// The output of a node that reads this input to its end.
fn run(input: &[u8]) -> Output {
    let mut node = node(Stdio::piped());
    let mut stdin = node.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = node.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    output
}

fn answers(output: &Output) -> Vec<u64> {
    assert!(output.status.success(), "{:?}", output.status);
    let number = |line: &str| -> u64 {
        let message: serde_json::Value = serde_json::from_str(line).unwrap();
        message["body"]["in_reply_to"].as_u64().unwrap()
    };
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(number)
        .collect()
}

#[test]
fn every_request_is_answered_before_exit_even_if_the_last_line_has_no_newline() {
    let requests: Vec<String> = (2..5_000).map(request).collect();
    let output = run(format!("{INIT}\n{}", requests.join("\n")).as_bytes());
    assert_eq!(answers(&output), (1..5_000).collect::<Vec<_>>());
}

#[test]
fn malformed_lines_are_reported_on_stderr_and_skipped() {
    let mut input = Vec::new();
    let malformed: [&[u8]; 8] = [
        b"not json",
        b"{\"src\":",
        b"\xff\xfe\x00",
        b"",
        b"[1,2,3]",
        b"{\"src\":\"c1\",\"dest\":\"n0\",\"body\":{\"type\":\"dance\"}}",
        b"{\"src\":\"c1\",\"dest\":\"n0\",\"body\":{\"type\":\"echo\"}}",
        b"{\"src\":\"c1\",\"dest\":\"n0\",\"body\":\"text\"}",
    ];
    for line in [INIT.as_bytes()].into_iter().chain(malformed) {
        input.extend_from_slice(line);
        input.extend_from_slice(b"\r\n");
    }
    input.extend_from_slice(request(2).as_bytes());
    let output = run(&input);
    assert_eq!(answers(&output), [1, 2]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(stderr.lines().count(), malformed.len(), "{stderr}");
}

#[test]
fn a_line_of_many_megabytes_is_rejected_and_one_of_a_few_is_served() {
    let long = |bytes: usize| "x".repeat(bytes);
    let echo = |text: &str| {
        format!(r#"{{"src":"c1","dest":"n0","body":{{"type":"echo","msg_id":7,"echo":"{text}"}}}}"#)
    };
    let served = run(format!("{INIT}\n{}\n", echo(&long(3 << 20))).as_bytes());
    assert_eq!(answers(&served), [1, 7]);
    assert!(served.stdout.len() > 3 << 20);
    let rejected = run(format!("{INIT}\n{}\n{}\n", echo(&long(65 << 20)), request(8)).as_bytes());
    assert_eq!(answers(&rejected), [1, 8]);
    assert!(String::from_utf8_lossy(&rejected.stderr).contains("a line of 68157"));
}

#[test]
fn deeply_nested_input_causes_no_crash() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let line =
        format!(r#"{{"src":"c1","dest":"n0","body":{{"type":"echo","msg_id":7,"echo":{deep}}}}}"#);
    let output = run(format!("{INIT}\n{line}\n{}\n", request(8)).as_bytes());
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"in_reply_to\":8"));
}

#[test]
fn a_lone_request_is_answered_while_the_input_stays_open() {
    let mut node = node(Stdio::piped());
    let mut stdin = node.stdin.take().unwrap();
    let mut stdout = BufReader::new(node.stdout.take().unwrap());
    let mut line = String::new();
    for (number, text) in [(1, INIT.to_owned()), (2, request(2)), (3, request(3))] {
        // The second half of a line may come late; waiting for it delays no other request.
        let (head, tail) = text.split_at(20);
        stdin.write_all(head.as_bytes()).unwrap();
        stdin.flush().unwrap();
        stdin.write_all(tail.as_bytes()).unwrap();
        stdin.write_all(b"\n").unwrap();
        line.clear();
        stdout.read_line(&mut line).unwrap();
        assert!(
            line.contains(&format!("\"in_reply_to\":{number}")),
            "{line}"
        );
    }
    drop(stdin);
    assert!(node.wait().unwrap().success());
}

#[cfg(unix)]
#[test]
fn a_closed_stdout_ends_the_process_quietly() {
    let mut node = node(Stdio::piped());
    drop(node.stdout.take());
    let mut stdin = node.stdin.take().unwrap();
    // A child that another test has just forked holds the pipe open, too, until it becomes a node,
    // so the first answers may still be written.
    let mut requests = std::iter::once(INIT.to_owned()).chain((2..100_000).map(request));
    assert!(
        requests.any(|it| writeln!(stdin, "{it}").is_err()),
        "stdout is closed, and the node still runs"
    );
    let mut stderr = String::new();
    node.stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert!(node.wait().unwrap().success());
    assert_eq!(stderr, "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_stdout_is_reported_as_an_error() {
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut node = node(full.into());
    let _ = writeln!(node.stdin.take().unwrap(), "{INIT}");
    let output = node.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write to stdout"));
}

#[test]
fn help_and_version_work_and_an_unknown_flag_is_rejected() {
    let run_with = |flag: &str| {
        Command::new(env!("CARGO_BIN_EXE_echo"))
            .arg(flag)
            .output()
            .unwrap()
    };
    assert!(String::from_utf8_lossy(&run_with("--help").stdout).contains("Maelstrom protocol"));
    assert!(run_with("--version").status.success());
    assert!(!run_with("--loud").status.success());
}
