//! Random policies and random packets: what the program decides is what a plain reading of the rules does.

use std::collections::BTreeMap;
use std::net::IpAddr;

use fairway_dataplane::abi::{
    Class, Decision, NO_ORDER, Peer, PeerKey, PortKey, Reason, Set, Sets, Side,
};
use fairway_dataplane::{Hook, Sizes};
use ipnetwork::IpNetwork;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::bed::{Bed, NEXT, SHOT, bed, ip, sent};
use crate::frame::{Frame, ICMP, SCTP, TCP, UDP, icmp, sctp, tcp, udp};

const ADDRESSES: [&str; 6] = [
    "10.9.0.1",
    "10.9.0.2",
    "10.9.1.1",
    "fd09::1",
    "fd09::2",
    "fd09:0:0:1::1",
];
const PREFIXES: [&str; 10] = [
    "0.0.0.0/0",
    "10.9.0.0/16",
    "10.9.0.0/24",
    "10.9.0.0/29",
    "10.9.0.2/32",
    "::/0",
    "fd09::/48",
    "fd09::/64",
    "fd09::/125",
    "fd09::2/128",
];
const PORTS: [u16; 6] = [0, 79, 80, 81, 8080, 65_535];
const PROTOCOLS: [u8; 4] = [TCP, UDP, SCTP, ICMP];

/// All that verdicts follow from.
#[derive(Debug, Clone, Default)]
struct World {
    /// Identities of addresses; 0: unknown.
    identities: [u32; 6],
    /// Which prefixes have a number.
    prefixes: [bool; 10],
    sets: BTreeMap<u32, Set>,
    peers: BTreeMap<(u32, u32), (u32, u32)>,
    ports: BTreeMap<(u32, u8, u8, u16), Decision>,
    ends: [u32; 4],
}

fn number(prefix: usize) -> u32 {
    Peer::FIRST_PREFIX + u32::try_from(prefix).unwrap()
}

impl World {
    /// Step by step, and as slowly as it takes.
    fn verdict(&self, set: u32, from: usize, class: u8, port: u16) -> Reason {
        let Some(of) = self.sets.get(&set) else {
            return Reason::Internal;
        };
        let mut candidates = vec![(of.anybody.table, of.anybody.lengths)];
        let identity = self.identities[from];
        if identity != 0 {
            candidates.extend(self.peers.get(&(set, identity)));
        }
        if of.flags & Set::PREFIXES != 0 {
            let address = ip(ADDRESSES[from]);
            let nets = PREFIXES.map(|net| net.parse::<IpNetwork>().unwrap());
            let in_force = nets.iter().enumerate().filter(|(n, _)| self.prefixes[*n]);
            let longest = in_force
                .filter(|(_, net)| net.contains(address))
                .max_by_key(|(_, net)| net.prefix());
            if let Some((n, _)) = longest {
                candidates.extend(self.peers.get(&(set, number(n))));
            }
        }
        let found: Vec<_> = candidates
            .into_iter()
            .filter_map(|(table, lengths)| self.port(table, lengths, class, port))
            .collect();
        let best = |sides: Vec<Side>| {
            let said = sides.into_iter().filter(|side| side.order != NO_ORDER);
            said.min_by_key(|side| side.order)
        };
        let high = best(found.iter().map(|decision| decision.high).collect());
        let low = best(found.iter().map(|decision| decision.low).collect());
        let action = match (high, low) {
            (Some(high), _) if high.action != Side::PASS => high.action,
            (_, Some(low)) => low.action,
            _ if of.otherwise == Side::ALLOW => return Reason::Forwarded,
            _ => return Reason::NotAllowed,
        };
        if action == Side::ALLOW {
            Reason::Forwarded
        } else {
            Reason::Denied
        }
    }

