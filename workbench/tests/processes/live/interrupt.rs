//! Signals to the bench: what was done is judged, and no process is left behind, however it ends.

mod running;

use std::fs::{self};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::bench::node;
use super::processes::state;
use running::Bench;

/// The process ids in a node's log.
fn ids(log: &str) -> Vec<u32> {
    let id = |line: &str| {
        let (what, id) = line.split_once(' ')?;
        let is_known = ["child", "wrapper", "node"].contains(&what);
        is_known.then(|| id.parse().ok())?
    };
    log.lines().filter_map(id).collect()
}

/// The processes with this text among their arguments, as `ps` lists them, without the bench.
#[cfg(target_os = "linux")]
fn processes_with(text: &str) -> String {
    let output = Command::new("ps").args(["-A", "-o", "args="]).output();
    let list = String::from_utf8_lossy(&output.unwrap().stdout).into_owned();
    let is_node = |line: &&str| line.contains(text) && !line.contains("--bin");
    list.lines().filter(is_node).collect()
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A storm that takes too long.
const ENDLESS: &str = "storm broadcast-3c --seeds 0..1 --fixed --rate 1000 --time-limit 1000000";

const LONG: &str = "-w echo --node-count 1 --rate 50 --time-limit 600";

#[test]
fn what_was_done_before_a_signal_is_judged_and_nothing_is_left() {
    for (name, status) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let Some(mut bench) = Bench::in_test("wrapped.sh", LONG, &["say working"]) else {
            return;
        };
        let ids = ids(&bench.log());
        assert_eq!(ids.len(), 3, "{}", bench.log());
        let (code, text) = bench.end(name);
        assert_eq!(code, Some(status), "{text}");
        for expected in [
            "interrupted: stopping the load and judging what was done; again to stop at once",
            "echo: valid, interrupted at ",
            "again: ",
        ] {
            assert!(text.contains(expected), "no {expected:?} in {text}");
        }
        assert!(!text.contains("Everything looks good"), "{text}");
        // The seed was on the screen from the start.
        assert!(text.starts_with("echo · live, seed "), "{text}");
        bench.assert_nothing_is_left(&ids);

        assert!(
            bench
                .read("report.html")
                .contains("<strong>Interrupted at ")
        );
        let test: Value = serde_json::from_str(&bench.read("test.json")).unwrap();
        assert!(test["interrupted-at"].as_f64().unwrap() > 0.0, "{test}");
        assert!(bench.read("history.jsonl").lines().count() > 4);
        assert!(bench.read("results.edn").contains(":valid? true"));
        assert!(bench.read("jepsen.log").contains("\ninterrupted at "));
    }
}

