//! What verdicts follow from: written entry by entry, and read back to be compared with what is wanted.
//!
//! Each write is one system call, two where something is replaced, and none waits for anything. A map that
//! is full refuses new entries and keeps those that it has, so the caller decides what becomes of the rest.
//! To read back is to ask the kernel, not a copy: somebody with `bpftool` may have been there.

use std::collections::BTreeMap;
use std::net::IpAddr;

use fairway_dataplane_abi::{Decision, Endpoint, Lengths, Peer, PeerKey, PortKey, Set};

use crate::address::{addr_of, ip_of};
use crate::dataplane::Dataplane;
use crate::error::Result;

macro_rules! entries {
    ($($(#[doc = $doc:literal])+ $table:ident: $key:ty => $value:ty, $put:ident, $remove:ident;)+) => {
        impl Dataplane {
            $(
                #[doc = concat!($($doc, " ",)+ "Written in place of what has the key.")]
                ///
                /// # Errors
                /// Where the map is full or the kernel refuses it.
                pub fn $put(&mut self, key: $key, value: &$value) -> Result<()> {
                    self.$table.put(&key, value).map(drop)
                }

                #[doc = concat!($($doc, " ",)+ "Removed; false if there is none.")]
                ///
                /// # Errors
                /// Where the kernel refuses it.
                pub fn $remove(&mut self, key: $key) -> Result<bool> {
                    self.$table.remove(&key)
                }

                #[doc = concat!($($doc, " ",)+ "All of them, as the programs see them.")]
                ///
                /// # Errors
                /// Where the map cannot be read.
                pub fn $table(&self) -> Result<BTreeMap<$key, $value>> {
                    Ok(self.$table.all()?.into_iter().collect())
                }
            )+
        }
    };
}

entries! {
    /// An endpoint by its link's index.
    endpoints: u32 => Endpoint, put_endpoint, remove_endpoint;
    /// A policy set by its number.
    sets: u32 => Set, put_set, remove_set;
    /// A peer of a policy set.
    peers: PeerKey => Lengths, put_peer, remove_peer;
    /// Ports of a table.
    ports: PortKey => Decision, put_ports, remove_ports;
}

impl Dataplane {
    /// Says who has an address.
    ///
    /// # Errors
    /// Where the map is full or the kernel refuses it.
    pub fn put_address(&mut self, ip: IpAddr, peer: &Peer) -> Result<()> {
        self.addresses.put(&addr_of(ip), peer).map(drop)
    }

    /// Nobody has the address any more; false if nobody had.
    ///
    /// # Errors
    /// Where the kernel refuses it.
    pub fn remove_address(&mut self, ip: IpAddr) -> Result<bool> {
        self.addresses.remove(&addr_of(ip))
    }

    /// Who has which address, as the programs see it.
    ///
    /// # Errors
    /// Where the map cannot be read.
    pub fn addresses(&self) -> Result<BTreeMap<IpAddr, Peer>> {
        let all = self.addresses.all()?.into_iter();
        Ok(all.map(|(addr, peer)| (ip_of(addr), peer)).collect())
    }
}
