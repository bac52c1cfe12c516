//! Shards that the environment names, seeds that are missing, long lists of parts, and the page of a
//! campaign.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::bench::{clean_env, text, workbench, workbench_with_env};

const ECHO: [&str; 6] = ["storm", "echo", "--time-limit", "1", "--seeds", "0..8"];

#[test]
fn each_system_that_runs_arrays_of_jobs_names_the_part() {
    let slurm = [
        ("SLURM_ARRAY_TASK_ID", "7"),
        ("SLURM_ARRAY_TASK_COUNT", "4"),
        ("SLURM_ARRAY_TASK_MIN", "3"),
        ("SLURM_ARRAY_TASK_MAX", "9"),
        ("SLURM_ARRAY_TASK_STEP", "2"),
    ];
    let gitlab = [("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "4")];
    let buildkite = [
        ("BUILDKITE_PARALLEL_JOB", "0"),
        ("BUILDKITE_PARALLEL_JOB_COUNT", "2"),
    ];
    let circle = [("CIRCLE_NODE_INDEX", "3"), ("CIRCLE_NODE_TOTAL", "4")];
    let by_hand = [
        ("WORKBENCH_SHARD_INDEX", "1"),
        ("WORKBENCH_SHARD_COUNT", "8"),
    ];
    for (variables, shard, seeds, line) in [
        (
            &slurm[..],
            "auto",
            [4, 6],
            "part 3 of 4, by SLURM_ARRAY_TASK_ID",
        ),
        (&gitlab, "auto", [2, 4], "part 2 of 4, by CI_NODE_INDEX"),
        (
            &buildkite,
            "auto",
            [0, 4],
            "part 1 of 2, by BUILDKITE_PARALLEL_JOB",
        ),
        (
            &circle,
            "auto/4",
            [6, 8],
            "part 4 of 4, by CIRCLE_NODE_INDEX",
        ),
        (
            &by_hand,
            "auto",
            [1, 2],
            "part 2 of 8, by WORKBENCH_SHARD_INDEX",
        ),
        (
            &by_hand[..1],
            "auto/4",
            [2, 4],
            "part 2 of 4, by WORKBENCH_SHARD_INDEX",
        ),
        (
            &[("JOB_COMPLETION_INDEX", "3")],
            "auto/4",
            [6, 8],
            "part 4 of 4, by JOB_COMPLETION_INDEX",
        ),
    ] {
        let args = [&ECHO[..], &["--json", "--shard", shard]].concat();
        let output = workbench_with_env(variables, &args);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        let reports: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(reports[0]["seeds"], serde_json::json!([seeds]), "{line}");
        assert!(text(&output).contains(line), "{line}\n{}", text(&output));
    }
    let args = [&ECHO[..], &["--shard", "auto/5"]].concat();
    let output = workbench_with_env(&gitlab, &args);
    assert_eq!(output.status.code(), Some(254), "{}", text(&output));
    let why = "CI_NODE_TOTAL is 4, so there are not 5 parts";
    assert!(text(&output).contains(why), "{}", text(&output));
}

#[test]
fn a_command_to_repeat_does_not_depend_on_the_environment() {
    let folder = TempDir::new().unwrap();
    let junit = folder.path().join("junit.xml");
    let args = ["--shard", "auto/4", "--junit", junit.to_str().unwrap()];
    let args = [&ECHO[..], &args].concat();
    let output = workbench_with_env(&[("JOB_COMPLETION_INDEX", "2")], &args);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let junit = fs::read_to_string(junit).unwrap();
    assert!(junit.contains("--shard 3/4"), "{junit}");
    assert!(!junit.contains("auto"), "{junit}");
}

/// Writes the outputs of these parts of ten to files, which it returns.
fn parts(folder: &TempDir, campaign: &[&str], parts: &[u32]) -> Vec<String> {
    let part = |part: &u32| {
        let shard = format!("{part}/10");
        let args = campaign
            .iter()
            .copied()
            .chain(["--json", "--shard", &shard]);
        let store = folder.path().join("store");
        let args = args.chain(["--store", store.to_str().unwrap()]);
        let output = workbench(&args.collect::<Vec<_>>());
        let file = folder.path().join(format!("part-{part}.json"));
        fs::write(&file, output.stdout).unwrap();
        file.to_str().unwrap().to_owned()
    };
    parts.iter().map(part).collect()
}

#[test]
fn seeds_that_were_not_run_are_named_wherever_they_are_missing() {
    let folder = TempDir::new().unwrap();
    let campaign = ["storm", "echo", "--time-limit", "1", "--seeds", "0..20"];
    let all: Vec<u32> = (1..=10).collect();
    let all = parts(&folder, &campaign, &all);
    for (left_out, missing) in [
        (&[][..], None),
        (&[0], Some("2 seeds of the campaign not run: 0..2")),
        (&[9], Some("2 seeds of the campaign not run: 18..20")),
        (
            &[3, 4, 7],
            Some("6 seeds of the campaign not run: 6..10, 14..16"),
        ),
    ] {
        let kept = all.iter().enumerate();
        let kept = kept.filter(|(index, _)| !left_out.contains(index));
        let list: String = kept.map(|(_, file)| format!("{file}\n")).collect();
        let mut merge = clean_env(Command::new(env!("CARGO_BIN_EXE_workbench")));
        merge.args(["merge", "--files-from", "-", "--json"]);
        merge.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut merge = merge.stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = merge.stdin.take().unwrap();
        stdin.write_all(list.as_bytes()).unwrap();
        drop(stdin);
        let output = merge.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        let stderr = String::from_utf8_lossy(&output.stderr);
        let reports: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(reports[0]["planned"], serde_json::json!([[0, 20]]));
        match missing {
            Some(missing) => assert!(stderr.contains(missing), "{missing}\n{stderr}"),
            None => assert_eq!(stderr, ""),
        }
    }
}

#[test]
fn the_page_of_a_campaign_has_its_parts_and_each_kind_of_failure_with_a_command() {
    let folder = TempDir::new().unwrap();
    let campaign = "storm broadcast-3c --nemesis kill --time-limit 3 --rate 20 --node-count 3 \
                    --seeds 0..40 --keep-going";
    let campaign: Vec<&str> = campaign.split_whitespace().collect();
    let mut args = vec!["merge".to_owned()];
    args.extend(parts(&folder, &campaign, &[1, 2, 3, 5]));
    let page = folder.path().join("page.html");
    args.extend(["--page".to_owned(), page.to_str().unwrap().to_owned()]);
    let output = workbench(&args);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let page = fs::read_to_string(page).unwrap();
    for expected in [
        "<title>Storms of broadcast-3c</title>",
        "of 16 runs valid; 24 seeds of the campaign not run.",
        "<dt>not run</dt><dd>12..16, 20..40</dd>",
        "lost values",
        "workbench storm broadcast-3c --seeds ",
        "part-5.json</th>",
        "<td class=\"number\">16..20</td>",
        "seeds a second",
    ] {
        assert!(page.contains(expected), "{expected}\n{page}");
    }
    assert!(!page.contains("<script"), "{page}");
    assert!(text(&output).contains("lost values: "), "{}", text(&output));
    // A page that was asked for and cannot be written is an error.
    let to_folder = ["--page", folder.path().to_str().unwrap()];
    let args: Vec<&str> = args[..2]
        .iter()
        .map(String::as_str)
        .chain(to_folder)
        .collect();
    let output = workbench(&args);
    assert_eq!(output.status.code(), Some(255), "{}", text(&output));
    assert!(text(&output).contains("cannot write"), "{}", text(&output));
}
