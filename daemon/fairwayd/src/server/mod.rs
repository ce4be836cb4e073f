//! The socket: who may speak, how much, and for how long.
//!
//! Hundreds of plugins come at once when a node restarts, some are killed half-way, and one that hangs must
//! not keep the others waiting: each connection has its own task, each step of it an end in time, and
//! beyond a number of them newcomers wait in the kernel's queue.

mod connection;
mod socket;
#[cfg(test)]
mod tests;

pub use connection::{Gone, Replies};
pub use socket::{Claim, SocketError};

use crate::{code::Coded as _, news::news};
use fairway_api::Request;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{
    net::UnixListener,
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tracing::debug;

/// How long and how much.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Between two requests of a connection.
    pub idle: Duration,
    /// For the rest of a request whose first byte is there.
    pub receive: Duration,
    /// For one frame of an answer.
    pub send: Duration,
    /// For requests that are being answered when the server is told to stop.
    pub finish: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 512,
            idle: Duration::from_secs(20),
            receive: Duration::from_secs(5),
            send: Duration::from_secs(10),
            finish: Duration::from_secs(1),
        }
    }
}

/// Who answers requests.
pub trait Service: Send + Sync + 'static {
    /// Answers one. The future is dropped where the caller has gone.
    ///
    /// # Errors
    /// Where the answer cannot be handed over.
    fn call(
        &self,
        request: Request,
        replies: &mut Replies,
    ) -> impl Future<Output = Result<(), Gone>> + Send;
}

/// Accepts and answers until told to stop; then lets what is being answered come to its end, for a while.
pub async fn serve<S: Service>(
    listener: UnixListener,
    service: Arc<S>,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let permits = Arc::new(Semaphore::new(limits.connections));
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            Some(_) = tasks.join_next(), if !tasks.is_empty() => continue,
            accepted = accept(&listener, &permits) => accepted,
        };
        let (stream, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, most likely: others must end first.
                news!(
                    warn,
                    code = error.number(),
                    "a connection cannot be accepted: {error}"
                );
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        match stream.peer_cred() {
            Ok(peer) if may_speak(peer.uid()) => {}
            Ok(peer) => {
                news!(
                    warn,
                    "user {} was refused; the socket is root's",
                    peer.uid()
                );
                continue;
            }
            Err(error) => {
                debug!("a peer that cannot be asked for: {error}");
                continue;
            }
        }
        let (service, stop) = (service.clone(), stop.clone());
        tasks.spawn(async move {
            connection::run(stream, &*service, limits, stop).await;
            drop(permit);
        });
    }
    drop(listener);
    let ended = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.finish, ended).await.is_err() {
        debug!("some requests were not finished in time");
    }
}

async fn accept(
    listener: &UnixListener,
    permits: &Arc<Semaphore>,
) -> std::io::Result<(tokio::net::UnixStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = permits.clone().acquire_owned().await;
    let permit = permit.map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

/// Only root: the mode of the socket says so too, but a mode can be changed.
fn may_speak(uid: u32) -> bool {
    uid == 0
}

/// What a request's body is.
type Asked = Result<Request, fairway_api::frame::FrameError>;
