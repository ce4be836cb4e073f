//! What is there: jumps to containers' chains, and what these translate.

use fairway_netlink::raw::attr::ip_of;

use super::{DNAT, TABLES};
use crate::names::{instance_hash, parse_xt_dnat_comment, xt_dnat_chain};
use crate::nft::Table;
use crate::nft::expr::{Base, Expr};
use crate::nft::rule::ListedRule;
use crate::nft::socket::NftSocket;
use crate::ports::taken::Foreign;
use crate::ports::{Forward, Protocol, Wanted};
use crate::valid::Valid;
use crate::xt::{Target, XtRule, dnat_of, ports_of, sctp_port_of};
use crate::{Attachment, Error};

/// A jump to some container's chain.
pub(super) struct Entry {
    pub(super) network: Option<String>,
    pub(super) container_id: Option<String>,
    pub(super) tag: Option<String>,
    pub(super) protocol: Option<Protocol>,
    pub(super) ports: Vec<u16>,
    /// What else it asks for.
    pub(super) conditions: Vec<Expr>,
    pub(super) chain: String,
    pub(super) handle: u64,
}

impl Entry {
    pub(super) fn read(rule: &ListedRule) -> Option<Self> {
        let chain = rule.target()?.to_owned();
        let owner = rule.comment.as_deref().and_then(parse_xt_dnat_comment);
        let (network, container_id) = owner.unzip();
        let mut entry = Self {
            network,
            container_id,
            tag: rule.tag.clone(),
            protocol: None,
            ports: Vec::new(),
            conditions: Vec::new(),
            chain,
            handle: rule.handle,
        };
        let mut rest = rule.exprs.as_slice();
        loop {
            rest = match rest {
                [] => return Some(entry),
                [
                    Expr::LoadTransport,
                    Expr::Compare { equal: true, data },
                    rest @ ..,
                ] => {
                    entry.protocol = data.first().and_then(|number| Protocol::of_number(*number));
                    rest
                }
                [Expr::XtMatch(found), rest @ ..] => {
                    match ports_of(found) {
                        Some(ports) => entry.ports = ports,
                        None => entry.conditions.push(Expr::XtMatch(found.clone())),
                    }
                    rest
                }
                [
                    Expr::XtComment(_) | Expr::Counter | Expr::Verdict(_),
                    rest @ ..,
                ] => rest,
                [other, rest @ ..] => {
                    entry.conditions.push(other.clone());
                    rest
                }
            };
        }
    }

    pub(super) fn is_of(&self, attachment: &Attachment<'_>) -> bool {
        match &self.tag {
            Some(tag) => *tag == instance_hash(attachment),
            None => {
                let same = |text: &Option<String>, own: &str| {
                    text.as_deref().is_none_or(|text| text == own)
                };
                self.chain == xt_dnat_chain(attachment.network, attachment.container_id)
                    && same(&self.network, attachment.network)
                    && same(&self.container_id, attachment.container_id)
            }
        }
    }

    /// Whether it is of no valid attachment of the network.
    pub(super) fn is_dead(&self, valid: &Valid) -> bool {
        match (&self.tag, &self.network, &self.container_id) {
            (Some(tag), _, _) => valid.disowns_instance(tag),
            (None, Some(network), Some(id)) => {
                *network == valid.network
                    && self.chain == xt_dnat_chain(network, id)
                    && !valid.containers.contains(id)
            }
            _ => false,
        }
    }
}

