//! A prefix that can be routed.
//!
//! A route for loopback or multicast, once in the kernel, breaks the machine and not only containers; so
//! there is no such [`Prefix`].

use crate::Invalid;
use fairway_ipam::{Cidr, Family};
use std::{fmt, net::IpAddr};

/// A prefix of unicast addresses, or a default route. Host bits are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix(Cidr);

impl Prefix {
    /// Judges a prefix.
    ///
    /// # Errors
    /// [`Invalid::Prefix`] for what is not routed: loopback, link-local, multicast and the like.
    pub fn new(cidr: Cidr) -> Result<Prefix, Invalid> {
        if cidr.prefix() == 0 {
            return Ok(Prefix(cidr));
        }
        // Halves of the whole space begin or end in something special, and are used as default routes.
        match (special(cidr.first()), special(cidr.last())) {
            (Some(what), Some(last)) if what == last => Err(Invalid::Prefix { prefix: cidr, what }),
            _ => Ok(Prefix(cidr)),
        }
    }

    /// The prefix of one address.
    ///
    /// # Errors
    /// [`Invalid::Address`] where no container can have it.
    pub fn host(field: &'static str, ip: IpAddr) -> Result<Prefix, Invalid> {
        let cidr = Cidr::holding(unicast(field, ip)?, Family::of(ip).bits());
        cidr.map(Prefix).ok_or(Invalid::NoAddress { field })
    }

    /// As address and length.
    pub fn cidr(self) -> Cidr {
        self.0
    }

    /// Its family.
    pub fn family(self) -> Family {
        self.0.family()
    }

    /// Every prefix that holds the address, the longest first.
    pub(crate) fn around(ip: IpAddr) -> impl Iterator<Item = Prefix> {
        let lengths = (0..=Family::of(ip).bits()).rev();
        lengths.filter_map(move |length| Cidr::holding(ip, length).map(Prefix))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An address that a packet can be sent to beyond its link.
pub(crate) fn unicast(field: &'static str, ip: IpAddr) -> Result<IpAddr, Invalid> {
    match special(ip) {
        Some(what) => Err(Invalid::Address { field, ip, what }),
        None => Ok(ip),
    }
}

/// An IPv6 address of a link; IPv4's 169.254.0.0/16 is used as any other by clouds.
pub(crate) fn link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

/// What it is, where it is no unicast address.
fn special(ip: IpAddr) -> Option<&'static str> {
    let this_network = matches!(ip, IpAddr::V4(ip) if ip.octets()[0] == 0);
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    let mapped = matches!(ip, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some());
    let kinds = [
        (this_network, "of \"this network\""),
        (ip.is_unspecified(), "the unspecified address"),
        (ip.is_loopback(), "loopback"),
        (ip.is_multicast(), "multicast"),
        (broadcast, "the limited broadcast address"),
        (mapped, "an IPv4-mapped address"),
        (link_local(ip), "link-local"),
    ];
    kinds.into_iter().find(|(is, _)| *is).map(|(_, what)| what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_routed_is_refused() {
        for good in [
            "0.0.0.0/0",
            "::/0",
            "10.0.0.0/8",
            "fd00::/48",
            "0.0.0.0/1",
            "128.0.0.0/1",
            "::/1",
        ] {
            assert!(Prefix::new(good.parse().unwrap()).is_ok(), "{good}");
        }
        for bad in [
            "0.0.0.0/8",
            "127.0.0.0/8",
            "127.0.0.1/32",
            "224.0.0.0/4",
            "255.255.255.255/32",
            "::1/128",
            "fe80::/10",
            "ff00::/8",
            "::ffff:10.0.0.0/104",
        ] {
            assert!(Prefix::new(bad.parse().unwrap()).is_err(), "{bad}");
        }
        let error = Prefix::host("address", "ff02::1".parse().unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "address: ff02::1 is multicast");
    }

    #[test]
    fn around_goes_from_long_to_short() {
        let all: Vec<_> = Prefix::around("10.1.2.3".parse().unwrap()).collect();
        assert_eq!(all.len(), 33);
        assert_eq!(all[0].to_string(), "10.1.2.3/32");
        assert_eq!(all[8].to_string(), "10.1.2.0/24");
        assert_eq!(all[32].to_string(), "0.0.0.0/0");
    }
}
