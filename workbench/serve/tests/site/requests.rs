//! Requests as bytes: what a client may send instead of a proper request.

use super::{RUN, Server};

/// The statuses of the responses to these bytes, and whether they show the run.
fn answer(server: &Server, sent: &[u8]) -> (Vec<u16>, bool) {
    let answer = server.offline.answer(sent);
    let text = String::from_utf8_lossy(&answer);
    let heads = text.split("HTTP/1.").skip(1);
    let statuses = heads.map(|head| head.split(' ').nth(1).unwrap().parse().unwrap());
    (statuses.collect(), text.contains("20260101"))
}

#[test]
fn a_request_whose_host_is_foreign_doubtful_or_missing_is_refused() {
    let server = Server::start(|_| {});
    #[track_caller]
    fn check(server: &Server, target: &str, headers: &str, status: u16) {
        for version in ["1.0", "1.1"] {
            let request = format!("GET {target} HTTP/{version}\r\n{headers}\r\n");
            let (statuses, is_shown) = answer(server, request.as_bytes());
            assert_eq!(statuses, [status], "{request}");
            assert_eq!(is_shown, status == 200, "{request}");
        }
    }
    check(&server, "/", "Host: LocalHost:8080\r\n", 200);
    check(&server, "http://127.0.0.1/", "Host: localhost\r\n", 200);
    for headers in [
        "",
        "Host:\r\n",
        "Host: evil.example\r\n",
        "Host: evil.example\r\nX-Forwarded-Host: localhost\r\nForwarded: host=localhost\r\n",
        "Host: localhost\r\nHost: evil.example\r\n",
        "Host: evil.example\r\nHost: localhost\r\n",
        "Host: localhost\r\nHost: localhost\r\n",
        "Host: localhost.\r\n",
        "Host: localhost:80@evil.example\r\n",
        "Host: [::1]evil.example\r\n",
        "Host: 0.0.0.0\r\n",
        "Host: localhost, evil.example\r\n",
        "Host: \u{e9}vil.example\r\n",
    ] {
        check(&server, "/", headers, 403);
    }
    for target in [
        "http://evil.example/",
        "http://localhost:80@evil.example/",
        "http://localhost.evil.example/",
    ] {
        check(&server, target, "Host: localhost\r\n", 403);
    }
}

#[test]
fn no_request_hides_in_another_one() {
    let server = Server::start(|_| {});
    let inner = "GET /run/echo/ HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let length = inner.len();
    for (outer, statuses) in [
        // Each framing is wrong or ambiguous, and ends the connection.
        (
            "GET /x HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: {}\r\n",
            vec![400],
        ),
        ("GET /x HTTP/1.1\r\nContent-Length: +{}\r\n", vec![400]),
        (
            "GET /x HTTP/1.1\r\nTransfer-Encoding: identity, {}\r\n",
            vec![400],
        ),
        (
            "GET /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\nX: {}\r\n",
            vec![400],
        ),
        ("GET /x HTTP/1.1\r\nContent-Length : {}\r\n", vec![400]),
        (
            "GET /x HTTP/1.1\r\nX: y\r\n Content-Length: {}\r\n",
            vec![400],
        ),
        // A body is skipped.
        ("GET /x HTTP/1.1\r\nContent-Length: {}\r\n", vec![404]),
        (
            "POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: {}\r\n",
            vec![405],
        ),
    ] {
        let outer = outer.replace("{}", &length.to_string());
        let request = format!("{outer}Host: localhost\r\n\r\n{inner}");
        assert_eq!(
            answer(&server, request.as_bytes()),
            (statuses, false),
            "{request}"
        );
    }
    let both = "GET /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\
                Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let both = answer(&server, format!("{both}{inner}").as_bytes());
    assert_eq!(both, (vec![404], false));
}

#[test]
fn requests_in_one_write_are_answered_in_order() {
    let server = Server::start(|_| {});
    let one =
        "GET /none HTTP/1.1\r\nHost: localhost\r\n\r\nHEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let (statuses, _) = answer(&server, one.repeat(500).as_bytes());
    assert_eq!(statuses, [404, 200].repeat(500));
}

