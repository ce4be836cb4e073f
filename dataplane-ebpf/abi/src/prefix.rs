//! Prefixes that policies name, and how the longest one of an address is found.
//!
//! A trie takes a step for each bit where its prefixes part. So those of the lengths that most policies name,
//! single addresses and the usual subnets, are hashed, and the tries are left with the others, of which there
//! are few. [`Kinds`] says where there is anything to look for.

use crate::Addr;

/// `PREFIXES4`: LPM trie of an IPv4 address in network order, value [`Prefix`].
pub type Prefix4 = u32;
/// `PREFIXES6`: LPM trie of an IPv6 address.
pub type Prefix6 = [u32; 4];

/// What a trie says.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prefix {
    /// The prefix's number, from [`crate::Peer::FIRST_PREFIX`] on.
    pub number: u32,
    /// Its length, of the family's own bits.
    pub length: u32,
}

/// A prefix of a usual length. `BLOCKS`: hash of this, value `u32`: its number.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Block {
    /// Its first address.
    pub addr: Addr,
    /// Its length, of the family's own bits.
    pub length: u32,
}

impl Block {
    /// A single address and the usual subnet, of IPv4.
    pub const V4: [u32; 2] = [32, 24];
    /// The same of IPv6.
    pub const V6: [u32; 2] = [128, 64];
}

/// `KINDS`: array of one. Bits of what is there; IPv6's stand [`Kinds::V6`] bits further up.
pub struct Kinds;

impl Kinds {
    /// A single address.
    pub const HOST: u32 = 1;
    /// A prefix of the usual length of a subnet.
    pub const SUBNET: u32 = 2;
    /// One of another length, in the trie.
    pub const OTHER: u32 = 4;
    /// How much further up IPv6's bits stand.
    pub const V6: u32 = 3;
}
