//! A local web site about kept runs: the list, the files of each, and two runs side by side.
//!
//! The site is read-only and accepts only GET and HEAD. The contents of a store are untrusted:
//! names are escaped, no file outside the store is served, and a content security policy limits
//! what each file may do in the browser. Requests under a foreign host name are rejected: otherwise
//! any web page could point its own name at this server and read everything (DNS rebinding).

mod download;
mod error_page;
mod files;
mod runs;
mod site;
mod url;
mod views;

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::Semaphore;

use error_page::ErrorPage;
use runs::Archive;
use site::{Site, strip_brackets};

/// The store to serve, and the address to listen on.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder that contains the runs.
    pub store: PathBuf,
    /// The host name or address to listen on.
    pub host: String,
    /// The port; 0 picks a free one.
    pub port: u16,
}

/// Policy of our own pages: no script, and images only from this server.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
                           img-src 'self' data:; form-action 'self'; base-uri 'none'; \
                           frame-ancestors 'none'";

/// Headers of every response that does not set them itself.
const DEFAULT_HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-cache"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Connections served at a time; others wait, since the number of open files is limited.
const MAX_CONNECTIONS: usize = 256;

/// Longest time for a request's head to arrive, and for a connection to stay idle.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause after a connection could not be accepted.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_secs(1);

/// Serves until the process ends. `on_listening` is called with the bound address.
///
/// # Errors
/// When the store does not exist or the address cannot be bound.
pub fn serve(options: &Options, on_listening: impl FnOnce(SocketAddr)) -> anyhow::Result<()> {
    let archive = Archive::new(&options.store)?;
    let site = Site {
        archive,
        host: options.host.clone(),
    };
    let router = router(site);
    let listener = listen(strip_brackets(&options.host), options.port)?;
    let address = listener.local_addr()?;
    // One thread is enough for one user: downloads read files in small chunks, in turn. Longer work
    // runs on a few blocking threads; few, since each may need much memory.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(4)
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        on_listening(address);
        accept_connections(&listener, &router).await;
        anyhow::Ok(())
    })
}

/// Accepts and serves connections, for ever.
async fn accept_connections(listener: &tokio::net::TcpListener, router: &Router) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT);
    // The semaphore is never closed, so this never ends.
    while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // These two concern one client only. Others concern this process and are temporary,
                // such as too many open files.
                use std::io::ErrorKind::{ConnectionAborted, ConnectionReset};
                if !matches!(error.kind(), ConnectionAborted | ConnectionReset) {
                    tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                }
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        let connection = http.serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // An error means that the client has disconnected.
            let _ = connection.await;
            drop(permit);
        });
    }
}

fn listen(host: &str, port: u16) -> anyhow::Result<TcpListener> {
    let addresses = (host, port).to_socket_addrs();
    let mut addresses = addresses.with_context(|| format!("unknown host {host:?}"))?;
    let address = addresses
        .next()
        .with_context(|| format!("the host {host:?} has no address"))?;
    let listener = TcpListener::bind(address).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow!(
            "port {port} is already in use: stop the process that listens there, or choose another \
             port; --port 0 picks a free one"
        ),
        _ => anyhow!("cannot listen on {address}: {error}"),
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn router(site: Site) -> Router {
    let site = Arc::new(site);
    Router::new()
        .route("/", get(views::runs))
        .route("/compare", get(views::compare))
        .route("/run/{*path}", get(files::show))
        .route("/zip/{*path}", get(files::zip))
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&site),
            check_request,
        ))
        .with_state(site)
}

async fn not_found(uri: Uri) -> ErrorPage {
    ErrorPage::not_found(uri.path())
}

/// Rejects requests that are not allowed, and adds the default headers.
async fn check_request(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let mut response = match reject(&site, &request) {
        Some(page) => page.into_response(),
        None => next.run(request).await,
    };
    let is_method_rejected = response.status() == StatusCode::METHOD_NOT_ALLOWED;
    let headers = response.headers_mut();
    if is_method_rejected {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    for (name, value) in DEFAULT_HEADERS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// The error page for a request that is not allowed; none if it is.
fn reject(site: &Site, request: &Request) -> Option<ErrorPage> {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok());
    let authority = request.uri().authority().map(Authority::as_str);
    if host.is_none()
        || ![host, authority]
            .into_iter()
            .flatten()
            .all(|it| site.is_own_name(it))
    {
        let text = "Open this site as localhost, as 127.0.0.1, or by the name given to --host.";
        let title = "Unknown host name";
        return Some(ErrorPage::new(StatusCode::FORBIDDEN, title, text));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let text = "This site is read-only: use GET or HEAD.";
        let title = "Method not allowed";
        let status = StatusCode::METHOD_NOT_ALLOWED;
        return Some(ErrorPage::new(status, title, text));
    }
    None
}
