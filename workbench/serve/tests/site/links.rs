//! Symbolic links: they are followed within the store, and never out of it.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;

use super::{RUN, Server};

#[test]
fn links_within_the_store_are_followed() {
    let server = Server::start(|run| {
        fs::write(run.join("n0.log"), "a log").unwrap();
        symlink("n0.log", run.join("beside")).unwrap();
        symlink("../../echo", run.join("above")).unwrap();
        symlink(run.join("n0.log"), run.join("absolute")).unwrap();
        symlink(RUN, run.ancestors().nth(2).unwrap().join("latest")).unwrap();
    });
    let folder = "above/20260101T100000.000+0000/above/20260101T100000.000+0000";
    for path in [
        format!("/run/{RUN}/beside"),
        format!("/run/{RUN}/absolute"),
        format!("/run/{RUN}/{folder}/n0.log"),
        "/run/latest/n0.log".to_owned(),
    ] {
        assert_eq!(server.get(&path).text(), "a log", "{path}");
    }
    let page = server.get("/run/latest/").text();
    assert!(page.contains("n0.log</a>"), "{page}");
    assert_eq!(server.get("/zip/latest").status, 200);
}

#[test]
fn links_out_of_the_store_in_circles_or_to_nothing_lead_nowhere() {
    let server = Server::start(|run| {
        let around = run.ancestors().nth(3).unwrap();
        // It begins with the store's own name.
        fs::create_dir(around.join("store-2")).unwrap();
        fs::write(around.join("store-2/n0.log"), "secret").unwrap();
        for (target, link) in [
            ("../../../store-2", "beside-the-store"),
            ("../../../store/../store-2", "around"),
            ("round", "round"),
            ("nothing", "dangling"),
            ("/proc/self/root", "magic"),
            ("/dev/zero", "device"),
        ] {
            symlink(target, run.join(link)).unwrap();
        }
        symlink(around.join("store-2"), run.join("absolute")).unwrap();
        // A whole run is outside.
        fs::create_dir(around.join("store-2/node-logs")).unwrap();
        symlink("../../store-2", run.with_file_name("other-run")).unwrap();
    });
    for path in [
        "beside-the-store/n0.log",
        "beside-the-store/",
        "around/n0.log",
        "absolute/n0.log",
        "round",
        "round/",
        "dangling",
        "magic/etc/passwd",
        "device",
    ] {
        let response = server.get(&format!("/run/{RUN}/{path}"));
        assert_eq!(response.status, 404, "{path}");
        assert!(!response.text().contains("secret"), "{path}");
    }
    assert!(server.get("/").text().contains("<caption>1 run</caption>"));
    for path in ["/run/echo/other-run/", "/zip/echo/other-run"] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    // Each is listed by its name only.
    let page = server.get(&format!("/run/{RUN}/")).text();
    for name in ["beside-the-store", "absolute", "round", "dangling", "magic"] {
        assert!(page.contains(&format!(">{name}</th>")), "{name}: {page}");
    }
}

/// Two pairs of a folder and a link are swapped all the time: one link is relative, one absolute.
#[cfg(target_os = "linux")]
#[test]
fn a_link_that_is_put_in_the_place_of_a_folder_shows_nothing_of_its_target() {
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::fs::{CWD, RenameFlags, renameat_with};

    const ROUNDS: usize = 400;
    const PAIRS: [[&str; 2]; 2] = [["node-logs", "link"], ["plots", "other-link"]];
    let server = Server::start(|run| {
        let outside = run.ancestors().nth(3).unwrap().join("outside");
        for folder in [&run.join("node-logs"), &run.join("plots"), &outside] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("n0.log"), "own").unwrap();
        }
        fs::write(outside.join("n0.log"), "a secret").unwrap();
        fs::write(outside.join("secret.svg"), "a secret").unwrap();
        symlink("../../../outside", run.join("link")).unwrap();
        symlink(&outside, run.join("other-link")).unwrap();
    });
    let run = server.around.path().join("store").join(RUN);
    let is_over = AtomicBool::new(false);
    let swap = || {
        while !is_over.load(Ordering::Relaxed) {
            for [folder, link] in PAIRS.map(|pair| pair.map(|name| run.join(name))) {
                renameat_with(CWD, &folder, CWD, &link, RenameFlags::EXCHANGE).unwrap();
            }
        }
    };
    // As many as show the secret about ten times if names are checked and then opened.
    let mut found = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(swap);
        for round in 0..ROUNDS {
            let [folder, _] = PAIRS[round % 2];
            for path in [
                format!("/run/{RUN}/{folder}/n0.log"),
                format!("/run/{RUN}/{folder}/"),
                format!("/zip/{RUN}"),
                format!("/compare?run={RUN}&run={RUN}"),
            ] {
                found.push((server.get(&path), path));
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    for status in [200, 404] {
        let is_one = |(response, path): &(super::Response, String)| {
            response.status == status && path.ends_with("n0.log")
        };
        assert!(found.iter().any(is_one), "no swap was seen: {status}");
    }
    let leaks = found
        .iter()
        .filter(|(response, _)| response.text().contains("secret"));
    let leaks: Vec<&String> = leaks.map(|(_, path)| path).collect();
    assert!(
        leaks.is_empty(),
        "{} of {}: {:?}",
        leaks.len(),
        found.len(),
        leaks.first()
    );
}
