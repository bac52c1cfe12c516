//! The list of runs, and the comparison of two.

use std::fs;

use serde_json::json;

use super::server::{EAST, FIRST, SECOND, Server, results, write_run};

#[test]
fn runs_are_listed_newest_first_and_filtered_by_workload_and_verdict() {
    let server = Server::start(|store| {
        write_run(store, "echo", FIRST, Some(&results(&json!(true), 0.5)));
        write_run(
            store,
            "broadcast",
            SECOND,
            Some(&results(&json!("unknown"), 1.066)),
        );
        write_run(store, "broadcast", EAST, Some(&results(&json!(false), 2.0)));
        write_run(store, "g-set", "later", None);
        let again = store.join("latest");
        #[cfg(unix)]
        std::os::unix::fs::symlink(format!("echo/{FIRST}"), again).unwrap();
        #[cfg(not(unix))]
        fs::write(again, FIRST).unwrap();
    });
    let page = server.page("/");
    let positions: Vec<usize> = [SECOND, FIRST, EAST, "later"]
        .map(|run| {
            page.find(&format!("/{run}\""))
                .unwrap_or_else(|| panic!("{run}: {page}"))
        })
        .into();
    assert!(positions.is_sorted(), "{page}");
    for text in [
        "<caption>4 runs</caption>",
        "2026-01-01 10:05:00.000",
        "messages per operation 1.066",
        "median latency 308 ms",
        "a budget is missed",
        "unfinished",
        "scope=\"col\"",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    #[track_caller]
    fn check(server: &Server, query: &str, runs: &[&str]) {
        let page = server.page(query);
        for run in [FIRST, SECOND, EAST, "later"] {
            let is_there = page.contains(&format!("/{run}/\""));
            assert_eq!(is_there, runs.contains(&run), "{run}: {page}");
        }
    }
    check(&server, "/?workload=broadcast&verdict=", &[SECOND, EAST]);
    check(&server, "/?workload=broadcast&verdict=invalid", &[EAST]);
    check(&server, "/?verdict=unfinished", &["later"]);
    check(&server, "/?workload=nothing", &[]);
    // A run that is added later appears.
    write_run(server.store.path(), "g-set", "added", None);
    assert!(server.page("/").contains("added"));
}

#[test]
fn a_long_list_has_pages() {
    let server = Server::start(|store| {
        for minute in 0..205 {
            let start = format!("20260101T{:02}{:02}00.000+0000", minute / 60, minute % 60);
            write_run(store, "echo", &start, None);
        }
    });
    #[track_caller]
    fn check(server: &Server, query: &str, caption: &str, links: [bool; 2]) {
        let page = server.page(query);
        assert!(page.contains(caption), "{caption}: {page}");
        let found = ["rel=\"prev\"", "rel=\"next\""].map(|it| page.contains(it));
        assert_eq!(found, links, "{page}");
    }
    check(&server, "/", "1 to 100 of 205 runs", [false, true]);
    check(
        &server,
        "/?page=3&workload=echo",
        "201 to 205 of 205 runs",
        [true, false],
    );
    check(&server, "/?page=0", "1 to 100 of", [false, true]);
    check(&server, "/?page=99999999", "201 to 205 of", [true, false]);
    let page = server.page("/?page=2&workload=echo");
    assert!(
        page.contains("/?workload=echo&#38;verdict=&#38;page=3"),
        "{page}"
    );
}

#[test]
fn unreadable_runs_are_listed_as_such_and_hide_no_others() {
    let server = Server::start(|store| {
        write_run(store, "echo", FIRST, Some(&results(&json!(true), 0.5)));
        for (start, text) in [
            ("broken", "{\"valid?\": tr".to_owned()),
            ("other", "[1, 2]".to_owned()),
            ("deep", "[".repeat(1 << 20)),
        ] {
            write_run(store, "echo", start, None);
            fs::write(store.join("echo").join(start).join("results.json"), text).unwrap();
        }
        for (start, text) in [
            ("edn", "{:valid? ".to_owned()),
            ("deep-edn", "[".repeat(1 << 20)),
        ] {
            write_run(store, "echo", start, None);
            fs::write(store.join("echo").join(start).join("results.edn"), text).unwrap();
        }
        write_run(store, "echo", "huge", None);
        let huge = fs::File::create(store.join("echo/huge/results.json")).unwrap();
        huge.set_len(1 << 40).unwrap();
        write_run(store, "echo", "folder", None);
        fs::create_dir(store.join("echo/folder/results.json")).unwrap();
        fs::write(store.join("echo/folder/test.json"), "nonsense").unwrap();
        fs::write(store.join("echo/file"), "no run").unwrap();
    });
    let page = server.page("/?verdict=unreadable");
    assert!(page.contains("<caption>6 runs</caption>"), "{page}");
    assert!(server.page("/?verdict=unfinished").contains("echo/folder"));
    assert!(server.page("/?verdict=valid").contains(FIRST));
}

#[test]
fn a_run_with_long_results_has_its_verdict() {
    let server = Server::start(|store| {
        let mut long = results(&json!(true), 0.5);
        long["findings"] = json!(["long ".repeat(5 << 20)]);
        write_run(store, "echo", FIRST, Some(&long));
        write_run(store, "echo", SECOND, None);
        let run = store.join("echo").join(SECOND);
        let endless = fs::File::create(run.join("results.json")).unwrap();
        endless.set_len(1 << 40).unwrap();
        let summary = results(&json!(false), 2.5);
        fs::write(run.join("summary.json"), summary.to_string()).unwrap();
        write_run(store, "echo", EAST, Some(&results(&json!(true), 3.5)));
        let run = store.join("echo").join(EAST);
        fs::write(run.join("summary.json"), "{\"valid?\": tr").unwrap();
    });
    let page = server.page("/?verdict=valid");
    for text in ["2 runs", "per operation 0.500", "per operation 3.500"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let page = server.page("/?verdict=invalid");
    assert!(page.contains("per operation 2.500"), "{page}");
}

#[test]
fn a_run_whose_results_change_gets_its_new_verdict() {
    let server = Server::start(|store| {
        write_run(store, "echo", FIRST, Some(&results(&json!(true), 0.5)));
    });
    for (valid, verdict) in [(true, "valid"), (true, "valid"), (false, "invalid")] {
        let results = results(&json!(valid), 0.5);
        write_run(server.store.path(), "echo", FIRST, Some(&results));
        let page = server.page(&format!("/?verdict={verdict}"));
        assert!(page.contains(FIRST), "{verdict}: {page}");
    }
}

#[test]
fn runs_of_maelstrom_and_of_nested_stores_are_listed() {
    let server = Server::start(|store| {
        let run = store.join("maelstrom/store/lin-kv").join(FIRST);
        fs::create_dir_all(&run).unwrap();
        let results = "{:valid? :unknown, :net {:servers {:msgs-per-op 3.5}},
                        :workload {:stable-latencies {0 0, 0.5 250, 1 499}}}";
        fs::write(run.join("results.edn"), results).unwrap();
        fs::write(run.join("history.edn"), "").unwrap();
        write_run(&store.join("second"), "echo", SECOND, None);
    });
    let page = server.page("/?workload=lin-kv&verdict=unknown");
    for text in ["messages per operation 3.500", "max latency 499 ms"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let zip = format!("/zip/maelstrom/store/lin-kv/{FIRST}");
    assert!(page.contains(&zip), "{page}");
    assert!(server.page("/?workload=echo").contains("second/echo"));
}

#[test]
fn two_runs_are_compared_side_by_side() {
    let server = Server::start(|store| {
        write_run(store, "echo", FIRST, Some(&results(&json!(true), 0.5)));
        write_run(store, "echo", SECOND, Some(&results(&json!(false), 0.75)));
        let test = json!({"workload": "echo", "seed": 8, "stage": "live", "rate": 20});
        fs::write(
            store.join("echo").join(SECOND).join("test.json"),
            test.to_string(),
        )
        .unwrap();
        for (run, plot) in [(FIRST, "latency"), (SECOND, "latency"), (SECOND, "own")] {
            let plots = store.join("echo").join(run).join("plots");
            fs::create_dir_all(&plots).unwrap();
            fs::write(plots.join(format!("{plot}.svg")), "<svg/>").unwrap();
        }
    });
    let [a, b] = [FIRST, SECOND].map(|run| format!("echo%2F{run}"));
    let page = server.page(&format!("/compare?run={b}&run={a}"));
    let row = |cells: [&str; 4]| {
        let [what, a, b, difference] = cells;
        format!(
            "<tr><th scope=\"row\">{what}</th><td>{a}</td><td>{b}</td><td>{difference}</td></tr>"
        )
    };
    for text in [
        row(["verdict", "valid", "invalid", "≠"]),
        row(["messages per operation", "0.5", "0.75", "+0.25 (+50 %)"]),
        row(["operations", "7", "7", "="]),
        row(["quantile 0.5", "308", "308", "="]),
        row(["rate", "10", "20", "+10 (+100 %)"]),
        row(["seed", "7", "8", "≠"]),
    ] {
        assert!(page.contains(&text), "{text}: {page}");
    }
    assert!(
        page.contains("308 ✗ missed (&#60; 400, ours &#60; 300)"),
        "{page}"
    );
    assert!(!page.contains("<th scope=\"row\">workload"), "{page}");
    assert_eq!(page.matches("alt=\"latency of echo").count(), 2);
    assert!(page.contains("has no such plot"), "{page}");
    for (query, status) in [
        ("", 400),
        ("?run=echo", 400),
        ("?run=&run=", 400),
        ("?run=echo/x&run=echo/y", 404),
        ("?run=../../etc&run=echo", 400),
        ("?run=1&run=2&run=3", 400),
    ] {
        assert_eq!(
            server.get(&format!("/compare{query}")).status,
            status,
            "{query}"
        );
    }
}
