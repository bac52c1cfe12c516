//! Accepts connections and serves each, within limits: clients that are slow, idle or many must not
//! keep out others, or hold memory and open files for ever.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// Longest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// Pause after a connection could not be accepted.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_secs(1);

/// Limits on connections.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections served at a time; 0 is 1. One more closes the one that has waited longest
    /// for its client.
    pub connections: usize,
    /// A connection is closed once it has waited this long for its client, or at most twice as
    /// long: for a request's whole head, or until some of the response is taken.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 256,
            patience: Duration::from_secs(60),
        }
    }
}

impl Limits {
    /// Fewer connections if the system lets this process open few files: one may have two open, and
    /// some are needed to list runs.
    #[cfg(unix)]
    pub(super) fn within_open_files(mut self) -> Self {
        use rustix::process::{Resource, getrlimit};

        if let Some(files) = getrlimit(Resource::Nofile).current {
            let connections = usize::try_from(files.saturating_sub(32) / 2);
            self.connections = self.connections.min(connections.unwrap_or(usize::MAX));
        }
        self
    }

    #[cfg(not(unix))]
    pub(super) fn within_open_files(self) -> Self {
        self
    }
}

/// Accepts and serves connections, for ever.
pub(super) async fn accept(listener: &TcpListener, router: &Router, limits: Limits) {
    let mut connections = Connections::default();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                while connections.count() >= limits.connections.max(1) {
                    connections.close_longest_waiting().await;
                }
                connections.serve(stream, router.clone(), limits.patience);
            }
            Err(error) => {
                // These two concern one client only. Others concern this process and are temporary,
                // such as too many open files.
                use io::ErrorKind::{ConnectionAborted, ConnectionReset};
                if !matches!(error.kind(), ConnectionAborted | ConnectionReset)
                    && !connections.close_longest_waiting().await
                {
                    tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                }
            }
        }
    }
}

/// The open connections.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    open: Vec<(Arc<Turn>, AbortHandle)>,
    /// Counts the turns of all connections, and so orders them.
    turns: Arc<AtomicU64>,
}

impl Connections {
    fn count(&mut self) -> usize {
        while self.tasks.try_join_next().is_some() {}
        self.open.retain(|(_, task)| !task.is_finished());
        self.tasks.len()
    }

    /// Closes one connection; false if there is none.
    async fn close_longest_waiting(&mut self) -> bool {
        self.count();
        let all = self.open.iter();
        if let Some((_, longest)) = all.min_by_key(|(turn, _)| turn.number()) {
            longest.abort();
        }
        self.tasks.join_next().await.is_some()
    }

    fn serve(&mut self, stream: TcpStream, router: Router, patience: Duration) {
        let turn = Arc::new(Turn::of_client(&self.turns));
        let (reader, writer) = stream.into_split();
        let task = serve_connection(reader, writer, router, Arc::clone(&turn), patience, false);
        self.open.push((turn, self.tasks.spawn(task)));
    }
}

/// Which side of a connection must act next, and since when.
pub(super) struct Turn {
    number: AtomicU64,
    turns: Arc<AtomicU64>,
}

/// Added to the number of a turn in which this server must act.
const OURS: u64 = 1 << 63;

impl Turn {
    /// A turn of the client, with the next of these numbers.
    pub(super) fn of_client(turns: &Arc<AtomicU64>) -> Self {
        let turn = Turn {
            number: AtomicU64::default(),
            turns: Arc::clone(turns),
        };
        turn.is_clients();
        turn
    }

    /// The smaller, the sooner the connection may be closed for another one.
    fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    fn is_clients(&self) {
        let number = self.turns.fetch_add(1, Ordering::Relaxed);
        self.number.store(number, Ordering::Relaxed);
    }

    fn is_ours(&self) {
        let number = self.turns.fetch_add(1, Ordering::Relaxed);
        self.number.store(number | OURS, Ordering::Relaxed);
    }

    /// Waits until the same turn of the client has lasted for this time.
    async fn exceeds(&self, patience: Duration) {
        let mut last = OURS;
        while last & OURS != 0 || last != self.number() {
            last = self.number();
            tokio::time::sleep(patience).await;
        }
    }
}

/// Serves one connection until it is closed. `may_end` says that the client's bytes may end before
/// it has its responses; otherwise this means that it has disconnected.
pub(super) async fn serve_connection(
    reader: impl AsyncRead + Unpin,
    writer: impl AsyncWrite + Unpin,
    router: Router,
    turn: Arc<Turn>,
    patience: Duration,
    may_end: bool,
) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(|request| {
        turn.is_ours();
        let response = router.call(request);
        let turn = Arc::clone(&turn);
        async move {
            let response = response.await;
            turn.is_clients();
            response
        }
    });
    let stream = TokioIo::new(Stream {
        reader,
        writer,
        turn: Arc::clone(&turn),
    });
    let mut http = http1::Builder::new();
    http.max_buf_size(MAX_HEAD_BYTES).half_close(may_end);
    let mut connection = pin!(http.serve_connection(stream, service));
    let mut exceeded = pin!(turn.exceeds(patience));
    poll_fn(|context| {
        // An error means that the client has disconnected.
        let is_closed = connection.as_mut().poll(context).is_ready();
        if is_closed || exceeded.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        Poll::Pending
    })
    .await;
}

/// Both directions of a connection. Bytes that the client takes begin a new turn; those that it
/// sends do not, as a head must be complete in time.
struct Stream<R, W> {
    reader: R,
    writer: W,
    turn: Arc<Turn>,
}

impl<R: AsyncRead + Unpin, W: Unpin> AsyncRead for Stream<R, W> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(context, buffer)
    }
}

impl<R: Unpin, W: AsyncWrite + Unpin> AsyncWrite for Stream<R, W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.writer).poll_write(context, bytes);
        if written.is_ready() {
            self.turn.is_clients();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_shutdown(context)
    }
}
