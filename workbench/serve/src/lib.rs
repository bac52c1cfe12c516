//! A local web site about kept runs: the list, the files of each, and two runs side by side.
//!
//! The site is read-only and accepts only GET and HEAD. The contents of a store are untrusted:
//! names are escaped, no file outside the store is served, and a content security policy limits
//! what each file may do in the browser. Requests under a foreign host name are rejected: otherwise
//! any web page could point its own name at this server and read everything (DNS rebinding). The
//! whole threat model is in `workbench/docs/serve.md`.

mod connections;
mod download;
mod error_page;
mod files;
mod runs;
mod site;
pub mod testing;
mod url;
mod views;

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::runtime::Runtime;

use error_page::ErrorPage;
use runs::Archive;
use site::{Site, strip_brackets};

pub use connections::Limits;

/// The store to serve, and the address to listen on.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder that contains the runs.
    pub store: PathBuf,
    /// The host name or address to listen on.
    pub host: String,
    /// The port; 0 picks a free one.
    pub port: u16,
    /// Limits on connections; fewer are served if this process may open few files.
    pub limits: Limits,
}

/// Policy of our own pages: no script, and images only from this server.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
                           img-src 'self' data:; form-action 'self'; base-uri 'none'; \
                           frame-ancestors 'none'";

/// Header of our own pages: other sites keep no hold of a window that shows one. A browser does not
/// show a file that has this and the policy `sandbox`.
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

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

/// Bytes of a response that the system keeps for a client.
#[cfg(unix)]
const SEND_BUFFER_BYTES: usize = 256 << 10;

/// Serves until the process ends. `on_listening` is called with the bound address.
///
/// # Errors
/// When the store does not exist or the address cannot be bound.
pub fn serve(options: &Options, on_listening: impl FnOnce(SocketAddr)) -> anyhow::Result<()> {
    let router = router(options)?;
    let listener = listen(strip_brackets(&options.host), options.port)?;
    let address = listener.local_addr()?;
    runtime()?.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        on_listening(address);
        connections::accept(&listener, &router, options.limits.within_open_files()).await;
        anyhow::Ok(())
    })
}

fn runtime() -> anyhow::Result<Runtime> {
    // One thread is enough for one user: downloads read files in small chunks, in turn. Longer work
    // runs on a few blocking threads; few, since each may need much memory.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_io().enable_time().max_blocking_threads(4);
    Ok(runtime.build()?)
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
    // Connections inherit it. In a buffer that grows, megabytes wait for a slow client: no part of the
    // next ones is taken for minutes.
    #[cfg(unix)]
    rustix::net::sockopt::set_socket_send_buffer_size(&listener, SEND_BUFFER_BYTES)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn router(options: &Options) -> anyhow::Result<Router> {
    let site = Arc::new(Site {
        archive: Archive::new(&options.store)?,
        host: options.host.clone(),
    });
    let router = Router::new()
        .route("/", get(views::runs))
        .route("/compare", get(views::compare))
        .route("/run/{*path}", get(files::show))
        .route("/zip/{*path}", get(files::zip))
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&site),
            check_request,
        ))
        .with_state(site);
    Ok(router)
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
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
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
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let [host, second] = [hosts.next(), hosts.next()];
    let host = host.and_then(|host| host.to_str().ok());
    let authority = request.uri().authority().map(Authority::as_str);
    let is_own = |name: &str| site.is_own_name(name);
    if second.is_some() || !host.is_some_and(is_own) || !authority.is_none_or(is_own) {
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
