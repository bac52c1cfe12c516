//! State shared by all request handlers, and their blocking threads.

use std::net::IpAddr;

use axum::http::StatusCode;
use tokio::task::JoinSet;

use crate::error_page::ErrorPage;
use crate::runs::{Archive, Store};

/// The runs to show, and the host name of the site.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) archive: Archive,
    /// The host as given by the user.
    pub(super) host: String,
}

impl Site {
    /// Opens the store for a request.
    pub(super) fn open_store(&self) -> Result<Store<'_>, ErrorPage> {
        self.archive.open().map_err(|error| {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            let text = format!("{error}. Reload this page once its folder is there again.");
            ErrorPage::new(status, "The store cannot be opened", text)
        })
    }

    /// Whether a request for this authority is meant for this site.
    pub(super) fn is_own_name(&self, authority: &str) -> bool {
        // Nothing but a port may follow the name: a user's name before it would look like one.
        let (name, port) = match authority.strip_prefix('[') {
            Some(rest) => rest.split_once(']').unwrap_or_default(),
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_digits) {
            return false;
        }
        let given = strip_brackets(&self.host);
        if name.eq_ignore_ascii_case("localhost") || name.eq_ignore_ascii_case(given) {
            return true;
        }
        // An address cannot be rebound, as a DNS name can. If the server listens on all addresses,
        // any of them is accepted.
        let is_any = |given: &str| given.parse().is_ok_and(|ip: IpAddr| ip.is_unspecified());
        name.parse()
            .is_ok_and(|ip: IpAddr| ip.is_loopback() || is_any(given))
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|it| it.is_ascii_digit())
}

/// The host without the brackets that IPv6 addresses have in URLs.
pub(super) fn strip_brackets(host: &str) -> &str {
    let inner = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    inner.unwrap_or(host)
}

/// Runs work that may wait for a disk on a blocking thread. Work that has not begun is forgotten
/// when its client disconnects.
pub(super) async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ErrorPage> + Send + 'static,
) -> Result<T, ErrorPage> {
    let mut tasks = JoinSet::new();
    tasks.spawn_blocking(work);
    let failed = |reason: String| {
        let title = "Internal error: the page could not be made";
        ErrorPage::new(StatusCode::INTERNAL_SERVER_ERROR, title, reason)
    };
    match tasks.join_next().await {
        Some(done) => done.unwrap_or_else(|error| Err(failed(error.to_string()))),
        None => Err(failed("its work was not begun".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(host: &str) -> (tempfile::TempDir, Site) {
        let folder = tempfile::tempdir().unwrap();
        let site = Site {
            archive: Archive::new(folder.path()).unwrap(),
            host: host.to_owned(),
        };
        (folder, site)
    }

    #[test]
    fn only_loopback_names_and_the_given_host_are_accepted() {
        #[track_caller]
        fn check(host: &str, name: &str, is_own: bool) {
            assert_eq!(site(host).1.is_own_name(name), is_own, "{host} as {name}");
        }
        for own in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:1",
            "127.1.2.3",
            "[::1]:80",
            "[::1]",
            "localhost:",
        ] {
            check("127.0.0.1", own, true);
        }
        for foreign in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:8080",
            "192.168.0.7",
            "[::2]",
            "localhost.",
            "localhost:80@evil.example",
            "localhost@evil.example",
            "evil.example@localhost",
            "[::1].evil.example",
            "[::1]:80:80",
            "[::1",
            "localhost:+80",
            "localhost, evil.example",
            " localhost",
            "0.0.0.0",
            "[::]",
            "[::ffff:192.168.0.7]",
            "127.1",
            "0x7f000001",
            "2130706433",
        ] {
            check("127.0.0.1", foreign, false);
        }
        check("bench.local", "Bench.local:8080", true);
        check("192.168.0.7", "192.168.0.7:8080", true);
        check("0.0.0.0", "192.168.0.7:8080", true);
        check("::", "[fe80::1]:8080", true);
        check("[::2]", "[::2]:8080", true);
        check("0.0.0.0", "evil.example", false);
    }
}
