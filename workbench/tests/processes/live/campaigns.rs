//! `simulate` and `merge` as a person runs them: parts that add up, commands that repeat what failed,
//! and what is refused.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::bench::{alone, text, workbench};

/// Nodes that forget what they have acknowledged: some of these runs fail.
const FORGETFUL: &str = "broadcast-3c --nemesis kill --time-limit 3 --rate 20 --node-count 3";

/// The bench with these words, and where it keeps runs.
fn bench(store: &TempDir, words: &str) -> Output {
    let place = store.path().join("store");
    let words = words
        .split_whitespace()
        .chain(["--store", place.to_str().unwrap()]);
    workbench(&words.collect::<Vec<&str>>())
}

/// What `simulate` says to these words, which must end so.
#[track_caller]
fn simulate(store: &TempDir, words: &str, exit: i32) -> String {
    let output = bench(store, &format!("simulate {words}"));
    assert_eq!(
        output.status.code(),
        Some(exit),
        "simulate {words}\n{}",
        text(&output)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The reports that it prints, but for how long they took.
#[track_caller]
fn reports(store: &TempDir, words: &str, exit: i32) -> Value {
    without_wall(&simulate(store, &format!("{words} --json"), exit))
}

fn without_wall(json: &str) -> Value {
    let mut reports: Value = serde_json::from_str(json).unwrap();
    for report in reports.as_array_mut().unwrap() {
        let report = report.as_object_mut().unwrap();
        assert!(report.remove("wall-seconds").unwrap().is_f64());
    }
    reports
}

/// The command that repeats a run, carried out as a shell reads it.
fn again(store: &TempDir, command: &str) -> Output {
    let script = format!(
        "cargo() {{ [ \"$1\" = workbench ] || exit 99; shift; \"$BENCH\" \"$@\" --store \"$STORE\"; }}\n{command}"
    );
    let mut sh = alone(Command::new("sh"));
    sh.args(["-c", &script])
        .env("BENCH", env!("CARGO_BIN_EXE_workbench"));
    sh.env("STORE", store.path().join("store"))
        .output()
        .unwrap()
}

/// The last thing that is printed behind these words.
fn last_after<'a>(text: &'a str, words: &str) -> &'a str {
    let found = text
        .lines()
        .filter_map(|line| line.strip_prefix(words))
        .next_back();
    found.unwrap_or_else(|| panic!("no {words:?} in {text}"))
}

#[test]
fn the_parts_of_a_campaign_add_up_to_the_whole() {
    let store = TempDir::new().unwrap();
    for (campaign, exit) in [
        ("unique-ids echo --time-limit 2 --seeds 3..14", 0),
        (&*format!("{FORGETFUL} --seeds 0..7 --keep-going"), 1),
    ] {
        let whole = reports(&store, campaign, exit);
        let parts: Vec<String> = (1..=4)
            .map(|part| {
                let file = store.path().join(format!("{part}.json"));
                let shard = format!("simulate {campaign} --json --shard {part}/4");
                fs::write(&file, bench(&store, &shard).stdout).unwrap();
                file.to_str().unwrap().to_owned()
            })
            .collect();
        let merge = |parts: &[String], json: bool| {
            let mut words = vec!["merge"];
            words.extend(parts.iter().map(String::as_str));
            words.extend(json.then_some("--json"));
            let output = workbench(&words);
            assert_eq!(output.status.code(), Some(exit), "{}", text(&output));
            String::from_utf8(output.stdout).unwrap()
        };
        assert_eq!(without_wall(&merge(&parts, true)), whole);
        let mixed: Vec<String> = [2, 0, 3, 1].map(|part: usize| parts[part].clone()).into();
        assert_eq!(without_wall(&merge(&mixed, true)), whole);
        // What was merged can be merged.
        let file = store.path().join("some.json");
        fs::write(&file, merge_some(&parts[..2])).unwrap();
        let rest = [
            file.to_str().unwrap().to_owned(),
            parts[3].clone(),
            parts[2].clone(),
        ];
        assert_eq!(without_wall(&merge(&rest, true)), whole);
        let told = merge(&parts, false);
        let seeds = campaign
            .rsplit("--seeds ")
            .next()
            .unwrap()
            .split(' ')
            .next()
            .unwrap();
        assert!(told.contains(&format!(" · seeds {seeds}")), "{told}");
    }
}

