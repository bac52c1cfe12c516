//! Faults that Maelstrom does not have, on processes: who stands still goes on where they were, who
//! is killed begins anew, the history tells it, and nobody is left behind.
//!
//! What the nemesis will do is known beforehand: seeds are chosen so that it comes in time.

use std::thread::sleep;
use std::time::{Duration, Instant};

use history::{History, Kind, Op};
use simulator::nemesis::{Fault, Faults, Nemesis, NemesisOp};
use tempfile::TempDir;

use super::bench::{Case, Run, check, echo, run};
use super::lines::INIT_OK;
use super::processes::{lives, numbers_in_log, signal};

/// A plan: one fault of a kind, that begins and ends within these seconds of the main phase.
struct Once {
    fault: Fault,
    begins: (f64, f64),
    ends: (f64, f64),
}

/// A second is the mean time to the beginning and from there to the end.
const INTERVAL: Duration = Duration::from_secs(1);

impl Once {
    /// The flags for just that.
    fn flags(&self) -> String {
        let seed = (0..).find(|seed| self.is_kept(*seed)).unwrap();
        let name = self.fault.name();
        format!("--nemesis {name} --nemesis-interval 1 --max-faults 1 --seed {seed}")
    }

    fn is_kept(&self, seed: u64) -> bool {
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

/// It is killed in the middle of a run of two seconds, and there again before it ends.
const KILL: Once = Once {
    fault: Fault::Kill,
    begins: (0.6, 0.8),
    ends: (0.9, 1.1),
};

/// There are more workers than questions that the dead leave open.
fn diary() -> Case {
    let flags = "--time-limit 2 --concurrency 50";
    echo().node("diary.py").flags(flags)
}

/// What the nemesis did, as a history has it: what, and the value that tells what came of it.
fn acts(history: &History) -> Vec<(String, String)> {
    let ops = history.ops.iter();
    let ops: Vec<&Op> = ops.filter(|op| op.process.client().is_none()).collect();
    // Each act stands there twice: as it was meant, and as it was done.
    let done = ops.chunks(2).map(|pair| {
        assert_eq!(pair[0].f, pair[1].f);
        let value: serde_json::Value = pair[1].value.parse().unwrap();
        (pair[1].f.to_string(), value.to_string())
    });
    done.collect()
}

/// Both histories tell that the nemesis did this.
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

/// The lines of n0's diary that begin with this word, without it.
fn entries(run: &Run, word: &str) -> Vec<String> {
    let log = run.read("node-logs/n0.log");
    let entries = log
        .lines()
        .filter_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
    entries.map(str::to_owned).collect()
}

#[test]
fn a_paused_node_stands_still_and_goes_on_where_it_was() {
    let once = Once {
        fault: Fault::Pause,
        begins: (0.5, 0.7),
        ends: (1.2, 1.4),
    };
    // Nobody is refused: whoever asks meanwhile is answered later.
    let flags = format!("{} --availability total", once.flags());
    for run in check([diary().flags(&flags)]) {
        assert_acts(
            &run,
            &[
                ("start-pause", r#"["paused",["n0"]]"#),
                ("stop-pause", r#"["resumed",["n0"]]"#),
            ],
        );
        run.demand(
            entries(&run, "process").len() == 1,
            "it is the same process",
        );
        let asked = entries(&run, "request");
        let in_order = (1..)
            .zip(&asked)
            .all(|(n, it)| it.starts_with(&format!("{n} ")));
        run.demand(in_order, "it remembers how often it was asked");
        let times = entries(&run, "tick").into_iter();
        let times: Vec<f64> = times.map(|it| it.parse().unwrap()).collect();
        let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
        run.demand(gaps.fold(0.0, f64::max) > 0.4, "it stood still");
    }
}

#[test]
fn a_killed_node_begins_anew_and_its_half_printed_line_does_not_silence_its_successor() {
    let mut runs = check([
        diary().flags(&KILL.flags()),
        // What it was told is lost, and its successor was told its neighbours, too.
        diary()
            .flags(&format!("-w broadcast {}", KILL.flags()))
            .exits(1)
            .says(["is lost"]),
    ]);
    for run in &runs {
        let broadcasts = run.test()["workload"] == "broadcast";
        let mut told = vec![
            ("start-kill", r#"["killed",["n0"]]"#),
            ("stop-kill", r#"["restarted",["n0"]]"#),
        ];
        if broadcasts {
            // Before the final reads, the nemesis makes sure that all is well.
            told.push(("stop-kill", r#"["restarted",[]]"#));
        }
        assert_acts(run, &told);
        let log = run.read("node-logs/n0.log");
        let diaries: Vec<&str> = log.split("process ").skip(1).collect();
        run.demand(diaries.len() == 2, "its log goes on in its second life");
        for life in diaries {
            let asked = life
                .lines()
                .filter_map(|line| line.strip_prefix("request "));
            let asked: Vec<&str> = asked.take(3).collect();
            let second = if broadcasts { "2 topology" } else { "2 echo" };
            run.demand(
                asked[..2] == ["1 init", second],
                "each life begins with init",
            );
        }
        run.demand(!run.text.contains("ignored"), "nobody is silenced");
        let processes = numbers_in_log(run, "n0", "process ");
        run.demand(processes[0] != processes[1], "it is another process");
        run.demand(!processes.into_iter().any(lives), "nobody is left behind");
    }
    let Some(echo) = (!runs.is_empty()).then(|| runs.remove(0)) else {
        return;
    };
    let history = echo.history();
    let back = history
        .ops
        .iter()
        .rposition(|op| op.process.client().is_none());
    let later = &history.ops[back.unwrap()..];
    let answered = later.iter().any(|op| op.kind == Kind::Ok);
    echo.demand(answered, "its successor answers");
}

#[test]
fn a_node_that_dies_by_itself_breaks_the_run_off_even_where_nodes_are_killed() {
    let place = TempDir::new().unwrap();
    let file = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    let dies = |says: &'static str| {
        let ended = format!("it ended before the test did (exit status: {says}");
        diary().exits(255).says(["node n0, at ", &ended])
    };
    let kill = KILL.flags();
    let runs = check([
        dies("3")
            .node("scripted.py")
            .flags(&kill)
            .steps(["ok", "exit 3"]),
        dies("4")
            .node("second.sh")
            .flags(&kill)
            .steps([file("one"), "exit 4".into()]),
        // A death that its pipes do not show, since its child holds them, is found out by its killer.
        dies("5")
            .node("parent.sh")
            .flags(&kill)
            .steps(["ok", "exit 5"]),
        diary()
            .node("second.sh")
            .flags(&format!("-w broadcast {kill}"))
            .steps([file("two"), "init:silence".into()])
            .exits(255)
            .says(["node n0 did not answer init within 10 s"]),
        diary()
            .node("second.sh")
            .flags(&kill)
            .steps([file("three"), r#"init:{"type":"no"}"#.into()])
            .exits(255)
            .says(["node n0 did not answer init with \"init_ok\" but with {\"type\":\"no\""]),
    ]);
    for run in runs {
        let told = run.text.matches("it ended before the test did").count();
        run.demand(told <= 1, "a death is told once");
        let left = numbers_in_log(&run, "n0", "process ")
            .into_iter()
            .any(lives);
        run.demand(!left, "nobody is left behind");
        // A node's own child is its own affair.
        for child in numbers_in_log(&run, "n0", "child ") {
            signal(child, "KILL");
        }
    }
}

#[test]
fn no_process_outlives_a_run_that_ends_while_nodes_are_paused_or_dead() {
    let everything = "partition,loss,duplicate,delay,pause,kill";
    let all = |flags: &str| diary().flags("--node-count 3").flags(flags);
    let runs = run(&[
        all(&format!("--nemesis {everything} --nemesis-interval 0.1")),
        all(&format!(
            "--nemesis {everything} --nemesis-interval 0.02 --victims 9"
        )),
        all("--nemesis pause --nemesis-interval 0.05 --victims 3"),
        all("--nemesis kill --nemesis-interval 0.05 --victims 3"),
        all("-w broadcast --nemesis pause,kill --nemesis-interval 0.05 --victims 2"),
    ]);
    for run in runs {
        run.demand(matches!(run.code, Some(0 | 1)), "there is a verdict");
        run.demand(!run.text.contains("ignored"), "nobody is silenced");
        for node in ["n0", "n1", "n2"] {
            let processes = numbers_in_log(&run, node, "process ");
            run.demand(!processes.is_empty(), "there were processes");
            run.demand(!processes.into_iter().any(lives), "nobody is left behind");
        }
    }
}

#[test]
fn a_node_that_is_left_running_at_the_end_is_not_left_standing_still() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("still here");
    let pause = Once {
        fault: Fault::Pause,
        begins: (0.2, 0.9),
        ends: (1.2, 2.9),
    };
    let stays = diary()
        .node("stays.sh")
        .flags("--leave-db-running --time-limit 1")
        .flags(&pause.flags())
        .steps([file.to_str().unwrap()]);
    let runs = run(&[stays]);
    if runs.is_empty() {
        return;
    }
    let start = Instant::now();
    while !file.exists() && start.elapsed() < Duration::from_secs(20) {
        sleep(Duration::from_millis(20));
    }
    assert!(file.exists(), "{}", runs[0].text);
}

/// Under faults that may make the best of nodes late, it is not to be blamed for that.
#[test]
fn an_answer_to_a_client_that_has_gone_is_forgiven_under_faults_that_maelstrom_does_not_have() {
    let late = |nemesis: &str| {
        echo()
            .flags("--node-count 2 --nemesis-interval 1000 --availability total --nemesis")
            .flags(nemesis)
            .steps([format!("n1:line {INIT_OK}")])
    };
    let forgiven = [
        "loss",
        "duplicate",
        "delay",
        "pause",
        "kill",
        "partition,loss",
    ]
    .map(late);
    let says = "it answered client c1, which had timed out and left; everything that it prints after this \
                is ignored";
    let blamed = ["none", "partition"].map(|nemesis| late(nemesis).exits(1).says([says]));
    let strangers = echo()
        .flags("--nemesis loss --nemesis-interval 1000")
        .steps([r#"line {"src":"$me","dest":"c99","body":{}}"#])
        .exits(1)
        .says([r#"to "c99", but no node, client or service has that name"#]);
    for run in check(forgiven) {
        run.demand(!run.text.contains("node n"), "nobody is to blame");
    }
    check(blamed.into_iter().chain([strangers]));
}
