//! Address matches, and when two rules are the same.
//!
//! The same rule has several spellings: `nft` and newer iptables load only as
//! many bytes of an address as its prefix covers, older iptables loads all and
//! masks them, and the counter that iptables writes has another value each time.
//! So rules are compared in [`canonical`] form; without it a container that an
//! older iptables set up would get every rule a second time.

use std::net::IpAddr;

use ipnetwork::IpNetwork;

use super::expr::{Base, Expr};

/// Which address of a packet is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Destination,
}

/// Lets only packets of a family through; tables of family inet see both.
pub(crate) fn match_family(v4: bool) -> Vec<Expr> {
    const NFPROTO_IPV4: u8 = 2;
    const NFPROTO_IPV6: u8 = 10;
    let protocol = if v4 { NFPROTO_IPV4 } else { NFPROTO_IPV6 };
    vec![
        Expr::LoadProtocol,
        Expr::Compare {
            equal: true,
            data: vec![protocol],
        },
    ]
}

/// Compares an address of a packet with a network, as `nft` and iptables 1.8.9
/// write it: whole bytes by loading fewer, other prefixes by a mask.
pub(crate) fn match_address(side: Side, network: IpNetwork, equal: bool) -> Vec<Expr> {
    let (address, mask) = (octets(network.network()), octets(network.mask()));
    let offset = match (side, network.is_ipv4()) {
        (Side::Source, true) => 12,
        (Side::Destination, true) => 16,
        (Side::Source, false) => 8,
        (Side::Destination, false) => 24,
    };
    let whole = usize::from(network.prefix() / 8);
    let by_bytes = network.prefix().is_multiple_of(8) && whole > 0;
    let len = if by_bytes { whole } else { address.len() };
    let mut exprs = vec![Expr::Load {
        base: Base::Network,
        offset,
        len: u32::try_from(len).unwrap_or(u32::MAX),
    }];
    if !by_bytes {
        exprs.push(Expr::Mask(mask));
    }
    exprs.push(Expr::Compare {
        equal,
        data: address[..len].to_vec(),
    });
    exprs
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// What the expressions do, whoever wrote them: without counters and comments,
/// with masks of whole bytes turned into shorter loads, and iptables' target as
/// nftables' statement.
pub(crate) fn canonical(exprs: &[Expr]) -> Vec<Expr> {
    let mut out = Vec::with_capacity(exprs.len());
    let mut rest = exprs;
    loop {
        rest = match rest {
            [] => return out,
            [Expr::Counter | Expr::XtComment(_), rest @ ..] => rest,
            [Expr::XtMasquerade { .. }, rest @ ..] => {
                out.push(Expr::Masquerade);
                rest
            }
            [
                Expr::Load { base, offset, len },
                Expr::Mask(mask),
                Expr::Compare { equal, data },
                rest @ ..,
            ] if mask.len() == *len as usize && data.len() == mask.len() => {
                let (len, mask) = match whole_bytes(mask) {
                    Some(whole) => (whole, None),
                    None => (mask.len(), Some(mask.clone())),
                };
                out.push(Expr::Load {
                    base: *base,
                    offset: *offset,
                    len: u32::try_from(len).unwrap_or(u32::MAX),
                });
                out.extend(mask.map(Expr::Mask));
                out.push(Expr::Compare {
                    equal: *equal,
                    data: data[..len].to_vec(),
                });
                rest
            }
            [other, rest @ ..] => {
                out.push(other.clone());
                rest
            }
        };
    }
}

/// How many bytes a mask keeps, if it keeps whole bytes from the first on.
fn whole_bytes(mask: &[u8]) -> Option<usize> {
    let whole = mask.iter().take_while(|byte| **byte == 0xff).count();
    mask[whole..].iter().all(|byte| *byte == 0).then_some(whole)
}
