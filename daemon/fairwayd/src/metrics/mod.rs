//! Metrics for Prometheus, for whoever turns them on: `--metrics ADDR:PORT`.
//!
//! Parts of the daemon count where something happens, by what [`keep`] has; what stands is asked for when somebody scrapes.
//! A part that does not answer in time is left out, and that is said: a scrape holds up nobody, nor is it held up. Those
//! who come at the same time see the same page.

mod collect;
mod http;
pub(crate) mod keep;
pub(crate) mod names;
pub(crate) mod page;
mod process;
mod show;

pub(crate) use collect::Collector;

use crate::error::Error;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Takes the port.
///
/// # Errors
/// Where that cannot be.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|source| Error::Metrics { address, source })
}
