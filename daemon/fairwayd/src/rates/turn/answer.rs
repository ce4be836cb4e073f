//! Whoever waits for something is told.

use super::{Turn, told};
use crate::{
    code::Coded as _,
    rates::{About, To, plane::Kernel, record::RateRecord, record::id},
    registry::Filed as _,
};
use fairway_api::{ErrorBody, endpoint};
use fairway_ipam::AttachmentId;
use fairway_kv::Revision;
use fairway_rates::Input;
use std::time::Instant;
use tokio::sync::oneshot;
use tracing::warn;

/// Somebody who has asked for rates.
pub(super) struct Waiting {
    /// What is known since then.
    pub(super) record: RateRecord,
    /// What was known before: a request that fails changes nothing.
    pub(super) before: Option<RateRecord>,
    pub(super) to: To<endpoint::Shaped>,
}

/// Somebody who wants to know something as of a revision of the store.
pub(super) struct Curious {
    pub(super) about: About,
    pub(super) since: Revision,
    pub(super) until: Instant,
    pub(super) to: oneshot::Sender<Vec<String>>,
}

impl<K: Kernel> Turn<K> {
    /// CHECK: what somebody has taken off is put back, and what cannot be is told.
    pub(super) fn verify(&mut self, attachment: &AttachmentId) -> Result<(), ErrorBody> {
        self.plane.doubt_of(attachment);
        self.settle();
        told::verified(self, attachment)
    }

    /// Tells those that wait.
    pub(super) fn answer(&mut self) {
        for waiting in std::mem::take(&mut self.waiting) {
            let attachment = waiting.record.attachment();
            let verified = told::verified(self, &attachment);
            if verified.is_err() {
                self.undo(&attachment, &waiting.record, waiting.before);
            }
            let shaped = verified.map(|()| endpoint::Shaped {
                warnings: told::warnings_of(self, &attachment),
            });
            drop(waiting.to.send(shaped));
        }
    }

    /// Tells those who want to know, when what they speak of is in force.
    pub(super) fn inform(&mut self) {
        let now = self.plane.kernel().now();
        for curious in std::mem::take(&mut self.curious) {
            match curious.since <= self.revision || now >= curious.until {
                true => drop(curious.to.send(told::warnings(self, &curious.about))),
                false => self.curious.push(curious),
            }
        }
    }

    /// A request that has failed has not been made, unless somebody has asked for more since.
    fn undo(&mut self, attachment: &AttachmentId, made: &RateRecord, before: Option<RateRecord>) {
        if self.registry.get(attachment) != Some(made) {
            return;
        }
        match before {
            Some(before) => {
                self.engine.take(Input::Endpoint(before.endpoint()));
                if let Err(error) = self.registry.put(before) {
                    warn!(code = error.number(), "rates of {attachment}: {error}");
                }
            }
            None => {
                self.registry.remove(attachment);
                self.engine.take(Input::EndpointGone(id(attachment)));
            }
        }
        self.settle();
        if self.registry.get(attachment).is_none() {
            self.fresh.remove(attachment);
        }
    }
}
