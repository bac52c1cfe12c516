//! The report page of a run, and the sequence chart of its messages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use serde_json::{Value, json};

use checkers::{CustomResult, Validity, Verdict};
use pages::budget::{Bar, Measurements, Metric};
use pages::hosts::Hosts;
use pages::outcome::Outcome;
use pages::page::{Page, Subject};
use pages::report::{BudgetResult, budget_results, sequence};
use simulator::storm::{Storm, StormRun};
use workbench::challenge::ALL;
use workbench::flags::TestFlags;
use workbench::solutions::Solution;

/// A run of a solution, with all its messages.
fn run(solution: Solution, workload: &str, flags: &str) -> StormRun {
    let flags = format!("-w {workload} {flags}");
    let flags = TestFlags::read(flags.split(' ')).unwrap();
    let base = flags.options().unwrap();
    let storm = Storm::with_factory(flags.workload, solution.factory(&[]).unwrap(), base).fixed();
    storm.run_with(1, &storm.options(1), true).unwrap()
}

fn page_of(run: &StormRun, command: &str, facts: &Value) -> Page {
    let subject = Subject {
        title: "a run",
        command,
        stage: "simulated",
        facts,
        settings: &run.settings,
        record: &run.record,
        verdict: Some(&run.verdict),
        budgets: &[],
        hosts: &Hosts::default(),
    };
    subject.page().unwrap()
}

/// The data that the page's script reads.
fn unpack(page: &Page) -> Value {
    let (_, rest) = page.html.split_once("application/octet-stream\">").unwrap();
    let (packed, _) = rest.split_once("</script>").unwrap();
    let packed = STANDARD.decode(packed.trim()).unwrap();
    serde_json::from_reader(ZlibDecoder::new(&packed[..])).unwrap()
}

#[test]
fn a_page_contains_every_operation_and_every_message() {
    let flags = "--node-count 3 --time-limit 2 --rate 30 --latency 10";
    let run = run(Solution::Broadcast, "broadcast", flags);
    let page = page_of(&run, "again", &json!({}));
    let data = unpack(&page);
    let count = |path: &str| data.pointer(path).and_then(Value::as_array).unwrap().len();
    let deliveries = run.record.trace.as_ref().unwrap().deliveries();
    for column in ["sent", "took", "src", "dest", "kind", "body"] {
        assert_eq!(
            count(&format!("/messages/{column}")),
            deliveries.len(),
            "{column}"
        );
    }
    let pairs = run.record.history.pairs().len();
    for column in [
        "process", "worker", "node", "start", "end", "f", "outcome", "value", "result",
    ] {
        assert_eq!(count(&format!("/operations/{column}")), pairs, "{column}");
    }
    for (name, _) in &page.plots {
        assert!(data["plots"][name]["series"].is_array(), "{name}");
    }
}

#[test]
fn a_page_loads_no_other_files_and_escapes_texts() {
    let run = run(Solution::Echo, "echo", "--node-count 1 --time-limit 1");
    let evil = "</script><script src=http://evil.example/x.js>";
    let page = page_of(&run, evil, &json!({ "program": [evil] }));
    assert!(!page.html.contains(evil));
    for reference in [
        "src=\"http",
        "href=\"http",
        "url(http",
        "@import",
        "<link rel=\"stylesheet",
    ] {
        assert!(!page.html.contains(reference), "{reference}");
    }
    for (name, svg) in &page.plots {
        assert!(
            svg.starts_with("<svg xmlns=") && svg.trim_end().ends_with("</svg>"),
            "{name}"
        );
    }
}

#[test]
fn each_workload_has_its_own_plots() {
    let all = ["latency", "quantiles", "throughput", "messages"];
    let own = |solution, workload: &str| {
        let flags = "--node-count 2 --concurrency 2n --time-limit 2 --rate 50";
        let page = page_of(&run(solution, workload, flags), "again", &json!({}));
        let plots: Vec<&str> = page.plots.iter().map(|(name, _)| *name).collect();
        assert_eq!(plots[..4], all);
        plots[4..].join(" ")
    };
    assert_eq!(own(Solution::Echo, "echo"), "");
    assert_eq!(own(Solution::Broadcast, "broadcast"), "stable-latency");
    assert_eq!(own(Solution::GCounter, "g-counter"), "value");
    assert_eq!(own(Solution::KafkaLog, "kafka"), "lag");
}

