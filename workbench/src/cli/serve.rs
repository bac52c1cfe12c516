//! `workbench serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::{code, print_line, warn};
use serve::{Limits, Options, serve};

/// Arguments of `serve`.
#[derive(Args)]
pub(super) struct Arguments {
    /// The folder in which runs are stored.
    #[arg(long, value_name = "DIR", default_value = "store")]
    store: PathBuf,

    /// The name or address to listen on. All who can reach it can read the store.
    #[arg(long, value_name = "NAME", default_value = "127.0.0.1")]
    host: String,

    /// The port to listen on; 0 takes any free port.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
}

/// Serves the store until the process is ended.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let options = Options {
        store: arguments.store.clone(),
        host: arguments.host.clone(),
        port: arguments.port,
        limits: Limits::default(),
    };
    serve(&options, on_listening)?;
    Ok(code::VALID)
}

fn on_listening(address: SocketAddr) {
    if !address.ip().is_loopback() {
        warn(format_args!(
            "warning: {} is not a loopback address: all who can reach it can read all runs",
            address.ip()
        ));
    }
    print_line(format_args!("http://{address}/"));
}
