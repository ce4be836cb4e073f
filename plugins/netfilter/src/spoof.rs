//! macspoofchk: frames that a container sends must bear its own MAC address.
//!
//! Table `bridge nat` has a jump per host interface in PREROUTING to a chain
//! that is named after container and interface; its one rule jumps on to a
//! second chain, which lets the right address return and drops all else. The
//! names do not tell the network, so a foreign chain can never be attributed to
//! one: [`gc`] removes only chains that bear our tag. Nor do they always tell the
//! attachment: what bears the tag or the comment of another one is left alone.

use std::collections::BTreeMap;

use fairway_netlink::MacAddr;

use crate::names::{SpoofNames, is_spoof_chain};
use crate::nft::Table;
use crate::nft::expr::{Base, Expr, IFNAME_SIZE, Verdict};
use crate::nft::rule::{ListedRule, Rule, same};
use crate::nft::socket::NftSocket;
use crate::nft::transaction::{Hook, Transaction};
use crate::valid::Valid;
use crate::{Attachment, Error, Netfilter};

const TABLE: Table = Table::BRIDGE_NAT;
const PREROUTING: &str = "PREROUTING";

/// The rules of an attachment.
struct Wanted {
    names: SpoofNames,
    jump: Rule,
    iface: Vec<Rule>,
    mac: Vec<Rule>,
}

impl Wanted {
    fn of(attachment: &Attachment<'_>, host_ifname: &str, mac: MacAddr) -> Result<Self, Error> {
        let names = SpoofNames::new(attachment)?;
        let rule = |exprs| Rule {
            exprs,
            comment: Some(names.comment.clone()),
            tag: Some(names.tag.clone()),
            compat: None,
        };
        if host_ifname.len() >= IFNAME_SIZE {
            return Err(Error::NameTooLong {
                what: "interface name",
                name: host_ifname.to_owned(),
                max: IFNAME_SIZE - 1,
            });
        }
        let mut name = host_ifname.as_bytes().to_vec();
        name.resize(IFNAME_SIZE, 0);
        let compare = |data| Expr::Compare { equal: true, data };
        let jump_to = |chain: &String| Expr::Verdict(Verdict::Jump(chain.clone()));
        Ok(Self {
            jump: rule(vec![
                Expr::LoadInputName,
                compare(name),
                jump_to(&names.iface_chain),
            ]),
            iface: vec![rule(vec![jump_to(&names.mac_chain)])],
            mac: vec![
                rule(vec![
                    // The source address of an Ethernet frame.
                    Expr::Load {
                        base: Base::Link,
                        offset: 6,
                        len: 6,
                    },
                    compare(mac.octets().to_vec()),
                    Expr::Verdict(Verdict::Return),
                ]),
                rule(vec![Expr::Verdict(Verdict::Drop)]),
            ],
            names,
        })
    }
}

/// Lets only frames with this address come in by the host's interface. What is
/// in place already stays, what an earlier try left behind goes.
///
/// # Errors
/// All or nothing is written. [`Error::NameTooLong`] for container IDs that
/// `nft` would have no room for, [`Error::ForeignChain`] where another attachment
/// of the same chain's name is there first.
pub fn setup(
    netfilter: &mut Netfilter,
    attachment: &Attachment<'_>,
    host_ifname: &str,
    mac: MacAddr,
) -> Result<(), Error> {
    let wanted = Wanted::of(attachment, host_ifname, mac)?;
    let names = &wanted.names;
    netfilter.nft.transact(|nft| {
        let mut tx = Transaction::default();
        let leftovers = Found::all(nft, names)?;
        for found in &leftovers {
            if let Some(rule) = found.stranger(names) {
                return Err(Error::ForeignChain {
                    family: TABLE.family_name,
                    table: TABLE.name,
                    chain: found.chain.to_owned(),
                    owner: rule.comment.clone().unwrap_or_default(),
                });
            }
        }
        if !leftovers.is_empty() && difference(nft, &wanted)?.is_none() {
            return Ok(tx);
        }
        if !nft.has_chain(TABLE, PREROUTING)? {
            tx.add_table(TABLE, None)?;
            tx.add_chain(TABLE, PREROUTING, Some(Hook::BRIDGE_PREROUTING), None)?;
        }
        for chain in [&names.iface_chain, &names.mac_chain] {
            let Some(found) = leftovers.iter().find(|found| found.chain == chain) else {
                tx.add_new_chain(TABLE, chain)?;
                continue;
            };
            for jump in &found.jumps {
                tx.delete_rule(TABLE, PREROUTING, jump.handle)?;
            }
            tx.flush_chain(TABLE, chain)?;
        }
        tx.add_rule(TABLE, PREROUTING, &wanted.jump)?;
        for (chain, rules) in [
            (&names.iface_chain, &wanted.iface),
            (&names.mac_chain, &wanted.mac),
        ] {
            for rule in rules {
                tx.add_rule(TABLE, chain, rule)?;
            }
        }
        Ok(tx)
    })
}

/// A chain that is there under one of an attachment's names.
struct Found<'a> {
    chain: &'a str,
    rules: Vec<ListedRule>,
    /// Those in PREROUTING that lead to it.
    jumps: Vec<ListedRule>,
}