/// Whatever the verdict on them is.
fn merge_some(parts: &[String]) -> Vec<u8> {
    let words = ["merge", "--json"]
        .into_iter()
        .chain(parts.iter().map(String::as_str));
    workbench(&words.collect::<Vec<&str>>()).stdout
}

#[test]
fn a_campaign_is_the_same_with_any_number_of_jobs() {
    let store = TempDir::new().unwrap();
    for keep_going in ["", "--keep-going"] {
        let campaign = format!("{FORGETFUL} --seeds 0..9 {keep_going}");
        let one = reports(&store, &format!("{campaign} --jobs 1"), 1);
        assert_eq!(one, reports(&store, &format!("{campaign} --jobs 3"), 1));
        assert_eq!(one, reports(&store, &campaign, 1));
        let runs = one[0]["tally"]["runs"].as_u64().unwrap();
        assert!(
            if keep_going.is_empty() {
                runs < 9
            } else {
                runs == 9
            },
            "{one:#}"
        );
    }
}

#[test]
fn flags_that_are_given_are_not_drawn_and_with_exactly_nothing_is() {
    let store = TempDir::new().unwrap();
    let failing = |words: &str| {
        let reports = reports(&store, &format!("{FORGETFUL} --seeds 0..5 {words}"), 1);
        assert_eq!(
            reports[0]["pinned"].as_str().unwrap().contains("--exactly"),
            !words.is_empty()
        );
        let options = reports[0]["tally"]["failures"][0]["options"]
            .as_str()
            .unwrap();
        format!("{options} ")
    };
    let drawn = failing("");
    for flag in [
        "--nemesis kill ",
        "--time-limit 3 ",
        "--rate 20 ",
        "--node-count 3 ",
    ] {
        assert!(drawn.contains(flag), "{drawn}");
    }
    assert!(drawn.contains("--nemesis-interval"));
    let exact = failing("--exactly --nemesis-interval 0.4");
    let due = "--nemesis kill --nemesis-interval 0.4 --node-count 3 --rate 20 --time-limit 3 \
               --workload broadcast ";
    assert_eq!(exact, due);
}

#[test]
fn the_command_that_is_printed_repeats_what_failed() {
    let store = TempDir::new().unwrap();
    let odd = "--node-flags=--fan-out=1";
    for words in [
        String::new(),
        "--exactly --nemesis-interval 0.4".into(),
        odd.into(),
    ] {
        let campaign = format!("{FORGETFUL} --seeds 0..20 {words}");
        let told = simulate(&store, &campaign, 1);
        let failure = |text: &str| {
            let from = text.find("\nseed ").unwrap();
            text[from..text.find("\nagain: ").unwrap()].to_owned()
        };
        let repeated = again(&store, last_after(&told, "again: "));
        assert_eq!(repeated.status.code(), Some(1), "{}", text(&repeated));
        assert_eq!(failure(&text(&repeated)), failure(&told));
        assert!(!told.contains("panicked"), "{told}");
        // The run that was kept tells how to come by it, too.
        let folder = Path::new(last_after(&told, "the run is kept in "));
        let kept = fs::read_to_string(folder.join("test.json")).unwrap();
        let kept: Value = serde_json::from_str(&kept).unwrap();
        let repeated = again(&store, kept["command"].as_str().unwrap());
        assert_eq!(repeated.status.code(), Some(1), "{}", text(&repeated));
        let folder_of_that = last_after(&text(&repeated), "the run is kept in ").to_owned();
        let history = |folder: &Path| fs::read(folder.join("history.jsonl")).unwrap();
        assert_eq!(history(Path::new(&folder_of_that)), history(folder));
        for file in [
            "history.edn",
            "results.json",
            "results.edn",
            "summary.json",
            "report.html",
            "node-logs/n2.log",
        ] {
            assert!(folder.join(file).is_file(), "{file}");
        }
    }
}

