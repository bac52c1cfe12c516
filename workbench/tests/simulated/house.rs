//! The house rules: directions of dependencies, and which files may use a clock, a thread, a pipe or a
//! socket.

mod packages;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The six solutions' packages.
const SOLUTIONS: [&str; 6] = [
    "echo",
    "unique-ids",
    "broadcast",
    "g-counter",
    "kafka-log",
    "txn",
];

/// The only external packages that `shared`, `replication` and the solutions may need.
const EXTERNAL: [&str; 4] = ["anyhow", "clap", "serde", "serde_json"];

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn cargo(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).arg("--locked");
    let output = command.current_dir(workspace()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// A package of the workspace.
struct Member {
    name: String,
    folder: PathBuf,
    /// Dependencies of the product.
    needs: BTreeSet<String>,
    /// Dependencies only of its tests, benchmarks and build script.
    tests_need: BTreeSet<String>,
}

fn members() -> Vec<Member> {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let member = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap();
        let names = |is_product: bool| {
            let some = all.iter().filter(|it| it["kind"].is_null() == is_product);
            some.map(|it| text(&it["name"])).collect()
        };
        Member {
            name: text(&package["name"]),
            folder: Path::new(&text(&package["manifest_path"]))
                .parent()
                .unwrap()
                .to_owned(),
            needs: names(true),
            tests_need: names(false),
        }
    };
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(member).collect()
}

#[test]
fn dependencies_run_one_way() {
    let members = members();
    let names: BTreeSet<&str> = members.iter().map(|it| it.name.as_str()).collect();
    let all_but = |out: &[&str]| {
        let rest = names.iter().copied().filter(|name| !out.contains(name));
        rest.collect::<BTreeSet<&str>>()
    };
    for member in &members {
        let allowed: BTreeSet<&str> = match member.name.as_str() {
            "shared" | "history" | "mutants" => BTreeSet::new(),
            "replication" | "echo" | "unique-ids" => ["shared"].into(),
            "broadcast" | "g-counter" | "kafka-log" | "txn" => ["replication", "shared"].into(),
            "checkers" => ["history"].into(),
            "simulator" => ["checkers", "history", "shared"].into(),
            "process-simulator" => ["simulator"].into(),
            "pages" => ["checkers", "history", "shared", "simulator"].into(),
            "serve" => ["pages"].into(),
            "workbench" => all_but(&["workbench", "mutants", "fuzz-targets", "replication"]),
            "fuzz-targets" => [
                "checkers",
                "history",
                "pages",
                "serve",
                "shared",
                "simulator",
                "workbench",
            ]
            .into(),
            other => panic!("add the package {other} here"),
        };
        let own = member.needs.iter().map(String::as_str);
        let own: BTreeSet<&str> = own.filter(|it| names.contains(it)).collect();
        assert_eq!(own, allowed, "{}", member.name);
    }
}

#[test]
fn only_the_bench_and_the_mutants_need_the_solutions() {
    for Member {
        name,
        needs,
        tests_need,
        ..
    } in members()
    {
        let is_other = |it: &String| SOLUTIONS.contains(&it.as_str()) && *it != name;
        let needs_others = needs.iter().chain(&tests_need).any(is_other);
        assert!(
            !needs_others || ["workbench", "mutants"].contains(&&*name),
            "{name}"
        );
        assert!(!tests_need.contains("mutants"), "{name} needs the mutants");
    }
}

#[test]
fn shared_replication_and_the_solutions_need_only_four_external_packages() {
    let ours = ["shared", "replication"];
    for member in members() {
        if ours.contains(&&*member.name) || SOLUTIONS.contains(&&*member.name) {
            let is_allowed = |need: &String| EXTERNAL.contains(&&**need) || ours.contains(&&**need);
            let other = member.needs.iter().find(|need| !is_allowed(need));
            assert_eq!(other, None, "{}", member.name);
        }
    }
}

#[test]
fn only_nodes_and_the_command_line_need_clap() {
    let with_flags = ["shared", "replication", "workbench"];
    for member in members().iter().filter(|it| it.needs.contains("clap")) {
        let name = &*member.name;
        assert!(
            with_flags.contains(&name) || SOLUTIONS.contains(&name),
            "{name}"
        );
    }
}

