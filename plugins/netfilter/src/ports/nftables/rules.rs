//! The rules, as they are wanted and as they are read.

use std::net::{IpAddr, SocketAddr};

use fairway_netlink::raw::attr::ip_of;
use ipnetwork::IpNetwork;

use super::{ALL, TABLES};
use crate::names::{instance_hash, nft_ports_comment};
use crate::nft::Table;
use crate::nft::address::{Side, match_address};
use crate::nft::expr::{Base, Expr, Verdict};
use crate::nft::rule::{ListedRule, Rule};
use crate::ports::{Forward, Mapping, Protocol, Wanted, xt};
use crate::xt::on_port;

pub(super) fn table_of(v4: bool) -> Table {
    let [four, six] = TABLES;
    if v4 { four } else { six }
}

pub(super) fn rule(exprs: Vec<Expr>) -> Rule {
    Rule {
        exprs,
        comment: None,
        tag: None,
        compat: None,
    }
}

pub(super) fn jump(chain: &str) -> Expr {
    Expr::Verdict(Verdict::Jump(chain.to_owned()))
}

/// The rules of the chains where packets come in; none where `nft` has to write them.
pub(super) fn entry(wanted: &Wanted<'_>, v4: bool) -> Option<Rule> {
    /// RTN_LOCAL.
    const LOCAL: u32 = 2;
    let mut exprs = wanted.conditions(v4).native()?;
    exprs.extend([
        Expr::LoadDestinationType,
        Expr::Compare {
            equal: true,
            data: LOCAL.to_ne_bytes().to_vec(),
        },
        jump(ALL),
    ]);
    Some(rule(exprs))
}

/// A container's rules in one family: in `hostports` and in `masquerading`.
pub(super) fn wanted_rules(
    wanted: &Wanted<'_>,
    address: IpNetwork,
    mappings: &[Mapping],
) -> [Vec<Rule>; 2] {
    let v4 = address.is_ipv4();
    let own = |exprs| Rule {
        comment: Some(nft_ports_comment(wanted.attachment.container_id)),
        tag: Some(instance_hash(&wanted.attachment)),
        ..rule(exprs)
    };
    let of_family = mappings.iter().filter(|mapping| mapping.is_of(v4));
    let ports = of_family.map(|mapping| own(translate(mapping, address.ip())));
    let masquerade = |source: IpNetwork| {
        let mut exprs = match_address(Side::Source, source, true);
        exprs.extend(match_address(Side::Destination, address.ip().into(), true));
        exprs.push(Expr::Masquerade);
        own(exprs)
    };
    let sources = xt::sources(wanted, address);
    [
        ports.collect(),
        sources.into_iter().map(masquerade).collect(),
    ]
}

fn translate(mapping: &Mapping, container: IpAddr) -> Vec<Expr> {
    let mut exprs = Vec::new();
    if let Some(at) = mapping.only_at() {
        exprs.extend(match_address(Side::Destination, at.into(), true));
    }
    let octets = match container {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    exprs.extend([
        Expr::LoadTransport,
        Expr::Compare {
            equal: true,
            data: vec![mapping.protocol.number()],
        },
    ]);
    exprs.extend(on_port(mapping.host_port));
    exprs.extend([
        Expr::PutAddress(octets),
        Expr::PutPort(mapping.container_port.to_be_bytes()),
        Expr::Dnat {
            v6: container.is_ipv6(),
        },
    ]);
    exprs
}

/// What a rule translates, if it is a mapping.
pub(super) fn forward_of(listed: &ListedRule) -> Option<Forward> {
    let (mut protocol, mut host_port, mut at) = (None, None, None);
    let mut rest = listed.exprs.as_slice();
    loop {
        rest = match rest {
            [
                Expr::LoadTransport,
                Expr::Compare { equal: true, data },
                rest @ ..,
            ] => {
                protocol = Protocol::of_number(*data.first()?);
                rest
            }
            [
                Expr::Load { base, .. },
                Expr::Compare { equal: true, data },
                rest @ ..,
            ] => {
                match base {
                    Base::Network => at = ip_of(data),
                    Base::Transport => {
                        host_port = Some(u16::from_be_bytes(data.as_slice().try_into().ok()?));
                    }
                    Base::Link => return None,
                }
                rest
            }
            [Expr::Counter, rest @ ..] => rest,
            [Expr::PutAddress(ip), Expr::PutPort(port), Expr::Dnat { .. }] => {
                return Some(Forward {
                    protocol: protocol?,
                    at,
                    host_port: host_port?,
                    to: SocketAddr::new(ip_of(ip)?, u16::from_be_bytes(*port)),
                });
            }
            _ => return None,
        }
    }
}
