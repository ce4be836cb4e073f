//! Containers that come and go: closed, opened, forgotten.

use super::{OPEN_WITHIN, Turn, Waiting};
use crate::{
    code::Coded as _,
    convert::body,
    policy::{EndpointRecord, To, told},
};
use fairway_api::endpoint::Guarded;
use fairway_cni::Code;
use fairway_ipam::AttachmentId;
use fairway_policy::input::{Endpoint, EndpointId, Input};
use std::time::Instant;

/// One whose address another container has still.
pub(super) struct Contending {
    record: EndpointRecord,
    pub(super) until: Instant,
    to: To<()>,
}

impl Contending {
    pub(super) fn attachment(&self) -> AttachmentId {
        self.record.attachment()
    }
}

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
        attached.map_err(|error| body(error.code(), error))?;
        Ok(Guarded { enforced: true })
    }

    pub(super) fn open(&mut self, record: EndpointRecord, to: To<()>) {
        let attachment = record.attachment();
        if self.holder(&record).is_some() {
            // Its address was given back, and the link that had it is about to go.
            let until = Instant::now() + OPEN_WITHIN;
            return self.contending.push(Contending { record, until, to });
        }
        if let Err(error) = self.registry.put(record.clone()) {
            return drop(to.send(Err(body(Code::IO, format!("{attachment}: {error}")))));
        }
        self.learn(Input::Endpoint(self.known(&record)));
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

    /// A container of this node, for the engine.
    pub(super) fn known(&self, record: &EndpointRecord) -> Endpoint {
        let grouped = &self.feed.reader.grouped;
        grouped.tell(record);
        record.endpoint(&self.node, true, grouped)
    }

    /// The groups that a container of whatever node asks for in vain.
    pub(in crate::policy) fn refused_groups(&self, id: &EndpointId) -> Vec<String> {
        let grouped = &self.feed.reader.grouped;
        let refused = |record: &EndpointRecord| grouped.refused(record).to_vec();
        match id.node == self.node {
            true => {
                let own = self.registry.get(&super::attachment_of(id));
                own.map(refused)
            }
            false => self.feed.record(id).as_ref().map(refused),
        }
        .unwrap_or_default()
    }

    /// Another container of this node that has one of its addresses.
    fn holder(&self, record: &EndpointRecord) -> Option<AttachmentId> {
        let attachment = record.attachment();
        let has = |other: &&EndpointRecord| {
            let mut addresses = other.addresses.iter();
            addresses.any(|ip| record.addresses.contains(ip))
        };
        let others = self.registry.all().filter(has);
        let mut others = others.map(EndpointRecord::attachment);
        others.find(|other| *other != attachment)
    }

    /// Takes up those whose addresses are free now; who has waited for too long is refused.
    pub(super) fn admit(&mut self) {
        for contending in std::mem::take(&mut self.contending) {
            // Its caller has given up.
            if contending.to.is_closed() {
                continue;
            }
            match self.holder(&contending.record) {
                None => self.open(contending.record, contending.to),
                Some(_) if Instant::now() < contending.until => self.contending.push(contending),
                Some(other) => {
                    let attachment = contending.record.attachment();
                    let text = format!(
                        "{attachment}: {other} has one of its addresses; policies know containers by these"
                    );
                    drop(
                        contending
                            .to
                            .send(Err(body(Code::ADDRESS_UNAVAILABLE, text))),
                    );
                }
            }
        }
    }

    /// Its link is gone, or must be of no use.
    pub(super) fn forget(&mut self, attachment: &AttachmentId) {
        let contending = std::mem::take(&mut self.contending).into_iter();
        let (gone, left) = contending.partition(|one| one.attachment() == *attachment);
        self.contending = left;
        for gone in gone {
            let text = format!("{attachment}: its link is gone, or it was added anew");
            drop(gone.to.send(Err(body(Code::TRY_AGAIN, text))));
        }
        if let Some(record) = self.registry.remove(attachment) {
            self.learn(Input::EndpointGone(record.id(&self.node)));
            self.publisher.due = true;
        }
    }
}
