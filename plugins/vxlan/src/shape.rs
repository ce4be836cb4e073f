//! What becomes of the IPAM plugin's result: single addresses, one gateway for all, and a way to it.

use fairway_cni::{CniResult, Route};
use fairway_iface::gateway::anywhere;
use ipnetwork::IpNetwork;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The gateway of every container, on its own link.
pub(crate) const GATEWAY_V4: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 1);
/// As [`GATEWAY_V4`].
pub(crate) const GATEWAY_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// The gateway of a family.
pub(crate) fn gateway(v6: bool) -> IpAddr {
    match v6 {
        true => GATEWAY_V6.into(),
        false => GATEWAY_V4.into(),
    }
}

/// The gateways of the families that a result has, IPv4 first.
pub(crate) fn gateways(result: &CniResult) -> Vec<IpAddr> {
    let has = |v6: &bool| result.ips.iter().any(|ip| ip.address.is_ipv6() == *v6);
    [false, true].into_iter().filter(has).map(gateway).collect()
}

/// The addresses without their networks, by the gateway; the routes by it, too, unless they name another; a
/// default route for each family that has no route.
pub(crate) fn shape(mut result: CniResult) -> CniResult {
    for ip in &mut result.ips {
        ip.interface = Some(1);
        ip.address = IpNetwork::from(ip.address.ip());
        ip.gateway = Some(gateway(ip.address.is_ipv6()));
    }
    for route in &mut result.routes {
        route.gw.get_or_insert(gateway(route.dst.is_ipv6()));
    }
    for gateway in gateways(&result) {
        let v6 = gateway.is_ipv6();
        if !result.routes.iter().any(|route| route.dst.is_ipv6() == v6) {
            result.routes.push(Route::new(anywhere(v6), Some(gateway)));
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_cni::IpConfig;

    fn shaped(ips: &[&str], routes: &[(&str, Option<&str>)]) -> (Vec<String>, Vec<String>) {
        let ip = |address: &&str| IpConfig {
            interface: None,
            address: address.parse().unwrap(),
            gateway: Some("10.88.0.1".parse().unwrap()),
        };
        let route = |(dst, gw): &(&str, Option<&str>)| {
            Route::new(dst.parse().unwrap(), gw.map(|gw| gw.parse().unwrap()))
        };
        let result = shape(CniResult {
            ips: ips.iter().map(ip).collect(),
            routes: routes.iter().map(route).collect(),
            ..CniResult::default()
        });
        assert!(result.ips.iter().all(|ip| ip.interface == Some(1)));
        let via = |to: IpNetwork, by: Option<IpAddr>| format!("{to} {}", by.unwrap());
        (
            result
                .ips
                .iter()
                .map(|ip| via(ip.address, ip.gateway))
                .collect(),
            result.routes.iter().map(|r| via(r.dst, r.gw)).collect(),
        )
    }

    #[test]
    fn each_family_alone_and_both() {
        let (v4, v6) = ("0.0.0.0/0 169.254.1.1", "::/0 fe80::1");
        assert_eq!(
            shaped(&["10.88.0.7/16"], &[]),
            (
                vec!["10.88.0.7/32 169.254.1.1".to_owned()],
                vec![v4.to_owned()]
            )
        );
        assert_eq!(
            shaped(&["fd88::7/64"], &[]),
            (vec!["fd88::7/128 fe80::1".to_owned()], vec![v6.to_owned()])
        );
        assert_eq!(shaped(&["10.88.0.7/16", "fd88::7/64"], &[]).1, [v4, v6]);
    }

    #[test]
    fn routes_of_ones_own_take_the_place_of_the_default_in_their_family() {
        let both = ["10.88.0.7/16", "fd88::7/64"];
        let (_, routes) = shaped(&both, &[("10.0.0.0/8", None)]);
        assert_eq!(routes, ["10.0.0.0/8 169.254.1.1", "::/0 fe80::1"]);
        let (_, routes) = shaped(&both, &[("::/0", Some("fe80::9"))]);
        assert_eq!(routes, ["::/0 fe80::9", "0.0.0.0/0 169.254.1.1"]);
    }
}
