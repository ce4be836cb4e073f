//! Against the kernel: what others do to it, and that `ip` shows all of it back within a second.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

use fairway_fib::{Fib, Overlay, Settings, Standing, Tenant, names};
use fairway_lab::{Ns, poll};
use fairway_netlink::{Handle, Monitor};
use fairway_rib::{Entry, Forward, LinkName, Mtu, Prefix, Vni, route::Gateway};
use std::net::IpAddr;
use std::time::Duration;

/// Whatever was done, all is as before by then.
const BACK_WITHIN: Duration = Duration::from_secs(1);

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn vni() -> Vni {
    Vni::new(4096).unwrap()
}

fn entry(to: &str, forward: Forward) -> Entry {
    Entry {
        vni: vni(),
        prefix: Prefix::new(to.parse().unwrap()).unwrap(),
        forward,
    }
}

fn encap(source: &str, vtep: &str) -> Forward {
    Forward::Encap {
        vni: vni(),
        source: ip(source),
        vtep: ip(vtep),
        mtu: Mtu::new(1430).unwrap(),
    }
}

fn direct(gateway: &str) -> Forward {
    Forward::Direct {
        gateway: Gateway::new(ip(gateway), None).unwrap(),
        mtu: None,
    }
}

fn local() -> Forward {
    Forward::Link {
        link: LinkName::new("fw1").unwrap(),
    }
}

fn entries() -> Vec<Entry> {
    vec![
        entry("10.1.0.5/32", local()),
        entry("fd01::5/128", local()),
        entry("10.1.0.0/26", Forward::Unreachable),
        entry("fd01::/122", Forward::Unreachable),
        entry("10.1.1.0/26", encap("192.0.2.1", "192.0.2.2")),
        entry("fd01::100/122", encap("192.0.2.1", "192.0.2.2")),
        entry("10.1.2.0/26", encap("2001:db8::1", "2001:db8::2")),
        entry("fd01::200/122", encap("2001:db8::1", "2001:db8::2")),
        entry("192.0.2.2/32", encap("192.0.2.1", "192.0.2.2")),
        entry("10.1.3.0/26", direct("192.0.2.4")),
        entry("fd01::300/122", direct("2001:db8::4")),
        // The gateway of a network's route is itself a prefix of that network.
        entry("192.0.2.4/32", direct("192.0.2.4")),
    ]
}

fn settings() -> Settings {
    Settings {
        overlay: Some(Overlay {
            mac: names::mac(ip("192.0.2.1")),
            port: 4789,
        }),
        uplink: Some("uplink".into()),
        source_v4: "192.0.2.1".parse().ok(),
        source_v6: "2001:db8::1".parse().ok(),
        tenants: vec![Tenant {
            vni: vni(),
            prefixes: vec!["10.1.0.0/16".parse().unwrap(), "fd01::/48".parse().unwrap()],
        }],
        ..Settings::default()
    }
}

/// What `ip` shows of all that is ours; numbers that may differ left out.
fn shown(ns: &Ns) -> Vec<String> {
    let mut lines = Vec::new();
    for command in [
        "ip -4 route show table all protocol 250",
        "ip -6 route show table all protocol 250",
        "ip -4 rule show protocol 250",
        "ip -6 rule show protocol 250",
        "ip nexthop show protocol 250",
        "ip -6 neigh show dev fairway.vx nud permanent",
        "ip -d -o link show dev fairway.vx",
    ] {
        let text = ns.run(command).unwrap_or_default();
        lines.extend(text.lines().map(|line| bare(command, line)));
    }
    lines.sort();
    lines
}

fn bare(command: &str, line: &str) -> String {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    for name in ["nhid", "id"] {
        let at = words.iter().position(|word| *word == name);
        if let Some(at) = at.filter(|_| !words.contains(&"encap") || name == "nhid") {
            words.drain(at..at + 2);
        }
    }
    if command.contains("nexthop") {
        words.drain(..words.len().min(2));
    }
    if command.contains("link") {
        // Index and queue.
        words.drain(..1);
    }
    words.join(" ")
}

struct Node {
    fib: Fib<Handle>,
    monitor: Monitor,
}

impl Node {
    fn new() -> Node {
        let monitor = Monitor::open().unwrap();
        let mut fib = Fib::new(Handle::open().unwrap());
        fib.configure(settings());
        fib.replace(entries());
        fib.complete();
        fib.sync();
        Node { fib, monitor }
    }

    /// Takes what is told, and brings the kernel into step.
    fn turn(&mut self) {
        while let Some(event) = self.monitor.try_next().unwrap() {
            self.fib.event(&event);
        }
        if self.fib.is_due() {
            self.fib.sync();
        }
    }
}

