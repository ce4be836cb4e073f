//! Verdicts: who may talk to a set's endpoints by which ports.
//!
//! A packet's peer is looked for three times in its set, as anybody, by its identity and by the longest
//! prefix that its address is in. What is found says by a table of ports what rules say of it. Of all that is
//! found the best order counts: it costs the same with ten rules and with ten thousand.

/// No rule.
pub const NO_ORDER: u32 = u32::MAX;
/// The rule of verdicts that follow from no rule.
pub const NOBODY: u32 = 0;

/// What a rule decides.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    /// The less, the earlier; [`NO_ORDER`]: no rule says anything.
    pub order: u32,
    /// Which rule, for people.
    pub rule: u32,
    /// [`Side::DENY`], [`Side::ALLOW`] or [`Side::PASS`].
    pub action: u32,
}

impl Side {
    /// Refused.
    pub const DENY: u32 = 0;
    /// Let through.
    pub const ALLOW: u32 = 1;
    /// Left to [`Decision::low`].
    pub const PASS: u32 = 2;
    /// No rule says anything.
    pub const NONE: Side = Side {
        order: NO_ORDER,
        rule: NOBODY,
        action: Side::DENY,
    };
}

impl Default for Side {
    fn default() -> Self {
        Side::NONE
    }
}

/// `PORTS`: hash of [`PortKey`]. Of each tier's rules that fit, the first.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Decision {
    /// The tier of administrators.
    pub high: Side,
    /// What comes after: network policies, or where there is none, the baseline.
    pub low: Side,
}

/// A transport protocol, as policies tell them apart: its number, or 0 for all others.
pub struct Class;

impl Class {
    /// All but the others below.
    pub const OTHER: u8 = 0;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// SCTP.
    pub const SCTP: u8 = 132;

    /// The class of a protocol's number.
    #[inline(always)]
    pub const fn of(protocol: u8) -> u8 {
        match protocol {
            Self::TCP | Self::UDP | Self::SCTP => protocol,
            _ => Self::OTHER,
        }
    }
}

/// A key of `PORTS`. The longest prefix of a port that is there counts.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PortKey {
    /// The table.
    pub table: u32,
    /// The port in host order, bits beyond `length` zero.
    pub port: u16,
    /// See [`Class`].
    pub class: u8,
    /// 0 to 16.
    pub length: u8,
}

/// Where to look in a table.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lengths {
    /// The table; 0: nothing is said.
    pub table: u32,
    /// Bit n: there are entries of length n.
    pub lengths: u32,
}

/// `PEERS`: hash of this, value [`Lengths`].
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PeerKey {
    /// The set.
    pub set: u32,
    /// An identity or the number of a prefix.
    pub peer: u32,
}

/// `SETS`: hash of a set's number from 1.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Set {
    /// [`Side::DENY`] or [`Side::ALLOW`]: what holds where no rule says anything.
    pub otherwise: u32,
    /// Which rule that is, for people.
    pub rule: u32,
    /// [`Set::PREFIXES`].
    pub flags: u32,
    /// What holds for anybody.
    pub anybody: Lengths,
}

impl Set {
    /// Some rule names a prefix.
    pub const PREFIXES: u32 = 1;
}
