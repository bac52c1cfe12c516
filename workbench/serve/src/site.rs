//! What all answers are made of, and the threads on which they may wait for a disk.

use std::net::IpAddr;

use axum::http::StatusCode;

use crate::error_page::ErrorPage;
use crate::runs::Archive;

/// The runs that are shown, and the name under which.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) archive: Archive,
    /// What the person calls this place.
    pub(super) host: String,
}

impl Site {
    /// Whether this is a name of ours.
    pub(super) fn is_called(&self, authority: &str) -> bool {
        let name = match authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next(),
            None => authority.split(':').next(),
        };
        let name = name.unwrap_or_default();
        let given = bare(&self.host);
        if name.eq_ignore_ascii_case("localhost") || name.eq_ignore_ascii_case(given) {
            return true;
        }
        // Nobody's name is an address. Who listens at all of them may be called by any.
        let is_any = |given: &str| given.parse().is_ok_and(|ip: IpAddr| ip.is_unspecified());
        name.parse()
            .is_ok_and(|ip: IpAddr| ip.is_loopback() || is_any(given))
    }
}

/// The host itself: in URLs an address of IPv6 stands in brackets.
pub(super) fn bare(host: &str) -> &str {
    let inner = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    inner.unwrap_or(host)
}

/// Does what may wait for a disk where nobody else waits for it.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ErrorPage> + Send + 'static,
) -> Result<T, ErrorPage> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Err(ErrorPage::new(status, "This page cannot be made", error))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(host: &str) -> (tempfile::TempDir, Site) {
        let folder = tempfile::tempdir().unwrap();
        let site = Site {
            archive: Archive::open(folder.path()).unwrap(),
            host: host.to_owned(),
        };
        (folder, site)
    }

    #[test]
    fn only_names_of_ours_are_answered_to() {
        #[track_caller]
        fn check(host: &str, called: &str, is_ours: bool) {
            assert_eq!(
                site(host).1.is_called(called),
                is_ours,
                "{host} as {called}"
            );
        }
        for ours in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:1",
            "127.1.2.3",
            "[::1]:80",
        ] {
            check("127.0.0.1", ours, true);
        }
        for other in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:8080",
            "192.168.0.7",
            "[::2]",
        ] {
            check("127.0.0.1", other, false);
        }
        check("bench.local", "Bench.local:8080", true);
        check("192.168.0.7", "192.168.0.7:8080", true);
        check("0.0.0.0", "192.168.0.7:8080", true);
        check("::", "[fe80::1]:8080", true);
        check("[::2]", "[::2]:8080", true);
        check("0.0.0.0", "evil.example", false);
    }
}