fn wired() -> Ns {
    let ns = Ns::new("node").unwrap();
    for line in [
        "ip link set lo up",
        "ip link add uplink type veth peer name far",
        "ip link set far up",
        "ip link set uplink addrgenmode none up",
        "ip addr add 192.0.2.1/24 dev uplink",
        "ip addr add 2001:db8::1/64 dev uplink nodad",
        "ip link add fw1 type veth peer name eth0",
        "ip link set fw1 addrgenmode none up",
        "ip link set eth0 addrgenmode none up",
    ] {
        ns.run(line).unwrap();
    }
    ns
}

#[test]
fn whatever_others_do_it_is_back_within_a_second() {
    let ns = wired();
    let inside = ns.clone();
    ns.inside(move || {
        let ns = inside;
        let mut node = Node::new();
        node.turn();
        assert!(node.fib.problems().is_empty(), "{:?}", node.fib.problems());
        for entry in entries() {
            let standing = node.fib.standing(entry.vni, entry.prefix);
            assert_eq!(standing, Standing::Installed, "{entry:?}");
        }
        let whole = shown(&ns);
        let table = names::table(vni());
        let routes = whole.iter().filter(|line| line.contains("table")).count();
        assert!(routes >= entries().len(), "{whole:#?}");
        for harm in [
            format!("ip -4 route flush table {table} type unicast"),
            format!("ip -6 route flush table {table}"),
            format!("ip route del unreachable 10.1.0.0/16 table {}", names::TABLES),
            format!("ip route del 10.1.1.0/26 table {table}"),
            "ip -4 rule flush protocol 250".to_owned(),
            "ip rule del pref 25002 from 10.1.0.0/16".to_owned(),
            "ip -6 rule del pref 25004".to_owned(),
            "ip nexthop flush protocol 250".to_owned(),
            "ip link del fairway.vx".to_owned(),
            "ip link set fairway.vx down".to_owned(),
            "ip link set fairway.vx mtu 1400".to_owned(),
            "ip link set fairway.vx address 02:00:00:00:00:09".to_owned(),
            "ip -6 neigh flush dev fairway.vx nud permanent".to_owned(),
            "ip -6 neigh replace fe80::c000:202 lladdr 02:00:00:00:00:01 dev fairway.vx nud permanent"
                .to_owned(),
            "ip link set uplink down; ip link set uplink up; ip addr replace 2001:db8::1/64 dev uplink nodad"
                .to_owned(),
            "ip addr del 192.0.2.1/24 dev uplink; ip addr add 192.0.2.1/24 dev uplink".to_owned(),
            "ip addr del 2001:db8::1/64 dev uplink; ip addr add 2001:db8::1/64 dev uplink nodad".to_owned(),
            "ip link set fw1 down; ip link set fw1 up".to_owned(),
            format!("ip route change 10.1.0.0/26 dev lo table {table} metric 250 proto 250"),
        ] {
            // `ip` may say that it could not do all; what counts is that it did harm.
            let said = ns.sh(&harm).err();
            assert_ne!(shown(&ns), whole, "{harm} does no harm: {said:?}");
            let back = poll(BACK_WITHIN, &harm, || {
                node.turn();
                shown(&ns) == whole
            });
            let now = shown(&ns);
            let gone: Vec<_> = whole.iter().filter(|l| !now.contains(l)).collect();
            let new: Vec<_> = now.iter().filter(|l| !whole.contains(l)).collect();
            assert!(
                back.is_ok(),
                "{harm}: missing {gone:#?}, new {new:#?}, {:?}",
                node.fib.problems()
            );
        }
    })
    .unwrap();
}

#[test]
fn another_overlay_that_has_the_port_is_told_and_left_alone() {
    let ns = wired();
    ns.run("ip link add other type vxlan external dstport 4789")
        .unwrap();
    ns.run("ip link set other up").unwrap();
    let inside = ns.clone();
    ns.inside(move || {
        let mut node = Node::new();
        let problems: Vec<_> = node
            .fib
            .problems()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(
            problems
                .iter()
                .any(|p| p.contains("UDP port 4789 is taken")),
            "{problems:?}"
        );
        let local = entry("10.1.0.5/32", local());
        assert_eq!(
            node.fib.standing(local.vni, local.prefix),
            Standing::Installed
        );
        inside.run("ip link del other").unwrap();
        node.turn();
        node.fib.doubt();
        node.turn();
        assert!(node.fib.problems().is_empty(), "{:?}", node.fib.problems());
        let far = entry("10.1.1.0/26", Forward::Hold);
        assert_eq!(node.fib.standing(far.vni, far.prefix), Standing::Installed);
    })
    .unwrap();
}
