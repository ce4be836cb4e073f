//! What is wanted, and a kernel in memory that does not have it yet.

use crate::{Fib, Overlay, Settings, Tenant, names};
use fairway_netlink::{
    Link, LinkKind, Netlink, Route,
    fake::{self, Recorder},
};
use fairway_rib::{
    Entry, Forward, LinkName, Mtu, Prefix, Vni,
    route::{Gateway, Gateways},
};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(super) fn vni(number: u32) -> Vni {
    Vni::new(number).unwrap()
}

pub(super) fn prefix(text: &str) -> Prefix {
    Prefix::new(text.parse().unwrap()).unwrap()
}

pub(super) fn entry(number: u32, to: &str, forward: Forward) -> Entry {
    Entry {
        vni: vni(number),
        prefix: prefix(to),
        forward,
    }
}

pub(super) fn encap(number: u32, vtep: &str) -> Forward {
    Forward::Encap {
        vni: vni(number),
        source: ip("192.0.2.1"),
        vtep: ip(vtep),
        mtu: Mtu::new(1450).unwrap(),
    }
}

pub(super) fn local(link: &str) -> Forward {
    Forward::Link {
        link: LinkName::new(link).unwrap(),
    }
}

pub(super) fn direct(gateway: &str) -> Forward {
    Forward::Direct {
        gateway: Gateway::new(ip(gateway), None).unwrap(),
        mtu: None,
    }
}

/// Over gateways, each on its link.
pub(super) fn spread(all: &[(&str, &str)]) -> Forward {
    let gateway = |(address, link): &(&str, &str)| {
        Gateway::new(ip(address), Some(LinkName::new(link).unwrap())).unwrap()
    };
    Forward::Multipath {
        gateways: Gateways::new(all.iter().map(gateway)).unwrap(),
    }
}

pub(super) fn link(name: &str) -> Link {
    let mut link = Link::new(0, name);
    link.up = true;
    link.kind = Some(LinkKind::Veth);
    link
}

/// Two networks, with all kinds of ways.
pub(super) fn entries() -> Vec<Entry> {
    vec![
        entry(4096, "10.1.0.5/32", local("fw1")),
        entry(4096, "fd01::5/128", local("fw1")),
        entry(4096, "10.1.0.0/26", Forward::Unreachable),
        entry(4096, "10.1.1.0/26", encap(4096, "192.0.2.2")),
        entry(4096, "fd01::100/122", encap(4096, "192.0.2.2")),
        entry(4096, "10.1.2.0/26", encap(4096, "192.0.2.3")),
        entry(4096, "10.1.3.0/26", direct("192.0.2.4")),
        entry(4096, "10.9.0.0/24", Forward::Blackhole),
        entry(4097, "10.2.1.0/26", encap(4097, "192.0.2.2")),
    ]
}

pub(super) fn settings() -> Settings {
    let net = |text: &str| -> IpNetwork { text.parse().unwrap() };
    let tenant = |number, prefixes: &[&str]| Tenant {
        vni: vni(number),
        prefixes: prefixes.iter().map(|text| net(text)).collect(),
    };
    Settings {
        overlay: Some(Overlay {
            mac: names::mac(ip("192.0.2.1")),
            port: 4789,
        }),
        uplink: Some("uplink".into()),
        source_v4: Some("192.0.2.1".parse().unwrap()),
        tenants: vec![
            tenant(4096, &["10.1.0.0/16", "fd01::/48"]),
            tenant(4097, &["10.2.0.0/16"]),
        ],
        ..Settings::default()
    }
}

pub(super) fn host() -> Recorder {
    let (host, _) = fake::namespaces();
    host.put_link(link("uplink"));
    host.put_link(link("fw1"));
    host.put_link(link("second"));
    host
}

pub(super) fn fib(host: &Recorder) -> Fib<Recorder> {
    let mut fib = Fib::new(host.clone());
    fib.configure(settings());
    fib.replace(entries());
    fib.complete();
    fib
}

pub(super) fn routes(host: &mut Recorder) -> Vec<Route> {
    let filter = fairway_netlink::RouteFilter {
        table: None,
        ..fairway_netlink::RouteFilter::default()
    };
    host.routes(&filter).unwrap()
}
