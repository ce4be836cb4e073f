//! The chains and their rules.

use std::collections::BTreeSet;

use ipnetwork::IpNetwork;

use super::NodeRules;
use crate::Error;
use crate::masq::MULTICAST;
use crate::nft::address::{Side, match_address, match_family};
use crate::nft::expr::{Expr, IFNAME_SIZE, Verdict};
use crate::nft::rule::Rule;
use crate::nft::transaction::Hook;

/// IP_CT_DIR_REPLY.
const REPLY: u8 = 1;
/// IPS_DST_NAT.
const DESTINATION_GIVEN: u32 = 1 << 5;

/// A chain that is wanted. What it lets go goes as it is, for its policy is to
/// accept.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) name: &'static str,
    pub(super) hook: Hook,
    pub(super) rules: Vec<Rule>,
}

/// All chains of the table.
pub(super) fn of(rules: &NodeRules) -> Result<Vec<Chain>, Error> {
    let mut chains = vec![Chain {
        name: "postrouting",
        hook: Hook::POSTROUTING_NAT,
        rules: postrouting(rules)?,
    }];
    if rules.answers_only {
        chains.push(Chain {
            name: "forward",
            hook: Hook::FORWARD_FILTER,
            rules: forward(rules)?,
        });
    }
    Ok(chains)
}

const LEAVE: Expr = Expr::Verdict(Verdict::Return);

fn postrouting(rules: &NodeRules) -> Result<Vec<Rule>, Error> {
    let mut all = vec![on_link(Expr::LoadOutputName, true, &rules.overlay)?];
    for pool in networks(&rules.pools) {
        all.push(on_address(Side::Destination, pool, LEAVE));
    }
    for group in MULTICAST {
        all.push(on_address(Side::Destination, group, LEAVE));
    }
    for network in networks(&rules.masquerade) {
        all.push(on_address(Side::Source, network, Expr::Masquerade));
    }
    Ok(all)
}

fn forward(rules: &NodeRules) -> Result<Vec<Rule>, Error> {
    let mut all = vec![on_link(Expr::LoadInputName, false, &rules.overlay)?];
    for pool in networks(&rules.pools) {
        all.push(on_address(Side::Destination, pool, LEAVE));
    }
    // What belongs to no connection fits neither of these.
    let compare = |equal, data| Expr::Compare { equal, data };
    all.push(rule(vec![
        Expr::LoadDirection,
        compare(true, vec![REPLY]),
        LEAVE,
    ]));
    all.push(rule(vec![
        Expr::LoadStatus,
        Expr::Mask(DESTINATION_GIVEN.to_ne_bytes().to_vec()),
        compare(false, vec![0; 4]),
        LEAVE,
    ]));
    all.push(Rule {
        comment: Some("from the overlay, for no container, and no answer".to_owned()),
        ..rule(vec![Expr::Verdict(Verdict::Drop)])
    });
    Ok(all)
}

/// In an order of their own, each once, without host bits.
fn networks(given: &[IpNetwork]) -> BTreeSet<IpNetwork> {
    let bare = |net: &IpNetwork| IpNetwork::new(net.network(), net.prefix()).unwrap_or(*net);
    given.iter().map(bare).collect()
}

/// Leaves alone what has that link (or, has another one).
fn on_link(load: Expr, equal: bool, name: &str) -> Result<Rule, Error> {
    const WHAT: &str = "interface name";
    if name.is_empty() {
        return Err(Error::NoName { what: WHAT });
    }
    if name.len() >= IFNAME_SIZE {
        return Err(Error::NameTooLong {
            what: WHAT,
            name: name.to_owned(),
            max: IFNAME_SIZE - 1,
        });
    }
    let mut data = name.as_bytes().to_vec();
    data.resize(IFNAME_SIZE, 0);
    Ok(rule(vec![load, Expr::Compare { equal, data }, LEAVE]))
}

fn on_address(side: Side, network: IpNetwork, then: Expr) -> Rule {
    let mut exprs = match_family(network.is_ipv4());
    exprs.extend(match_address(side, network, true));
    exprs.push(then);
    rule(exprs)
}

const fn rule(exprs: Vec<Expr>) -> Rule {
    Rule {
        exprs,
        comment: None,
        tag: None,
        compat: None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn given(overlay: &str, pools: &[&str], masquerade: &[&str]) -> NodeRules {
        let nets = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        NodeRules {
            overlay: overlay.into(),
            pools: nets(pools),
            masquerade: nets(masquerade),
            answers_only: true,
        }
    }

    #[test]
    fn order_host_bits_and_repetition_make_no_difference() {
        let one = given("vx", &["10.1.0.0/16", "fd00::/48"], &["10.1.0.0/16"]);
        let pools = ["fd00::7/48", "10.1.2.3/16", "10.1.0.0/16"];
        let other = given("vx", &pools, &["10.1.0.9/16"; 2]);
        assert_eq!(of(&one).unwrap(), of(&other).unwrap());
        let chains = of(&one).unwrap();
        let [postrouting, forward] = &chains[..] else {
            panic!("{chains:?}")
        };
        assert_eq!(postrouting.rules.len(), 1 + 2 + 2 + 1);
        assert_eq!(forward.rules.len(), 1 + 2 + 3);
        let third = given("vx", &["10.1.0.0/16"], &["10.1.0.0/16", "fd00::/48"]);
        assert_ne!(of(&one).unwrap(), of(&third).unwrap());
    }

    #[test]
    fn a_link_that_there_cannot_be_is_refused() {
        let refused = |name: &str| of(&given(name, &[], &[])).unwrap_err();
        assert!(matches!(refused(""), Error::NoName { .. }));
        assert!(matches!(
            refused("sixteen-bytes-xx"),
            Error::NameTooLong { max: 15, .. }
        ));
        assert!(of(&given("fifteen-bytes-x", &[], &[])).is_ok());
    }

    fn any_net() -> impl Strategy<Value = IpNetwork> {
        (any::<std::net::IpAddr>(), any::<u8>()).prop_map(|(ip, length)| {
            let most = if ip.is_ipv4() { 32 } else { 128 };
            IpNetwork::new(ip, length % (most + 1)).unwrap()
        })
    }

    proptest! {
        #[test]
        fn whatever_the_prefixes_what_masquerades_comes_last(
            pools in vec(any_net(), 0..10), masquerade in vec(any_net(), 0..10),
        ) {
            let overlay = "vx".to_owned();
            let rules = NodeRules { overlay, pools, masquerade, answers_only: true };
            let [postrouting, forward] = &of(&rules).unwrap()[..] else {
                panic!("two chains")
            };
            let ends = |chain: &Chain, with: &Expr| -> Vec<bool> {
                let last = chain.rules.iter().map(|rule| rule.exprs.last().unwrap());
                last.map(|expr| expr == with).collect()
            };
            prop_assert!(ends(postrouting, &Expr::Masquerade).is_sorted());
            // It drops once, and last.
            let drops = ends(forward, &Expr::Verdict(Verdict::Drop));
            prop_assert!(drops.is_sorted());
            prop_assert_eq!(drops.iter().filter(|drops| **drops).count(), 1);
        }
    }
}
