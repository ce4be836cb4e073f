//! Containers that come and go: closed, opened, forgotten.

use super::{OPEN_WITHIN, Turn, Waiting};
use crate::{
    convert::body,
    policy::{EndpointRecord, To, told},
};
use fairway_api::endpoint::Guarded;
use fairway_cni::Code;
use fairway_ipam::AttachmentId;
use fairway_policy::input::Input;
use std::time::Instant;

impl Turn {
    pub(super) fn guard(
        &mut self,
        attachment: &AttachmentId,
        required: bool,
    ) -> Result<Guarded, fairway_api::ErrorBody> {
        if let Err(reason) = self.plane.must_be_there() {
            return match required {
                true => Err(told::not_enforced(&reason)),
                false => Ok(Guarded { enforced: false }),
            };
        }
        let Some(link) = self.links.find(attachment) else {
            let text = format!("{attachment}: its link is not there");
            return Err(body(Code::INTERNAL, text));
        };
        // What an earlier container of that name was must not open this one.
        self.plane.close(link.index);
        self.forget(attachment);
        let attached = self.plane.attach(self.links.netlink(), link.index);
        attached.map_err(|error| body(Code::TRY_AGAIN, error))?;
        Ok(Guarded { enforced: true })
    }

    pub(super) fn open(&mut self, record: EndpointRecord, to: To<()>) {
        let attachment = record.attachment();
        if let Some(other) = self.registry.all().find(|other| {
            other.attachment() != attachment
                && other
                    .addresses
                    .iter()
                    .any(|ip| record.addresses.contains(ip))
        }) {
            let text = format!(
                "{attachment}: {} has one of its addresses; policies know containers by these",
                other.attachment()
            );
            return drop(to.send(Err(body(Code::ADDRESS_UNAVAILABLE, text))));
        }
        if let Err(error) = self.registry.put(record.clone()) {
            return drop(to.send(Err(body(Code::IO, format!("{attachment}: {error}")))));
        }
        self.learn(Input::Endpoint(record.endpoint(&self.node, true)));
        self.publisher.due = true;
        // Where policies must be enforced, its guard was refused. It is known all the same, to other nodes too,
        // and judged as soon as that can be.
        if self.plane.must_be_there().is_err() {
            return drop(to.send(Ok(())));
        }
        self.waiting.push(Waiting {
            attachment,
            until: Instant::now() + OPEN_WITHIN,
            to,
        });
    }

    /// Its link is gone, or must be of no use.
    pub(super) fn forget(&mut self, attachment: &AttachmentId) {
        if let Some(record) = self.registry.remove(attachment) {
            self.learn(Input::EndpointGone(record.id(&self.node)));
            self.publisher.due = true;
        }
    }
}