#[test]
fn a_run_that_is_already_invalid_stays_invalid() {
    let steps = [r#"{"type":"echo_ok","echo":0}"#, "say working"];
    let flags = format!("{LONG} --concurrency 1 --json");
    let Some(mut bench) = Bench::in_test("scripted.py", &flags, &steps) else {
        return;
    };
    let (code, text) = bench.end("INT");
    assert_eq!(code, Some(1), "{text}");
    assert!(
        bench
            .read("report.html")
            .contains("<strong>Interrupted at ")
    );
    let stdout = fs::read_to_string(bench.folder.path().join("stdout")).unwrap();
    let document: Value = serde_json::from_str(&stdout).unwrap();
    let run = &document["tests"][0]["runs"][0];
    assert_eq!(
        (&run["valid"], &document["exit-status"]),
        (&false.into(), &1.into())
    );
    assert!(run["interrupted-at"].is_f64(), "{run}");
}

/// A request that is not answered is in progress, and no operation has succeeded.
#[test]
fn what_an_interruption_leaves_open_is_unknown_and_not_invalid() {
    let flags =
        "-w echo --node-count 1 --concurrency 1 --rate 50 --time-limit 600 --availability total";
    let program = node("scripted.py");
    let mut words = vec!["test", "--bin", program.to_str().unwrap()];
    words.extend(flags.split_whitespace());
    words.extend(["--", "silence received"]);
    let Some(mut bench) = Bench::start(&words) else {
        return;
    };
    bench.wait_for("received", || bench.log().contains("received"));
    let (code, text) = bench.end("TERM");
    assert_eq!(code, Some(143), "{text}");
    let history = bench.read("history.jsonl");
    assert!(history.contains("interrupted"), "{history}");
    assert!(text.contains("echo: unknown, interrupted at "), "{text}");
    let mut check = Command::new(env!("CARGO_BIN_EXE_workbench"));
    let again = check.arg("check").arg(bench.run()).output().unwrap();
    assert_eq!(
        again.status.code(),
        Some(2),
        "the history is a prefix for `check`, too"
    );
}

#[test]
fn nodes_end_with_a_bench_that_is_killed() {
    for name in ["KILL", "QUIT"] {
        let flags = format!("{LONG} --leave-db-running");
        let Some(mut bench) = Bench::in_test("wrapped.sh", &flags, &["say working"]) else {
            return;
        };
        let ids = ids(&bench.log());
        bench.signal(name);
        assert!(bench.wait().code().is_none());
        bench.assert_nothing_is_left(&ids);
    }
}

/// At any moment while nodes are being started, one of them is not known to the keeper yet.
#[cfg(target_os = "linux")]
#[test]
fn nodes_end_with_a_bench_that_is_killed_while_it_starts_them() {
    let program = node("wrapped.sh");
    let words = [
        "test",
        "--bin",
        program.to_str().unwrap(),
        "-w",
        "echo",
        "--node-count",
        "9",
        "--",
    ];
    for delay in 1..15 {
        let mark = format!("say killed after {delay} of {}", std::process::id());
        let Some(mut bench) = Bench::start(&[&words[..], &[&mark]].concat()) else {
            return;
        };
        let logs = || {
            fs::read_dir(bench.run().join("node-logs"))
                .into_iter()
                .flatten()
                .count()
        };
        bench.wait_for("it starts nodes", || logs() > 0);
        sleep(Duration::from_millis(delay));
        bench.signal("KILL");
        bench.wait();
        bench.wait_for("every node has ended", || processes_with(&mark).is_empty());
        for log in fs::read_dir(bench.run().join("node-logs")).unwrap() {
            bench.assert_nothing_is_left(&ids(&fs::read_to_string(log.unwrap().path()).unwrap()));
        }
    }
}

#[test]
fn a_pause_reaches_the_node_behind_a_wrapper() {
    let flags = format!("{LONG} --nemesis pause --nemesis-interval 0.3");
    let Some(mut bench) = Bench::in_test("wrapped.sh", &flags, &["say working"]) else {
        return;
    };
    let ids = ids(&bench.log());
    for is_paused in [true, false, true] {
        bench.wait_for(&format!("paused: {is_paused}"), || {
            ids.iter()
                .all(|id| state(*id).starts_with('T') == is_paused)
        });
    }
    // Also paused nodes are killed.
    bench.end("TERM");
    bench.assert_nothing_is_left(&ids);
}

#[test]
fn an_interrupted_challenge_has_a_table_without_budgets_and_ends_the_command() {
    let folder = TempDir::new().unwrap();
    let junit = folder.path().join("junit.xml");
    let program = node("scripted.py");
    let words = ["challenge", "broadcast-3a", "echo", "--runs", "2", "--bin"];
    let rest = [
        program.to_str().unwrap(),
        "--junit",
        junit.to_str().unwrap(),
    ];
    let node_flags = "--node-flags='say working'";
    let words = [&words[..], &rest, &[node_flags]].concat();
    let Some(mut bench) = Bench::start(&words) else {
        return;
    };
    bench.wait_for("working", || bench.log().matches("working").count() > 3);
    let (code, text) = bench.end("TERM");
    assert_eq!(code, Some(143), "{text}");
    assert!(
        text.contains(
            "broadcast-3a: interrupted in run 1 of 2; budgets are judged by whole runs only"
        ),
        "{text}"
    );
    assert!(text.contains("0 of 2 challenges passed"), "{text}");
    assert!(!text.contains("echo · "), "{text}");
    let cases = fs::read_to_string(junit).unwrap();
    assert!(
        cases.contains("<error message=\"interrupted at "),
        "{cases}"
    );
}

#[test]
fn an_interrupted_storm_says_how_to_go_on() {
    let rest = "--time-limit 1 --keep-going --shrink --shrink-runs 7 --jobs 2 --all";
    let flags = format!("storm echo --seeds 0..100000000 --junit /dev/null {rest}");
    let words: Vec<&str> = flags.split(' ').collect();
    let Some(mut bench) = Bench::start(&words) else {
        return;
    };
    bench.wait_for("it begins", || {
        bench.text().contains("storm of echo, seeds 0..100000000")
    });
    let (code, text) = bench.end("INT");
    assert_eq!(code, Some(130), "{text}");
    // There may have been one run, or thousands.
    let counts = text.lines().filter_map(|line| {
        let (count, rest) = line.trim().split_once(" run")?;
        let is_count = rest.starts_with(" in ") || rest.starts_with("s in ");
        is_count.then(|| count.replace(',', ""))
    });
    let runs: Vec<String> = counts.collect();
    let [runs] = &runs[..] else {
        panic!("{text}");
    };
    let store = bench.folder.path().join("store");
    let store = store.display();
    let next = format!("storm echo --seeds {runs}..100000000 --store {store} {rest}\n");
    assert!(text.contains("interrupted; go on with:\n"), "{text}");
    assert!(text.contains(&next), "no {next:?} in {text}");
}

#[test]
fn a_second_signal_ends_the_bench_at_once() {
    let words: Vec<&str> = ENDLESS.split(' ').collect();
    // A signal that comes before the run has begun ends the storm without it.
    let is_ended_at_once = |_| {
        let Some(mut bench) = Bench::start(&words) else {
            return true;
        };
        bench.wait_for("it begins", || {
            bench.text().contains("storm of broadcast-3c")
        });
        bench.signal("TERM");
        bench.wait_for("the first signal", || {
            bench.text().contains("again to stop at once")
        });
        bench.wait_for("the end", || {
            bench.signal("TERM");
            state(bench.process.id()).starts_with('Z')
        });
        let status = bench.wait();
        assert!(
            matches!(status.code(), None | Some(143)),
            "{}",
            bench.text()
        );
        status.signal() == Some(15)
    };
    assert!((0..20).any(is_ended_at_once));
}

/// As one that is read by a pager.
#[cfg(target_os = "linux")]
#[test]
fn a_second_signal_ends_the_bench_also_if_nobody_reads_its_stderr() {
    use std::io::Write;
    const CAPACITY: usize = 65536;
    let (_reader, mut stderr) = std::io::pipe().unwrap();
    stderr.write_all(&[b'.'; CAPACITY]).unwrap();
    let words: Vec<&str> = ENDLESS.split(' ').collect();
    let Some(mut bench) = Bench::start_with(&words, Some(stderr)) else {
        return;
    };
    bench.wait_for("it begins", || {
        bench.text().contains("storm of broadcast-3c")
    });
    bench.wait_for("the end", || {
        bench.signal("TERM");
        state(bench.process.id()).starts_with('Z')
    });
    bench.wait();
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn an_interrupted_simulation_of_a_program_leaves_nothing() {
    for (name, status) in [("INT", Some(130)), ("KILL", None)] {
        let folder = TempDir::new().unwrap();
        let mark = format!("say {}", folder.path().display());
        let program = node("wrapped.sh");
        let words = ["test", "--simulate", "--bin", program.to_str().unwrap()];
        let flags = LONG.replace("600", "1000000");
        let flags: Vec<&str> = flags.split(' ').collect();
        let words = [&words[..], &flags, &["--", &mark]].concat();
        let Some(mut bench) = Bench::start(&words) else {
            return;
        };
        bench.wait_for("it runs", || processes_with(&mark).contains("scripted.py"));
        let (code, text) = bench.end(name);
        assert_eq!(code, status, "{text}");
        bench.wait_for("every process has ended", || {
            processes_with(&mark).is_empty()
        });
        if status.is_some() {
            assert!(text.starts_with("echo · simulated, seed "), "{text}");
            assert!(bench.read("report.html").contains("nterrupted"));
        }
    }
}
