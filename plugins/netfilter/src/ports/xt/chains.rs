//! What is wanted: chains that all containers share, a container's own, and the jumps to it.

use std::net::SocketAddr;

use ipnetwork::IpNetwork;

use super::DNAT;
use crate::names::{xt_dnat_chain, xt_dnat_comment};
use crate::nft::transaction::Hook;
use crate::ports::{Mapping, Marking, Protocol, Wanted};
use crate::xt::{Match, Target, XtRule};

const SETMARK: &str = "CNI-HOSTPORT-SETMARK";
const MASQ: &str = "CNI-HOSTPORT-MASQ";
/// How many ports one match has room for.
const PORTS_AT_ONCE: usize = 15;

/// A chain that all containers share, with what must be in it.
pub(in crate::ports) struct Shared {
    pub(in crate::ports) chain: &'static str,
    pub(in crate::ports) hook: Option<Hook>,
    pub(in crate::ports) rule: Option<XtRule>,
    /// Before all others: those of bridge and ptp would come first.
    pub(in crate::ports) first: bool,
}

/// What is wanted in one family.
pub(in crate::ports) struct Chains {
    pub(in crate::ports) v4: bool,
    pub(in crate::ports) shared: Vec<Shared>,
    pub(in crate::ports) chain: String,
    pub(in crate::ports) inside: Vec<XtRule>,
    /// In CNI-HOSTPORT-DNAT.
    pub(in crate::ports) jumps: Vec<XtRule>,
}

impl Chains {
    pub(in crate::ports) fn of(
        wanted: &Wanted<'_>,
        address: IpNetwork,
        mappings: &[Mapping],
    ) -> Self {
        let v4 = address.is_ipv4();
        let chain = xt_dnat_chain(wanted.attachment.network, wanted.attachment.container_id);
        Self {
            v4,
            shared: shared(wanted),
            jumps: jumps(wanted, v4, mappings, &chain),
            inside: inside(wanted, address, mappings),
            chain,
        }
    }
}

fn shared(wanted: &Wanted<'_>) -> Vec<Shared> {
    let one = |chain, hook, rule, first| Shared {
        chain,
        hook,
        rule,
        first,
    };
    let mut all = Vec::new();
    if let (true, Marking::Bit(bit)) = (wanted.snat, &wanted.marking) {
        let mark = 1_u32.checked_shl((*bit).into()).unwrap_or(0);
        let set = XtRule::new(Target::SetMark(mark)).comment("CNI portfwd masquerade mark");
        let masquerade = XtRule::new(Target::Masquerade).with(Match::Mark(mark));
        let jump =
            XtRule::new(Target::Jump(MASQ.to_owned())).comment("CNI portfwd requiring masquerade");
        all.push(one(SETMARK, None, Some(set), false));
        all.push(one(MASQ, None, Some(masquerade), false));
        let hook = Some(Hook::POSTROUTING_NAT);
        all.push(one("POSTROUTING", hook, Some(jump), true));
    }
    all.push(one(DNAT, None, None, false));
    for (chain, hook) in [
        ("PREROUTING", Hook::PREROUTING_NAT),
        ("OUTPUT", Hook::OUTPUT_NAT),
    ] {
        let jump = XtRule::new(Target::Jump(DNAT.to_owned())).with(Match::Local);
        all.push(one(chain, Some(hook), Some(jump), false));
    }
    all
}

/// As many as it takes: a match has room for 15 ports. Those of the other family are among
/// them, as the reference plugin has it.
fn jumps(wanted: &Wanted<'_>, v4: bool, mappings: &[Mapping], chain: &str) -> Vec<XtRule> {
    let attachment = &wanted.attachment;
    let comment = xt_dnat_comment(attachment.network, attachment.container_id);
    let mut jumps = Vec::new();
    for protocol in Protocol::ALL {
        let of_protocol = mappings
            .iter()
            .filter(|mapping| mapping.protocol == protocol);
        let ports: Vec<u16> = of_protocol.map(|mapping| mapping.host_port).collect();
        for ports in ports.chunks(PORTS_AT_ONCE) {
            let mut rule = XtRule::new(Target::Jump(chain.to_owned())).comment(&comment);
            rule.protocol = Some(protocol);
            rule.matches.push(Match::Ports(ports.to_vec()));
            wanted.conditions(v4).put(&mut rule);
            jumps.push(rule);
        }
    }
    jumps
}

fn inside(wanted: &Wanted<'_>, address: IpNetwork, mappings: &[Mapping]) -> Vec<XtRule> {
    let v4 = address.is_ipv4();
    let mark = match &wanted.marking {
        Marking::Bit(_) => SETMARK,
        Marking::Chain(chain) => chain,
    };
    let mut rules = Vec::new();
    for mapping in mappings.iter().filter(|mapping| mapping.is_of(v4)) {
        let base = |target| {
            let mut rule = XtRule::new(target).with(Match::Port(mapping.host_port));
            rule.protocol = Some(mapping.protocol);
            rule.dst = mapping.only_at().map(|ip| (ip.into(), true));
            rule
        };
        for source in sources(wanted, address) {
            let mut rule = base(Target::Jump(mark.to_owned()));
            rule.src = Some((source, true));
            rules.push(rule);
        }
        let to = SocketAddr::new(address.ip(), mapping.container_port);
        rules.push(base(Target::Dnat(to)));
    }
    rules
}

/// Whose packets get another source, since the answer would not come back to them: the
/// container's subnet, and this host. (With nftables the reference plugin leaves out the
/// container's neighbours, who then get no answer.)
pub(in crate::ports) fn sources(wanted: &Wanted<'_>, address: IpNetwork) -> Vec<IpNetwork> {
    const LOCALHOST: std::net::Ipv4Addr = std::net::Ipv4Addr::LOCALHOST;
    let v4 = address.is_ipv4();
    if !wanted.snat {
        return Vec::new();
    }
    if wanted.masquerade_all {
        let family = fairway_netlink::Family::of(address.ip());
        return vec![family.all()];
    }
    let mut sources = vec![address];
    if v4 {
        sources.push(std::net::IpAddr::V4(LOCALHOST).into());
    }
    sources
}
