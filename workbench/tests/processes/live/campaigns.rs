//! `storm` and `merge`: shards that merge to the whole, commands that repeat failures, and bad
//! usage.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::bench::{clean_env, text, workbench};

/// Nodes that forget acknowledged values when they are killed, so that some runs fail.
const FORGETFUL: &str = "broadcast-3c --nemesis kill --time-limit 3 --rate 20 --node-count 3";

/// Runs the bench with these arguments and a store.
fn workbench_in(store: &TempDir, args: &str) -> Output {
    let path = store.path().join("store");
    let args = args
        .split_whitespace()
        .chain(["--store", path.to_str().unwrap()]);
    workbench(&args.collect::<Vec<&str>>())
}

/// The stdout of `storm`, which must exit with this status.
#[track_caller]
fn storm(store: &TempDir, args: &str, exit: i32) -> String {
    let output = workbench_in(store, &format!("storm {args}"));
    assert_eq!(
        output.status.code(),
        Some(exit),
        "storm {args}\n{}",
        text(&output)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The reports of `storm --json`, without their durations.
#[track_caller]
fn reports(store: &TempDir, args: &str, exit: i32) -> Value {
    without_wall(&storm(store, &format!("{args} --json"), exit))
}

fn without_wall(json: &str) -> Value {
    let mut reports: Value = serde_json::from_str(json).unwrap();
    for report in reports.as_array_mut().unwrap() {
        let report = report.as_object_mut().unwrap();
        assert!(report.remove("wall-seconds").unwrap().is_f64());
    }
    reports
}

/// Executes the command that repeats a run, in a shell.
fn repeat(store: &TempDir, command: &str) -> Output {
    let script = format!(
        "cargo() {{ [ \"$1\" = workbench ] || exit 99; shift; \"$BENCH\" \"$@\" --store \"$STORE\"; }}\n{command}"
    );
    let mut sh = clean_env(Command::new("sh"));
    sh.args(["-c", &script])
        .env("BENCH", env!("CARGO_BIN_EXE_workbench"));
    sh.env("STORE", store.path().join("store"))
        .output()
        .unwrap()
}

/// The rest of the last line with this prefix.
fn last_after<'a>(text: &'a str, prefix: &str) -> &'a str {
    let found = text
        .lines()
        .filter_map(|line| line.strip_prefix(prefix))
        .next_back();
    found.unwrap_or_else(|| panic!("no {prefix:?} in {text}"))
}

#[test]
fn merged_shards_equal_the_whole_campaign() {
    let store = TempDir::new().unwrap();
    for (campaign, exit) in [
        ("unique-ids echo --time-limit 2 --seeds 3..14", 0),
        (&*format!("{FORGETFUL} --seeds 0..7 --keep-going"), 1),
    ] {
        let whole = reports(&store, campaign, exit);
        let parts: Vec<String> = (1..=4)
            .map(|part| {
                let file = store.path().join(format!("{part}.json"));
                let shard = format!("storm {campaign} --json --shard {part}/4");
                fs::write(&file, workbench_in(&store, &shard).stdout).unwrap();
                file.to_str().unwrap().to_owned()
            })
            .collect();
        let merge = |parts: &[String], json: bool| {
            let mut args = vec!["merge"];
            args.extend(parts.iter().map(String::as_str));
            args.extend(json.then_some("--json"));
            let output = workbench(&args);
            assert_eq!(output.status.code(), Some(exit), "{}", text(&output));
            String::from_utf8(output.stdout).unwrap()
        };
        assert_eq!(without_wall(&merge(&parts, true)), whole);
        let mixed: Vec<String> = [2, 0, 3, 1].map(|part: usize| parts[part].clone()).into();
        assert_eq!(without_wall(&merge(&mixed, true)), whole);
        // Merged reports can be merged again.
        let file = store.path().join("some.json");
        fs::write(&file, merge_some(&parts[..2])).unwrap();
        let rest = [
            file.to_str().unwrap().to_owned(),
            parts[3].clone(),
            parts[2].clone(),
        ];
        assert_eq!(without_wall(&merge(&rest, true)), whole);
        let merged = merge(&parts, false);
        let seeds = campaign
            .rsplit("--seeds ")
            .next()
            .unwrap()
            .split(' ')
            .next()
            .unwrap();
        assert!(merged.contains(&format!(" · seeds {seeds}")), "{merged}");
    }
}