    fn port(&self, table: u32, lengths: u32, class: u8, port: u16) -> Option<Decision> {
        if table == 0 {
            return None;
        }
        let kept = (0..=16_u8)
            .rev()
            .filter(|length| lengths >> length & 1 != 0);
        kept.filter_map(|length| {
            let masked = (u32::from(port) >> (16 - length)) << (16 - length);
            let key = (table, class, length, u16::try_from(masked).unwrap());
            self.ports.get(&key).copied()
        })
        .next()
    }

    fn install(&self, bed: &mut Bed) {
        let dataplane = &mut bed.dataplane;
        for key in dataplane.peers().unwrap().into_keys() {
            dataplane.remove_peer(key).unwrap();
        }
        for key in dataplane.ports().unwrap().into_keys() {
            dataplane.remove_ports(key).unwrap();
        }
        for set in 1..5 {
            dataplane.remove_set(set).unwrap();
        }
        for (n, text) in ADDRESSES.iter().enumerate() {
            let identity = self.identities[n];
            dataplane.remove_address(ip(text)).unwrap();
            if identity != 0 {
                let peer = Peer {
                    identity,
                    link: 0,
                    flags: 0,
                };
                dataplane.put_address(ip(text), &peer).unwrap();
            }
        }
        for (n, text) in PREFIXES.iter().enumerate() {
            let net = text.parse().unwrap();
            dataplane.remove_prefix(net).unwrap();
            if self.prefixes[n] {
                dataplane.put_prefix(net, number(n)).unwrap();
            }
        }
        for (set, value) in &self.sets {
            dataplane.put_set(*set, value).unwrap();
        }
        for (&(set, peer), &(table, lengths)) in &self.peers {
            let lengths = fairway_dataplane::abi::Lengths { table, lengths };
            dataplane.put_peer(PeerKey { set, peer }, &lengths).unwrap();
        }
        for (&(table, class, length, port), decision) in &self.ports {
            let key = PortKey {
                table,
                port,
                class,
                length,
            };
            dataplane.put_ports(key, decision).unwrap();
        }
        let [ingress, egress, ingress_audit, egress_audit] = self.ends;
        let sets = Sets {
            ingress,
            egress,
            ingress_audit,
            egress_audit,
        };
        bed.open(bed.a, sets);
        bed.dataplane
            .remove_tracks_of(&[bed.a.link].into())
            .unwrap();
        bed.next_epoch();
    }
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![
        Just(Side::NONE),
        (0..6_u32, 0..3_u32, 1..50_u32).prop_map(|(order, action, rule)| Side {
            order,
            rule,
            action
        }),
    ]
}

fn lengths() -> impl Strategy<Value = (u32, u32)> {
    let bits = proptest::sample::subsequence(vec![0_u32, 4, 12, 15, 16], 0..=5);
    (0..4_u32, bits).prop_map(|(table, bits)| (table, bits.iter().map(|bit| 1 << bit).sum()))
}

prop_compose! {
    fn port()(
        table in 1..4_u32,
        class in prop_oneof![Just(Class::TCP), Just(Class::UDP), Just(Class::SCTP), Just(Class::OTHER)],
        length in prop_oneof![Just(0_u8), Just(4), Just(12), Just(15), Just(16)],
        port in proptest::sample::select(PORTS.to_vec()),
        decision in (side(), side()),
    ) -> ((u32, u8, u8, u16), Decision) {
        let (length, port) = if class == Class::OTHER { (0, 0) } else { (length, port) };
        let masked = (u32::from(port) >> (16 - length)) << (16 - length);
        let (mut high, mut low) = decision;
        // Orders are of one rule each; which of two equal ones counts is nobody's business.
        for (n, side) in [&mut high, &mut low].into_iter().enumerate() {
            if side.order != NO_ORDER {
                side.order = side.order * 10_000 + table * 1000 + u32::from(class) * 4 + n as u32;
                side.order = side.order * 17 + u32::from(length);
            }
        }
        ((table, class, length, u16::try_from(masked).unwrap()), Decision { high, low })
    }
}

