//! A node with two containers' links, maps of its own, and what holds in all tests.

use std::net::IpAddr;

use fairway_dataplane::abi::{
    Class, Config, Decision, Direction, Endpoint, FlowEvent, Lengths, Peer, PeerKey, PortKey,
    Reason, Set, Sets, Side,
};
use fairway_dataplane::{Dataplane, Events, Hook, Options, Ran, Sizes, addr_of};
use fairway_lab::Lab;

use crate::frame::{Frame, TCP, UDP, tcp, udp};

pub(crate) const NEXT: u32 = Ran::NEXT;
pub(crate) const SHOT: u32 = 2;
pub(crate) const REDIRECT: u32 = 7;

pub(crate) const HOST_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
/// Identity of whoever is not on this node.
pub(crate) const REMOTE: u32 = 7;

/// One container.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    pub(crate) link: u32,
    pub(crate) mac: [u8; 6],
    pub(crate) v4: IpAddr,
    pub(crate) v6: IpAddr,
}

impl End {
    pub(crate) fn endpoint(&self, sets: Sets) -> Endpoint {
        let IpAddr::V4(v4) = self.v4 else { panic!() };
        Endpoint {
            identity: self.link,
            flags: Endpoint::OPEN,
            sets,
            vni: 5,
            mtu: 1500,
            v4: u32::from_ne_bytes(v4.octets()),
            v6: addr_of(self.v6).0,
            mac: self.mac,
            host_mac: HOST_MAC,
        }
    }

    /// Its address of the other's family.
    pub(crate) fn like(&self, other: IpAddr) -> IpAddr {
        if other.is_ipv4() { self.v4 } else { self.v6 }
    }
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Far away, of both families.
pub(crate) fn far() -> [IpAddr; 2] {
    [ip("10.9.0.5"), ip("fd09::5")]
}

pub(crate) struct Bed {
    pub(crate) dataplane: Dataplane,
    pub(crate) events: Events,
    pub(crate) a: End,
    pub(crate) b: End,
    pub(crate) config: Config,
}

/// Runs a test with a bed of its own, in the node's namespace.
pub(crate) fn bed(sizes: Sizes, test: impl FnOnce(&mut Bed) + Send) {
    let lab = Lab::new().unwrap();
    for name in ["va", "vb"] {
        lab.node()
            .run(&format!(
                "ip link add {name} type veth peer name {name}-far"
            ))
            .unwrap();
    }
    let index = |name: &str| {
        let link = lab
            .node()
            .json(&format!("ip -j link show dev {name}"))
            .unwrap();
        u32::try_from(link[0]["ifindex"].as_u64().unwrap()).unwrap()
    };
    let end = |name: &str, number: u8| End {
        link: index(name),
        mac: [2, 0, 0, 0, 1, number],
        v4: ip(&format!("10.0.0.{number}")),
        v6: ip(&format!("fd00::{number}")),
    };
    let (a, b) = (end("va", 2), end("vb", 3));
    let body = || {
        let mut dataplane = Dataplane::load(&Options { sizes, pins: None }).unwrap();
        let events = dataplane.take_events().unwrap();
        let config = Config {
            epoch: 1,
            flags: 0,
            sample: 0,
            events: 1_000_000,
        };
        let mut bed = Bed {
            dataplane,
            events,
            a,
            b,
            config,
        };
        bed.reconfigure(|_| {});
        for end in [a, b] {
            bed.open(end, Sets::default());
            for ip in [end.v4, end.v6] {
                bed.peer(ip, end.link, end.link, 0);
            }
        }
        for ip in far() {
            bed.peer(ip, REMOTE, 0, 0);
        }
        test(&mut bed);
    };
    lab.node().inside(body).unwrap();
}

/// Sizes that do not take long to make.
pub(crate) fn small() -> Sizes {
    Sizes {
        track_open: 4096,
        track_new: 4096,
        ..Sizes::default()
    }
}

impl Bed {
    pub(crate) fn reconfigure(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
        self.dataplane.set_config(&self.config).unwrap();
    }

    /// What verdicts follow from has changed.
    pub(crate) fn next_epoch(&mut self) {
        self.reconfigure(|config| config.epoch += 1);
    }

    pub(crate) fn open(&mut self, end: End, sets: Sets) {
        self.dataplane
            .put_endpoint(end.link, &end.endpoint(sets))
            .unwrap();
    }

    /// As [`Bed::open`], with something else about it.
    pub(crate) fn change(&mut self, end: End, change: impl FnOnce(&mut Endpoint)) {
        let mut endpoint = self.dataplane.endpoints().unwrap()[&end.link];
        change(&mut endpoint);
        self.dataplane.put_endpoint(end.link, &endpoint).unwrap();
    }

    pub(crate) fn peer(&mut self, ip: IpAddr, identity: u32, link: u32, flags: u32) {
        let peer = Peer {
            identity,
            link,
            flags,
        };
        self.dataplane.put_address(ip, &peer).unwrap();
    }