#[test]
fn odd_and_long_requests_are_answered_with_an_error_and_show_nothing() {
    let server = Server::start(|_| {});
    let long = |length: usize| "x".repeat(length);
    for (request, status) in [
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), None),
        ("GET /\r\n\r\n".to_owned(), Some(400)),
        ("\0\0\0\0\r\n\r\n".to_owned(), Some(400)),
        (
            "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
            Some(405),
        ),
        (
            "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
            Some(405),
        ),
        (
            format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", long(200_000)),
            Some(431),
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
                long(200_000)
            ),
            Some(431),
        ),
        (
            format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(101)),
            Some(431),
        ),
        (long(1 << 20), Some(431)),
    ] {
        let (statuses, is_shown) = answer(&server, request.as_bytes());
        let start: String = request.chars().take(60).collect();
        assert_eq!(statuses, Vec::from_iter(status), "{start}");
        assert!(!is_shown, "{start}");
    }
}

#[test]
fn no_encoding_of_a_path_leads_out_of_its_folder() {
    let server = Server::start(|_| {});
    std::fs::write(server.around.path().join("secret"), "a secret").unwrap();
    for up in [
        "..",
        "%2e%2e",
        ".%2e",
        "%2E.",
        "..%2f",
        "..%5c",
        "..\\",
        "%252e%252e",
        "%c0%ae%c0%ae",
        "%e0%80%ae.",
        "%f0%80%80%ae.",
        "..%00",
        "..;",
        "%uff0e%uff0e",
        "%ef%bc%8e%ef%bc%8e",
        "",
        ".",
        "%2e",
        "%",
        "%2",
        "%zz",
        "\\..",
        "%20..",
        "..%20",
        "..%09",
    ] {
        for path in [
            format!("/run/{up}/secret"),
            format!("/run/{RUN}/{up}/{up}/{up}/secret"),
            format!("/zip/{RUN}/{up}/{up}/{up}"),
            format!("/compare?run={up}/secret&run={up}%2fsecret"),
        ] {
            let response = server.get(&path);
            assert!(
                [400, 404].contains(&response.status),
                "{path}: {}",
                response.status
            );
            assert!(!response.text().contains("a secret"), "{path}");
        }
    }
}

#[test]
fn every_response_has_the_headers_that_keep_other_sites_away() {
    let server = Server::start(|run| {
        for name in ["report.html", "other.html", "x.svg", "history.edn.gz"] {
            std::fs::write(run.join(name), "<script>1</script>").unwrap();
        }
    });
    #[track_caller]
    fn check(server: &Server, path: &str, status: u16, is_page: bool) {
        let response = server.get(path);
        assert_eq!(response.status, status);
        let head = response.head.to_lowercase();
        for header in [
            "frame-ancestors 'none'",
            "default-src 'none'",
            "x-content-type-options: nosniff\r\n",
            "referrer-policy: no-referrer\r\n",
            "cross-origin-resource-policy: same-origin\r\n",
            "cache-control: no-cache\r\n",
        ] {
            assert!(head.contains(header), "{header}: {head}");
        }
        for leak in [
            "\r\nserver:",
            "hyper",
            "axum",
            "access-control",
            "content-encoding",
        ] {
            assert!(!head.contains(leak), "{leak}: {head}");
        }
        // A browser shows nothing that has both.
        let is_sandboxed = head.contains("; sandbox");
        let has_opener_policy = head.contains("cross-origin-opener-policy: same-origin\r\n");
        assert_eq!(
            (is_sandboxed, has_opener_policy),
            (!is_page, is_page),
            "{head}"
        );
    }
    for page in ["/".to_owned(), format!("/run/{RUN}/")] {
        check(&server, &page, 200, true);
    }
    check(&server, &format!("/run/{RUN}"), 308, true);
    check(&server, "/none", 404, true);
    check(&server, "/?page=x", 400, true);
    for file in ["report.html", "other.html", "x.svg", "history.edn.gz"] {
        check(&server, &format!("/run/{RUN}/{file}"), 200, false);
    }
}
