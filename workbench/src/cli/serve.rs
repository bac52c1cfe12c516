//! `workbench serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::{code, say, warn};
use serve::{Options, serve};

/// What `serve` takes.
#[derive(Args)]
pub(super) struct Arguments {
    /// The folder where runs are kept.
    #[arg(long, value_name = "DIR", default_value = "store")]
    store: PathBuf,

    /// The name or address to listen at. Whoever can reach it can read the store.
    #[arg(long, value_name = "NAME", default_value = "127.0.0.1")]
    host: String,

    /// The port to listen at; 0 takes any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
}

/// Serves the store until somebody ends it.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let options = Options {
        store: arguments.store.clone(),
        host: arguments.host.clone(),
        port: arguments.port,
    };
    serve(&options, listening)?;
    Ok(code::VALID)
}

fn listening(address: SocketAddr) {
    if !address.ip().is_loopback() {
        warn(format_args!(
            "warning: {} is not loopback: whoever can reach it can read all runs",
            address.ip()
        ));
    }
    say(format_args!("http://{address}/"));
}