#[test]
fn a_smaller_run_that_fails_is_found_and_shown_with_a_command_that_fails_too() {
    let store = TempDir::new().unwrap();
    let told = simulate(&store, &format!("{FORGETFUL} --seeds 0..20 --shrink"), 1);
    assert!(told.contains("other runs that fails:"), "{told}");
    let small = told.split("other runs that fails:").nth(1).unwrap();
    // One node that was told one value and killed once is all that it takes, or hardly more.
    let option = |name: &str| -> u64 {
        let value = small.split(&format!("{name} ")).nth(1);
        let value = value.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        value.unwrap_or_else(|| panic!("no {name} in {small}"))
    };
    assert!(
        option("--node-count") <= 2 && option("--max-faults") <= 2,
        "{small}"
    );
    assert!(option("--max-operations") <= 3, "{small}");
    for drawn in ["clients", r#""type":"broadcast""#, "nemesis: start-kill"] {
        assert!(small.contains(drawn), "no {drawn:?} in {small}");
    }
    let repeated = again(&store, last_after(&told, "again: "));
    assert_eq!(repeated.status.code(), Some(1), "{}", text(&repeated));
    let finding = small
        .lines()
        .find(|line| line.contains(" is lost: "))
        .unwrap();
    assert!(text(&repeated).contains(finding), "{}", text(&repeated));

    // As JSON, stdout has the report alone.
    let words = format!("{FORGETFUL} --seeds 0..20 --shrink --shrink-runs 64 --json");
    let reports = reports(&store, &words, 1);
    assert_eq!(reports[0]["tally"]["failures"].as_array().unwrap().len(), 1);
}

#[test]
fn bad_usage_of_simulate_and_merge_is_254_and_says_why() {
    let store = TempDir::new().unwrap();
    for (words, says) in [
        ("simulate", "NAME"),
        ("simulate tango", "invalid value 'tango' for '<NAME>...'"),
        ("simulate echo --seeds 5..5", "expected seeds as 0..10000"),
        ("simulate echo --seeds -3", "-3"),
        ("simulate echo --seeds 18446744073709551616", "--seeds"),
        ("simulate echo --shard 0/3", "expected K/N"),
        ("simulate echo --shard 4/3", "expected K/N"),
        ("simulate echo --jobs 0", "--jobs"),
        ("simulate echo --nemesis tango", "there are partition, loss"),
        (
            "simulate echo --workload broadcast",
            "--workload is not for simulate",
        ),
        (
            "simulate echo --node a --node b",
            "--node is not for simulate",
        ),
        ("simulate echo --nodes a,b", "--nodes is not for simulate"),
        ("simulate echo --bin ./node", "--bin"),
    ] {
        let output = bench(&store, words);
        assert_eq!(
            output.status.code(),
            Some(254),
            "{words}\n{}",
            text(&output)
        );
        assert!(text(&output).contains(says), "{words}\n{}", text(&output));
    }
    let output = workbench(&["merge"]);
    assert_eq!(output.status.code(), Some(254));
    let flags = "simulate echo --node-flags=--nonsense";
    let output = bench(&store, flags);
    assert_eq!(output.status.code(), Some(254), "{}", text(&output));
    assert!(text(&output).contains("--nonsense"), "{}", text(&output));
}

#[test]
fn the_first_seeds_the_last_ones_and_single_ones_can_be_run() {
    let store = TempDir::new().unwrap();
    let last = "18446744073709551610..18446744073709551615";
    for (seeds, runs) in [(last, 5), ("0", 1), ("18446744073709551614", 1)] {
        let reports = reports(&store, &format!("echo --time-limit 1 --seeds {seeds}"), 0);
        assert_eq!(reports[0]["tally"]["runs"], runs);
    }
    // There may be more parts than seeds.
    let reports = reports(&store, "echo --time-limit 1 --seeds 0..2 --shard 1/5", 0);
    assert_eq!(reports[0]["seeds"], json!([[0, 0]]));
}

