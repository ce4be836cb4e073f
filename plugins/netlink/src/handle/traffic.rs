//! Counters.

use nix::libc;

use super::{Handle, found};
use crate::codec;
use crate::error::Result;
use crate::link::Link;
use crate::raw::{Message, Transport};
use crate::traffic::{Counters, LinkTraffic};

impl<T: Transport> Handle<T> {
    fn counters(&mut self, index: u32, nsid: Option<i32>) -> Result<Option<LinkTraffic>> {
        let message = Message::new(
            "read counters of link",
            index.to_string(),
            libc::RTM_GETLINK,
        );
        let body = codec::traffic::get(index, nsid).map_err(|_| message.invalid("too long"))?;
        found(
            self.socket
                .get(&message.body(body), |_, body| codec::traffic::decode(body)),
        )
    }
}

impl<T: Transport> Counters for Handle<T> {
    fn traffic(&mut self, index: u32) -> Result<Option<LinkTraffic>> {
        self.counters(index, None)
    }

    fn peer_traffic(&mut self, link: &Link) -> Result<Option<LinkTraffic>> {
        match link.peer_index {
            Some(peer) => self.counters(peer, link.peer_nsid),
            None => Ok(None),
        }
    }
}
