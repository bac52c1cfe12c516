//! What the bench draws on a terminal of 80 columns and on narrower ones: help, tables and progress.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use super::bench::{clean_env, node, workbench, workbench_with_env};
use super::output::{ESCAPE, TestFolder, assert_exit, has_python, stderr, stdout};

const COMMANDS: [&str; 11] = [
    "",
    "test",
    "check",
    "challenge",
    "storm",
    "merge",
    "sweep",
    "doc",
    "serve",
    "completions",
    "man",
];

fn help(command: &str, flag: &str, columns: usize) -> String {
    let columns = columns.to_string();
    let words = command.split_whitespace().chain([flag]);
    let output = workbench_with_env(&[("COLUMNS", &columns)], &words.collect::<Vec<_>>());
    assert_exit(&output, 0)
}

/// The part of a help below this heading.
fn section<'a>(help: &'a str, heading: &str) -> &'a str {
    let (_, rest) = help.split_once(&format!("\n{heading}:\n")).expect(help);
    rest.split("\n\n")
        .take_while(|it| it.starts_with("      "))
        .last()
        .map_or("", |last| {
            let end = last.as_ptr() as usize + last.len() - rest.as_ptr() as usize;
            &rest[..end]
        })
}

#[track_caller]
fn assert_fits(text: &str, columns: usize) {
    let wide = text.lines().find(|line| line.chars().count() > columns);
    assert_eq!(wide, None, "wider than {columns} columns in\n{text}");
}

#[test]
fn the_help_of_each_command_fits_and_breaks_no_word() {
    for command in COMMANDS {
        for flag in ["-h", "--help"] {
            let wide = help(command, flag, 1_000);
            for columns in [80, 60] {
                let narrow = help(command, flag, columns);
                assert_fits(&narrow, columns);
                let [narrow, wide] = [&narrow, &wide].map(|it| it.split_whitespace());
                assert!(narrow.eq(wide), "{command} {flag}");
            }
        }
    }
}

#[test]
fn the_short_help_lists_what_is_common_and_the_long_one_everything() {
    for (command, common, rare) in [
        ("test", "--nemesis-interval", "--loss-interval"),
        ("challenge", "--runs", "--stop-at"),
        ("storm", "--shrink", "--loss-interval"),
        ("sweep", "--vary", "--loss-interval"),
    ] {
        let [short, long] = ["-h", "--help"].map(|flag| help(command, flag, 80));
        assert!(short.contains(common) && long.contains(common), "{short}");
        assert!(!short.contains(rare) && long.contains(rare), "{short}");
        assert!(short.lines().count() < 100, "{short}");
    }
}

#[test]
fn the_help_says_only_what_holds() {
    let test = help("test", "--help", 80);
    let hosts = section(&test, "Hosts");
    let flags = hosts.lines().filter(|line| line.starts_with("      --"));
    assert_eq!(flags.count(), 11, "{hosts}");
    assert!(test.contains("in whole seconds"), "{test}");
    // The options of a test have other defaults in storms and sweeps.
    for command in ["storm", "sweep"] {
        let help = help(command, "--help", 80);
        for heading in ["Load and network", "Faults", "Checks"] {
            let section = section(&help, heading).split_whitespace();
            let section = section.collect::<Vec<_>>().join(" ");
            let defaults: Vec<&str> = section.split("[default: ").skip(1).collect();
            assert!(!defaults.is_empty(), "{help}");
            let says = |it: &&str| it.starts_with("drawn") || it.starts_with("as in");
            assert!(defaults.iter().all(says), "{defaults:?}");
        }
        assert!(!help.contains("--nodes and"), "{help}");
    }
    assert!(!help("sweep", "-h", 80).contains(", all]"));
    assert!(help("storm", "-h", 80).contains(", all]"));
}

#[test]
fn a_time_limit_is_a_whole_number_of_seconds() {
    for text in ["1.5", "0", "soon", "4294967296"] {
        let output = workbench(&["test", "--bin", "x", "--time-limit", text]);
        let text = assert_exit(&output, 254);
        assert!(
            text.contains("expected a whole number of seconds above 0"),
            "{text}"
        );
    }
}

#[test]
fn tables_fit_80_columns_whatever_they_are_about() {
    let folder = TestFolder::new();
    for args in [
        "challenge broadcast-3d kafka-5b --simulate --seed 3 --runs 2",
        "sweep broadcast-3e --vary period,slack=0..400:400 --seeds 1 --time-limit 2 \
         --out FILE",
    ] {
        // A sweep has no store.
        let output = match args.starts_with("sweep") {
            true => {
                let out = folder.path("file").display().to_string();
                let args = args.replace("FILE", &out);
                workbench(&args.split_whitespace().collect::<Vec<_>>())
            }
            false => folder.workbench(&[], args),
        };
        let text = assert_exit(&output, 0);
        let rows: Vec<&str> = text.lines().filter(|it| it.contains('│')).collect();
        assert!(rows.len() > 2, "{text}");
        assert_fits(&rows.join("\n"), 80);
    }
}

/// A node under a path that is much longer than a line.
fn node_with_a_long_path(folder: &TestFolder) -> String {
    let long = folder.path(&format!("{0}/{0}", "a-folder-with-a-long-name".repeat(3)));
    fs::create_dir_all(&long).unwrap();
    let program = long.join("a node.py");
    symlink(node("scripted.py"), &program).unwrap();
    program.display().to_string()
}