#[test]
fn what_does_not_add_up_is_not_merged() {
    let store = TempDir::new().unwrap();
    let path = |name: &str| store.path().join(name).to_str().unwrap().to_owned();
    let part = |name: &str, words: &str| {
        let part = simulate(&store, &format!("echo --time-limit 1 --json {words}"), 0);
        fs::write(path(name), &part).unwrap();
        part
    };
    let good = part("0-3", "--seeds 0..3");
    part("2-5", "--seeds 2..5");
    part("3-5 pinned", "--seeds 3..5 --latency 10");
    part("3-5 exact", "--seeds 3..5 --exactly");
    fs::write(path("truncated"), &good[..good.len() / 2]).unwrap();
    fs::write(path("nothing"), "").unwrap();
    fs::write(path("no report"), "[]").unwrap();
    fs::write(path("other"), r#"{"valid?": true}"#).unwrap();
    fs::write(path("twice"), format!("{good}{good}")).unwrap();
    fs::write(path("bytes"), [0xff, 0xfe, 0]).unwrap();
    let edited = |name: &str, from: &str, to: &str| {
        let edited = good.replacen(from, to, 1);
        assert_ne!(edited, good, "{from}");
        fs::write(path(name), edited).unwrap();
    };
    edited("more runs", "\"runs\": 3", "\"runs\": 18446744073709551615");
    edited("more valid", "\"valid\": 3", "\"valid\": 4");
    edited("negative", "\"runs\": 3", "\"runs\": -3");
    edited("another field", "\"runs\": 3", "\"runs\": 3, \"walks\": 3");
    edited("a missing field", "\"runs\": 3,", "");

    let refused = |files: &[&str], says: &str| {
        let mut words = vec!["merge".to_owned()];
        words.extend(files.iter().map(|file| path(file)));
        let output = workbench(&words);
        let text = text(&output);
        assert_eq!(output.status.code(), Some(255), "{files:?}\n{text}");
        assert!(
            text.contains(says) && text.starts_with("error: "),
            "{files:?}\n{text}"
        );
        assert!(!text.contains("panicked"), "{text}");
    };
    refused(&["0-3", "2-5"], "seeds 0..3 and 2..5 overlap");
    refused(&["0-3", "0-3"], "overlap");
    refused(&["0-3", "3-5 pinned"], "these reports cannot be merged");
    refused(&["3-5 exact", "0-3"], "these reports cannot be merged");
    let no_report = "is not what `simulate --json` prints";
    for file in ["truncated", "nothing", "other", "twice", "bytes"] {
        refused(&["0-3", file], no_report);
    }
    for file in ["negative", "another field", "a missing field"] {
        refused(&[file], no_report);
    }
    refused(&["no report"], "holds no report");
    refused(&["more runs"], "do not agree");
    refused(&["more valid"], "do not agree");
    refused(&["missing"], "cannot read");
    refused(&["."], "");
}

#[test]
fn a_store_that_takes_nothing_spoils_neither_the_report_nor_the_verdict() {
    let store = TempDir::new().unwrap();
    fs::write(store.path().join("store"), "a file").unwrap();
    let words = format!("simulate {FORGETFUL} --seeds 0..20 --json");
    let output = bench(&store, &words);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("error: the run is not kept: cannot create"),
        "{stderr}"
    );
    let reports = without_wall(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(reports[0]["tally"]["invalid"], 1);

    // Files may grow to a block and no more, as on a disk that is full.
    let full = TempDir::new().unwrap();
    let script = format!("trap '' XFSZ; ulimit -f 1; exec \"$BENCH\" {words} --store \"$STORE\"");
    let mut sh = alone(Command::new("sh"));
    sh.args(["-c", &script])
        .env("BENCH", env!("CARGO_BIN_EXE_workbench"));
    let output = sh.env("STORE", full.path().join("store")).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("error: the run is not kept: cannot write"),
        "{stderr}"
    );
}

#[test]
fn who_does_not_listen_to_the_end_gets_the_exit_status_all_the_same() {
    let store = TempDir::new().unwrap();
    let place = store.path().join("store");
    let failing = format!("simulate {FORGETFUL} --seeds 0..20 --shrink --shrink-runs 32");
    let json = "simulate echo --time-limit 1 --seeds 0..3 --json";
    for (words, exit) in [(failing.as_str(), 1), (json, 0)] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = alone(Command::new(env!("CARGO_BIN_EXE_workbench")));
        command
            .args(words.split_whitespace())
            .arg("--store")
            .arg(&place);
        let child = command
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "{words}\n{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
}
