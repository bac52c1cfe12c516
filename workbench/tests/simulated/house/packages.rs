//! Packages of others: how many, which, why, and for which Rust. A new one is a decision, so these are
//! exact, and counted for one platform wherever the tests run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::fs;

use serde_json::Value;

use super::{EXTERNAL, cargo, members, workspace};

const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// How many packages each of ours is built from, itself included.
const COUNTS: [(&str, usize); 17] = [
    ("broadcast", 28),
    ("checkers", 24),
    ("echo", 27),
    ("fuzz-targets", 152),
    ("g-counter", 28),
    ("history", 22),
    ("kafka-log", 28),
    ("mutants", 1),
    ("pages", 67),
    ("process-simulator", 57),
    ("replication", 27),
    ("serve", 115),
    ("shared", 26),
    ("simulator", 49),
    ("txn", 28),
    ("unique-ids", 27),
    ("workbench", 150),
];

fn count(package: &str) -> usize {
    let tree = ["tree", "--edges", "normal", "--prefix", "none"];
    let tree = cargo(&[&tree[..], &["--target", PLATFORM, "--package", package]].concat());
    // A mark says that what a package needs was listed before.
    let packages = tree.lines().map(|line| line.trim_end_matches(" (*)"));
    packages.collect::<BTreeSet<&str>>().len()
}

#[test]
fn each_package_is_built_from_as_many_packages_as_was_decided() {
    let members = members();
    let counts = members.iter().map(|it| (&*it.name, count(&it.name)));
    assert_same(&counts.collect(), &COUNTS.into());
}

/// Names only what differs.
fn assert_same<T: Ord + Clone + Debug>(is: &BTreeSet<T>, decided: &BTreeSet<T>) {
    let (new, old) = (is - decided, decided - is);
    assert!(
        new.is_empty() && old.is_empty(),
        "{new:?} instead of {old:?}"
    );
}

#[test]
fn the_architecture_says_how_small_the_doors_are() {
    let [shared, checkers, simulator] =
        ["shared", "checkers", "simulator"].map(|door| BTreeMap::from(COUNTS)[door]);
    let sentence =
        format!("`shared` {shared} packages, `checkers` {checkers}, `simulator` {simulator}");
    assert!(architecture().contains(&sentence), "{sentence}");
}

fn architecture() -> String {
    fs::read_to_string(workspace().join("ARCHITECTURE.md")).unwrap()
}

#[test]
fn the_architecture_says_which_of_ours_uses_each_dependency_and_why() {
    let members = members();
    let ours: BTreeSet<&String> = members.iter().map(|it| &it.name).collect();
    let mut users: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for member in &members {
        for name in member.needs.union(&member.tests_need) {
            if !ours.contains(name) {
                users.entry(name).or_default().insert(&member.name);
            }
        }
    }
    users.extend(EXTERNAL.map(|name| (name, ["all"].into())));
    let rows = users.into_iter().map(|(name, users)| {
        let users: Vec<&str> = users.into_iter().collect();
        format!("`{name}` | {}", users.join(", "))
    });
    let text = architecture();
    let (_, section) = text.split_once("\n## Dependencies\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let written = section.lines().filter(|line| line.starts_with("| `"));
    let written = written.map(|row| {
        let (users, _) = row.trim_matches([' ', '|']).rsplit_once(" | ").unwrap();
        users.to_owned()
    });
    assert_same(&written.collect(), &rows.collect());
}

#[test]
fn no_package_needs_a_newer_rust_than_ours() {
    let metadata = ["metadata", "--format-version", "1"];
    let metadata = cargo(&[&metadata[..], &["--filter-platform", PLATFORM]].concat());
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    // A release and what mends it are of one language; a package may name only the former.
    let version = |package: &Value| -> Vec<u32> {
        let text = package["rust_version"].as_str().unwrap_or("1");
        text.split('.')
            .take(2)
            .map(|it| it.parse().unwrap())
            .collect()
    };
    let is_ours = |package: &&Value| package["name"] == "workbench";
    let ours = version(packages.iter().find(is_ours).unwrap());
    let newer = packages.iter().filter(|it| version(it) > ours);
    let newer: Vec<&Value> = newer.map(|it| &it["id"]).collect();
    assert!(newer.is_empty(), "newer than {ours:?}: {newer:?}");
}
