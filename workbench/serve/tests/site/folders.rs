//! Hostile folders of runs: what they may contain instead of files, and too much of it.

use std::fs::{self, File};

use super::{RUN, Server};

#[test]
fn compressed_files_are_served_as_they_are() {
    let bytes = [b"\x1f\x8b\x08\0".as_slice(), &[0xff; 100]].concat();
    let server = Server::start(|run| fs::write(run.join("history.edn.gz"), &bytes).unwrap());
    let response = server.get(&format!("/run/{RUN}/history.edn.gz"));
    assert_eq!((response.status, response.body), (200, bytes));
    let head = response.head.to_lowercase();
    assert!(
        head.contains("application/octet-stream") && !head.contains("encoding"),
        "{head}"
    );
}

#[cfg(unix)]
#[test]
fn pipes_sockets_devices_and_folders_are_no_files() {
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    let make = |command: &mut Command| assert!(command.status().unwrap().success());
    let server = Server::start(|run| {
        for name in ["pipe", "results.json", "report.html"] {
            make(Command::new("mkfifo").arg(run.join(name)));
        }
        // The listener may be dropped: its socket stays.
        UnixListener::bind(run.join("summary.json")).unwrap();
        fs::create_dir(run.join("results.edn")).unwrap();
        // Only root can make a device.
        if rustix::process::geteuid().is_root() {
            make(
                Command::new("mknod")
                    .arg(run.join("zero"))
                    .args(["c", "1", "5"]),
            );
        }
    });
    for name in [
        "pipe",
        "results.json",
        "report.html",
        "summary.json",
        "results.edn",
        "zero",
    ] {
        let response = server.get(&format!("/run/{RUN}/{name}"));
        let status = if name == "results.edn" { 308 } else { 404 };
        assert_eq!(response.status, status, "{name}");
    }
    let page = server.get("/").text();
    assert!(
        page.contains("unfinished") && !page.contains(">report</a>"),
        "{page}"
    );
    let zip = zip::ZipArchive::new(std::io::Cursor::new(
        server.get(&format!("/zip/{RUN}")).body,
    ));
    assert_eq!(zip.unwrap().len(), 1);
}

#[cfg(unix)]
#[test]
fn names_that_are_long_or_not_utf_8_are_listed() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let long = "ü".repeat(127);
    let server = Server::start(|run| {
        fs::write(run.join(&long), "long").unwrap();
        fs::write(run.join("..a\u{202e}\n<b>"), "marked").unwrap();
        // Some file systems accept only UTF-8.
        let _ = fs::write(run.join(OsStr::from_bytes(b"\xff\xfe")), "bytes");
    });
    let page = server.get(&format!("/run/{RUN}/")).text();
    for name in [&long, "..a\u{fffd}\u{fffd}&#60;b&#62;"] {
        assert!(page.contains(&format!("{name}</a>")), "{name}: {page}");
    }
    let encoded = "%C3%BC".repeat(127);
    assert_eq!(server.get(&format!("/run/{RUN}/{encoded}")).text(), "long");
    // Longer than a name can be, and than a path.
    for length in [300, 10_000] {
        let path = format!("/run/{RUN}/{}", "x".repeat(length));
        assert_eq!(server.get(&path).status, 404);
    }
    assert_eq!(
        server.get(&format!("/run/{}", "x/".repeat(5_000))).status,
        404
    );
}

#[test]
fn a_folder_with_very_many_entries_is_listed_in_part() {
    let server = Server::start(|run| {
        for number in 0..2_010 {
            File::create(run.join(format!("{number:05}"))).unwrap();
        }
    });
    let page = server.get(&format!("/run/{RUN}/")).text();
    let text = "The first 2000 entries are listed, 11 more are not.";
    assert!(page.contains(text), "{}", page.len());
    assert!(page.contains(">01999</a>") && !page.contains(">02000</a>"));
}

