//! Faults on processes that Maelstrom does not have: a paused node continues, a killed node
//! restarts without its memory, the history records both, and no process is left.
//!
//! Seeds are chosen so that the nemesis acts at suitable times.

use std::thread::sleep;
use std::time::{Duration, Instant};

use history::{History, Kind, Op};
use simulator::nemesis::{Fault, Faults, Nemesis, NemesisOp};
use tempfile::TempDir;

use super::bench::{Case, Run, check, echo, run};
use super::lines::INIT_OK;
use super::processes::{ends, is_alive, pids_in_log};

/// One fault, which begins and ends within these ranges of seconds of the main phase.
struct PlannedFault {
    fault: Fault,
    begins: (f64, f64),
    ends: (f64, f64),
}

/// The mean time to the beginning, and from there to the end.
const INTERVAL: Duration = Duration::from_secs(1);

impl PlannedFault {
    /// The flags for exactly this fault.
    fn flags(&self) -> String {
        let seed = (0..).find(|seed| self.fits(*seed)).unwrap();
        let name = self.fault.name();
        format!("--nemesis {name} --nemesis-interval 1 --max-faults 1 --seed {seed}")
    }

    fn fits(&self, seed: u64) -> bool {
        let faults = Faults {
            intervals: [(self.fault, INTERVAL)].into(),
            max_count: Some(1),
            ..Faults::default()
        };
        let mut nemesis = Nemesis::new(vec!["n0".into()], faults, seed);
        let mut next = || {
            let at = nemesis.next_at();
            nemesis.wake(at).map(|act| (at.as_secs_f64(), act))
        };
        let within = |at: f64, (from, to): (f64, f64)| (from..to).contains(&at);
        matches!(next(), Some((at, NemesisOp::Start(_))) if within(at, self.begins))
            && matches!(next(), Some((at, NemesisOp::Stop(_))) if within(at, self.ends))
    }
}

/// A kill in the middle of a run of two seconds, with a restart before the end.
const KILL: PlannedFault = PlannedFault {
    fault: Fault::Kill,
    begins: (0.6, 0.8),
    ends: (0.9, 1.1),
};

/// One node that logs events, with more workers than a kill can leave with an open operation.
fn event_log() -> Case {
    let flags = "--time-limit 2 --concurrency 50";
    echo().node("event-log.py").flags(flags)
}

/// The acts of the nemesis in a history: function and value of each completion.
fn acts(history: &History) -> Vec<(String, String)> {
    let ops = history.ops.iter();
    let ops: Vec<&Op> = ops.filter(|op| op.process.client().is_none()).collect();
    // Each act is in the history twice: before and after it is carried out.
    let done = ops.chunks(2).map(|pair| {
        assert_eq!(pair[0].f, pair[1].f);
        let value: serde_json::Value = pair[1].value.parse().unwrap();
        (pair[1].f.to_string(), value.to_string())
    });
    done.collect()
}

/// Asserts the acts of the nemesis in both histories.
fn assert_acts(run: &Run, expected: &[(&str, &str)]) {
    let edn = History::read_edn(run.read("history.edn").as_bytes()).unwrap();
    for history in [run.history(), edn] {
        let acts = acts(&history);
        let acts = acts.iter().map(|(f, value)| (f.as_str(), value.as_str()));
        assert!(
            acts.clone().eq(expected.iter().copied()),
            "{:?}",
            acts.collect::<Vec<_>>()
        );
    }
}

/// The lines of n0's log that begin with this word, without it.
fn entries(run: &Run, word: &str) -> Vec<String> {
    let log = run.read("node-logs/n0.log");
    let entries = log
        .lines()
        .filter_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
    entries.map(str::to_owned).collect()
}

