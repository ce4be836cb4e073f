//! Masquerading, host ports and MAC spoof checks in nftables and iptables, and the node's
//! own table.
//!
//! The rules of plugins are those of the reference plugins, to the letter, because nodes
//! change over from them (and back) with containers running: either side finds
//! and removes what the other made. They are written through netlink, without
//! running `nft` or iptables, which would cost more than everything else that a
//! plugin does; only iptables-legacy, whose rules live elsewhere in the kernel,
//! is run as a program.
//!
//! What has gone wrong with others, and shaped this: rules left behind because
//! the addresses were unknown on DEL (so everything is found by name); a rule
//! for each retry of an ADD (so what is there is looked at first); rules of the
//! backend that was configured yesterday (so DEL looks in all of them).
//!
//! Where the daemon masquerades for all containers of a node, there is one table
//! for all of them: [`node`].

pub mod forward;
pub mod masq;
pub mod node;
pub mod ports;
pub mod spoof;

mod backend;
mod conntrack;
mod error;
mod names;
mod nft;
mod save;
mod tool;
mod valid;
mod xt;

use std::ffi::OsStr;

pub use backend::Backend;
use backend::Programs;
pub use error::Error;
use nft::socket::NftSocket;

/// One interface of one container in one network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attachment<'a> {
    /// The network's name in its configuration.
    pub network: &'a str,
    /// CNI_CONTAINERID.
    pub container_id: &'a str,
    /// CNI_IFNAME.
    pub ifname: &'a str,
}

/// The way to this namespace's rules.
///
/// The kernel makes whoever deleted rules wait for a grace period (some 16 ms)
/// when this is dropped. Deleting a link waits for one too, at the same time: so
/// on DEL take the rules away first, then the link, and drop this at the end.
#[derive(Debug)]
pub struct Netfilter {
    nft: NftSocket,
    programs: Programs,
}

impl Netfilter {
    /// For the namespace that the calling thread is in.
    ///
    /// # Errors
    /// Where no netlink socket can be had, but for a kernel without nfnetlink:
    /// that one has nothing to take away, and iptables-legacy may still do.
    pub fn open() -> Result<Self, Error> {
        Ok(Self {
            nft: NftSocket::open()?,
            programs: Programs::installed(),
        })
    }

    /// The way to what the kernel knows of connections; none where it has none.
    pub(crate) fn conntrack(&mut self) -> Option<&mut fairway_netlink::raw::RawSocket> {
        self.nft.raw()
    }

    /// Looks for iptables only in these folders (separated by `:`), not in the
    /// environment's PATH and the usual places.
    #[must_use]
    pub fn with_path(mut self, path: &OsStr) -> Self {
        self.programs = Programs::in_path(path);
        self
    }
}
