//! nf_tables through its own netlink protocol, without `nft`.
//!
//! Running `nft` or iptables costs milliseconds each time, more than all the
//! rest of a plugin's work; a batch of messages costs some hundred microseconds.
//! A batch is one transaction: all of it, or nothing.
//!
//! One thing about time: the kernel frees what a transaction deleted only after
//! a grace period (some 16 ms), and closing the socket waits for that. So the
//! socket lives as long as [`Netfilter`](crate::Netfilter), and whoever deletes a
//! link after the rules gets both waits for the price of one.

pub(crate) mod address;
pub(crate) mod chain;
pub(crate) mod expr;
pub(crate) mod rule;
pub(crate) mod socket;
pub(crate) mod transaction;

#[cfg(test)]
mod socket_tests;
#[cfg(test)]
mod tests;

/// A table of nf_tables: its family (NFPROTO_…), and names for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) family: u8,
    /// As `nft` calls the family.
    pub(crate) family_name: &'static str,
    pub(crate) name: &'static str,
}

impl Table {
    pub(crate) const IP_NAT: Self = Self {
        family: 2,
        family_name: "ip",
        name: "nat",
    };
    pub(crate) const IP6_NAT: Self = Self {
        family: 10,
        family_name: "ip6",
        name: "nat",
    };
    pub(crate) const BRIDGE_NAT: Self = Self {
        family: 7,
        family_name: "bridge",
        name: "nat",
    };
    pub(crate) const MASQUERADE: Self = Self {
        family: 1,
        family_name: "inet",
        name: "cni_plugins_masquerade",
    };
    pub(crate) const IP_HOSTPORT: Self = Self {
        family: 2,
        family_name: "ip",
        name: "cni_hostport",
    };
    pub(crate) const IP6_HOSTPORT: Self = Self {
        family: 10,
        family_name: "ip6",
        name: "cni_hostport",
    };
    pub(crate) const IP_FILTER: Self = Self {
        family: 2,
        family_name: "ip",
        name: "filter",
    };
    pub(crate) const IP6_FILTER: Self = Self {
        family: 10,
        family_name: "ip6",
        name: "filter",
    };
    pub(crate) const FIREWALL: Self = Self {
        family: 1,
        family_name: "inet",
        name: "cni_firewall",
    };
    pub(crate) const NODE: Self = Self {
        family: 1,
        family_name: "inet",
        name: "fairway",
    };

    /// For messages: "ip nat", or "ip nat CHAIN".
    pub(crate) fn subject(&self, chain: Option<&str>) -> String {
        let Self {
            family_name, name, ..
        } = self;
        match chain {
            Some(chain) => format!("{family_name} {name} {chain}"),
            None => format!("{family_name} {name}"),
        }
    }
}

/// Message types: nfnetlink's subsystem in the upper byte.
pub(crate) const SUBSYSTEM: u16 = 10;
const fn message_type(number: u16) -> u16 {
    SUBSYSTEM << 8 | number
}
pub(crate) const NEW_TABLE: u16 = message_type(0);
const GET_TABLE: u16 = message_type(1);
const DEL_TABLE: u16 = message_type(2);
const NEW_CHAIN: u16 = message_type(3);
const GET_CHAIN: u16 = message_type(4);
const DEL_CHAIN: u16 = message_type(5);
pub(crate) const NEW_RULE: u16 = message_type(6);
const GET_RULE: u16 = message_type(7);
const DEL_RULE: u16 = message_type(8);
/// Told, not asked: there is another generation of the ruleset.
pub(crate) const NEW_GENERATION: u16 = message_type(15);
const GET_GENERATION: u16 = message_type(16);
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;

/// Length of nfgenmsg, which every message starts with.
pub(crate) const HEADER: usize = 4;

/// nfgenmsg: family, version 0, resource id in network order.
pub(crate) const fn header(family: u8, resource: u16) -> [u8; HEADER] {
    let [high, low] = resource.to_be_bytes();
    [family, 0, high, low]
}