#[test]
fn another_program_has_the_official_requirements_alone() {
    if !has_python() || process_simulator::check().is_err() {
        return;
    }
    let folder = TestFolder::new();
    let program = node_with_a_long_path(&folder);
    let store = folder.path("store").display().to_string();
    let output = workbench(&[
        "challenge",
        "echo",
        "--simulate",
        "--seed",
        "3",
        "--bin",
        &program,
        "--store",
        &store,
    ]);
    let text = assert_exit(&output, 0);
    let rows: Vec<&str> = text.lines().filter(|it| it.contains('│')).collect();
    let expected = [
        "│ requirement ┆ measured ┆ official ┆   │",
        "│ history     ┆    valid ┆    valid ┆ ✓ │",
    ];
    assert_eq!(rows, expected, "{text}");
    let ours = assert_exit(
        &folder.workbench(&[], "challenge echo --simulate --seed 3"),
        0,
    );
    assert!(ours.contains("┆ our bar ┆"), "{ours}");
}

/// What a command draws on a terminal of so many columns.
fn drawn(columns: usize, command: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/processes/live/terminal.py");
    let mut python = clean_env(Command::new("python3"));
    python
        .arg(script)
        .arg(columns.to_string())
        .arg(env!("CARGO_BIN_EXE_workbench"));
    python.args(command).env("TERM", "xterm").output().unwrap()
}

/// Each line that was visible at some time, without colours.
fn lines(output: &Output) -> Vec<String> {
    let text = stdout(output);
    let mut lines = Vec::new();
    for line in text.split(['\r', '\n']) {
        // A line is cleared before it is drawn again.
        let line = line.rsplit("\u{1b}[2K").next().unwrap_or_default();
        let plain = console::strip_ansi_codes(line);
        lines.push(plain.trim_end().to_owned());
    }
    lines
}

#[test]
fn progress_is_one_line_with_the_phase_and_counts() {
    if !has_python() {
        return;
    }
    let folder = TestFolder::new();
    let store = folder.path("store").display().to_string();
    let program = node_with_a_long_path(&folder);
    for columns in [80, 40] {
        let output = drawn(
            columns,
            &[
                "test",
                "-w",
                "echo",
                "--node-count",
                "2",
                "--time-limit",
                "4",
                "--rate",
                "50",
                "--store",
                &store,
                "--bin",
                &program,
            ],
        );
        let lines = lines(&output);
        assert!(output.status.success(), "{lines:#?}");
        let has = |words: &[&str]| {
            let is_it = |line: &String| words.iter().all(|word| line.contains(word));
            lines.iter().any(is_it)
        };
        assert!(has(&["echo  starting nodes"]), "{lines:#?}");
        // A busy machine draws less often, and operations may fail there.
        let counts: &[&str] = match columns {
            80 => &[" operations, ", " failed  ", " messages/s"],
            _ => &[" ops, ", " failed"],
        };
        let is_drawn = (1..4).any(|second| {
            let load = format!("  load {second} of 4 s  ");
            has(&[&[&load[..]], counts].concat())
        });
        assert!(is_drawn, "{lines:#?}");
        // Of the other lines only the folder is longer, which has no spaces.
        let progress = lines.iter().filter(|it| it.contains("echo  "));
        for line in progress {
            assert!(line.chars().count() <= columns, "{line:?}");
        }
    }
}

#[test]
fn commands_to_copy_are_not_broken() {
    if !has_python() {
        return;
    }
    let folder = TestFolder::new();
    let node = folder.path("a node with a long name");
    let output = drawn(40, &["new", "--language", "rust", node.to_str().unwrap()]);
    let lines = lines(&output);
    assert!(output.status.success(), "{lines:#?}");
    for command in [
        format!(
            "cargo build --release --manifest-path '{0}/Cargo.toml' ",
            node.display()
        ),
        format!(" echo --bin '{0}/target/release/node'", node.display()),
    ] {
        assert!(lines.iter().any(|it| it.contains(&command)), "{lines:#?}");
    }
}

#[test]
fn a_campaign_shows_how_many_seeds_are_done_and_have_failed() {
    if !has_python() {
        return;
    }
    let folder = TestFolder::new();
    let store = folder.path("store").display().to_string();
    let args = format!(
        "storm broadcast-3c --nemesis kill --time-limit 3 --rate 20 --node-count 3 --seeds 0..30 \
         --keep-going --store {store}"
    );
    let args: Vec<&str> = args.split_whitespace().collect();
    for columns in [80, 50] {
        let output = drawn(columns, &args);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let lines = lines(&output);
        // A line above the bar is padded, without a line break.
        let bar = |line: &'_ String| line.rfind("broadcast-3c  ").map(|at| line[at..].to_owned());
        let bars: Vec<String> = lines.iter().filter_map(bar).collect();
        assert!(
            bars.iter().any(|it| it.contains("  0 failed")),
            "{lines:#?}"
        );
        let is_later = |it: &String| it.contains(" of 30 seeds") && !it.contains("  0 failed");
        assert!(bars.iter().any(is_later), "{lines:#?}");
        for line in bars {
            assert!(line.chars().count() <= columns, "{line:?}");
        }
    }
    // A log has no progress and no control characters.
    let output = workbench(&args);
    assert_eq!(stderr(&output), "");
    assert!(!stdout(&output).contains(ESCAPE), "{output:?}");
}
