use super::*;
use crate::network::Network;
use fairway_cni::Object;
use fairway_netlink::{
    Link,
    fake::{self, Recorder},
};
use serde_json::json;

/// A container with these interfaces.
fn container(names: &[&str]) -> Recorder {
    let (_, mut container) = fake::namespaces();
    for name in names {
        let spec = fairway_netlink::BridgeSpec {
            name: (*name).to_owned(),
            ..Default::default()
        };
        container.create_bridge(&spec).unwrap();
    }
    container
}

fn link(container: &mut Recorder, name: &str) -> Link {
    container.link_by_name(name).unwrap().unwrap()
}

fn wire(name: &str, ifname: &str, default_route: Option<&[&str]>) -> Wire {
    let raw = json!({"name": name, "type": "x", "cniVersion": "1.0.0"});
    Wire {
        network: Network::read(&Object::root(raw.as_object().unwrap())).unwrap(),
        ifname: ifname.parse().unwrap(),
        title: name.to_owned(),
        runtime: serde_json::Map::new(),
        args: String::new(),
        field: format!("networks[{name}]"),
        default_route: default_route
            .map(|gateways| gateways.iter().map(|ip| ip.parse().unwrap()).collect()),
    }
}

/// What an ADD left: default routes in the kernel and in the result, and another route.
fn attached(container: &mut Recorder, ifname: &str, gateways: &[&str]) -> CniResult {
    let index = link(container, ifname).index;
    let mut result = CniResult::default();
    for gateway in gateways {
        let gateway: IpAddr = gateway.parse().unwrap();
        let dst = Family::of(gateway).all();
        let route = KernelRoute {
            gateway: Some(gateway),
            oif: Some(index),
            ..KernelRoute::to(dst)
        };
        container.add_route_ecmp(&route).unwrap();
        result.routes.push(Route::new(dst, Some(gateway)));
        // What routes by source has a table of its own.
        let own = KernelRoute {
            table: 100,
            ..route
        };
        container.add_route_ecmp(&own).unwrap();
        let kept = Route {
            table: Some(100),
            ..Route::new(dst, Some(gateway))
        };
        result.routes.push(kept);
    }
    let near = "198.51.100.0/24".parse().unwrap();
    container
        .add_route_ecmp(&KernelRoute {
            oif: Some(index),
            ..KernelRoute::to(near)
        })
        .unwrap();
    result.routes.push(Route::new(near, None));
    result
}

/// The default routes of the main table, as (gateway, interface, metric).
fn found(container: &mut Recorder, names: &[&str]) -> Vec<(String, String, Option<u32>)> {
    let mut found = Vec::new();
    for route in defaults(container).unwrap() {
        let name = names
            .iter()
            .find(|name| Some(link(container, name).index) == route.oif)
            .unwrap();
        let gateway = route.gateway.unwrap().to_string();
        found.push((gateway, (*name).to_owned(), route.priority));
    }
    found.sort();
    found
}

/// (gateways of eth0, those of net1, what net1's entry asks for, what is left).
type Case<'a> = (
    &'a [&'a str],
    &'a [&'a str],
    Option<&'a [&'a str]>,
    &'a [(&'a str, &'a str, Option<u32>)],
);

const CASES: &[Case<'_>] = &[
    // The first network's count.
    (
        &["10.0.0.1", "fd00::1"],
        &["10.1.0.1", "fd01::1"],
        None,
        &[("10.0.0.1", "eth0", None), ("fd00::1", "eth0", None)],
    ),
    // Of a family that it has none of, the next one's.
    (
        &["10.0.0.1"],
        &["10.1.0.1", "fd01::1"],
        None,
        &[("10.0.0.1", "eth0", None), ("fd01::1", "net1", None)],
    ),
    // Who is named has them, by its own gateways, so far as it has any.
    (
        &["10.0.0.1", "fd00::1"],
        &["10.1.0.1"],
        Some(&[]),
        &[("10.1.0.1", "net1", None), ("fd00::1", "eth0", None)],
    ),
    // By those that are named, in their order; the other family is left alone.
    (
        &["10.0.0.1", "fd00::1"],
        &["10.1.0.1"],
        Some(&["10.1.0.7", "10.1.0.8"]),
        &[
            ("10.1.0.7", "net1", None),
            ("10.1.0.8", "net1", Some(1)),
            ("fd00::1", "eth0", None),
        ],
    ),
    (
        &["10.0.0.1", "fd00::1"],
        &["10.1.0.1", "fd01::1"],
        Some(&["10.1.0.7"]),
        &[("10.1.0.7", "net1", None), ("fd00::1", "eth0", None)],
    ),
    (
        &["10.0.0.1", "fd00::1"],
        &[],
        Some(&["fd01::7", "10.1.0.7", "fd01::8"]),
        &[
            ("10.1.0.7", "net1", None),
            ("fd01::7", "net1", None),
            ("fd01::8", "net1", Some(1025)),
        ],
    ),
    (&[], &[], None, &[]),
];

