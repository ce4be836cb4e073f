//! Policy routing: which table decides about a packet.
//!
//! Rules are asked in the order of their priorities, and of those of the same
//! priority the older one first. Each family has its own.
//!
//! What a user of them has to know: the kernel finds a rule by what it is told and
//! takes what it is not told for "whatever". So it would delete a rule with an
//! input link where one without was meant, which
//! [`delete_rule`](crate::Netlink::delete_rule) does not let happen. And it says of
//! a rule without a prefix that it is there already if one with a prefix is, but
//! otherwise the same. A priority for each sort of rule keeps clear of both.

use std::fmt;

use ipnetwork::IpNetwork;

use crate::route::Family;

/// A rule, as the kernel has it or is to have it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rule {
    /// Of which packets.
    pub family: Family,
    /// The least is asked first. The kernel's own are 0 (table local), 32766 (main)
    /// and 32767 (default).
    pub priority: u32,
    /// Packets from there; None: from anywhere. Of the rule's family, without host
    /// bits, not of length 0.
    pub src: Option<IpNetwork>,
    /// Packets to there; None: to anywhere. As above.
    pub dst: Option<IpNetwork>,
    /// Packets that came in by the link of that name, whether there is one or not;
    /// None: by any, and this host's own. 1 to 15 bytes.
    pub iif: Option<String>,
    /// Packets that came out of a tunnel with that number, a VNI for one; None:
    /// with any, and those of no tunnel. Above 0.
    pub tun_id: Option<u64>,
    /// What becomes of packets that are all of that.
    pub action: RuleAction,
    /// Who set it: numbers as with routes. 0: nobody in particular.
    pub protocol: u8,
}

/// What a rule does with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RuleAction {
    /// Asks that table, of a number above 0; the next rule if it has no route.
    Lookup(u32),
    /// Drops it in silence.
    Blackhole,
    /// Answers "network unreachable".
    Unreachable,
    /// Answers "prohibited".
    Prohibit,
    /// Something else, by the kernel's number; such rules can only be read.
    Other(u8),
}

impl RuleAction {
    /// The table that is asked.
    pub const fn table(self) -> Option<u32> {
        match self {
            Self::Lookup(table) => Some(table),
            _ => None,
        }
    }
}

impl Rule {
    /// A rule for all packets of a family, of protocol number 0.
    pub const fn new(family: Family, priority: u32, action: RuleAction) -> Self {
        Self {
            family,
            priority,
            src: None,
            dst: None,
            iif: None,
            tun_id: None,
            action,
            protocol: 0,
        }
    }

    /// Why the kernel would refuse it, or take it for another one.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let unsound = |net: &IpNetwork| {
            Family::of(net.ip()) != self.family || net.prefix() == 0 || net.network() != net.ip()
        };
        if self.src.iter().chain(&self.dst).any(unsound) {
            return Some("a rule's prefixes are of its family, not of length 0, without host bits");
        }
        if self.tun_id == Some(0) {
            return Some("a rule's tunnel number is above 0");
        }
        match self.action {
            RuleAction::Lookup(0) => Some("a rule's table is above 0"),
            RuleAction::Other(_) => Some("a rule of this action can only be read"),
            _ => None,
        }
    }

    /// Whether the kernel, asked to delete this one, would be content with that one.
    pub(crate) fn finds(&self, that: &Self) -> bool {
        fn one<T: PartialEq>(asked: Option<&T>, there: Option<&T>) -> bool {
            asked.is_none() || asked == there
        }
        (self.family, self.priority, self.action) == (that.family, that.priority, that.action)
            && (self.protocol == 0 || self.protocol == that.protocol)
            && one(self.src.as_ref(), that.src.as_ref())
            && one(self.dst.as_ref(), that.dst.as_ref())
            && one(self.iif.as_ref(), that.iif.as_ref())
            && one(self.tun_id.as_ref(), that.tun_id.as_ref())
    }
}

/// As `ip rule` has it: `100: from all iif vx tun_id 7 lookup 1007`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: from ", self.priority)?;
        match self.src {
            Some(src) => write!(f, "{src}")?,
            None => f.write_str("all")?,
        }
        if let Some(dst) = self.dst {
            write!(f, " to {dst}")?;
        }
        if let Some(iif) = &self.iif {
            write!(f, " iif {iif}")?;
        }
        if let Some(tun_id) = self.tun_id {
            write!(f, " tun_id {tun_id}")?;
        }
        match self.action {
            RuleAction::Lookup(table) => write!(f, " lookup {table}"),
            RuleAction::Blackhole => f.write_str(" blackhole"),
            RuleAction::Unreachable => f.write_str(" unreachable"),
            RuleAction::Prohibit => f.write_str(" prohibit"),
            RuleAction::Other(action) => write!(f, " action {action}"),
        }
    }
}
