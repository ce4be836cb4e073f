//! Nodes as next hops.
//!
//! flannel takes a node's address for the node; a new address is then a new node, and its containers are
//! cut off. Here a route names the node, and where that is now is looked up.

use crate::{Invalid, prefix};
use fairway_ipam::{Cidr, Family, NodeName};
use std::{fmt, net::IpAddr};

/// The largest packet a link takes, in bytes, headers of IP included: 68 to 65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mtu(u16);

impl Mtu {
    /// Judges a number.
    ///
    /// # Errors
    /// [`Invalid::Mtu`] below IPv4's minimum (RFC 791) and above 16 bits.
    pub fn new(number: u32) -> Result<Mtu, Invalid> {
        match u16::try_from(number) {
            Ok(mtu @ 68..) => Ok(Mtu(mtu)),
            _ => Err(Invalid::Mtu { number }),
        }
    }

    /// In bytes.
    pub fn bytes(self) -> u16 {
        self.0
    }

    /// What is left inside headers of that many bytes; none: too little for the family.
    pub(crate) fn inside(self, headers: u16, family: Family) -> Option<Mtu> {
        let left = self.0.checked_sub(headers)?;
        (left >= least(family)).then_some(Mtu(left))
    }
}

/// The smallest MTU of a family, in bytes (RFC 791, RFC 8200).
pub(crate) fn least(family: Family) -> u16 {
    match family {
        Family::V4 => 68,
        Family::V6 => 1280,
    }
}

impl fmt::Display for Mtu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A node's address of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Underlay {
    address: IpAddr,
    subnet: Cidr,
    vtep: IpAddr,
}

impl Underlay {
    /// An address within its subnet, which is the VTEP as well.
    ///
    /// # Errors
    /// Names the field: an address that is no unicast address, or not in the subnet.
    pub fn new(address: IpAddr, subnet: Cidr) -> Result<Underlay, Invalid> {
        let ip = prefix::unicast("underlay.address", address)?;
        match subnet.contains(ip) {
            true => Ok(Underlay {
                address,
                subnet,
                vtep: address,
            }),
            false => Err(Invalid::Subnet { ip, subnet }),
        }
    }

    /// The same with another VTEP, such as one on a loopback link that several uplinks lead to.
    ///
    /// # Errors
    /// Where it is no unicast address, or of the other family.
    pub fn with_vtep(self, vtep: IpAddr) -> Result<Underlay, Invalid> {
        let vtep = prefix::unicast("underlay.vtep", vtep)?;
        let family = Family::of(self.address);
        match Family::of(vtep) == family {
            true => Ok(Underlay { vtep, ..self }),
            false => Err(Invalid::VtepFamily { vtep, family }),
        }
    }

    /// Where its neighbours reach it.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Whom it reaches without a router.
    pub fn subnet(&self) -> Cidr {
        self.subnet
    }

    /// Where encapsulated packets go.
    pub fn vtep(&self) -> IpAddr {
        self.vtep
    }

    /// Does each lie in the other's subnet? A wrong netmask on one side is not enough to skip the tunnel.
    pub(crate) fn beside(&self, other: &Underlay) -> bool {
        self.subnet.contains(other.address) && other.subnet.contains(self.address)
    }
}

/// A node: one underlay address of either family or of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    name: NodeName,
    mtu: Mtu,
    v4: Option<Underlay>,
    v6: Option<Underlay>,
}

impl Node {
    /// A node. `mtu`: of the underlay, in bytes.
    ///
    /// # Errors
    /// Where there is no underlay address, or two of one family.
    pub fn new(
        name: NodeName,
        mtu: Mtu,
        underlays: impl IntoIterator<Item = Underlay>,
    ) -> Result<Node, Invalid> {
        let (mut v4, mut v6) = (None, None);
        for underlay in underlays {
            let family = Family::of(underlay.address);
            let slot = match family {
                Family::V4 => &mut v4,
                Family::V6 => &mut v6,
            };
            if slot.replace(underlay).is_some() {
                return Err(Invalid::TwoUnderlays { family });
            }
        }
        match v4.or(v6) {
            Some(_) => Ok(Node { name, mtu, v4, v6 }),
            None => Err(Invalid::NoAddress { field: "underlay" }),
        }
    }

    /// Its name.
    pub fn name(&self) -> &NodeName {
        &self.name
    }

    /// Its underlay's MTU.
    pub fn mtu(&self) -> Mtu {
        self.mtu
    }

    /// Its address of a family.
    pub fn underlay(&self, family: Family) -> Option<&Underlay> {
        match family {
            Family::V4 => self.v4.as_ref(),
            Family::V6 => self.v6.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn underlay(ip: &str, subnet: &str) -> Result<Underlay, Invalid> {
        Underlay::new(ip.parse().unwrap(), subnet.parse().unwrap())
    }

    #[test]
    fn what_cannot_be_names_its_field() {
        let name = || NodeName::new("n1").unwrap();
        let mtu = Mtu::new(1500).unwrap();
        let v4 = underlay("192.0.2.1", "192.0.2.0/24").unwrap();
        let text = |error: Invalid| error.to_string();
        assert_eq!(
            underlay("192.0.3.1", "192.0.2.0/24").map_err(text),
            Err("underlay.subnet: 192.0.2.0/24 does not hold the address 192.0.3.1".into())
        );
        assert_eq!(
            underlay("127.0.0.1", "127.0.0.0/8").map_err(text),
            Err("underlay.address: 127.0.0.1 is loopback".into())
        );
        assert_eq!(
            v4.with_vtep("fd00::1".parse().unwrap()).map_err(text),
            Err("underlay.vtep: fd00::1 is not IPv4 as the underlay is".into())
        );
        assert_eq!(
            Node::new(name(), mtu, []).map_err(text),
            Err("underlay: at least one address is needed".into())
        );
        assert_eq!(
            Node::new(name(), mtu, [v4, v4]).map_err(text),
            Err("underlay: two IPv4 addresses".into())
        );
        for bad in [0, 67, 65536] {
            assert_eq!(Mtu::new(bad), Err(Invalid::Mtu { number: bad }));
        }
    }

    #[test]
    fn beside_asks_both_sides() {
        let narrow = underlay("192.0.2.1", "192.0.2.0/25").unwrap();
        let wide = underlay("192.0.2.200", "192.0.2.0/24").unwrap();
        let near = underlay("192.0.2.2", "192.0.2.0/24").unwrap();
        assert!(narrow.beside(&near) && near.beside(&narrow));
        assert!(!narrow.beside(&wide) && !wide.beside(&narrow));
    }
}
