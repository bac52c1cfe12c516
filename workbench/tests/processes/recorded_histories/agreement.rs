//! The command `workbench check` on every recording, and a table of its verdicts.

use std::process::Command;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::Value;

use super::case::{Recording, cases};
use super::transactions::check_models;

/// Runs the command on a recording; its exit status and its JSON.
fn run_check(case: &Recording) -> (Option<i32>, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_workbench"));
    command
        .env_remove("GITHUB_STEP_SUMMARY")
        .env_remove("GITHUB_ACTIONS")
        .arg("check")
        .arg(case.folder.join("history.edn.gz"))
        .args(["-w", case.workload(), "--json"]);
    if let Some(models) = case.expected["consistency_models"].as_array() {
        let models: Vec<&str> = models.iter().filter_map(Value::as_str).collect();
        command.args(["--consistency-models", &models.join(",")]);
    }
    let flags = case.expected["flags"].as_str().unwrap();
    if let Some((_, rest)) = flags.split_once("--availability ") {
        let target = rest.split(' ').next().unwrap();
        command.args(["--availability", target]);
    }
    let output = command.output().unwrap();
    let json = serde_json::from_slice(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let json = json.unwrap_or_else(|error| panic!("{}: {error}\n{stderr}", case.name));
    (output.status.code(), json)
}

#[test]
fn the_command_gives_maelstroms_verdict_on_every_recording() {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header([
        "recording",
        "exit, Maelstrom",
        "ours",
        "workload, Maelstrom",
        "ours",
        "models with the same verdict",
        "with the same types",
    ]);
    for case in cases() {
        let (exit, json) = run_check(&case);
        let recorded = case.expected["exit"].as_i64().unwrap();
        assert_eq!(exit.map(i64::from), Some(recorded), "{}", case.name);
        assert_eq!(json["valid"], case.expected["valid"], "{}", case.name);
        let workload = &json["results"]["workload"]["valid?"];
        assert_eq!(*workload, case.expected["workload_valid"], "{}", case.name);
        let (same, models) = match case.workload() {
            "txn-rw-register" | "txn-list-append" => {
                let (same, models) = check_models(&case);
                (same.to_string(), format!("{models} of {models}"))
            }
            _ => (String::new(), String::new()),
        };
        let to_text = |json: &Value| match json {
            Value::String(word) => word.clone(),
            other => other.to_string(),
        };
        table.add_row([
            case.name.clone(),
            recorded.to_string(),
            exit.unwrap_or(-1).to_string(),
            to_text(&case.expected["workload_valid"]),
            to_text(workload),
            models,
            same,
        ]);
    }
    println!("{}", table.trim_fmt());
}
