//! The stdio runtime in a process of its own: the example `alarm_clock`, which cargo builds with the
//! tests, and its three streams.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// How long a test waits for a line that must come, before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// The maximum length of a line with its newline.
const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;

const INIT: &str = r#"{"type":"init","msg_id":1,"node_id":"n0","node_ids":["n0"]}"#;

fn alarm_clock(flags: &[&str]) -> Command {
    let tests = std::env::current_exe().unwrap();
    let program = tests
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples/alarm_clock")
        .with_extension(std::env::consts::EXE_EXTENSION);
    let missing = "no example alarm_clock: run all tests of the package, or build its examples";
    assert!(program.exists(), "{missing}");
    let mut command = Command::new(program);
    command.args(flags).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running node, killed when it is dropped.
struct Process {
    child: Child,
    /// Written by a thread, as a node that does not read must not stop the test.
    input: Option<Sender<Vec<u8>>>,
    answers: Receiver<String>,
}

impl Process {
    fn start(flags: &[&str]) -> Self {
        let mut child = alarm_clock(flags).spawn().unwrap();
        let (sender, answers) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let (input, written) = channel::<Vec<u8>>();
        let mut stdin = child.stdin.take().unwrap();
        thread::spawn(move || written.iter().try_for_each(|bytes| stdin.write_all(&bytes)));
        let process = Process {
            child,
            input: Some(input),
            answers,
        };
        process.write(line(INIT));
        assert!(process.answer().contains("init_ok"));
        process
    }

    fn write(&self, input: impl Into<Vec<u8>>) {
        self.input.as_ref().unwrap().send(input.into()).unwrap();
    }

    fn answer(&self) -> String {
        self.answers
            .recv_timeout(PATIENCE)
            .expect("an answer in time")
    }

    fn ask(&self, body: &str) -> String {
        self.write(line(body));
        self.answer()
    }

    /// Waits for the end of the process. Returns its status, and what it wrote to stderr.
    fn end(mut self) -> (Option<i32>, String) {
        let end = self.answers.recv_timeout(PATIENCE);
        assert_eq!(end, Err(RecvTimeoutError::Disconnected));
        let mut log = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().code(), log)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn line(body: &str) -> String {
    format!("{{\"src\":\"c1\",\"dest\":\"n0\",\"body\":{body}}}\n")
}

#[test]
fn requests_are_answered_in_order_and_the_last_line_needs_no_newline() {
    let mut node = Process::start(&[]);
    let request = |id: u64| line(&format!(r#"{{"type":"say","text":"hello","msg_id":{id}}}"#));
    let input: String = (2..5000).map(request).collect();
    node.write(&input[..100]);
    node.write(input[100..].trim_end());
    node.input = None;
    for id in 2..5000 {
        let end = format!("\"in_reply_to\":{id}}}}}");
        assert!(node.answer().ends_with(&end), "{end}");
    }
    assert_eq!(node.end(), (Some(0), "hello\n".repeat(4998)));
}

#[test]
fn timers_expire_while_nothing_is_read_the_earliest_first() {
    let mut node = Process::start(&[]);
    node.write(line(r#"{"type":"wait","ms":3000000,"msg_id":2}"#));
    // A wait that took twice the time since the start would soon take minutes.
    for _ in 0..12 {
        let answer = node.ask(r#"{"type":"wait","ms":30,"msg_id":3}"#);
        assert!(
            answer.contains(r#""type":"wait_ok","in_reply_to":3"#),
            "{answer}"
        );
    }
    node.input = None;
    assert_eq!(node.end(), (Some(0), String::new()));
}

#[test]
fn flags_reach_the_node() {
    let node = Process::start(&["--snooze=3600000"]);
    node.write(line(r#"{"type":"wait","ms":0,"msg_id":2}"#));
    assert!(
        node.ask(r#"{"type":"roll","msg_id":3}"#)
            .contains("roll_ok")
    );
    let rejected = alarm_clock(&["--snooze=3600001"]).output().unwrap();
    assert_eq!(rejected.status.code(), Some(2));
}

#[test]
fn two_processes_draw_different_numbers() {
    let roll = || Process::start(&[]).ask(r#"{"type":"roll","msg_id":2}"#);
    assert_ne!(roll(), roll());
}

#[test]
fn input_that_is_no_line_of_text_is_logged_and_the_next_line_is_answered() {
    let mut node = Process::start(&[]);
    let roll = line(r#"{"type":"roll","msg_id":2}"#);
    let roll_of = |length: usize| " ".repeat(length - roll.len()) + &roll;
    node.write(b"\xff\n");
    node.write(roll_of(MAX_LINE_BYTES));
    assert!(node.answer().contains("roll_ok"));
    let too_long = [MAX_LINE_BYTES + 1, 2 * MAX_LINE_BYTES + 100];
    for length in too_long {
        node.write(roll_of(length));
    }
    assert!(
        node.ask(r#"{"type":"roll","msg_id":3}"#)
            .contains("\"in_reply_to\":3")
    );
    node.input = None;
    let (status, log) = node.end();
    let mut log = log.lines();
    assert!(
        log.next()
            .unwrap()
            .starts_with("input ignored: a line that is not UTF-8 (")
    );
    let ignored =
        |it| format!("input ignored: a line of {it} bytes (at most {MAX_LINE_BYTES} are read)");
    assert!(log.eq(too_long.map(ignored)));
    assert_eq!(status, Some(0));
}

#[test]
fn a_panic_of_the_node_ends_its_process_whichever_thread_it_is_on() {
    for ms in [0, 1] {
        let node = Process::start(&[]);
        node.write(line(&format!(r#"{{"type":"crash","ms":{ms},"msg_id":2}}"#)));
        let (status, log) = node.end();
        assert!(log.contains("asked to crash"), "{log}");
        assert_eq!(status, Some(101), "{log}");
    }
}

/// Streams that fail: only Linux has all of these.
#[cfg(target_os = "linux")]
mod failing_streams {
    use std::fs::File;

    use super::*;

    /// The end of a node that has one line to answer, or another stdin.
    fn end(stdin: Option<File>, stdout: impl Into<Stdio>) -> (Option<i32>, String) {
        let stdin = stdin.map_or_else(one_line, Stdio::from);
        let mut command = alarm_clock(&[]);
        let output = command.stdin(stdin).stdout(stdout).output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), log)
    }

    fn one_line() -> Stdio {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(line(INIT).as_bytes()).unwrap();
        reader.into()
    }

    #[test]
    fn an_output_without_a_reader_ends_the_node_silently_and_one_that_fails_is_an_error() {
        let (_, without_reader) = std::io::pipe().unwrap();
        assert_eq!(end(None, without_reader), (Some(0), String::new()));
        let full = File::options().write(true).open("/dev/full").unwrap();
        let (status, log) = end(None, full);
        assert_eq!(status, Some(1));
        assert!(
            log.contains("error: cannot write to stdout: No space left"),
            "{log}"
        );
    }

    #[test]
    fn an_input_that_cannot_be_read_is_an_error() {
        let (status, log) = end(Some(File::open("/").unwrap()), Stdio::null());
        assert_eq!(status, Some(1));
        assert!(log.starts_with("error: cannot read stdin: "), "{log}");
    }
}
