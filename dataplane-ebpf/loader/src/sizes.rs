//! How much fits into each map.

use crate::error::{Error, Result};

macro_rules! sizes {
    ($($(#[doc = $doc:literal])+ $field:ident = $map:literal, $default:literal;)+) => {
        /// How many entries each map has room for. Memory is taken as entries come, but for the LRU maps
        /// and the ring buffer, which have theirs from the beginning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct Sizes {
            $($(#[doc = $doc])+ pub $field: u32,)+
        }

        impl Default for Sizes {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl Sizes {
            /// By the maps' names.
            pub fn all(&self) -> impl Iterator<Item = (&'static str, u32)> {
                [$(($map, self.$field)),+].into_iter()
            }
        }
    };
}

sizes! {
    /// Links with containers.
    endpoints = "ENDPOINTS", 4096;
    /// Addresses of which somebody is known.
    addresses = "ADDRESSES", 131_072;
    /// Prefixes of usual lengths that policies name, of both families.
    blocks = "BLOCKS", 65_536;
    /// Other IPv4 prefixes.
    prefixes4 = "PREFIXES4", 65_536;
    /// Other IPv6 prefixes.
    prefixes6 = "PREFIXES6", 65_536;
    /// Routes of networks.
    routes = "ROUTES", 131_072;
    /// Policy sets.
    sets = "SETS", 8192;
    /// Peers of all policy sets.
    peers = "PEERS", 524_288;
    /// Ports of all tables.
    ports = "PORTS", 131_072;
    /// Flows that were answered.
    track_open = "TRACK_OPEN", 262_144;
    /// Flows that were not answered yet.
    track_new = "TRACK_NEW", 65_536;
    /// Packets in fragments.
    fragments = "FRAGMENTS", 8192;
    /// Rules whose flows are counted.
    rules = "RULES", 16_384;
    /// Bytes of events that wait to be read; rounded up to a power of two of pages.
    flows = "FLOWS", 1_048_576;
}

impl Sizes {
    /// Much less of everything, for a trial.
    pub(crate) fn small() -> Self {
        Self {
            endpoints: 1,
            addresses: 1,
            blocks: 1,
            prefixes4: 1,
            prefixes6: 1,
            routes: 1,
            sets: 1,
            peers: 1,
            ports: 1,
            track_open: 1,
            track_new: 1,
            fragments: 1,
            rules: 1,
            flows: 4096,
        }
    }

    /// So many prefixes find room, whatever their lengths.
    pub fn prefixes(&self) -> u32 {
        self.blocks.min(self.prefixes4).min(self.prefixes6)
    }

    pub(crate) fn check(&self) -> Result<()> {
        // The kernel has the bound from its hash tables, whose buckets are a power of two.
        match self
            .all()
            .find(|(_, entries)| *entries == 0 || *entries > 1 << 31)
        {
            Some((map, entries)) => Err(Error::Size { map, entries }),
            None => Ok(()),
        }
    }
}
