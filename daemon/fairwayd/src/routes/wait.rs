//! A container that has just come up, and whoever waits until it is reached.

use super::Ready;
use fairway_api::ErrorBody;
use fairway_ipam::Lease;
use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

pub(super) struct Waiting {
    ready: Ready,
    until: Instant,
}

impl Waiting {
    pub(super) fn new(ready: Ready, within: Duration) -> Waiting {
        Waiting {
            ready,
            until: Instant::now() + within,
        }
    }

    pub(super) fn lease(&self) -> &Lease {
        &self.ready.lease
    }

    pub(super) fn network(&self) -> &str {
        &self.ready.network
    }

    pub(super) fn addresses(&self) -> &[IpAddr] {
        &self.ready.addresses
    }

    pub(super) fn until(&self) -> Instant {
        self.until
    }

    pub(super) fn is_late(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Does nobody wait any more?
    pub(super) fn is_abandoned(&self) -> bool {
        self.ready.to.is_closed()
    }

    pub(super) fn answer(self, answer: Result<(), ErrorBody>) {
        drop(self.ready.to.send(answer));
    }
}