    /// A set that says nothing but that everything else is refused or allowed.
    pub(crate) fn set(&mut self, number: u32, otherwise: u32, rule: u32) {
        let set = Set {
            otherwise,
            rule,
            ..Set::default()
        };
        self.dataplane.put_set(number, &set).unwrap();
    }

    /// A set says of a peer (0: of anybody) what a table says.
    pub(crate) fn says(&mut self, number: u32, peer: u32, table: u32, lengths: u32) {
        let lengths = Lengths { table, lengths };
        if peer != 0 {
            self.dataplane
                .put_peer(PeerKey { set: number, peer }, &lengths)
                .unwrap();
            return;
        }
        let mut set = self.dataplane.sets().unwrap()[&number];
        set.anybody = lengths;
        self.dataplane.put_set(number, &set).unwrap();
    }

    pub(crate) fn port(
        &mut self,
        table: u32,
        class: u8,
        port: u16,
        length: u8,
        decision: Decision,
    ) {
        let key = PortKey {
            table,
            port,
            class,
            length,
        };
        self.dataplane.put_ports(key, &decision).unwrap();
    }

    /// From now on whoever is far may talk with A's TCP port 80 and UDP port 53, and nobody else with anything.
    pub(crate) fn guard(&mut self) -> Sets {
        self.set(1, Side::DENY, 100);
        self.says(1, REMOTE, 1, 1 << 16);
        self.port(1, Class::TCP, 80, 16, low(1, Side::ALLOW, 11));
        self.port(1, Class::UDP, 53, 16, low(2, Side::ALLOW, 12));
        let sets = Sets {
            ingress: 1,
            ..Sets::default()
        };
        self.open(self.a, sets);
        sets
    }

    pub(crate) fn run(&self, hook: Hook, bytes: &[u8], link: u32) -> Ran {
        self.dataplane.test_run(hook, bytes, link, 1).unwrap()
    }

    /// To a container.
    pub(crate) fn to(&self, end: End, bytes: &[u8]) -> u32 {
        self.run(Hook::ToContainer, bytes, end.link).verdict
    }

    /// From a container, by its own hardware address.
    pub(crate) fn from(&self, end: End, frame: &Frame) -> u32 {
        self.run(Hook::FromContainer, &sent(end, frame), end.link)
            .verdict
    }

    /// What it is counted as, if it is dropped.
    pub(crate) fn why(&self, direction: Direction, run: impl FnOnce() -> u32) -> Reason {
        let counts = || {
            let all = self.dataplane.counters().unwrap().into_iter();
            all.filter(|counter| counter.direction == direction)
                .collect::<Vec<_>>()
        };
        let before = counts();
        let verdict = run();
        let after = counts();
        let mut changed = after
            .iter()
            .zip(&before)
            .filter(|(after, before)| after.count.packets != before.count.packets);
        let (one, _) = changed.next().expect("nothing was counted");
        assert!(changed.next().is_none(), "counted twice");
        assert_eq!(
            verdict == SHOT,
            one.reason != Reason::Forwarded,
            "{:?}",
            one.reason
        );
        one.reason
    }

    pub(crate) fn why_to(&self, end: End, bytes: &[u8]) -> Reason {
        self.why(Direction::Ingress, || self.to(end, bytes))
    }

    pub(crate) fn why_from(&self, end: End, bytes: &[u8]) -> Reason {
        self.why(Direction::Egress, || {
            self.run(Hook::FromContainer, bytes, end.link).verdict
        })
    }

    pub(crate) fn next_event(&mut self) -> Option<FlowEvent> {
        self.events.next_event()
    }
}

/// As a container sends it: by its own hardware address to the node's.
pub(crate) fn sent(end: End, frame: &Frame) -> Vec<u8> {
    let mut frame = frame.clone();
    frame.macs = [HOST_MAC, end.mac];
    frame.bytes()
}

pub(crate) fn low(order: u32, action: u32, rule: u32) -> Decision {
    Decision {
        high: Side::NONE,
        low: Side {
            order,
            rule,
            action,
        },
    }
}

pub(crate) fn high(order: u32, action: u32, rule: u32) -> Decision {
    Decision {
        high: Side {
            order,
            rule,
            action,
        },
        low: Side::NONE,
    }
}

/// A TCP packet between two addresses.
pub(crate) fn segment(from: IpAddr, to: IpAddr, ports: (u16, u16), flags: u8) -> Frame {
    Frame::new(from, to, TCP, tcp(ports.0, ports.1, flags))
}

/// A UDP packet between two addresses.
pub(crate) fn datagram(from: IpAddr, to: IpAddr, ports: (u16, u16)) -> Frame {
    Frame::new(from, to, UDP, udp(ports.0, ports.1))
}
