//! Hostile or invalid names, paths, requests and addresses.

use std::fs;
use std::io::ErrorKind::{TimedOut, WouldBlock};
use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::server::{FIRST, Server, serve, write_run};

#[test]
fn no_file_outside_the_store_is_served() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.txt"), "secret").unwrap();
    let server = Server::start(|store| {
        write_run(store, "echo", FIRST, None);
        #[cfg(unix)]
        for (target, link) in [
            (outside.path().join("secret.txt"), "file.txt"),
            (outside.path().to_owned(), "folder"),
        ] {
            std::os::unix::fs::symlink(target, store.join("echo").join(FIRST).join(link)).unwrap();
        }
    });
    let secret = outside.path().join("secret.txt");
    let secret = secret.display();
    for path in [
        "/run/../../etc/passwd".to_owned(),
        "/run/echo/../../../etc/passwd".to_owned(),
        "/run/%2e%2e/%2e%2e/etc/passwd".to_owned(),
        "/run/..%2f..%2fetc%2fpasswd".to_owned(),
        "/run/%252e%252e/etc/passwd".to_owned(),
        "/run/..%5c..%5cetc".to_owned(),
        "/run/C:%5cWindows".to_owned(),
        "/run/C:/Windows".to_owned(),
        format!("/run/{secret}"),
        format!("/run{secret}"),
        "/run/%2fetc%2fpasswd".to_owned(),
        "/run//etc/passwd".to_owned(),
        "/run/echo//x".to_owned(),
        "/run/echo/x%00.txt".to_owned(),
        "/run/echo/%ff%fe".to_owned(),
        "/run/echo/%zz".to_owned(),
        "/run/".to_owned(),
        "/run".to_owned(),
        format!("/run/echo/{FIRST}/file.txt"),
        format!("/run/echo/{FIRST}/folder/"),
        format!("/run/echo/{FIRST}/folder/secret.txt"),
        format!("/run/echo/{FIRST}/test.json/"),
        format!("/zip/echo/{FIRST}/folder"),
        "/zip/../x".to_owned(),
        "/zip/%2e%2e/x".to_owned(),
        "/elsewhere".to_owned(),
        "/?page=x".to_owned(),
        "/?page=-1".to_owned(),
        "/?verdict=%3Cscript%3E".to_owned(),
        "/?verdict=valid&verdict=invalid".to_owned(),
    ] {
        let response = server.get(&path);
        assert!(
            matches!(response.status, 400 | 404),
            "{path}: {}",
            response.status
        );
        let text = response.text();
        assert!(
            !text.contains("root:") && !text.contains("secret<"),
            "{path}: {text}"
        );
        assert!(
            text.contains("<h1>") && !text.contains("<script"),
            "{path}: {text}"
        );
        assert!(response.headers["content-security-policy"].contains("default-src 'none'"));
    }
    assert!(server.page("/").contains(FIRST), "the server has stopped");
}

#[cfg(unix)]
#[test]
fn nothing_is_shown_of_the_target_of_a_link_that_leaves_the_store() {
    use std::os::unix::fs::symlink;

    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.svg"), "x".repeat(4321)).unwrap();
    let server = Server::start(|store| {
        write_run(store, "echo", FIRST, None);
        let run = store.join("echo").join(FIRST);
        let secret = outside.path().join("secret.svg");
        symlink(&secret, run.join("report.html")).unwrap();
        symlink(outside.path(), run.join("folder")).unwrap();
        symlink("test.json", run.join("within")).unwrap();
        fs::create_dir(run.join("plots")).unwrap();
        symlink(&secret, run.join("plots/secret.svg")).unwrap();
    });
    let run = format!("/run/echo/{FIRST}");
    let page = server.page(&format!("{run}/"));
    assert!(
        page.contains("<th scope=\"row\">report.html</th>"),
        "{page}"
    );
    assert!(page.contains("<th scope=\"row\">folder</th>"), "{page}");
    assert!(page.contains(&format!("{run}/within\"")), "{page}");
    assert!(
        !page.contains("4.3 kB") && !page.contains(">report</a>"),
        "{page}"
    );
    assert!(!server.page("/").contains(">report</a>"));
    let pair = server.page(&format!("/compare?run=echo/{FIRST}&run=echo/{FIRST}"));
    assert!(!pair.contains("secret"), "{pair}");
}

#[test]
fn control_and_direction_characters_of_a_command_are_replaced() {
    let server = Server::start(|store| {
        write_run(store, "echo", FIRST, None);
        let test = "{\"command\": \"workbench \u{202e}tset\\nrm x\"}";
        fs::write(store.join("echo").join(FIRST).join("test.json"), test).unwrap();
    });
    let page = server.page(&format!("/run/echo/{FIRST}/"));
    let command = "<code>workbench \u{fffd}tset\u{fffd}rm x</code>";
    assert!(page.contains(command), "{page}");
}

#[test]
fn unfinished_requests_do_not_block_others_for_ever() {
    let server = Server::start(|store| write_run(store, "echo", FIRST, None));
    // More than are served at a time.
    let halves: Vec<TcpStream> = (0..300)
        .map(|_| {
            let mut stream = TcpStream::connect(&server.address).unwrap();
            stream.write_all(b"GET / HT").unwrap();
            stream
        })
        .collect();
    assert!(server.page("/").contains(FIRST));
    let mut first = &halves[0];
    first
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let ended = first.read_to_end(&mut Vec::new());
    let is_open = ended.is_err_and(|it| matches!(it.kind(), WouldBlock | TimedOut));
    assert!(!is_open, "the connection is still open");
}