#[test]
fn the_summary_states_the_reason_for_the_verdict() {
    let run = run(
        Solution::Broadcast,
        "broadcast",
        "--node-count 2 --time-limit 1",
    );
    let trial = &ALL
        .iter()
        .find(|it| it.name == "broadcast-3d")
        .unwrap()
        .trials[0];
    let measured = |factor: f64| {
        let number = |metric| {
            let budget = trial.budgets.iter().find(|it| it.metric == metric)?;
            Some(budget.official?.limit() * factor)
        };
        let outcome = Outcome {
            measured: Measurements {
                messages_per_op: number(Metric::MessagesPerOp),
                median_latency_ms: number(Metric::MedianLatency),
                max_latency_ms: number(Metric::MaxLatency),
                ..Measurements::default()
            },
            ..Outcome::default()
        };
        budget_results(trial.budgets, &[outcome], Bar::Ours)
    };
    let check = |validity, findings: &[&str], budgets: &[BudgetResult], summary: &str| {
        let result = CustomResult {
            validity,
            findings: findings.iter().map(ToString::to_string).collect(),
            details: Value::Null,
        };
        let verdict = Verdict {
            workload: result.into(),
            ..run.verdict.clone()
        };
        let facts = json!({});
        let subject = Subject {
            title: "a run",
            command: "again",
            stage: "simulated",
            facts: &facts,
            settings: &run.settings,
            record: &run.record,
            verdict: Some(&verdict),
            budgets,
            hosts: &Hosts::default(),
        };
        let html = subject.page().unwrap().html;
        assert!(html.contains(summary), "no {summary:?}");
    };
    let valid = Validity::Valid;
    check(
        valid,
        &[],
        &[],
        "<strong>Valid:</strong> no anomaly was found.",
    );
    let met = "<strong>Valid:</strong> no anomaly was found, and all 3 budgets are met.";
    check(valid, &[], &measured(0.01), met);
    let missed = "<strong>Budget missed:</strong> the history is valid, but median latency, ms 400, \
                  limit &#60; 400 and &#60; 320.";
    check(valid, &[], &measured(1.0)[1..2], missed);
    let lost = "<strong>Invalid:</strong> value 7 is lost";
    check(Validity::Invalid, &["value 7 is lost"], &[], lost);
}

#[test]
fn a_run_without_a_single_operation_has_a_page() {
    let run = run(
        Solution::Echo,
        "echo",
        "--node-count 1 --time-limit 1 --rate 0",
    );
    let page = page_of(&run, "again", &json!(null));
    assert!(page.html.contains("<h2 id=\"when\">Timeline</h2>"));
}

#[test]
fn rare_message_types_are_combined_only_if_there_are_several() {
    let series = |types: usize| {
        let mut run = run(Solution::Echo, "echo", "--node-count 1 --time-limit 1");
        let known = run.record.statistics.by_type().len();
        let second = std::time::Duration::from_secs(1);
        for number in known..types {
            run.record
                .statistics
                .count_sent(second, true, &format!("type {number}"), false);
        }
        let data = unpack(&page_of(&run, "again", &json!({})));
        let series = data["plots"]["messages"]["series"].as_array().unwrap();
        let names = series
            .iter()
            .map(|it| it["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<String>>()
    };
    let eight = series(8);
    assert!(
        eight.len() == 8 && !eight.contains(&"all others".to_owned()),
        "{eight:?}"
    );
    let nine = series(9);
    assert!(nine.len() == 8 && nine[7] == "all others", "{nine:?}");
}

#[test]
fn every_message_has_a_line_from_its_sender_to_its_receiver() {
    let flags = "--node-count 2 --max-operations 1 --time-limit 1";
    let run = run(Solution::Echo, "echo", flags);
    let chart = sequence(&run.record, &run.settings.nodes).unwrap();
    let lines: Vec<&str> = chart.lines().collect();
    assert_eq!(lines[0], "   time s   clients      n0        n1    ");
    let find = |text: &str| lines.iter().find(|line| line.contains(text)).copied();
    let request = find("c4 → n0").or(find("c5 → n1")).expect(&chart);
    assert!(
        request.contains("│────────▶") || request.contains("▶│"),
        "{chart}"
    );
    assert!(chart.contains("echo_ok"), "{chart}");
    let mut untraced = run;
    untraced.record.trace = None;
    assert_eq!(sequence(&untraced.record, &untraced.settings.nodes), None);
}