#[test]
fn a_paused_node_stops_and_continues_with_its_memory() {
    let pause = PlannedFault {
        fault: Fault::Pause,
        begins: (0.5, 0.7),
        ends: (1.2, 1.4),
    };
    // No operation fails: requests during the pause are answered later.
    let flags = format!("{} --availability total", pause.flags());
    for run in check([event_log().flags(&flags)]) {
        assert_acts(
            &run,
            &[
                ("start-pause", r#"["paused",["n0"]]"#),
                ("stop-pause", r#"["resumed",["n0"]]"#),
            ],
        );
        run.assert(
            entries(&run, "process").len() == 1,
            "it is the same process",
        );
        let requests = entries(&run, "request");
        let in_order = (1..)
            .zip(&requests)
            .all(|(n, it)| it.starts_with(&format!("{n} ")));
        run.assert(in_order, "it remembers the number of requests");
        let times = entries(&run, "tick").into_iter();
        let times: Vec<f64> = times.map(|it| it.parse().unwrap()).collect();
        let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
        run.assert(gaps.fold(0.0, f64::max) > 0.4, "it was paused");
    }
}

#[test]
fn a_killed_node_restarts_and_its_half_printed_line_does_not_silence_it() {
    let mut runs = check([
        event_log().flags(&KILL.flags()),
        // Its values are lost, and its next incarnation receives `topology`, too.
        event_log()
            .flags(&format!("-w broadcast {}", KILL.flags()))
            .exits(1)
            .prints(["is lost"]),
    ]);
    for run in &runs {
        let broadcasts = run.test()["workload"] == "broadcast";
        let mut expected = vec![
            ("start-kill", r#"["killed",["n0"]]"#),
            ("stop-kill", r#"["restarted",["n0"]]"#),
        ];
        if broadcasts {
            // Before the final reads, the nemesis ends all faults.
            expected.push(("stop-kill", r#"["restarted",[]]"#));
        }
        assert_acts(run, &expected);
        let log = run.read("node-logs/n0.log");
        let incarnations: Vec<&str> = log.split("process ").skip(1).collect();
        run.assert(
            incarnations.len() == 2,
            "both incarnations write to its log",
        );
        for incarnation in incarnations {
            let requests = incarnation
                .lines()
                .filter_map(|line| line.strip_prefix("request "));
            let requests: Vec<&str> = requests.take(3).collect();
            let second = if broadcasts { "2 topology" } else { "2 echo" };
            run.assert(
                requests[..2] == ["1 init", second],
                "each incarnation begins with init",
            );
        }
        run.assert(!run.text.contains("ignored"), "no node is silenced");
        let pids = pids_in_log(run, "n0", "process ");
        run.assert(pids[0] != pids[1], "it is another process");
        run.assert(!pids.into_iter().any(is_alive), "no process is left");
    }
    let Some(echo) = (!runs.is_empty()).then(|| runs.remove(0)) else {
        return;
    };
    let history = echo.history();
    let restart = history
        .ops
        .iter()
        .rposition(|op| op.process.client().is_none());
    let later = &history.ops[restart.unwrap()..];
    let answered = later.iter().any(|op| op.kind == Kind::Ok);
    echo.assert(answered, "the next incarnation replies");
}

#[test]
fn a_node_that_exits_by_itself_aborts_the_run_even_under_kills() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let dies = |status: &'static str| {
        let ended = format!("it ended before the test did (exit status: {status}");
        event_log().exits(255).prints(["node n0, at ", &ended])
    };
    let kill = KILL.flags();
    let runs = check([
        dies("3")
            .node("scripted.py")
            .flags(&kill)
            .steps(["ok", "exit 3"]),
        dies("4")
            .node("restarted.sh")
            .flags(&kill)
            .steps([file("one"), "exit 4".into()]),
        // An exit that the pipes do not show, since a child keeps them open, is found by the kill.
        dies("5")
            .node("parent.sh")
            .flags(&kill)
            .steps(["ok", "exit 5"]),
        event_log()
            .node("restarted.sh")
            .flags(&format!("-w broadcast {kill}"))
            .steps([file("two"), "init:silence".into()])
            .exits(255)
            .prints(["node n0 did not answer init within 10 s"]),
        event_log()
            .node("restarted.sh")
            .flags(&kill)
            .steps([file("three"), r#"init:{"type":"no"}"#.into()])
            .exits(255)
            .prints(["node n0 did not answer init with \"init_ok\" but with {\"type\":\"no\""]),
    ]);
    for run in runs {
        let reports = run.text.matches("it ended before the test did").count();
        run.assert(reports <= 1, "an exit is reported once");
        for id in ["process ", "child "]
            .map(|it| pids_in_log(&run, "n0", it))
            .concat()
        {
            run.assert(ends(id), "no process is left");
        }
    }
}

#[test]
fn no_process_outlives_a_run_that_ends_while_nodes_are_paused_or_dead() {
    let everything = "partition,loss,duplicate,delay,pause,kill";
    let all = |flags: &str| event_log().flags("--node-count 3").flags(flags);
    let runs = run(&[
        all(&format!("--nemesis {everything} --nemesis-interval 0.1")),
        all(&format!(
            "--nemesis {everything} --nemesis-interval 0.02 --targets 9"
        )),
        all("--nemesis pause --nemesis-interval 0.05 --targets 3"),
        all("--nemesis kill --nemesis-interval 0.05 --targets 3"),
        all("-w broadcast --nemesis pause,kill --nemesis-interval 0.05 --targets 2"),
    ]);
    for run in runs {
        run.assert(matches!(run.code, Some(0 | 1)), "there is a verdict");
        run.assert(!run.text.contains("ignored"), "no node is silenced");
        for node in ["n0", "n1", "n2"] {
            let pids = pids_in_log(&run, node, "process ");
            run.assert(!pids.is_empty(), "there were processes");
            run.assert(!pids.into_iter().any(is_alive), "no process is left");
        }
    }
}

#[test]
fn a_node_that_is_left_running_is_not_left_paused() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("still here");
    let pause = PlannedFault {
        fault: Fault::Pause,
        begins: (0.2, 0.9),
        ends: (1.2, 2.9),
    };
    let ignores_eof = event_log()
        .node("ignores-eof.sh")
        .flags("--leave-db-running --time-limit 1")
        .flags(&pause.flags())
        .steps([file.to_str().unwrap()]);
    let runs = run(&[ignores_eof]);
    if runs.is_empty() {
        return;
    }
    let start = Instant::now();
    while !file.exists() && start.elapsed() < Duration::from_secs(20) {
        sleep(Duration::from_millis(20));
    }
    assert!(file.exists(), "{}", runs[0].text);
}

/// Under such faults a correct node may be late, too.
#[test]
fn replies_to_clients_that_have_gone_are_allowed_under_faults_that_maelstrom_does_not_have() {
    let late = |nemesis: &str| {
        echo()
            .flags("--node-count 2 --nemesis-interval 1000 --availability total --nemesis")
            .flags(nemesis)
            .steps([format!("n1:line {INIT_OK}")])
    };
    let allowed = [
        "loss",
        "duplicate",
        "delay",
        "pause",
        "kill",
        "partition,loss",
    ]
    .map(late);
    let finding = "it answered client c1, which had timed out and left; everything that it prints after this is \
                ignored";
    let blamed = ["none", "partition"].map(|nemesis| late(nemesis).exits(1).prints([finding]));
    let unknown_client = echo()
        .flags("--nemesis loss --nemesis-interval 1000")
        .steps([r#"line {"src":"$me","dest":"c99","body":{}}"#])
        .exits(1)
        .prints([r#"to "c99", but no node, client or service has that name"#]);
    for run in check(allowed) {
        run.assert(!run.text.contains("node n"), "no node is blamed");
    }
    check(blamed.into_iter().chain([unknown_client]));
}
