//! Links that programs hang on, and what holds for all of them.

/// `CONFIG`: array of one.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Config {
    /// Counted up after each change of what verdicts follow from: flows judged before are judged anew.
    pub epoch: u32,
    /// [`Config::JUDGE_HOST`] and so on.
    pub flags: u32,
    /// One in so many new flows that are let through is told of; 0: none.
    pub sample: u32,
    /// So many events a second and processor at most.
    pub events: u32,
}

impl Config {
    /// The node's own traffic is judged like any other.
    pub const JUDGE_HOST: u32 = 1;
    /// Containers of one network on this node are delivered to directly.
    pub const DELIVER: u32 = 2;
    /// Every packet is judged, whatever was found for its flow before.
    pub const JUDGE_ALL: u32 = 4;
    /// What containers send to other nodes goes there by `ROUTES`, past the host.
    pub const ROUTE: u32 = 8;
}

/// Two policy sets: what is in force, and that with the policies in audit besides. 0: nothing is refused.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sets {
    /// For packets to the container.
    pub ingress: u32,
    /// For packets from it.
    pub egress: u32,
    /// Like `ingress`, if policies in audit were in force; 0 where there is none.
    pub ingress_audit: u32,
    /// Like `egress`.
    pub egress_audit: u32,
}

/// `ENDPOINTS`: hash of a link's index (`u32`, the host's end). A link with programs and without an entry
/// is closed.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Endpoint {
    /// Its identity.
    pub identity: u32,
    /// [`Endpoint::OPEN`] and so on.
    pub flags: u32,
    /// Its policy.
    pub sets: Sets,
    /// Its network; 0: none, nothing is delivered to it directly.
    pub vni: u32,
    /// Bytes of the largest packet, with its IP header.
    pub mtu: u32,
    /// Its IPv4 address in network order; 0: none.
    pub v4: u32,
    /// Its IPv6 address; zeros: none.
    pub v6: [u32; 4],
    /// The hardware address of the container's end.
    pub mac: [u8; 6],
    /// That of the host's end.
    pub host_mac: [u8; 6],
}

impl Endpoint {
    /// Its policy is in place; without this flag it is closed.
    pub const OPEN: u32 = 1;
    /// It has more addresses than fit in here: those whose [`crate::Peer::link`] is this one.
    pub const MORE: u32 = 2;
    /// It may be delivered to directly.
    pub const DELIVER: u32 = 4;
    /// Its link is a port of a bridge: frames come from neighbours, and go to them.
    pub const BRIDGED: u32 = 8;
    /// What it gets is limited where its link sends it: nothing passes the link's qdisc by.
    pub const SHAPED: u32 = 16;
}