/// Names of the outside world, and the files that may use them.
const WORLD: [(&str, &[&str]); 13] = [
    ("Instant", CLOCKS),
    ("SystemTime", CLOCKS),
    ("Zoned", CLOCKS),
    ("std::thread", CLOCKS),
    ("thread::", CLOCKS),
    // Whole runs in parallel, which share nothing.
    (
        "rayon",
        &[
            "workbench/src/cli/jobs.rs",
            "workbench/src/sweep.rs",
            "workbench/simulator/src/storm/",
        ],
    ),
    (
        "Stdio",
        &[
            "workbench/src/child.rs",
            "workbench/src/cli/",
            "workbench/src/hosts/",
            "workbench/src/keeper.rs",
            "workbench/src/solutions.rs",
        ],
    ),
    (
        "stdin()",
        &[
            "shared/src/stdio.rs",
            "workbench/src/cli/check.rs",
            "workbench/src/cli/merge.rs",
            "workbench/src/debugger.rs",
            "workbench/src/keeper.rs",
        ],
    ),
    ("signal_hook", &["workbench/src/interrupt.rs"]),
    (
        "stdout()",
        &[
            "shared/src/stdio.rs",
            "workbench/src/cli.rs",
            "workbench/src/cli/parsed.rs",
        ],
    ),
    (
        "std::net",
        &["workbench/serve/", "workbench/src/cli/serve.rs"],
    ),
    ("tokio", &["workbench/serve/"]),
    ("axum", &["workbench/serve/"]),
];

const CLOCKS: &[&str] = &[
    "shared/src/stdio.rs",
    "workbench/src/live.rs",
    "workbench/src/child.rs",
    "workbench/src/child/output.rs",
    "workbench/src/hosts",
    // A thread waits for the disk.
    "workbench/src/log.rs",
    // A thread waits for signals, and tells two from one by their distance in time.
    "workbench/src/interrupt.rs",
    "workbench/process-simulator/src/linux/",
];

#[test]
fn only_the_runtimes_use_a_clock_a_thread_or_a_pipe() {
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for file in sources() {
        let text = std::fs::read_to_string(&file).unwrap();
        // Comments, and unit tests at the end of a file, are not the product.
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code = product
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let name = file
            .strip_prefix(workspace())
            .unwrap()
            .to_string_lossy()
            .replace('\\', "/");
        for (number, line) in code.enumerate() {
            for (word, allowed) in WORLD.iter().filter(|(word, _)| line.contains(word)) {
                let is_allowed = allowed.iter().any(|path| name.starts_with(path));
                assert!(is_allowed, "{name}, near line {number}: {line}");
                *found.entry(*word).or_default() += 1;
            }
        }
    }
    assert!(
        found.len() > 8,
        "most names are used where they are allowed: {found:?}"
    );
}

#[test]
fn no_source_file_is_longer_than_450_lines() {
    for file in sources() {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 450, "{} has {lines} lines", file.display());
    }
}

/// All source files of the product, which are below each member's `src`.
fn sources() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = members().iter().map(|it| it.folder.join("src")).collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        // The mutants have no `src`.
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 200, "{files:?}");
    files
}

#[test]
fn continuous_integration_runs_every_challenge_on_the_bench_and_on_maelstrom() {
    let workflow = std::fs::read_to_string(workspace().join(".github/workflows/ci.yml")).unwrap();
    let names = workbench::challenge::ALL.iter().map(|it| it.name);
    let list = names
        .map(|name| format!("          - {name}\n"))
        .collect::<String>();
    assert_eq!(
        workflow.matches(&list).count(),
        2,
        "{list} in both matrices"
    );
}

/// Words that comments, names and messages avoid. Each is in two parts, so that this file has none.
const AVOIDED: [&str; 9] = [
    concat!("who", "m"),
    concat!("who", "ever"),
    concat!("no", "body"),
    concat!("le", "st"),
    concat!("in ", "vain"),
    concat!("be", " it"),
    concat!("to", "ld"),
    concat!("he", "ard"),
    concat!("hear", "ken"),
];

#[test]
fn comments_names_and_messages_use_plain_words() {
    const MAX_LINES: usize = 40;
    if !workspace().join(".git").exists() {
        eprintln!("skipped: {} is not a git repository", workspace().display());
        return;
    }
    let mut command = Command::new("git");
    command.args(["grep", "-nwiE", &AVOIDED.join("|"), "--"]);
    command.args(["*.rs", "*.html", "*.md"]);
    let output = command.current_dir(workspace()).output().unwrap();
    // Status 1 means that no line matches.
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{stderr}");
    let list = String::from_utf8_lossy(&output.stdout);
    let lines = list.lines().count();
    assert!(
        lines <= MAX_LINES,
        "{lines} lines, at most {MAX_LINES} may have one of {AVOIDED:?}:\n{list}"
    );
}
