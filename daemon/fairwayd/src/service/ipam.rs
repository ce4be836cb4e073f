//! What the IPAM plugin asks.

use super::{Daemon, refusal};
use crate::{
    convert,
    driver::{Driver, Failure, Said},
    news::news,
    server::{Gone, Replies},
    sweep::{NetnsState, netns_state},
};
use fairway_api::{
    ErrorBody, Nothing,
    ipam::{Allocate, Allocated, Check, Collected, Gc, Headrooms, Release, Released, StatusQuery},
};
use fairway_cni::Code;
use fairway_ipam::{Answer, AttachmentId, Netns, Request};
use std::collections::BTreeSet;
use tracing::debug;

/// How long an answer to an ADD is of use, in milliseconds: less than the plugin's patience.
const PATIENCE: u64 = 20_000;

impl Daemon {
    pub(super) async fn allocate(
        &self,
        request: Allocate,
        replies: &mut Replies,
    ) -> Result<(), Gone> {
        let asked_at = fairway_api::released::boottime().unwrap_or(0);
        let deadline = self.clocks.millis() + PATIENCE;
        let netns = self.netns(&request);
        let wanted = match convert::allocate(&request, netns, deadline) {
            Ok(wanted) => wanted,
            Err(error) => return refuse(replies, error.into()).await,
        };
        let attachment = wanted.attachment.clone();
        if self.link.drained() {
            return refuse(replies, self.drained()).await;
        }
        if let Err(failure) = self
            .released
            .before(&self.driver, &request.attachment)
            .await
        {
            return refuse(replies, refusal::said(&failure, &request.facts)).await;
        }
        let wanted = Request::Allocate(Box::new(wanted));
        let mut pending = self.driver.request(wanted, request.early);
        let answer = loop {
            match pending.next().await {
                Said::Early(allocated) => replies.early(&convert::allocated(&allocated)).await?,
                Said::Done(answer) => break answer,
            }
        };
        let allocated = match answer {
            Ok(Answer::Allocated(allocated)) => allocated,
            Ok(other) => return refuse(replies, unexpected(&other)).await,
            Err(failure) => {
                debug!("{attachment}: {failure}");
                return refuse(replies, refusal::said(&failure, &request.facts)).await;
            }
        };
        let untold = Untold {
            driver: &self.driver,
            given: (!allocated.repeated).then_some((attachment, allocated.seq)),
        };
        self.released.given(allocated.seq, asked_at).await;
        let answer: Result<Allocated, ErrorBody> = Ok(convert::allocated(&allocated));
        replies.answer(answer).await?;
        untold.told();
        Ok(())
    }

    /// Where the container is, if this process sees the same there as the plugin did. If not, its absence
    /// later on would say nothing.
    fn netns(&self, request: &Allocate) -> Option<Netns> {
        let netns = request.netns.as_ref().map(|netns| Netns {
            path: netns.path.clone(),
            device: netns.device,
            inode: netns.inode,
        })?;
        if netns_state(&netns) == NetnsState::There {
            return Some(netns);
        }
        news!(
            warn,
            "{}: not visible to fairwayd, which must run in the host's mount namespace; that the container \
             ends will be seen by its link only",
            netns.path
        );
        None
    }

    pub(super) async fn release(&self, request: Release) -> Result<Released, ErrorBody> {
        let id = convert::attachment(&request.attachment)?;
        let freed = self.driver.ask(Request::Release(id)).await;
        match freed.map_err(|error| refusal::failure(&error))? {
            Answer::Released(addresses) => Ok(Released { addresses }),
            other => Err(unexpected(&other)),
        }
    }

    pub(super) async fn check(&self, request: Check) -> Result<Nothing, ErrorBody> {
        let id = convert::attachment(&request.attachment)?;
        let checked = self.driver.ask(Request::Check(id, request.addresses)).await;
        checked
            .map(|_| Nothing {})
            .map_err(|error| refusal::failure(&error))
    }

    pub(super) async fn gc(&self, request: Gc) -> Result<Collected, ErrorBody> {
        let failed = |error: Failure| refusal::failure(&error);
        let before = self.driver.sequence().await.map_err(failed)?;
        let keep: BTreeSet<(String, String)> = request.keep.into_iter().collect();
        let collect = Request::Collect {
            network: request.network,
            keep,
            before,
        };
        match self.driver.ask(collect).await.map_err(failed)? {
            Answer::Collected(attachments) => {
                let attachments: Vec<AttachmentId> = attachments;
                Ok(Collected {
                    attachments: attachments.iter().map(convert::attachment_out).collect(),
                })
            }
            other => Err(unexpected(&other)),
        }
    }

    pub(super) async fn status(&self, request: StatusQuery) -> Result<Headrooms, ErrorBody> {
        let pool = request.pool.as_ref().map(convert::pool).transpose()?;
        if self.link.drained() {
            return Err(self.drained());
        }
        let namespace = None;
        let answer = self.driver.ask(Request::Status { pool, namespace }).await;
        let status = refusal::status(&answer)?;
        Ok(Headrooms {
            connected: status.connected,
            pools: status.pools.iter().map(convert::headroom).collect(),
        })
    }

    /// The words for a node that takes no new containers.
    fn drained(&self) -> ErrorBody {
        let node = &self.config.node;
        let text = format_args!(
            "node {node} is drained: it takes no new containers (netctl node undrain {node})"
        );
        convert::body(Code::UNAVAILABLE, text)
    }
}

/// Addresses that were given, until whoever asked was told: where that is not to be, nobody will use them,
/// and nobody may ever say so.
struct Untold<'a> {
    driver: &'a Driver,
    given: Option<(AttachmentId, u64)>,
}

impl Untold<'_> {
    fn told(mut self) {
        self.given = None;
    }
}

impl Drop for Untold<'_> {
    fn drop(&mut self) {
        if let Some((attachment, seq)) = self.given.take() {
            debug!("{attachment}: whoever asked has gone; freed");
            self.driver.unheard(attachment, seq);
        }
    }
}

async fn refuse(replies: &mut Replies, error: ErrorBody) -> Result<(), Gone> {
    let error: Result<Nothing, _> = Err(error);
    replies.answer(error).await
}

pub(super) fn unexpected(answer: &Answer) -> ErrorBody {
    convert::body(
        Code::INTERNAL,
        format_args!("the agent answered something else: {answer:?}"),
    )
}
