//! The house's rules: which way dependencies run, and who may know a clock, a thread or a pipe.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Each package of the workspace, and what it depends on, for tests and builds too.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(workspace())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let name = |it: &serde_json::Value| it["name"].as_str().unwrap().to_owned();
    packages
        .iter()
        .map(|it| {
            (
                name(it),
                it["dependencies"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(name)
                    .collect(),
            )
        })
        .collect()
}

#[test]
fn dependencies_run_from_the_mutants_to_the_workbench_to_the_challenges_to_shared() {
    let packages = dependencies();
    let ours: BTreeSet<&str> = packages.keys().map(String::as_str).collect();
    for (package, needs) in &packages {
        let own: Vec<&str> = needs
            .iter()
            .filter(|it| *it != package)
            .map(String::as_str)
            .collect();
        let own: Vec<&str> = own.into_iter().filter(|it| ours.contains(it)).collect();
        match package.as_str() {
            "shared" => assert!(own.is_empty(), "shared needs {own:?}"),
            // All but itself and the mutants.
            "workbench" => assert_eq!(own.len(), ours.len() - 2, "the bench knows all solutions"),
            "mutants" => assert!(own.contains(&"workbench"), "they are tested by the bench"),
            "replication" | "echo" | "unique-ids" => assert_eq!(own, ["shared"], "{package}"),
            challenge => assert_eq!(own, ["replication", "shared"], "{challenge}"),
        }
        assert!(
            !own.contains(&"mutants"),
            "{package} needs what is wrong on purpose"
        );
    }
}

#[test]
fn shared_and_the_challenges_stand_on_four_packages_of_others() {
    let allowed = [
        "anyhow",
        "clap",
        "serde",
        "serde_json",
        "shared",
        "replication",
    ];
    for (package, needs) in dependencies()
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "workbench" | "mutants"))
    {
        for need in needs {
            assert!(allowed.contains(&need.as_str()), "{package} needs {need}");
        }
    }
}

/// Words that reach into the world, and the files that may use them.
const WORLD: [(&str, &[&str]); 12] = [
    ("Instant", CLOCKS),
    ("SystemTime", CLOCKS),
    ("Zoned", CLOCKS),
    ("std::thread", CLOCKS),
    ("thread::", CLOCKS),
    // Whole runs side by side, which know nothing of one another.
    (
        "rayon",
        &[
            "workbench/src/cli/nodes.rs",
            "workbench/src/storm/campaign.rs",
            "workbench/src/storm/shrink.rs",
            "workbench/src/sweep.rs",
        ],
    ),
    (
        "Stdio",
        &[
            "workbench/src/child.rs",
            "workbench/src/cli/",
            "workbench/src/solutions.rs",
        ],
    ),
    (
        "stdin()",
        &["shared/src/stdio.rs", "workbench/src/cli/check.rs"],
    ),
    ("stdout()", &["shared/src/stdio.rs", "workbench/src/cli.rs"]),
    (
        "std::net",
        &["workbench/src/serve.rs", "workbench/src/cli/serve.rs"],
    ),
    ("tokio", &["workbench/src/serve"]),
    ("axum", &["workbench/src/serve"]),
];

const CLOCKS: &[&str] = &[
    "shared/src/stdio.rs",
    "workbench/src/live.rs",
    "workbench/src/child.rs",
];

#[test]
fn only_the_runtimes_know_a_clock_a_thread_or_a_pipe() {
    let mut seen = 0;
    for file in sources(workspace()) {
        let text = std::fs::read_to_string(&file).unwrap();
        // What stands in comments and in unit tests at a file's end is not the product.
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
            for (word, homes) in WORLD {
                let is_home = homes.iter().any(|home| name.starts_with(home));
                assert!(
                    is_home || !line.contains(word),
                    "{name}, near line {number}: {line}"
                );
                seen += usize::from(is_home && line.contains(word));
            }
        }
    }
    assert!(seen > 5, "the words are found where they may be");
}

/// All source files of the product: those below each member's `src`.
fn sources(workspace: &Path) -> Vec<PathBuf> {
    let mut open: Vec<PathBuf> = std::fs::read_dir(workspace)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .chain([workspace.join("shared/replication")])
        .map(|package| package.join("src"))
        .filter(|path| path.is_dir())
        .collect();
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 30, "{files:?}");
    files
}

#[test]
fn continuous_integration_runs_every_challenge_here_and_on_maelstrom() {
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