#[test]
fn of_each_family_one_network_keeps_them() {
    for (first, second, asked, expected) in CASES {
        let names = ["eth0", "net1"];
        let mut inside = container(&names);
        let wires = [wire("a", "eth0", None), wire("b", "net1", *asked)];
        let mut results = [
            attached(&mut inside, "eth0", first),
            attached(&mut inside, "net1", second),
        ];
        settle(&mut inside, &wires, &mut results).unwrap();
        let own = |(gateway, name, metric): &(&str, &str, Option<u32>)| {
            ((*gateway).to_owned(), (*name).to_owned(), *metric)
        };
        let expected: Vec<_> = expected.iter().map(own).collect();
        assert_eq!(found(&mut inside, &names), expected);
        // The results say the same.
        let mut said = Vec::new();
        for (name, result) in names.iter().zip(&results) {
            for route in &result.routes {
                if route.dst.prefix() == 0 && route.table.is_none() {
                    let gateway = route.gw.unwrap().to_string();
                    said.push((gateway, (*name).to_owned(), route.priority));
                }
            }
            let near = result
                .routes
                .iter()
                .filter(|route| route.dst.prefix() == 24);
            assert_eq!(near.count(), 1);
        }
        said.sort();
        assert_eq!(said, expected);
        for (result, had) in results.iter().zip([first, second]) {
            let kept = result.routes.iter().filter(|route| route.table.is_some());
            assert_eq!(kept.count(), had.len(), "other tables are left alone");
        }
        let others = inside.routes(&RouteFilter {
            table: Some(100),
            ..Default::default()
        });
        assert_eq!(others.unwrap().len(), first.len() + second.len());
        verify(&mut inside, &wires).unwrap();
    }
}

#[test]
fn a_gateway_that_went_is_found() {
    let mut inside = container(&["eth0", "net1"]);
    let wires = [
        wire("a", "eth0", None),
        wire("b", "net1", Some(&["10.1.0.7"])),
    ];
    let mut results = [CniResult::default(), CniResult::default()];
    settle(&mut inside, &wires, &mut results).unwrap();
    verify(&mut inside, &wires).unwrap();
    let route = defaults(&mut inside).unwrap().remove(0);
    inside.delete_route(&route).unwrap();
    let error = verify(&mut inside, &wires).unwrap_err().to_string();
    assert_eq!(error, "default route by 10.1.0.7 and \"net1\": missing");
}

#[test]
fn a_gateway_that_the_kernel_refuses_is_named() {
    let mut inside = container(&["eth0", "net1"]);
    let wires = [
        wire("a", "eth0", None),
        wire("b", "net1", Some(&["10.1.0.7"])),
    ];
    let mut results = [CniResult::default(), CniResult::default()];
    let refusal = fairway_netlink::Error::Kernel {
        op: "add route",
        subject: "0.0.0.0/0".to_owned(),
        errno: nix::errno::Errno::ENETUNREACH,
        ext_ack: None,
    };
    inside.fail_at(0, refusal);
    let error = settle(&mut inside, &wires, &mut results).unwrap_err();
    assert_eq!(
        error.to_string(),
        "networks[b].default-route: 10.1.0.7 cannot be a gateway by \"net1\""
    );
    // Nor can one by an interface that is not there.
    let wires = [
        wire("a", "eth0", None),
        wire("b", "net9", Some(&["10.1.0.7"])),
    ];
    let error = settle(&mut inside, &wires, &mut results)
        .unwrap_err()
        .to_string();
    assert!(error.contains("\"net9\": not found"), "{error}");
}