impl<'a> Found<'a> {
    /// In the order in which they can be deleted.
    fn all(nft: &mut NftSocket, names: &'a SpoofNames) -> Result<Vec<Self>, Error> {
        let mut all = Vec::new();
        for chain in [&names.iface_chain, &names.mac_chain] {
            if nft.has_chain(TABLE, chain)? {
                all.push(Self {
                    chain,
                    rules: nft.rules(TABLE, Some(chain))?,
                    jumps: jumps(nft, chain)?,
                });
            }
        }
        Ok(all)
    }

    /// A rule that says it is another attachment's.
    fn stranger(&self, names: &SpoofNames) -> Option<&ListedRule> {
        let mut rules = self.rules.iter().chain(&self.jumps);
        rules.find(|rule| names.disown(rule.tag.as_deref(), rule.comment.as_deref()))
    }
}

/// Removes an attachment's chains and the jumps to them, but not those of another
/// one of the same name. Costs next to nothing where there are none.
///
/// # Errors
/// Where the kernel refuses; then nothing is removed.
pub fn teardown(netfilter: &mut Netfilter, attachment: &Attachment<'_>) -> Result<(), Error> {
    let names = SpoofNames::of(attachment);
    if !names.can_exist() {
        return Ok(());
    }
    netfilter.nft.transact(|nft| {
        let mut tx = Transaction::default();
        for found in Found::all(nft, &names)? {
            if found.stranger(&names).is_some() {
                continue;
            }
            for jump in &found.jumps {
                tx.delete_rule(TABLE, PREROUTING, jump.handle)?;
            }
            tx.delete_chain(TABLE, found.chain)?;
        }
        Ok(tx)
    })
}

/// Whether an attachment's check is in place.
///
/// # Errors
/// [`Error::MissingRule`] or [`Error::ChangedChain`] name what is not.
pub fn check(
    netfilter: &mut Netfilter,
    attachment: &Attachment<'_>,
    host_ifname: &str,
    mac: MacAddr,
) -> Result<(), Error> {
    let wanted = Wanted::of(attachment, host_ifname, mac)?;
    difference(&mut netfilter.nft, &wanted)?.map_or(Ok(()), Err)
}

/// Removes the checks of a network's attachments that are not among `valid`
/// (container ID and interface name). Those that the reference plugins made stay:
/// nothing in them tells their network.
///
/// Returns what could not be removed; the rest is.
pub fn gc(netfilter: &mut Netfilter, network: &str, valid: &[(String, String)]) -> Vec<Error> {
    let valid = Valid::new(network, valid);
    // By name, so that an interface's chain goes before the one that it jumps to.
    netfilter.nft.transact_all(|nft| {
        let mut changes = BTreeMap::new();
        for (chain, jumps) in dead_chains(nft, &valid)? {
            let mut tx = Transaction::default();
            for handle in jumps {
                tx.delete_rule(TABLE, PREROUTING, handle)?;
            }
            tx.delete_chain(TABLE, &chain)?;
            changes.insert(chain, tx);
        }
        Ok(changes)
    })
}

/// The chains that bear the tag of the network and of no valid attachment, each
/// with the jumps to it. Every rule of ours bears it, so no chain is overlooked
/// that has one.
fn dead_chains(nft: &mut NftSocket, valid: &Valid) -> Result<BTreeMap<String, Vec<u64>>, Error> {
    let mut dead: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for rule in nft.rules(TABLE, None)? {
        let tag = rule.tag.as_deref().unwrap_or("");
        if !valid.disowns_instance(tag) {
            continue;
        }
        match (rule.chain.as_str(), rule.target()) {
            (PREROUTING, Some(chain)) if is_spoof_chain(chain) => {
                dead.entry(chain.to_owned()).or_default().push(rule.handle);
            }
            (chain, _) if is_spoof_chain(chain) => {
                dead.entry(chain.to_owned()).or_default();
            }
            _ => {}
        }
    }
    Ok(dead)
}

fn jumps(nft: &mut NftSocket, chain: &str) -> Result<Vec<ListedRule>, Error> {
    nft.rules_where(TABLE, Some(PREROUTING), |rule| rule.leads_to(chain))
}

/// The first thing that is not as wanted.
fn difference(nft: &mut NftSocket, wanted: &Wanted) -> Result<Option<Error>, Error> {
    let names = &wanted.names;
    let jumps = jumps(nft, &names.iface_chain)?;
    if !jumps.iter().any(|jump| jump.is(&wanted.jump)) {
        return Ok(Some(Error::MissingRule {
            family: TABLE.family_name,
            table: TABLE.name,
            chain: PREROUTING.to_owned(),
            what: format!("jump to {} for this interface", names.iface_chain),
        }));
    }
    let mut parts = vec![(PREROUTING, jumps, std::slice::from_ref(&wanted.jump))];
    for (chain, rules) in [
        (&names.iface_chain, &wanted.iface),
        (&names.mac_chain, &wanted.mac),
    ] {
        parts.push((chain, nft.rules(TABLE, Some(chain))?, rules));
    }
    for (chain, listed, rules) in parts {
        if !same(&listed, rules) {
            return Ok(Some(Error::ChangedChain {
                family: TABLE.family_name,
                table: TABLE.name,
                chain: chain.to_owned(),
            }));
        }
    }
    Ok(None)
}
