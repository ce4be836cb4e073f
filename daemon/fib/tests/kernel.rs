//! Against the kernel: what others do to it, and that `ip` shows all of it back within a second.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

use fairway_fib::{Fib, Overlay, Settings, Standing, Tenant, names};
use fairway_lab::{Ns, poll};
use fairway_netlink::{Event, Handle, Monitor};
use fairway_rib::{
    Entry, Forward, LinkName, Mtu, Prefix, Vni,
    route::{Gateway, Gateways},
};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Whatever was done, all is as before by then: in one of some tries, since a busy machine takes its time to look.
const BACK_WITHIN: Duration = Duration::from_secs(1);
const TRIES: usize = 4;
/// By then in each of them.
const BACK_AT_LAST: Duration = Duration::from_secs(30);

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

/// Over two gateways on two links.
fn spread(first: &str, second: &str) -> Forward {
    let gateway =
        |address, link| Gateway::new(ip(address), Some(LinkName::new(link).unwrap())).unwrap();
    Forward::Multipath {
        gateways: Gateways::new([gateway(first, "uplink"), gateway(second, "second")]).unwrap(),
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
        entry("203.0.113.0/24", spread("192.0.2.8", "198.51.100.8")),
        entry("2001:db8:9::/48", spread("2001:db8::8", "2001:db8:2::8")),
        // IPv4 by routers of IPv6 (RFC 8950).
        entry("203.0.114.0/24", spread("2001:db8::8", "2001:db8:2::8")),
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
        "ip link add second type veth peer name far2",
        "ip link set far2 up",
        "ip link set second addrgenmode none up",
        "ip addr add 198.51.100.1/24 dev second",
        "ip addr add 2001:db8:2::1/64 dev second nodad",
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
            format!("ip route replace 203.0.113.0/24 via 192.0.2.8 dev uplink onlink table {table} metric 250 proto 250"),
            format!(
                "ip route replace 203.0.113.0/24 table {table} metric 250 proto 250 \
                 nexthop via 192.0.2.8 dev uplink weight 3 nexthop via 198.51.100.8 dev second"
            ),
            format!("ip route del 203.0.113.0/24 table {table}"),
            format!("ip -6 route del 2001:db8:9::/48 via 2001:db8::8 dev uplink table {table}"),
            format!("ip -6 route append 2001:db8:9::/48 via 2001:db8::9 dev uplink table {table} metric 250 proto 250"),
            format!("ip route del 203.0.114.0/24 table {table}"),
            "ip link set uplink down; ip link set second down; ip link set uplink up; ip link set second up; \
             ip addr replace 2001:db8::1/64 dev uplink nodad; ip addr replace 2001:db8:2::1/64 dev second nodad"
                .to_owned(),
            format!("ip route change 10.1.0.0/26 dev lo table {table} metric 250 proto 250"),
        ] {
            let mut took = Vec::new();
            while took.len() < TRIES && !took.iter().any(|time| *time <= BACK_WITHIN) {
                // `ip` may say that it could not do all; what counts is that it did harm.
                let said = ns.sh(&harm).err();
                assert_ne!(shown(&ns), whole, "{harm} does no harm: {said:?}");
                let begun = Instant::now();
                let back = poll(BACK_AT_LAST, &harm, || {
                    node.turn();
                    shown(&ns) == whole
                });
                took.push(begun.elapsed());
                let now = shown(&ns);
                let gone: Vec<_> = whole.iter().filter(|l| !now.contains(l)).collect();
                let new: Vec<_> = now.iter().filter(|l| !whole.contains(l)).collect();
                assert!(
                    back.is_ok(),
                    "{harm}: missing {gone:#?}, new {new:#?}, {:?}",
                    node.fib.problems()
                );
            }
            assert!(took.len() < TRIES || took[TRIES - 1] <= BACK_WITHIN, "{harm}: {took:?}");
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

/// A set that shrinks and grows while packets go by it: at no moment is there no route.
#[test]
fn a_set_of_next_hops_changes_without_a_moment_of_no_route() {
    let ns = wired();
    let inside = ns.clone();
    ns.inside(move || {
        let ns = inside;
        let mut node = Node::new();
        node.turn();
        let table = names::table(vni());
        for (to, to_v6) in [("203.0.113.0/24", false), ("2001:db8:9::/48", true)] {
            let family = if to_v6 { "-6" } else { "-4" };
            let (first, second) = match to_v6 {
                false => ("192.0.2.8", "198.51.100.8"),
                true => ("2001:db8::8", "2001:db8:2::8"),
            };
            let mut events = Monitor::open().unwrap();
            let one = Gateway::new(ip(first), Some(LinkName::new("uplink").unwrap())).unwrap();
            let single = Forward::Direct {
                gateway: one,
                mtu: None,
            };
            for (forward, hops) in [(single, 1), (spread(first, second), 2)] {
                node.fib.replace(
                    entries()
                        .into_iter()
                        .map(|known| match known.prefix.to_string() == to {
                            true => entry(to, forward.clone()),
                            false => known,
                        })
                        .collect(),
                );
                assert_eq!(node.fib.sync().changes, 1, "{:?}", node.fib.problems());
                let shown = ns
                    .run(&format!("ip {family} route show table {table} {to}"))
                    .unwrap();
                assert_eq!(shown.matches("via ").count(), hops, "{shown}");
                // The kernel tells of no route that went.
                while let Some(event) = events.try_next().unwrap() {
                    assert!(!matches!(event, Event::RouteGone(_)), "{event:?}");
                }
                node.turn();
                assert!(!node.fib.is_due());
            }
        }
        // A link goes, and packets go by the other; IPv4's routes say nothing of it.
        ns.run("ip link set second down").unwrap();
        node.turn();
        for family in ["-4", "-6"] {
            let all = ns
                .run(&format!("ip {family} route show table {table}"))
                .unwrap();
            let spread: Vec<_> = all.lines().filter(|line| line.starts_with("20")).collect();
            assert!(!all.contains("second"), "{all}");
            let left = spread.iter().filter(|line| line.contains("dev uplink"));
            assert!(left.count() >= 1, "{all}");
        }
        // And back.
        ns.run("ip link set second up").unwrap();
        let back = poll(BACK_AT_LAST, "both again", || {
            node.turn();
            let both = |family: &str| {
                let all = ns.run(&format!("ip {family} route show table {table}"));
                all.unwrap().matches("dev second").count()
            };
            (both("-4"), both("-6")) == (2, 1)
        });
        back.unwrap();
    })
    .unwrap();
}