prop_compose! {
    fn world()(
        identities in proptest::array::uniform6(0..4_u32),
        prefixes in proptest::array::uniform10(any::<bool>()),
        sets in proptest::collection::btree_map(
            1..4_u32,
            (0..2_u32, 1..99_u32, 0..2_u32, lengths()).prop_map(|(otherwise, rule, flags, (table, lengths))| Set {
                otherwise, rule, flags,
                anybody: fairway_dataplane::abi::Lengths { table, lengths },
            }),
            1..4,
        ),
        peers in proptest::collection::btree_map(
            (1..4_u32, prop_oneof![1..4_u32, (0..6_usize).prop_map(number)]), lengths(), 0..16,
        ),
        ports in proptest::collection::btree_map(any::<u8>(), port(), 0..24),
        ends in proptest::array::uniform4(0..4_u32),
    ) -> World {
        let ports = ports.into_values().collect();
        World { identities, prefixes, sets, peers, ports, ends }
    }
}

/// A packet of a flow of its own.
fn packet(from: IpAddr, to: IpAddr, protocol: u8, port: u16, flow: u16) -> Frame {
    let transport = match protocol {
        TCP => tcp(flow, port, crate::frame::SYN),
        UDP => udp(flow, port),
        SCTP => sctp(flow, port),
        _ if from.is_ipv4() => icmp(8, 0, flow, b""),
        _ => icmp(128, 0, flow, b""),
    };
    let icmp = if from.is_ipv4() { ICMP } else { 58 };
    let number = if protocol == ICMP { icmp } else { protocol };
    Frame::new(from, to, number, transport)
}

#[test]
fn the_program_decides_as_the_rules_read() {
    let sizes = Sizes {
        track_new: 65_536,
        ..crate::bed::small()
    };
    bed(sizes, |bed| {
        let mut runner = TestRunner::new(Config {
            cases: 96,
            failure_persistence: None,
            ..Config::default()
        });
        let bed = std::cell::RefCell::new(bed);
        let counts = std::cell::RefCell::new([0_u32; 4]);
        runner
            .run(&world(), |world| {
                let mut bed = bed.borrow_mut();
                world.install(&mut bed);
                let mut flow = 1000;
                for (from, text) in ADDRESSES.iter().enumerate() {
                    for protocol in PROTOCOLS {
                        for port in PORTS {
                            flow += 1;
                            let inbound = flow % 2 == 0;
                            let (far, near) = (ip(text), bed.a.like(ip(text)));
                            let set = world.ends[usize::from(!inbound)];
                            let class = Class::of(protocol);
                            let asked = if class == Class::OTHER { 0 } else { port };
                            let wanted = if set == 0 {
                                Reason::Forwarded
                            } else {
                                world.verdict(set, from, class, asked)
                            };
                            let (hook, bytes) = if inbound {
                                (
                                    Hook::ToContainer,
                                    packet(far, near, protocol, port, flow).bytes(),
                                )
                            } else {
                                let frame = packet(near, far, protocol, port, flow);
                                (Hook::FromContainer, sent(bed.a, &frame))
                            };
                            let ran = bed.run(hook, &bytes, bed.a.link);
                            let expected = if wanted == Reason::Forwarded {
                                NEXT
                            } else {
                                SHOT
                            };
                            prop_assert_eq!(
                                ran.verdict,
                                expected,
                                "{} {} port {} inbound {}: {:?}",
                                text,
                                protocol,
                                port,
                                inbound,
                                wanted
                            );
                            if wanted != Reason::Forwarded {
                                let mut last = None;
                                while let Some(event) = bed.next_event() {
                                    last = Some(event);
                                }
                                prop_assert_eq!(
                                    last.map(|event| event.reason),
                                    Some(wanted as u32)
                                );
                            }
                            counts.borrow_mut()[(wanted as usize).min(3)] += 1;
                        }
                    }
                }
                Ok(())
            })
            .unwrap();
        // All kinds were among them.
        let counts = counts.into_inner();
        assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    });
}
