//! Gateways: which one an address has, and which default routes follow.

use fairway_cni::{CniResult, IpConfig, Route};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

/// The first address of a subnet, which is its gateway by convention.
pub fn first_of(subnet: IpNetwork) -> IpAddr {
    match subnet.network() {
        IpAddr::V4(ip) => IpAddr::V4(ip.to_bits().wrapping_add(1).into()),
        IpAddr::V6(ip) => IpAddr::V6(ip.to_bits().wrapping_add(1).into()),
    }
}

/// The destination "anywhere" of a family.
pub fn anywhere(v6: bool) -> IpNetwork {
    fairway_netlink::Family::all(if v6 {
        fairway_netlink::Family::V6
    } else {
        fairway_netlink::Family::V4
    })
}

/// Gives each address that has none the gateway of its subnet.
pub fn fill(ips: &mut [IpConfig]) {
    for ip in ips {
        ip.gateway.get_or_insert_with(|| first_of(ip.address));
    }
}

/// Adds a default route for each family that has none with a gateway of its own, by the first address
/// of the family.
pub fn add_default_routes(result: &mut CniResult) {
    for v6 in [false, true] {
        let dst = anywhere(v6);
        let there = result
            .routes
            .iter()
            .any(|route| route.gw.is_some() && route.dst == dst);
        let first = result.ips.iter().find(|ip| ip.address.is_ipv6() == v6);
        if let (false, Some(ip)) = (there, first) {
            result.routes.push(Route::new(dst, ip.gateway));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(address: &str, gateway: Option<&str>) -> IpConfig {
        IpConfig {
            interface: None,
            address: address.parse().unwrap(),
            gateway: gateway.map(|gateway| gateway.parse().unwrap()),
        }
    }

    #[test]
    fn the_first_address_is_the_gateway() {
        let mut ips = [
            ip("10.1.2.3/24", None),
            ip("fd00::9/64", None),
            ip("10.1.2.4/24", Some("10.1.2.254")),
        ];
        fill(&mut ips);
        let gateways: Vec<_> = ips
            .iter()
            .map(|ip| ip.gateway.unwrap().to_string())
            .collect();
        assert_eq!(gateways, ["10.1.2.1", "fd00::1", "10.1.2.254"]);
        assert_eq!(
            first_of("255.255.255.255/32".parse().unwrap()).to_string(),
            "0.0.0.0"
        );
    }

    #[test]
    fn default_routes_only_where_missing() {
        let mut result = CniResult {
            ips: vec![
                ip("10.1.2.3/24", Some("10.1.2.1")),
                ip("fd00::9/64", Some("fd00::1")),
            ],
            routes: vec![Route::new(
                "0.0.0.0/0".parse().unwrap(),
                Some("10.1.2.2".parse().unwrap()),
            )],
            ..CniResult::default()
        };
        add_default_routes(&mut result);
        assert_eq!(result.routes.len(), 2);
        assert_eq!(
            result.routes[1],
            Route::new("::/0".parse().unwrap(), Some("fd00::1".parse().unwrap()))
        );
    }
}
