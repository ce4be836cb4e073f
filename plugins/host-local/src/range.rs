//! Ranges of addresses as they are configured, checked and completed.
//!
//! The defaults are those of the reference plugin, on which configurations rely: the first address of
//! the subnet is the gateway, and a range without ends goes from there to the last address of the
//! subnet, the IPv4 broadcast address left out. Beyond the reference a range whose start lies after its
//! (default) end is refused: there it made the allocator run out of the subnet.

use crate::span::{Span, address, number};
use fairway_cni::{Field, FieldError, Object};
use ipnetwork::IpNetwork;
use std::{fmt, net::IpAddr};

/// A range of one subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    subnet: IpNetwork,
    span: Span,
    gateway: IpAddr,
}

impl Range {
    /// Reads `{subnet, rangeStart, rangeEnd, gateway}`.
    ///
    /// # Errors
    /// Names the field that is missing, malformed or outside of the subnet.
    pub fn from_json(object: &Object<'_>) -> Result<Self, FieldError> {
        let field = object.require("subnet")?;
        let subnet = field.cidr()?;
        let bits = if subnet.is_ipv6() { 128 } else { 32 };
        if let IpAddr::V6(ip) = subnet.ip()
            && ip.to_ipv4_mapped().is_some()
        {
            return Err(field.invalid("an IPv4 subnet in IPv6 notation"));
        }
        if subnet.prefix() > bits - 2 {
            let reason = format_args!("too small to allocate from: /{} is the longest", bits - 2);
            return Err(field.invalid(reason));
        }
        if subnet.ip() != subnet.network() {
            let (network, prefix) = (subnet.network(), subnet.prefix());
            return Err(field.invalid(format_args!(
                "has host bits set: the network address is {network}/{prefix}"
            )));
        }

        let (net, broadcast) = (number(subnet.network()), number(subnet.broadcast()));
        let top = if subnet.is_ipv6() {
            broadcast
        } else {
            broadcast - 1
        };
        let at = |number| address(subnet.is_ipv6(), number).unwrap_or(subnet.network());
        let start = inside(object, "rangeStart", &subnet)?;
        let end = inside(object, "rangeEnd", &subnet)?;
        let (first, last) = (start.unwrap_or(at(net + 1)), end.unwrap_or(at(top)));
        let span = Span::new(first, last).ok_or_else(|| match start {
            Some(start) => object.invalid(
                "rangeStart",
                start,
                format_args!("after the range's end, {last}"),
            ),
            None => object.invalid(
                "rangeEnd",
                last,
                format_args!("before the range's start, {first}"),
            ),
        })?;
        Ok(Range {
            subnet,
            span,
            gateway: ip(object, "gateway")?.unwrap_or(at(net + 1)),
        })
    }

    /// The addresses, the gateway's perhaps among them.
    pub fn span(&self) -> Span {
        self.span
    }

    /// The gateway, which is never given out.
    pub fn gateway(&self) -> IpAddr {
        self.gateway
    }

    /// `ip` with the subnet's prefix length.
    pub fn with_prefix(&self, ip: IpAddr) -> IpNetwork {
        IpNetwork::new(ip, self.subnet.prefix()).unwrap_or_else(|_| ip.into())
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |number| address(self.span.v6(), number).unwrap_or(self.gateway);
        write!(f, "{}-{}", end(self.span.first()), end(self.span.last()))
    }
}

/// An address by itself, IPv4 in IPv6 notation taken for what it is.
fn ip(object: &Object<'_>, key: &str) -> Result<Option<IpAddr>, FieldError> {
    Ok(object.parse::<IpAddr>(key)?.map(|ip| ip.to_canonical()))
}

fn inside(
    object: &Object<'_>,
    key: &str,
    subnet: &IpNetwork,
) -> Result<Option<IpAddr>, FieldError> {
    let ip = ip(object, key)?;
    match ip {
        Some(ip) if !subnet.contains(ip) => {
            Err(object.invalid(key, ip, format_args!("not in the subnet {subnet}")))
        }
        _ => Ok(ip),
    }
}

/// Ranges of one family, of which a container gets one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeSet {
    ranges: Vec<Range>,
    path: String,
}

impl RangeSet {
    /// Reads an array of ranges.
    ///
    /// # Errors
    /// An empty array, ranges of two families, ranges that overlap; and what [`Range::from_json`] finds.
    pub fn from_json(field: &Field<'_>) -> Result<Self, FieldError> {
        let mut set = RangeSet {
            ranges: Vec::new(),
            path: field.path().to_owned(),
        };
        for item in field.items()? {
            let object = item.object()?;
            let range = Range::from_json(&object)?;
            set.admit(&object, &range)?;
            set.ranges.push(range);
        }
        if set.ranges.is_empty() {
            return Err(field.invalid("empty range set"));
        }
        Ok(set)
    }

    /// The set of the one range that stands in `ipam` itself, as old configurations have it.
    pub fn from_flat(ipam: &Object<'_>) -> Result<Self, FieldError> {
        Ok(RangeSet {
            ranges: vec![Range::from_json(ipam)?],
            path: ipam.path().to_owned(),
        })
    }

    fn admit(&self, object: &Object<'_>, range: &Range) -> Result<(), FieldError> {
        for (index, other) in self.ranges.iter().enumerate() {
            let path = &self.path;
            if other.span.v6() != range.span.v6() {
                let reason = format_args!("of another address family than {path}[{index}]");
                return Err(object.invalid("subnet", range.subnet, reason));
            }
            if other.span.overlaps(&range.span) {
                let reason = format_args!("overlaps with {path}[{index}] ({other})");
                return Err(object.invalid("subnet", range.subnet, reason));
            }
        }
        Ok(())
    }

    /// Where in the configuration it stands.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The ranges, of which there is at least one.
    pub fn ranges(&self) -> &[Range] {
        &self.ranges
    }

    /// IPv6?
    pub fn v6(&self) -> bool {
        self.ranges.iter().any(|range| range.span.v6())
    }

    /// The range that holds `ip`.
    pub fn range_of(&self, ip: IpAddr) -> Option<&Range> {
        self.ranges.iter().find(|range| range.span.contains(ip))
    }

    /// Does one of the ranges hold `ip`?
    pub fn contains(&self, ip: IpAddr) -> bool {
        self.range_of(ip).is_some()
    }

    /// Do the two have an address in common?
    pub fn overlaps(&self, other: &RangeSet) -> bool {
        let pair = |a: &Range| other.ranges.iter().any(|b| a.span.overlaps(&b.span));
        self.ranges.iter().any(pair)
    }
}

impl fmt::Display for RangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.ranges.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{range}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "range_tests.rs"]
mod tests;