#[cfg(unix)]
#[test]
fn a_server_that_may_open_few_files_answers_during_a_flood() {
    let store = tempfile::tempdir().unwrap();
    for number in 0..100 {
        write_run(store.path(), "echo", &number.to_string(), None);
    }
    let serve = serve(store.path(), "0");
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""]);
    limited.arg(serve.get_program()).args(serve.get_args());
    let server = Server::spawn(store, limited);
    let unfinished = |_| {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.write_all(b"GET / HT").unwrap();
        stream
    };
    let flood: Vec<TcpStream> = (0..300).map(unfinished).collect();
    assert!(server.page("/").contains("<caption>100 runs</caption>"));
    drop(flood);
}

#[test]
fn hostile_names_are_escaped_and_their_links_work() {
    let names = [
        "<script>alert(1)<",
        "100% \"sure\" & 'so' #1?x=y;+",
        "%2e%2e",
        "tür ünd 名前",
        "new\nline\u{202e}\u{1b}[31m",
        "...",
    ];
    let server = Server::start(|store| {
        for name in names {
            write_run(store, name, name, None);
            fs::write(store.join(name).join(name).join(name), "in it").unwrap();
        }
    });
    let page = server.page("/");
    assert!(!page.contains("<script"), "{page}");
    assert!(!page.contains(['\u{202e}', '\u{1b}']), "{page}");
    let links = |page: &str, prefix: &str| -> Vec<String> {
        let parts = page.split("href=\"").skip(1);
        let links = parts.map(|part| part.split('"').next().unwrap().to_owned());
        links.filter(|link| link.starts_with(prefix)).collect()
    };
    let folders = links(&page, "/run/");
    assert_eq!(folders.len(), names.len(), "{page}");
    for folder in folders {
        let inside = server.page(&folder);
        assert!(!inside.contains("<script"), "{inside}");
        let files = links(&inside, &folder);
        let own = files.iter().find(|file| {
            let rest = &file[folder.len()..];
            folder.ends_with(&format!("/{rest}/"))
        });
        let own = own.unwrap_or_else(|| panic!("{inside}"));
        assert_eq!(server.page(own), "in it", "{own}");
    }
    for zip in links(&page, "/zip/") {
        let response = server.get(&zip);
        assert_eq!(response.status, 200, "{zip}");
        assert!(
            zip::ZipArchive::new(Cursor::new(response.body)).is_ok(),
            "{zip}"
        );
    }
}

#[test]
fn only_get_and_head_under_an_own_host_name_are_allowed() {
    let server = Server::start(|store| write_run(store, "echo", FIRST, None));
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
        for path in ["/", "/nowhere"] {
            let request = format!("{method} {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
            let response = server.send(&request);
            assert_eq!(
                (response.status, &*response.headers["allow"]),
                (405, "GET, HEAD"),
                "{method}"
            );
        }
    }
    for (host, status) in [
        ("Host: evil.example\r\n", 403),
        ("Host: localhost.evil.example:80\r\n", 403),
        ("", 403),
        ("Host: 127.0.0.1\r\n", 200),
        ("Host: [::1]:8080\r\n", 200),
    ] {
        let response = server.send(&format!("GET / HTTP/1.0\r\n{host}\r\n"));
        assert_eq!(response.status, status, "{host}");
        assert_eq!(response.text().contains(FIRST), status == 200, "{host}");
    }
    let other = "GET http://evil.example/ HTTP/1.0\r\nHost: localhost\r\n\r\n";
    assert_eq!(server.send(other).status, 403);
    let query = "x".repeat(60_000);
    assert!(server.get(&format!("/?workload={query}")).status >= 200);
    assert!(server.page("/").contains(FIRST), "the server has stopped");
}

#[test]
fn the_reason_why_the_server_cannot_listen_is_printed() {
    let server = Server::start(|_| {});
    assert!(server.page("/").contains("There are no runs yet"));
    let port = server.address.rsplit(':').next().unwrap();
    #[track_caller]
    fn check(command: &mut Command, reason: &str) {
        let output = command.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(reason), "{stderr}");
        assert!(!output.status.success());
    }
    let store = server.store.path();
    check(
        &mut serve(store, port),
        &format!("port {port} is already in use"),
    );
    check(&mut serve(store, port), "--port 0 picks a free one");
    check(&mut serve(&store.join("none"), "0"), "there is no store at");
    check(
        serve(store, "0").args(["--host", "no such host"]),
        "unknown host",
    );
    check(&mut serve(store, "80000"), "80000");
    // An address in brackets is understood; not an IPv6 one, since there may be no IPv6 here.
    let taken = serve(store, port).args(["--host", "[127.0.0.1]"]).output();
    let stderr = String::from_utf8(taken.unwrap().stderr).unwrap();
    assert!(stderr.contains("already in use"), "{stderr}");
}

#[test]
fn listening_on_all_addresses_prints_a_warning() {
    let store = tempfile::tempdir().unwrap();
    let mut process = serve(store.path(), "0")
        .args(["--host", "0.0.0.0"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stderr = BufReader::new(process.stderr.take().unwrap());
    stderr.read_line(&mut line).unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(line.contains("is not a loopback address"), "{line}");
}
