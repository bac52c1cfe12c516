//! Answers requests without a socket, for tests and fuzzing.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::runtime::Runtime;

use crate::connections::{Turn, serve_connection};
use crate::{Options, router, runtime};

/// A server that listens nowhere.
#[derive(Debug)]
pub struct Offline {
    runtime: Runtime,
    router: Router,
}

impl Offline {
    /// A server of this store and under this host name; port and limits are not used.
    ///
    /// # Errors
    /// When the store does not exist.
    pub fn new(options: &Options) -> anyhow::Result<Self> {
        Ok(Offline {
            runtime: runtime()?,
            router: router(options)?,
        })
    }

    /// Returns what a client receives that sends these bytes on one connection and then no more.
    pub fn answer(&self, sent: &[u8]) -> Vec<u8> {
        let mut received = Vec::new();
        self.runtime.block_on(serve_connection(
            sent,
            &mut received,
            self.router.clone(),
            Arc::new(Turn::of_client(&Arc::default())),
            Duration::MAX,
            true,
        ));
        received
    }
}
