//! The rules of the chain.

use std::collections::BTreeSet;

use ipnetwork::IpNetwork;

use super::NodeRules;
use crate::Error;
use crate::masq::MULTICAST;
use crate::nft::address::{Side, match_address, match_family};
use crate::nft::expr::{Expr, IFNAME_SIZE, Verdict};
use crate::nft::rule::Rule;

/// What they let go goes as it is, for the chain's policy is to accept.
pub(super) fn of(rules: &NodeRules) -> Result<Vec<Rule>, Error> {
    let leave = || Expr::Verdict(Verdict::Return);
    let mut all = vec![rule([by_link(&rules.overlay)?, vec![leave()]].concat())];
    for pool in networks(&rules.pools) {
        all.push(on_address(Side::Destination, pool, leave()));
    }
    for group in MULTICAST {
        all.push(on_address(Side::Destination, group, leave()));
    }
    for network in networks(&rules.masquerade) {
        all.push(on_address(Side::Source, network, Expr::Masquerade));
    }
    Ok(all)
}

/// In an order of their own, each once, without host bits.
fn networks(given: &[IpNetwork]) -> BTreeSet<IpNetwork> {
    let bare = |net: &IpNetwork| IpNetwork::new(net.network(), net.prefix()).unwrap_or(*net);
    given.iter().map(bare).collect()
}

fn by_link(name: &str) -> Result<Vec<Expr>, Error> {
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
    let compare = Expr::Compare { equal: true, data };
    Ok(vec![Expr::LoadOutputName, compare])
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
        compat: false,
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
        }
    }

    #[test]
    fn order_host_bits_and_repetition_make_no_difference() {
        let one = given("vx", &["10.1.0.0/16", "fd00::/48"], &["10.1.0.0/16"]);
        let pools = ["fd00::7/48", "10.1.2.3/16", "10.1.0.0/16"];
        let other = given("vx", &pools, &["10.1.0.9/16"; 2]);
        assert_eq!(of(&one).unwrap(), of(&other).unwrap());
        assert_eq!(of(&one).unwrap().len(), 1 + 2 + 2 + 1);
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
            let rules = of(&NodeRules { overlay, pools, masquerade }).unwrap();
            let last = rules.iter().map(|rule| rule.exprs.last().unwrap());
            let masquerading: Vec<_> = last.map(|expr| *expr == Expr::Masquerade).collect();
            prop_assert!(masquerading.is_sorted());
        }
    }
}
