//! A local page about what is kept: the runs, their files, and two runs side by side.
//!
//! Nothing is ever changed, so it answers GET and HEAD alone. What lies in a store may come from
//! anywhere: names are escaped, files are confined to the store and to what a browser may do with
//! them, and who comes under another name than ours is sent away, or a page from anywhere could
//! have its own name lead here and read everything (DNS rebinding).

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
use site::{Site, bare};

/// What is served, and where.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder where runs are kept.
    pub store: PathBuf,
    /// The name or address to listen at.
    pub host: String,
    /// The port; 0 is any that is free.
    pub port: u16,
}

/// Pages of ours need no script, and load nothing but pictures from the store.
const PAGE: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; \
                    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What every answer says unless it says something else.
const ALWAYS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, PAGE),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-cache"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// How many are answered at a time; others wait, as there are no more than so many open files.
const CONNECTIONS: usize = 256;

/// How long a request may take to come, or a connection may have none.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long nobody is let in when that failed.
const BREAK: Duration = Duration::from_secs(1);

/// Serves until the process ends. `listening` is told where, once it listens.
///
/// # Errors
/// When there is no store, or it cannot listen there.
pub fn serve(options: &Options, listening: impl FnOnce(SocketAddr)) -> anyhow::Result<()> {
    let archive = Archive::open(&options.store)?;
    let site = Site {
        archive,
        host: options.host.clone(),
    };
    let router = router(site);
    let listener = listen(bare(&options.host), options.port)?;
    let address = listener.local_addr()?;
    // One thread is enough for one person: files are read in small pieces, in turn. What takes
    // longer is done aside, by few, since each may need much memory.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(4)
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        listening(address);
        answer(&listener, &router).await;
        anyhow::Ok(())
    })
}

/// Answers everybody who comes, for ever.
async fn answer(listener: &tokio::net::TcpListener, router: &Router) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    // Nobody ever closes the room.
    while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Those are one client's affair; all others are ours, and pass: too many files are
                // open, for one.
                use std::io::ErrorKind::{ConnectionAborted, ConnectionReset};
                if !matches!(error.kind(), ConnectionAborted | ConnectionReset) {
                    tokio::time::sleep(BREAK).await;
                }
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        let connection = http.serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // Whoever hangs up has no need of us.
            let _ = connection.await;
            drop(permit);
        });
    }
}

fn listen(host: &str, port: u16) -> anyhow::Result<TcpListener> {
    let addresses = (host, port).to_socket_addrs();
    let mut addresses = addresses.with_context(|| format!("there is no host {host:?}"))?;
    let address = addresses
        .next()
        .with_context(|| format!("the host {host:?} has no address"))?;
    let listener = TcpListener::bind(address).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow!(
            "port {port} is taken: end what listens there, or try another one; --port 0 takes any \
             that is free"
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
        .layer(middleware::from_fn_with_state(Arc::clone(&site), guard))
        .with_state(site)
}

async fn not_found(uri: Uri) -> ErrorPage {
    ErrorPage::not_found(uri.path())
}

/// Sends away who may not ask, and adds what every answer says.
async fn guard(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let mut response = match refusal(&site, &request) {
        Some(page) => page.into_response(),
        None => next.run(request).await,
    };
    let is_refused = response.status() == StatusCode::METHOD_NOT_ALLOWED;
    let headers = response.headers_mut();
    if is_refused {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    for (name, value) in ALWAYS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

fn refusal(site: &Site, request: &Request) -> Option<ErrorPage> {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok());
    let other = request.uri().authority().map(Authority::as_str);
    if host.is_none()
        || ![host, other]
            .into_iter()
            .flatten()
            .all(|it| site.is_called(it))
    {
        let text = "Ask for localhost, 127.0.0.1, or what --host says.";
        let title = "This is no name of ours";
        return Some(ErrorPage::new(StatusCode::FORBIDDEN, title, text));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let text = "What is kept is only shown: ask with GET.";
        let title = "Nothing can be changed here";
        let status = StatusCode::METHOD_NOT_ALLOWED;
        return Some(ErrorPage::new(status, title, text));
    }
    None
}
