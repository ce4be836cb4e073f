//! What others do to the table.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use fairway_netlink::raw::attr::Attrs;
use fairway_netlink::raw::{Subscription, Told, messages, protocols};

use super::TABLE;
use crate::nft::{HEADER, NEW_GENERATION, SUBSYSTEM};

/// NFNLGRP_NFTABLES.
const GROUP: u32 = 7;
/// How much may wait to be read: some thousand rules of others.
const ROOM: usize = 1024 * 1024;

/// Tells when somebody changed the table: oneself, others, or whoever flushes the
/// whole ruleset. Never waits: its descriptor becomes readable when anything in
/// the ruleset changes, and is not any more after [`changed`](Self::changed).
#[derive(Debug)]
pub struct Monitor {
    subscription: Subscription,
}

impl Monitor {
    /// Subscribes in the calling thread's namespace. Then look at the table, then
    /// wait.
    ///
    /// # Errors
    /// Where no such socket can be had, EPROTONOSUPPORT for one in a kernel without
    /// nfnetlink.
    pub fn open() -> io::Result<Self> {
        let subscription = Subscription::open(protocols::NETLINK_NETFILTER, &[GROUP])?;
        subscription.reserve(ROOM);
        Ok(Self { subscription })
    }

    /// Reads all that was told so far. True where something was about the table,
    /// or where something was lost: then [`check`](super::NodeTable::check).
    ///
    /// # Errors
    /// Where the socket fails for good; open another and check.
    pub fn changed(&mut self) -> io::Result<bool> {
        let mut changed = false;
        while let Some(told) = self.subscription.receive()? {
            changed |= match told {
                Told::Lost => true,
                Told::Datagram(datagram) => concerns_table(datagram),
            };
        }
        Ok(changed)
    }
}

/// Whether a datagram has a message about the table or something in it, or is not
/// whole. A flush of everything is told as one of each thing.
fn concerns_table(datagram: &[u8]) -> bool {
    /// Of tables and of all that is in them alike.
    const TABLE_NAME: u16 = 1;
    messages(datagram).any(|message| {
        let Ok((kind, body)) = message else {
            return true;
        };
        if kind >> 8 != SUBSYSTEM || kind == NEW_GENERATION {
            return false;
        }
        let name = Attrs::after(HEADER, body).find_kind(TABLE_NAME);
        let name = name.map(|attr| attr.value.strip_suffix(&[0]).unwrap_or(attr.value));
        body.first() == Some(&TABLE.family) && name == Some(TABLE.name.as_bytes())
    })
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.subscription.as_fd()
    }
}

impl AsRawFd for Monitor {
    fn as_raw_fd(&self) -> RawFd {
        self.subscription.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use fairway_netlink::raw::attr::Writer;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::nft::{NEW_RULE, NEW_TABLE, header};

    fn message(kind: u16, family: u8, name: &str) -> Vec<u8> {
        let mut attrs = Writer::with_header(&header(family, 0));
        attrs.put_str(1, name);
        let body = attrs.finish().unwrap();
        let mut bytes = (16 + body.len() as u32).to_ne_bytes().to_vec();
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(&[0; 10]);
        bytes.extend_from_slice(&body);
        bytes
    }

    #[test]
    fn only_our_table_counts() {
        assert!(concerns_table(&message(NEW_TABLE, 1, "fairway")));
        let ours = message(NEW_RULE, 1, "fairway");
        assert!(concerns_table(&ours));
        let others = [
            message(NEW_RULE, 2, "fairway"),
            message(NEW_RULE, 1, "fairway2"),
            message(NEW_RULE, 1, "fair"),
            // Its first attribute is a number.
            message(NEW_GENERATION, 1, "fairway"),
            message(NEW_RULE ^ 0x100, 1, "fairway"),
        ]
        .concat();
        assert!(!concerns_table(&others));
        assert!(!concerns_table(&[]));
        assert!(concerns_table(&[others, ours.clone()].concat()));
        // What is cut off may have been about it.
        assert!(concerns_table(&ours[..20]));
    }

    proptest! {
        #[test]
        fn garbage(bytes in vec(any::<u8>(), 0..200)) {
            let _ = concerns_table(&bytes);
        }
    }
}
