//! A run's files: single ones and all as a zip.

use std::fs;
use std::io::{Cursor, Read};

use serde_json::json;

use super::server::{FIRST, Server, results, write_run};

#[test]
fn a_runs_files_are_listed_and_served_with_their_type_and_policy() {
    let server = Server::start(|store| {
        write_run(store, "echo", FIRST, Some(&results(&json!(true), 0.5)));
        let run = store.join("echo").join(FIRST);
        fs::write(run.join("report.html"), "<script>report()</script>").unwrap();
        fs::write(run.join("other.html"), "<script>alert()</script>").unwrap();
        fs::write(
            run.join("latency.svg"),
            "<svg><script>alert()</script></svg>",
        )
        .unwrap();
        fs::write(run.join("test.fressian"), [0, 255]).unwrap();
        fs::write(run.join("long.txt"), "long ".repeat(100_000)).unwrap();
    });
    let run = format!("/run/echo/{FIRST}");
    let page = server.page(&format!("{run}/"));
    for text in [
        "node-logs/</a>",
        "500.0 kB",
        "report</a>",
        "workbench test --some &#39;thing&#39;",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(
        server
            .page(&format!("{run}/node-logs/"))
            .contains("n0.log</a>")
    );
    assert_eq!(server.get(&run).headers["location"], format!("{run}/"));
    assert_eq!(server.page(&format!("{run}/long.txt")).len(), 500_000);
    #[track_caller]
    fn check(server: &Server, path: &str, kind: &str, runs_scripts: bool) {
        let response = server.get(path);
        assert!(response.headers["content-type"].starts_with(kind), "{path}");
        assert_eq!(response.headers["x-content-type-options"], "nosniff");
        let policy = &response.headers["content-security-policy"];
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert!(policy.contains("; sandbox"), "{policy}");
        assert_eq!(
            policy.contains("script-src 'unsafe-inline'"),
            runs_scripts,
            "{policy}"
        );
    }
    check(&server, &format!("{run}/report.html"), "text/html", true);
    check(&server, &format!("{run}/other.html"), "text/html", false);
    check(
        &server,
        &format!("{run}/latency.svg"),
        "image/svg+xml",
        false,
    );
    check(
        &server,
        &format!("{run}/node-logs/n0.log"),
        "text/plain",
        false,
    );
    check(&server, &format!("{run}/results.json"), "text/plain", false);
    check(
        &server,
        &format!("{run}/test.fressian"),
        "application/octet-stream",
        false,
    );
    let head = server.send(&format!(
        "HEAD {run}/long.txt HTTP/1.0\r\nHost: localhost\r\n\r\n"
    ));
    assert_eq!(
        (head.status, &*head.headers["content-length"]),
        (200, "500000")
    );
    assert!(head.body.is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn equal_names_in_a_zip_are_numbered() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let names: [&[u8]; 7] = [
        b"a:b",
        b"a\\b",
        b"a_b",
        b"a_b~2",
        b"\xff",
        b"\xfe",
        b"new\nline",
    ];
    let server = Server::start(|store| {
        write_run(store, "echo", "x\ty", None);
        let run = store.join("echo/x\ty");
        for name in names {
            fs::write(run.join(OsStr::from_bytes(name)), name).unwrap();
        }
        fs::create_dir(run.join("c_d")).unwrap();
        fs::write(run.join("c_d/in"), "in").unwrap();
        fs::write(run.join("c:d"), "c:d").unwrap();
    });
    let response = server.get("/zip/echo/x%09y");
    let mut zip = zip::ZipArchive::new(Cursor::new(response.body)).unwrap();
    let mut found: Vec<(String, Vec<u8>)> = Vec::new();
    for index in 0..zip.len() {
        let mut file = zip.by_index(index).unwrap();
        let name = file.name().unwrap().into_owned();
        let name = name.strip_prefix("echo-x\u{fffd}y/").unwrap().to_owned();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        found.push((name, content));
    }
    for (name, content) in [
        ("a_b", &b"a:b"[..]),
        ("a_b~2", b"a\\b"),
        ("a_b~3", b"a_b"),
        ("a_b~2~2", b"a_b~2"),
        ("c_d", b"c:d"),
        ("c_d~2/in", b"in"),
        ("new\u{fffd}line", b"new\nline"),
        ("\u{fffd}", b"\xfe"),
        ("\u{fffd}~2", b"\xff"),
    ] {
        let expected = (name.to_owned(), content.to_owned());
        assert!(found.contains(&expected), "{name}: {found:?}");
    }
}

#[test]
fn a_zip_contains_all_files_of_a_run() {
    let long: String = (0..200_000).map(|n| format!("{n}\n")).collect();
    let server = Server::start(|store| {
        write_run(store, "echo", FIRST, Some(&results(&json!(true), 0.5)));
        fs::write(store.join("echo").join(FIRST).join("history.txt"), &long).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/passwd", store.join("echo").join(FIRST).join("link"))
            .unwrap();
    });
    let response = server.get(&format!("/zip/echo/{FIRST}"));
    assert_eq!(response.headers["content-type"], "application/zip");
    let named = format!("attachment; filename=\"echo-{FIRST}.zip\"");
    assert_eq!(response.headers["content-disposition"], named);
    let mut zip = zip::ZipArchive::new(Cursor::new(response.body)).unwrap();
    let mut names: Vec<String> = zip
        .file_names()
        .map(|name| name.unwrap().into_owned())
        .collect();
    names.sort();
    let expected = [
        "history.txt",
        "node-logs/n0.log",
        "results.json",
        "test.json",
    ];
    assert_eq!(names, expected.map(|name| format!("echo-{FIRST}/{name}")));
    let mut text = String::new();
    let mut history = zip.by_name(&names[0]).unwrap();
    history.read_to_string(&mut text).unwrap();
    assert!(text == long, "the history has changed");
    let head = server.send(&format!(
        "HEAD /zip/echo/{FIRST} HTTP/1.0\r\nHost: localhost\r\n\r\n"
    ));
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(server.get("/zip/echo").status, 404);
}
