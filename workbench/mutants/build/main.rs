//! Makes mutants: for each file of the catalogue a copy of a solution, and of the mutated parts of
//! `shared` and `replication`, with one mistake in it. The sources themselves stay as they are.
//!
//! All copies become modules of the test, declared in `mutants.rs` in the build's output folder. An
//! entry that no longer fits the sources fails the build, so the catalogue stays up to date.

mod copy;
mod entry;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use copy::{Copy, Sources};
use entry::Entry;

/// The challenges whose solutions are mutated: name, package, and the code that makes a factory of
/// nodes, in which `HERE` is the module of the copy and `FLAGS` the nodes' flags.
const CHALLENGES: [(&str, &str, &str); 6] = [
    ("echo", "echo", "plain(|_, _| HERE::Echo)"),
    (
        "unique-ids",
        "unique-ids",
        "plain(|cluster, ctx| HERE::UniqueIds::boot(&cluster, ctx))",
    ),
    (
        "broadcast-3d",
        "broadcast",
        "with_flags(FLAGS, HERE::Broadcast::boot)",
    ),
    (
        "g-counter",
        "g-counter",
        "with_flags(FLAGS, HERE::GCounter::boot)",
    ),
    (
        "kafka-5c",
        "kafka-log",
        "with_flags(FLAGS, HERE::KafkaLog::boot)",
    ),
    ("txn-6c", "txn", "with_flags(FLAGS, HERE::Txn::boot)"),
];

/// The libraries of the solutions.
const LIBRARIES: [&str; 2] = ["shared", "shared/replication"];

fn main() -> ExitCode {
    match make() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("\n{why}\n");
            ExitCode::FAILURE
        }
    }
}

fn make() -> Result<(), String> {
    let own = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let workspace = own.ancestors().nth(2).ok_or("no workspace")?;
    let out = PathBuf::from(variable("OUT_DIR")?);
    watch(&own, workspace);

    let entries = catalogue(&own.join("catalogue"))?;
    let [shared, replication] = LIBRARIES.map(|library| Sources::read(workspace, library));
    let (shared, replication) = (shared?, replication?);
    let mut text = String::new();
    let mut list = String::new();
    for entry in &entries {
        let of_entry = |why| format!("catalogue/{}.txt: {why}", entry.name);
        let (package, factory) = solution(entry).map_err(of_entry)?;
        let solution = Sources::read(workspace, package)?;
        let copy = Copy {
            name: &entry.module(),
            solution: &solution.edited(&entry.edits).map_err(of_entry)?,
            shared: &shared.edited(&entry.edits).map_err(of_entry)?,
            replication: &replication.edited(&entry.edits).map_err(of_entry)?,
            changed: &changed([entry]),
        };
        text += &copy.write(&out)?;
        list += &format!(
            "Mutant {{ name: {:?}, mistake: {:?}, storm: StormOptions {{ challenge: {:?}, \
             faults: {:?}, pins: {:?}, node_flags: &{:?} }}, factory: {} }},\n",
            entry.name,
            entry.mistake,
            entry.challenge,
            entry.faults,
            entry.pins,
            entry.node_flags,
            fill_in(factory, &copy.module(), &format!("&{:?}", entry.node_flags)),
        );
    }
    let mut arms = String::new();
    for (challenge, package, factory) in CHALLENGES {
        let copy = Copy {
            name: &format!("{}_unchanged", package.replace('-', "_")),
            solution: &Sources::read(workspace, package)?,
            shared: &shared,
            replication: &replication,
            changed: &changed(&entries),
        };
        text += &copy.write(&out)?;
        let factory = fill_in(factory, &copy.module(), "node_flags");
        arms += &format!("{challenge:?} => {factory},\n");
    }
    text += &format!(
        "/// All mutants, ordered by name.\n\
         pub fn all() -> Vec<Mutant> {{ vec![\n{list}] }}\n\n\
         /// The solution of a challenge, copied without changes.\n\
         pub fn unchanged(challenge: &str, node_flags: &[&str]) -> Factory {{\n\
         match challenge {{\n{arms}_ => panic!(\"no solution of {{challenge}}\") }} }}\n"
    );
    write(&out.join("mutants.rs"), &text)
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("{name}: {error}"))
}

fn watch(own: &Path, workspace: &Path) {
    let packages = CHALLENGES.map(|(_, package, _)| package).into_iter();
    let sources = packages.chain(LIBRARIES);
    let sources = sources.map(|package| workspace.join(package).join("src"));
    for folder in sources.chain([own.join("build"), own.join("catalogue")]) {
        println!("cargo::rerun-if-changed={}", folder.display());
    }
}

fn catalogue(folder: &Path) -> Result<Vec<Entry>, String> {
    let mut files: Vec<PathBuf> = copy::files(folder)?;
    files.sort();
    files.iter().map(|file| Entry::read(file)).collect()
}

/// The package that solves an entry's challenge, and the code that makes its nodes. The entry may
/// change this package and the libraries only.
fn solution(entry: &Entry) -> Result<(&'static str, &'static str), String> {
    let known = CHALLENGES.iter().find(|it| it.0 == entry.challenge);
    let &(_, package, factory) = known.ok_or_else(|| {
        let names = CHALLENGES.map(|it| it.0).join(", ");
        format!("unknown challenge {:?}: there are {names}", entry.challenge)
    })?;
    for edit in &entry.edits {
        let mut packages = LIBRARIES.into_iter().chain([package]);
        if !packages.any(|it| edit.file.starts_with(&format!("{it}/src/"))) {
            let libraries = LIBRARIES.join(" or ");
            return Err(format!(
                "{} is not a file of {package} or {libraries}",
                edit.file
            ));
        }
    }
    Ok((package, factory))
}

/// The files that these entries change.
fn changed<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> BTreeSet<&'a str> {
    let edits = entries.into_iter().flat_map(|entry| &entry.edits);
    edits.map(|edit| edit.file.as_str()).collect()
}

fn fill_in(factory: &str, module: &str, flags: &str) -> String {
    factory.replace("HERE", module).replace("FLAGS", flags)
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    let failed = |error| format!("cannot write {}: {error}", file.display());
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(file, text).map_err(failed)
}
