//! Requests of the socket, each to whom it concerns.

mod ipam;
mod refusal;

use crate::{
    clock::Clocks,
    config::Config,
    driver::Driver,
    link::Link,
    released::Released,
    server::{Gone, Replies, Service},
};
use fairway_api::{ErrorBody, Method, VERSION, admin};
use std::sync::Arc;

/// All that answering takes.
pub struct Daemon {
    /// What the daemon runs by.
    pub config: Arc<Config>,
    /// The agent.
    pub driver: Driver,
    /// The store.
    pub link: Link,
    /// What DELs left behind.
    pub released: Arc<Released>,
    /// The clocks.
    pub clocks: Clocks,
}

impl Daemon {
    fn info(&self) -> admin::Info {
        admin::Info {
            node: self.config.node.to_string(),
            daemon: env!("CARGO_PKG_VERSION").to_owned(),
            store: self.link.kind().to_owned(),
            connected: self.link.connected(),
            api: VERSION,
        }
    }
}

impl Service for Daemon {
    async fn call(&self, method: Method, replies: &mut Replies) -> Result<(), Gone> {
        match method {
            Method::Allocate(request) => self.allocate(*request, replies).await,
            Method::Release(request) => replies.answer(self.release(request).await).await,
            Method::Check(request) => replies.answer(self.check(request).await).await,
            Method::Gc(request) => replies.answer(self.gc(request).await).await,
            Method::Status(request) => replies.answer(self.status(request).await).await,
            Method::Info => {
                let info: Result<_, ErrorBody> = Ok(self.info());
                replies.answer(info).await
            }
            _ => {
                let error: Result<fairway_api::Nothing, _> = Err(crate::convert::body(
                    fairway_cni::Code::INTERNAL,
                    "not there yet",
                ));
                replies.answer(error).await
            }
        }
    }
}