/// Merges reports whatever their verdict is.
fn merge_some(parts: &[String]) -> Vec<u8> {
    let args = ["merge", "--json"]
        .into_iter()
        .chain(parts.iter().map(String::as_str));
    workbench(&args.collect::<Vec<&str>>()).stdout
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
fn given_flags_are_not_drawn_and_a_fixed_run_draws_none() {
    let store = TempDir::new().unwrap();
    let failing = |args: &str| {
        let reports = reports(&store, &format!("{FORGETFUL} --seeds 0..5 {args}"), 1);
        assert_eq!(
            reports[0]["pinned"].as_str().unwrap().contains("--fixed"),
            !args.is_empty()
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
    let exact = failing("--fixed --nemesis-interval 0.4");
    let expected = "--nemesis kill --nemesis-interval 0.4 --node-count 3 --rate 20 --time-limit 3 \
               --workload broadcast ";
    assert_eq!(exact, expected);
}

#[test]
fn the_printed_command_repeats_the_failure() {
    let store = TempDir::new().unwrap();
    let odd = "--node-flags=--fan-out=1";
    for args in [
        String::new(),
        "--fixed --nemesis-interval 0.4".into(),
        odd.into(),
    ] {
        let campaign = format!("{FORGETFUL} --seeds 0..20 {args}");
        let stdout = storm(&store, &campaign, 1);
        let failure = |text: &str| {
            let from = text.find("\nseed ").unwrap();
            text[from..text.find("\nagain: ").unwrap()].to_owned()
        };
        let repeated = repeat(&store, last_after(&stdout, "again: "));
        assert_eq!(repeated.status.code(), Some(1), "{}", text(&repeated));
        assert_eq!(failure(&text(&repeated)), failure(&stdout));
        assert!(!stdout.contains("panicked"), "{stdout}");
        // The saved run has a command that repeats it, too.
        let folder = Path::new(last_after(&stdout, "the run is stored in "));
        let test = fs::read_to_string(folder.join("test.json")).unwrap();
        let test: Value = serde_json::from_str(&test).unwrap();
        let repeated = repeat(&store, test["command"].as_str().unwrap());
        assert_eq!(repeated.status.code(), Some(1), "{}", text(&repeated));
        let repeated_folder = last_after(&text(&repeated), "the run is stored in ").to_owned();
        let history = |folder: &Path| fs::read(folder.join("history.jsonl")).unwrap();
        assert_eq!(history(Path::new(&repeated_folder)), history(folder));
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
fn shrinking_finds_a_smaller_failure_with_a_command_that_repeats_it() {
    let store = TempDir::new().unwrap();
    let stdout = storm(&store, &format!("{FORGETFUL} --seeds 0..20 --shrink"), 1);
    assert!(stdout.contains("other runs that fails:"), "{stdout}");
    let small = stdout.split("other runs that fails:").nth(1).unwrap();
    // One node, one value and one kill suffice, or little more.
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
    for text in ["clients", r#""type":"broadcast""#, "nemesis: start-kill"] {
        assert!(small.contains(text), "no {text:?} in {small}");
    }
    let repeated = repeat(&store, last_after(&stdout, "again: "));
    assert_eq!(repeated.status.code(), Some(1), "{}", text(&repeated));
    let finding = small
        .lines()
        .find(|line| line.contains(" is lost: "))
        .unwrap();
    assert!(text(&repeated).contains(finding), "{}", text(&repeated));

    // With --json, stdout has only the report.
    let args = format!("{FORGETFUL} --seeds 0..20 --shrink --shrink-runs 64 --json");
    let reports = reports(&store, &args, 1);
    assert_eq!(reports[0]["tally"]["failures"].as_array().unwrap().len(), 1);
}

#[test]
fn bad_usage_of_storm_and_merge_exits_with_254_and_a_reason() {
    let store = TempDir::new().unwrap();
    for (args, reason) in [
        ("storm", "NAME"),
        ("storm tango", "invalid value 'tango' for '[NAME]...'"),
        ("storm echo --seeds 5..5", "expected seeds as 0..10000"),
        ("storm echo --seeds -3", "-3"),
        ("storm echo --seeds 18446744073709551616", "--seeds"),
        ("storm echo --shard 0/3", "expected K/N"),
        ("storm echo --shard 4/3", "expected K/N"),
        ("storm echo --shard auto", "none of WORKBENCH_SHARD_INDEX"),
        ("storm echo --jobs 0", "--jobs"),
        ("storm echo --nemesis tango", "there are partition, loss"),
        (
            "storm echo --workload broadcast",
            "--workload is not for storm",
        ),
        ("storm echo --node a --node b", "--node is not for storm"),
        ("storm echo --nodes a,b", "--nodes is not for storm"),
        ("storm --bin ./node", "NAME"),
    ] {
        let output = workbench_in(&store, args);
        assert_eq!(output.status.code(), Some(254), "{args}\n{}", text(&output));
        assert!(text(&output).contains(reason), "{args}\n{}", text(&output));
    }
    let output = workbench(&["merge"]);
    assert_eq!(output.status.code(), Some(254));
    let flags = "storm echo --node-flags=--nonsense";
    let output = workbench_in(&store, flags);
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
    // There may be more shards than seeds.
    let reports = reports(&store, "echo --time-limit 1 --seeds 0..2 --shard 1/5", 0);
    assert_eq!(reports[0]["seeds"], json!([[0, 0]]));
}

#[test]
fn reports_that_do_not_fit_together_are_not_merged() {
    let store = TempDir::new().unwrap();
    let path = |name: &str| store.path().join(name).to_str().unwrap().to_owned();
    let part = |name: &str, args: &str| {
        let part = storm(&store, &format!("echo --time-limit 1 --json {args}"), 0);
        fs::write(path(name), &part).unwrap();
        part
    };
    let good = part("0-3", "--seeds 0..3");
    part("2-5", "--seeds 2..5");
    part("3-5 pinned", "--seeds 3..5 --latency 10");
    part("3-5 fixed", "--seeds 3..5 --fixed");
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
    fs::write(path("list"), "\n").unwrap();

    let assert_refused = |files: &[&str], reason: &str| {
        let mut args = vec!["merge".to_owned()];
        args.extend(files.iter().map(|file| path(file)));
        let output = workbench(&args);
        let text = text(&output);
        assert_eq!(output.status.code(), Some(255), "{files:?}\n{text}");
        assert!(
            text.contains(reason) && text.starts_with("error: "),
            "{files:?}\n{text}"
        );
        assert!(!text.contains("panicked"), "{text}");
    };
    assert_refused(&["0-3", "2-5"], "seeds 0..3 and 2..5 overlap");
    assert_refused(&["0-3", "0-3"], "overlap");
    assert_refused(&["0-3", "3-5 pinned"], "these reports cannot be merged");
    assert_refused(&["3-5 fixed", "0-3"], "these reports cannot be merged");
    let no_report = "is not an output of `storm --json`";
    for file in ["truncated", "nothing", "other", "twice", "bytes"] {
        assert_refused(&["0-3", file], no_report);
    }
    for file in ["negative", "another field", "a missing field"] {
        assert_refused(&[file], no_report);
    }
    assert_refused(&["no report"], "contains no report");
    assert_refused(&["more runs"], "do not agree");
    assert_refused(&["more valid"], "do not agree");
    assert_refused(&["missing"], "cannot read");
    assert_refused(&["."], "");
    let list = format!("--files-from={}", path("list"));
    let output = workbench(&["merge", &list]);
    assert_eq!(output.status.code(), Some(255), "{}", text(&output));
    assert!(text(&output).contains("names no file"), "{}", text(&output));
}

#[test]
fn an_unwritable_store_affects_neither_report_nor_exit_status() {
    let store = TempDir::new().unwrap();
    fs::write(store.path().join("store"), "a file").unwrap();
    let args = format!("storm {FORGETFUL} --seeds 0..20 --json");
    let output = workbench_in(&store, &args);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("error: the run was not stored: cannot create"),
        "{stderr}"
    );
    let reports = without_wall(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(reports[0]["tally"]["invalid"], 1);

    // Files are limited to one block, as on a full disk.
    let full = TempDir::new().unwrap();
    let script = format!("trap '' XFSZ; ulimit -f 1; exec \"$BENCH\" {args} --store \"$STORE\"");
    let mut sh = clean_env(Command::new("sh"));
    sh.args(["-c", &script])
        .env("BENCH", env!("CARGO_BIN_EXE_workbench"));
    let output = sh.env("STORE", full.path().join("store")).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("error: the run was not stored: cannot write"),
        "{stderr}"
    );
}

#[test]
fn a_closed_stdout_does_not_change_the_exit_status() {
    let store = TempDir::new().unwrap();
    let path = store.path().join("store");
    let failing = format!("storm {FORGETFUL} --seeds 0..20 --shrink --shrink-runs 32");
    let json = "storm echo --time-limit 1 --seeds 0..3 --json";
    for (args, exit) in [(failing.as_str(), 1), (json, 0)] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = clean_env(Command::new(env!("CARGO_BIN_EXE_workbench")));
        command
            .args(args.split_whitespace())
            .arg("--store")
            .arg(&path);
        let child = command
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "{args}\n{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
}