#[test]
fn a_summary_that_is_long_deep_or_hostile_spoils_no_page() {
    let server = Server::start(|run| {
        let label = "<script>alert(1)</script>\\u202e\\n";
        let budget = format!("{{\"label\": \"{label}\", \"holds\": false, \"ours\": \"<b>\"}}");
        let summary = format!("{{\"valid?\": true, \"seconds\": 1e308, \"budgets\": [{budget}]}}");
        fs::write(run.join("summary.json"), summary).unwrap();
        let test = "{\"workload\": \"</select><script>\", \"command\": \"' --bin <img src=x>\"}";
        fs::write(run.join("test.json"), test).unwrap();
        for (name, length) in [("long", 1_u64 << 30), ("longer", 1 << 40)] {
            let other = run.with_file_name(name);
            fs::create_dir_all(other.join("node-logs")).unwrap();
            let file = File::create(other.join("summary.json")).unwrap();
            file.set_len(length).unwrap();
        }
        let deep = run.with_file_name("deep");
        fs::create_dir_all(deep.join("node-logs")).unwrap();
        fs::write(deep.join("summary.json"), "[".repeat(1 << 20)).unwrap();
    });
    let own = RUN.replace('+', "%2B");
    for path in [
        "/",
        &format!("/run/{RUN}/"),
        &format!("/compare?run={own}&run={own}"),
    ] {
        let response = server.get(path);
        assert_eq!(response.status, 200, "{path}");
        let page = response.text();
        assert!(
            !page.contains("<script") && !page.contains("<img src=x"),
            "{page}"
        );
        assert!(
            !page.contains("<b>") && !page.contains('\u{202e}'),
            "{page}"
        );
    }
    let unreadable = server.get("/?verdict=unreadable").text();
    assert!(unreadable.contains("3 runs"), "{unreadable}");
}

#[test]
fn plots_with_any_axes_and_texts_and_very_many_of_them_are_compared() {
    let axis = |start: f64, end: f64| {
        format!(
            "{{\"label\":\"<b>\",\"range\":{{\"start\":{start:?},\"end\":{end:?}}},\"is_logarithmic\":true}}"
        )
    };
    let chart = |start: f64, end: f64, more: &str| {
        let axis = axis(start, end);
        format!(
            "<svg><metadata>{{\"title\":\"<script>\",\"x\":{axis},\"y\":{axis},\"shades\":[],\
             \"bands\":[],\"series\":[],\"reference_lines\":[]}}{more}</metadata></svg>"
        )
    };
    let server = Server::start(|run| {
        fs::create_dir(run.join("plots")).unwrap();
        let write = |name: &str, text: &str| fs::write(run.join("plots").join(name), text).unwrap();
        // Known names come first, so these are drawn.
        write("latency.svg", &chart(0.0, -1.0, ""));
        write("lag.svg", &chart(5e-324, f64::MAX, ""));
        // Drawn until eight megabytes are read, and then shown as they are.
        for number in 0..110 {
            write(
                &format!("{number:03}.svg"),
                &chart(1.0, 10.0, &" ".repeat(1 << 20)),
            );
        }
    });
    let run = RUN.replace('+', "%2B");
    let page = server.get(&format!("/compare?run={run}&run={run}")).text();
    assert_eq!(page.matches("class=\"pair\"").count(), 100);
    // Each in two widths: two charts, and three more of both runs.
    assert_eq!(page.matches("<svg").count(), (2 + 3) * 2 * 2);
    assert!(!page.contains("<script") && !page.contains("<b>"));
}

#[test]
fn a_store_that_is_made_anew_is_shown_and_a_missing_one_is_an_error() {
    let server = Server::start(|_| {});
    let store = server.around.path().join("store");
    assert!(server.get("/").text().contains("1 run<"));
    fs::remove_dir_all(&store).unwrap();
    let page = server.get("/");
    assert_eq!(page.status, 500);
    assert!(
        page.text().contains("The store cannot be opened"),
        "{}",
        page.text()
    );
    fs::create_dir_all(store.join("echo/later/node-logs")).unwrap();
    assert!(server.get("/").text().contains("/run/echo/later/"));
}
