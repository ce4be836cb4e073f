//! Prefixes (RFC 4271, 4.3): a length in bits, and as many octets as have any of them.

use crate::{Bits, Family, Net, Prefix};

/// Reads a whole field; none where it is wrong (RFC 7606, 5.3). Host bits are made zero.
pub(super) fn read(family: Family, field: &[u8], into: &mut Vec<Prefix>) -> Option<()> {
    // Most prefixes are at least so long.
    into.reserve(match family {
        Family::Ipv4 => field.len() / 4 + 1,
        Family::Ipv6 => field.len() / 7 + 1,
    });
    match family {
        Family::Ipv4 => each(
            field,
            |bytes| u32::from_be_bytes(*bytes),
            |net| {
                into.push(Prefix::V4(net));
            },
        ),
        Family::Ipv6 => each(
            field,
            |bytes| u128::from_be_bytes(*bytes),
            |net| {
                into.push(Prefix::V6(net));
            },
        ),
    }
}

fn each<A: Bits, const N: usize>(
    mut field: &[u8],
    address: impl Fn(&[u8; N]) -> A,
    mut push: impl FnMut(Net<A>),
) -> Option<()> {
    while let Some((length, rest)) = field.split_first() {
        let octets = usize::from(length.div_ceil(8));
        let (bits, after) = rest.split_at_checked(octets)?;
        let address = match rest.first_chunk() {
            // What follows the prefix goes with its host bits.
            Some(bytes) => address(bytes),
            None => {
                let mut bytes = [0; N];
                bytes.get_mut(..octets)?.copy_from_slice(bits);
                address(&bytes)
            }
        };
        push(Net::new(address, *length)?);
        field = after;
    }
    Some(())
}

/// Octets of a prefix.
pub(super) fn octets(length: u8) -> usize {
    1 + usize::from(length.div_ceil(8))
}

/// Writes one of IPv4.
pub(super) fn write_v4(net: Net<u32>, out: &mut Vec<u8>) {
    let [a, b, c, d] = net.address().to_be_bytes();
    let end = out.len() + octets(net.length());
    out.extend_from_slice(&[net.length(), a, b, c, d]);
    out.truncate(end);
}

/// Writes one of IPv6.
pub(super) fn write_v6(net: Net<u128>, out: &mut Vec<u8>) {
    let end = out.len() + octets(net.length());
    out.push(net.length());
    out.extend_from_slice(&net.address().to_be_bytes());
    out.truncate(end);
}