/// What a rule in a container's chain translates.
pub(super) fn forward_of(rule: &ListedRule, v4: bool) -> Option<Forward> {
    let (mut protocol, mut host_port, mut at) = (None, None, None);
    let mut rest = rule.exprs.as_slice();
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
                Expr::Load {
                    base: Base::Network,
                    ..
                },
                Expr::Compare { equal: true, data },
                rest @ ..,
            ] => {
                at = ip_of(data);
                rest
            }
            [
                Expr::Load {
                    base: Base::Transport,
                    ..
                },
                Expr::Compare { equal: true, data },
                rest @ ..,
            ] => {
                host_port = Some(u16::from_be_bytes(data.as_slice().try_into().ok()?));
                rest
            }
            [Expr::XtMatch(found), rest @ ..] => {
                host_port = Some(sctp_port_of(found)?);
                rest
            }
            [Expr::Counter | Expr::XtComment(_), rest @ ..] => rest,
            [Expr::XtTarget(found)] => {
                return Some(Forward {
                    protocol: protocol?,
                    at,
                    host_port: host_port?,
                    to: dnat_of(found, v4)?,
                });
            }
            _ => return None,
        }
    }
}

pub(super) fn entries(nft: &mut NftSocket, table: Table) -> Result<Vec<Entry>, Error> {
    let rules = nft.rules(table, Some(DNAT))?;
    Ok(rules.iter().filter_map(Entry::read).collect())
}

fn forwards_in(nft: &mut NftSocket, table: Table, chain: &str) -> Result<Vec<Forward>, Error> {
    let rules = nft.rules(table, Some(chain))?;
    let v4 = table == Table::IP_NAT;
    Ok(rules
        .iter()
        .filter_map(|rule| forward_of(rule, v4))
        .collect())
}

/// The mappings of others that ports of `wanted` could meet with.
pub(in crate::ports) fn others(
    nft: &mut NftSocket,
    wanted: &Wanted<'_>,
) -> Result<Vec<Foreign>, Error> {
    let mut foreign = Vec::new();
    for table in TABLES {
        let v4 = table == Table::IP_NAT;
        if wanted.address(v4).is_none() {
            continue;
        }
        let conditions = own_conditions(wanted, v4);
        for entry in entries(nft, table)? {
            let candidate = |protocol, port| {
                wanted.asked.iter().any(|asked| {
                    asked.protocol == protocol
                        && match asked.host_port {
                            Some(own) => own == port,
                            None => wanted.range.as_ref().is_some_and(|all| all.contains(&port)),
                        }
                })
            };
            let Some(protocol) = entry.protocol else {
                continue;
            };
            // Other conditions, other packets: as far as one can tell.
            if entry.is_of(&wanted.attachment)
                || conditions
                    .as_ref()
                    .is_some_and(|own| *own != entry.conditions)
                || !entry.ports.iter().any(|port| candidate(protocol, *port))
            {
                continue;
            }
            for forward in forwards_in(nft, table, &entry.chain)? {
                if forward.protocol == protocol && entry.ports.contains(&forward.host_port) {
                    foreign.push(Foreign {
                        network: entry.network.clone(),
                        container_id: entry.container_id.clone(),
                        forward,
                    });
                }
            }
        }
    }
    Ok(foreign)
}

/// As they stand in an entry; none where iptables has to read them.
fn own_conditions(wanted: &Wanted<'_>, v4: bool) -> Option<Vec<Expr>> {
    let mut rule = XtRule::new(Target::Return);
    wanted.conditions(v4).put(&mut rule);
    let mut exprs = rule.native(v4, None)?.exprs;
    exprs.retain(|expr| !matches!(expr, Expr::Counter | Expr::Verdict(_)));
    Some(exprs)
}

/// An attachment's own rules in its container's chain. Those of the reference plugin bear no
/// tag; the chain is of one container of one network, so they are its own.
pub(super) fn own(nft: &mut NftSocket, attachment: &Attachment<'_>) -> Result<Vec<Forward>, Error> {
    let chain = xt_dnat_chain(attachment.network, attachment.container_id);
    let tag = instance_hash(attachment);
    let mut all = Vec::new();
    for table in TABLES {
        let rules = nft.rules(table, Some(&chain))?;
        let own = rules
            .iter()
            .filter(|rule| rule.tag.as_ref().is_none_or(|there| *there == tag));
        all.extend(own.filter_map(|rule| forward_of(rule, table == Table::IP_NAT)));
    }
    Ok(all)
}
