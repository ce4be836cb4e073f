//! Why a packet went no further. The numbers are in counters, events, dashboards and people's notes: one
//! that is no longer used stays taken.

/// From where to where a packet went past a link.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// To the container.
    Ingress = 0,
    /// From the container.
    Egress = 1,
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal, $text:literal;)+) => {
        /// See the module's head. Number 0 stands for packets that were let through.
        #[repr(u32)]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[doc = $doc])+ $name = $number,)+
        }

        impl Reason {
            /// All of them, by number.
            pub const ALL: &[Reason] = &[$(Reason::$name),+];

            /// The word for it in metrics and in `-o json`.
            pub const fn name(self) -> &'static str {
                match self { $(Reason::$name => $text,)+ }
            }

            /// The reason of a number.
            pub const fn of(number: u32) -> Option<Reason> {
                match number { $($number => Some(Reason::$name),)+ _ => None }
            }
        }
    };
}

reasons! {
    /// Let through.
    Forwarded = 0, "forwarded";
    /// A rule refuses it.
    Denied = 1, "denied";
    /// Policies hold for the endpoint, and none of them lets it through.
    NotAllowed = 2, "not-allowed";
    /// The endpoint's policy is not in place yet.
    Closed = 3, "closed";
    /// The frame's source is not the container's hardware address.
    ForgedMac = 4, "forged-mac";
    /// The packet's (or ARP's, or neighbour discovery's) source is not the container's address.
    ForgedAddress = 5, "forged-address";
    /// It ends before its headers do.
    Truncated = 6, "truncated";
    /// Its headers contradict each other.
    Malformed = 7, "malformed";
    /// It has more extension headers than are looked at, or one that must not be there.
    Extensions = 8, "extension-headers";
    /// A later fragment, and the first has not been seen.
    Fragment = 9, "fragment-unknown";
    /// Neither IPv4 nor IPv6 nor ARP, or in a VLAN.
    Ethertype = 10, "ethertype";
    /// The container says that it is a router (RFC 6105).
    RouterAdvertisement = 11, "router-advertisement";
    /// The node's links are in disorder: a map that must have an entry has none.
    Internal = 12, "internal";
}

impl Reason {
    /// One more than the largest number.
    pub const COUNT: u32 = Self::ALL.len() as u32;
    /// `COUNTERS` has an entry for each reason and direction.
    pub const COUNTERS: u32 = Self::COUNT * 2;

    /// Where in `COUNTERS`.
    #[inline(always)]
    pub const fn counter(self, direction: Direction) -> u32 {
        self as u32 * 2 + direction as u32
    }
}
