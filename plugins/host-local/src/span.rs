//! Runs of addresses as numbers.
//!
//! IPv6 ranges go up to all 2^128 addresses, so a run is kept by its first and last address and never
//! by its length, which may not fit; nothing in here steps past an end before it has compared with it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The number of an address within its family.
pub fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip),
    }
}

/// The address of that number; `None` where an IPv4 address would need more than 32 bits.
pub fn address(v6: bool, number: u128) -> Option<IpAddr> {
    if v6 {
        return Some(Ipv6Addr::from(number).into());
    }
    Some(Ipv4Addr::from(u32::try_from(number).ok()?).into())
}

/// The addresses from the first to the last, both included; one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    v6: bool,
    first: u128,
    last: u128,
}

impl Span {
    /// `None` where the families differ or `last` comes before `first`.
    pub fn new(first: IpAddr, last: IpAddr) -> Option<Self> {
        let same = first.is_ipv6() == last.is_ipv6() && first <= last;
        same.then(|| Span {
            v6: first.is_ipv6(),
            first: number(first),
            last: number(last),
        })
    }

    /// A run given by numbers; `None` as above, or where an IPv4 number needs more than 32 bits.
    pub fn of_numbers(v6: bool, first: u128, last: u128) -> Option<Self> {
        Span::new(address(v6, first)?, address(v6, last)?)
    }

    /// IPv6?
    pub fn v6(&self) -> bool {
        self.v6
    }

    /// The number of the first address.
    pub fn first(&self) -> u128 {
        self.first
    }

    /// The number of the last address.
    pub fn last(&self) -> u128 {
        self.last
    }

    /// Is the address in the run?
    pub fn contains(&self, ip: IpAddr) -> bool {
        ip.is_ipv6() == self.v6 && (self.first..=self.last).contains(&number(ip))
    }

    /// Is the whole of `other` in the run?
    pub fn covers(&self, other: &Span) -> bool {
        self.v6 == other.v6 && self.first <= other.first && other.last <= self.last
    }

    /// Do the two have an address in common?
    pub fn overlaps(&self, other: &Span) -> bool {
        self.v6 == other.v6 && self.first <= other.last && other.first <= self.last
    }

    /// The addresses before `ip`, which is in the run.
    pub fn before(&self, ip: IpAddr) -> Option<Span> {
        let last = number(ip).checked_sub(1)?;
        Span::of_numbers(self.v6, self.first, last.min(self.last))
    }

    /// The addresses after `ip`, which is in the run.
    pub fn after(&self, ip: IpAddr) -> Option<Span> {
        let first = number(ip).checked_add(1)?;
        Span::of_numbers(self.v6, first.max(self.first), self.last)
    }

    /// The addresses in order.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> {
        let Span { v6, first, last } = *self;
        (first..=last).filter_map(move |number| address(v6, number))
    }

    /// How many addresses there are; `None` where that does not fit a `u64`.
    pub fn len(&self) -> Option<u64> {
        u64::try_from(self.last - self.first).ok()?.checked_add(1)
    }

    /// Never: a run has at least one address.
    pub fn is_empty(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(first: &str, last: &str) -> Span {
        Span::new(first.parse().unwrap(), last.parse().unwrap()).unwrap()
    }

    #[test]
    fn the_whole_of_ipv6_does_not_overflow() {
        let all = span("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
        assert_eq!(all.len(), None);
        assert!(all.contains("fd00::1".parse().unwrap()));
        assert!(!all.contains("10.0.0.1".parse().unwrap()));
        assert_eq!(all.after(all.iter().next().unwrap()).unwrap().first(), 1);
        assert_eq!(
            all.after("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff".parse().unwrap()),
            None
        );
        assert_eq!(all.before("::".parse().unwrap()), None);
    }

    #[test]
    fn the_ends_are_in() {
        let three = span("10.0.0.255", "10.0.1.1");
        let all: Vec<_> = three.iter().map(|ip| ip.to_string()).collect();
        assert_eq!(all, ["10.0.0.255", "10.0.1.0", "10.0.1.1"]);
        assert_eq!(three.len(), Some(3));
        assert!(three.overlaps(&span("10.0.1.1", "10.0.1.9")));
        assert!(!three.overlaps(&span("10.0.1.2", "10.0.1.9")));
    }

    #[test]
    fn a_span_is_one_family_in_order() {
        let bad = [("10.0.0.2", "10.0.0.1"), ("10.0.0.1", "::1")];
        for (first, last) in bad {
            assert_eq!(
                Span::new(first.parse().unwrap(), last.parse().unwrap()),
                None
            );
        }
        assert_eq!(Span::of_numbers(false, 0, 1 << 40), None);
    }
}
