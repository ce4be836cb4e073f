//! Addresses, and who has them.

/// An address of either family, in network byte order; IPv4 as `::ffff:a.b.c.d` (RFC 4291, section 2.5.5.2).
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Addr(pub [u32; 4]);

impl Addr {
    /// The third word of an IPv4 address.
    pub const V4: u32 = 0xffff_u32.to_be();

    /// From the four bytes as they stand in a packet.
    #[inline(always)]
    pub const fn v4(word: u32) -> Self {
        Addr([0, 0, Self::V4, word])
    }

    /// Is it an IPv4 address?
    #[inline(always)]
    pub const fn is_v4(&self) -> bool {
        self.0[0] == 0 && self.0[1] == 0 && self.0[2] == Self::V4
    }

    /// The address of an octet string in network order.
    pub const fn from_octets(octets: [u8; 16]) -> Self {
        let mut words = [0; 4];
        let mut at = 0;
        while at < 4 {
            let from = at * 4;
            words[at] = u32::from_ne_bytes([
                octets[from],
                octets[from + 1],
                octets[from + 2],
                octets[from + 3],
            ]);
            at += 1;
        }
        Addr(words)
    }

    /// Its octets in network order.
    pub const fn octets(&self) -> [u8; 16] {
        let mut octets = [0; 16];
        let mut at = 0;
        while at < 16 {
            octets[at] = self.0[at / 4].to_ne_bytes()[at % 4];
            at += 1;
        }
        octets
    }
}

/// `ADDRESSES`: hash of [`Addr`], all addresses of which somebody is known.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Peer {
    /// Who: a number of the label set, from 1; see [`Peer::FIRST_PREFIX`].
    pub identity: u32,
    /// The host's end of its links, where it is on this node; else 0.
    pub link: u32,
    /// [`Peer::HOST`].
    pub flags: u32,
}

impl Peer {
    /// It is an address of this very node.
    pub const HOST: u32 = 1;
    /// Numbers from here on are those of prefixes (see [`crate::Block`]), below are those of label sets.
    pub const FIRST_PREFIX: u32 = 1 << 31;
}
