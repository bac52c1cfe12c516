//! Every workload's results as `results.edn` has them, on a good history and on a bad one.
//!
//! A file in `golden` is named `<workload>-<ok or bad>.txt` and holds a history in JSON, an empty
//! line, and the result map. `REWRITE=1 cargo test -p checkers golden` writes the result maps anew.

use std::path::Path;
use std::{env, fs};

use checkers::{Assumptions, CheckerResult as _, Models, Validity, WorkloadResult};
use history::History;
use history::edn::pretty;

fn judge(workload: &str, history: &History) -> WorkloadResult {
    let models = Models::default();
    match workload {
        "broadcast" => checkers::set_full(history, "broadcast").into(),
        "echo" => checkers::echo(history).into(),
        "g-counter" | "pn-counter" => checkers::counter(history).into(),
        "g-set" => checkers::set_full(history, "add").into(),
        "kafka" => checkers::kafka(history).into(),
        "lin-kv" => checkers::lin_kv(history).into(),
        "txn-list-append" => checkers::list_append(history, &models).into(),
        "txn-rw-register" => checkers::rw_register(history, &models, Assumptions::default()).into(),
        "unique-ids" => checkers::unique_ids(history).into(),
        other => panic!("no workload: {other}"),
    }
}

#[test]
fn every_workload_has_its_golden_results() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let files = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let files: Vec<_> = files.collect();
    assert_eq!(files.len(), 20, "ten workloads, good and bad");
    for path in files {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let (workload, quality) = name.rsplit_once('-').unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let (lines, golden) = text.split_once("\n\n").unwrap();
        let result = judge(workload, &History::read(lines.as_bytes()).unwrap());
        let is_good = result.validity() == Validity::Valid;
        assert_eq!(is_good, quality == "ok", "{name}");
        let results = format!("{}\n", pretty(&result.to_edn()));
        if env::var_os("REWRITE").is_some() {
            fs::write(&path, format!("{lines}\n\n{results}")).unwrap();
        } else {
            assert_eq!(results, golden, "{name}");
        }
    }
}
