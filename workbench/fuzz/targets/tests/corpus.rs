//! Replays the corpora: inputs that once reached new code, or went wrong.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use fuzz_targets::TARGETS;

/// Targets run one at a time, as each measures the memory of this process.
static TURN: Mutex<()> = Mutex::new(());

fn replay(name: &str) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    let mut inputs: Vec<_> = fs::read_dir(corpus.join(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    inputs.sort();
    assert!(
        inputs.len() >= 10,
        "{name} has only {} inputs",
        inputs.len()
    );
    for path in inputs {
        let input = fs::read(&path).unwrap();
        let run = catch_unwind(AssertUnwindSafe(|| target.run(&input)));
        if let Err(panic) = run {
            eprintln!(
                "the input: workbench/fuzz/corpus/{name}/{}",
                path.file_name().unwrap().display()
            );
            resume_unwind(panic);
        }
    }
}

macro_rules! replay {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name));
        })*

        #[test]
        fn every_target_is_replayed_built_and_fuzzed() {
            let names = [$(stringify!($name)),*];
            assert_eq!(TARGETS.map(|target| target.name), names);
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
            let text = |path: &str| fs::read_to_string(folder.join(path)).unwrap();
            let build = text("Cargo.toml");
            let workflow = text("../../.github/workflows/fuzz.yml");
            for name in names {
                assert!(build.contains(&format!("name = \"{name}\"")), "no program {name}");
                assert!(workflow.contains(&format!("- {name}\n")), "{name} is not fuzzed");
            }
        }
    };
}

replay! {
    histories twins notations node_output node_input peers store requests command_line drivers
}
