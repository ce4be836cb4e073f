//! What is written is in the kernel, as bpftool sees it; what does not fit is refused.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod common;

use std::net::IpAddr;

use common::{config, dumped, options, pin, with_pins};
use fairway_dataplane::abi::{Decision, Endpoint, Lengths, Peer, PeerKey, PortKey, Set, Side};
use fairway_dataplane::{Dataplane, Tunnel, Way};
use ipnetwork::IpNetwork;

/// Words in this machine's order, one behind the other.
fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

fn net(text: &str) -> IpNetwork {
    text.parse().unwrap()
}

fn endpoint(identity: u32) -> Endpoint {
    Endpoint {
        identity,
        flags: 1,
        mtu: 1500,
        mac: [2, 0, 0, 0, 0, 1],
        host_mac: [2, 0, 0, 0, 0, 2],
        ..Endpoint::default()
    }
}

#[test]
fn each_write_is_what_bpftool_sees() {
    with_pins(|root| {
        let mut dataplane = Dataplane::load(&options(root)).unwrap();
        dataplane.seal().unwrap();
        let map = |name| dumped(&pin(root, 1, name));

        dataplane.set_config(&config(9)).unwrap();
        assert_eq!(map("CONFIG")[&words(&[0])], words(&[9, 0, 0, 0]));
        assert_eq!(dataplane.config().unwrap(), config(9));

        dataplane.put_endpoint(7, &endpoint(5)).unwrap();
        dataplane.put_endpoint(7, &endpoint(6)).unwrap();
        let mut expected = words(&[6, 1, 0, 0, 0, 0, 0, 1500, 0, 0, 0, 0, 0]);
        expected.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]);
        let seen = map("ENDPOINTS");
        assert_eq!((seen.len(), &seen[&words(&[7])]), (1, &expected));
        assert_eq!(dataplane.endpoints().unwrap()[&7], endpoint(6));

        let (v4, v6): (IpAddr, IpAddr) = ("10.1.2.3".parse().unwrap(), "fd00::9".parse().unwrap());
        for (ip, identity) in [(v4, 3), (v6, 4)] {
            let peer = Peer {
                identity,
                link: 7,
                flags: Peer::HOST,
            };
            dataplane.put_address(ip, &peer).unwrap();
            assert_eq!(dataplane.addresses().unwrap()[&ip], peer);
        }
        let seen = map("ADDRESSES");
        let mapped = [[0; 10].as_slice(), &[0xff, 0xff, 10, 1, 2, 3]].concat();
        assert_eq!(seen[&mapped], words(&[3, 7, 1]));
        assert_eq!(
            seen[&[[0xfd].as_slice(), &[0; 14], &[9]].concat()],
            words(&[4, 7, 1])
        );

        dataplane.put_prefix(net("10.1.2.3/8"), 77).unwrap();
        dataplane.put_prefix(net("10.0.0.0/16"), 78).unwrap();
        dataplane.put_prefix(net("fd00::/64"), 79).unwrap();
        dataplane.put_prefix(net("0.0.0.0/0"), 80).unwrap();
        dataplane.put_prefix(net("fd01::/48"), 81).unwrap();
        dataplane.put_prefix(net("10.1.2.3/32"), 82).unwrap();
        dataplane.put_prefix(net("10.1.2.3/24"), 83).unwrap();
        dataplane.put_prefix(net("10.1.2.3/24"), 84).unwrap();
        let seen = map("PREFIXES4");
        assert_eq!(seen.len(), 3);
        let key = [words(&[8]), vec![10, 0, 0, 0]].concat();
        assert_eq!(seen[&key], words(&[77, 8]));
        let key = [words(&[48]), vec![0xfd, 1], vec![0; 14]].concat();
        assert_eq!(map("PREFIXES6")[&key], words(&[81, 48]));
        let seen = map("BLOCKS");
        let key = [vec![0xfd], vec![0; 15], words(&[64])].concat();
        assert_eq!((seen.len(), &seen[&key]), (3, &words(&[79])));
        let key = [
            [0; 10].as_slice(),
            &[0xff, 0xff, 10, 1, 2, 0],
            &words(&[24]),
        ]
        .concat();
        assert_eq!(seen[&key], words(&[84]));
        assert_eq!(map("KINDS")[&words(&[0])], words(&[0b110_111]));
        let all = dataplane.prefixes().unwrap();
        let named = [
            "10.0.0.0/8",
            "0.0.0.0/0",
            "10.1.2.0/24",
            "10.1.2.3/32",
            "fd00::/64",
        ];
        assert_eq!(all.len(), 7);
        assert_eq!(named.map(|name| all[&net(name)]), [77, 80, 84, 82, 79]);

        let mut tunnel = Tunnel {
            device: 9,
            vni: 4,
            mtu: 1450,
            local: "192.0.2.1".parse().unwrap(),
            remote: "192.0.2.2".parse().unwrap(),
            to: [2, 0, 0, 0, 0, 2],
            from: [2, 0, 0, 0, 0, 1],
        };
        dataplane
            .put_route(5, net("10.1.2.0/26"), Some(&Way::Tunnel(tunnel)))
            .unwrap();
        dataplane.put_route(5, net("10.1.2.7/32"), None).unwrap();
        let [block, host] = [("10.1.2.0/26", 154), ("10.1.2.7/32", 160)].map(|(text, length)| {
            let IpAddr::V4(ip) = net(text).network() else {
                panic!()
            };
            let mapped = [[0; 10].as_slice(), &[0xff, 0xff], &ip.octets()].concat();
            [words(&[length]), vec![0x80, 0, 0, 5], mapped].concat()
        });
        let seen = map("ROUTES");
        assert_eq!(seen[&host], vec![0; 60]);
        let (local, remote) = ([0xc000_0201, 0, 0, 0], [0xc000_0202, 0, 0, 0]);
        let mut expected = [words(&[9, 1450, 0, 4]), words(&local), words(&remote)].concat();
        expected.extend([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]);
        assert_eq!(seen[&block], expected);
        (tunnel.local, tunnel.remote) = ("fd00::1".parse().unwrap(), "fd00::2".parse().unwrap());
        dataplane
            .put_route(6, net("fd00:9::/64"), Some(&Way::Tunnel(tunnel)))
            .unwrap();
        for (text, gateway) in [("10.3.0.0/26", "192.0.2.3"), ("10.4.0.0/26", "fe80::3")] {
            let way = Way::Neighbour {
                device: 2,
                mtu: 1500,
                gateway: gateway.parse().unwrap(),
            };
            dataplane.put_route(5, net(text), Some(&way)).unwrap();
            let all = dataplane.routes().unwrap();
            assert_eq!(all[&(5, net(text))], Some(way));
        }
        let mapped = [[0; 10].as_slice(), &[0xff, 0xff, 10, 3, 0, 0]].concat();
        let key = [words(&[154]), vec![0x80, 0, 0, 5], mapped].concat();
        let mut expected = words(&[2, 1500, 2, 0, 0, 0, 0, 0]);
        expected.extend([192, 0, 2, 3]);
        expected.extend([0; 24]);
        assert_eq!(map("ROUTES")[&key], expected);
        let all = dataplane.routes().unwrap();
        assert_eq!((all.len(), all[&(5, net("10.1.2.7/32"))]), (5, None));
        assert_eq!(all[&(6, net("fd00:9::/64"))], Some(Way::Tunnel(tunnel)));

        let anybody = Lengths {
            table: 4,
            lengths: 1,
        };
        let set = Set {
            otherwise: Side::ALLOW,
            rule: 2,
            flags: Set::PREFIXES,
            anybody,
        };
        dataplane.put_set(11, &set).unwrap();
        assert_eq!(map("SETS")[&words(&[11])], words(&[1, 2, 1, 4, 1]));
        assert_eq!(dataplane.sets().unwrap()[&11], set);

        let key = PeerKey { set: 11, peer: 3 };
        dataplane.put_peer(key, &anybody).unwrap();
        assert_eq!(map("PEERS")[&words(&[11, 3])], words(&[4, 1]));
        assert_eq!(dataplane.peers().unwrap()[&key], anybody);

        let key = PortKey {
            table: 4,
            port: 80,
            class: 6,
            length: 16,
        };
        let decision = Decision {
            high: Side {
                order: 1,
                rule: 2,
                action: Side::PASS,
            },
            low: Side::NONE,
        };
        dataplane.put_ports(key, &decision).unwrap();
        let mut bytes = words(&[4]);
        bytes.extend(80_u16.to_ne_bytes());
        bytes.extend([6, 16]);
        assert_eq!(map("PORTS")[&bytes], words(&[1, 2, 2, u32::MAX, 0, 0]));
        assert_eq!(dataplane.ports().unwrap()[&key], decision);

        // And gone again.
        assert!(dataplane.remove_endpoint(7).unwrap() && !dataplane.remove_endpoint(7).unwrap());
        assert!(dataplane.remove_address(v4).unwrap() && !dataplane.remove_address(v4).unwrap());
        assert!(dataplane.remove_prefix(net("10.0.0.0/8")).unwrap());
        assert!(!dataplane.remove_prefix(net("10.0.0.0/8")).unwrap());
        for gone in ["fd00::/64", "fd01::/48", "10.1.2.3/32"] {
            assert!(dataplane.remove_prefix(net(gone)).unwrap());
        }
        // One of the length is left, so it is still looked for.
        assert_eq!(map("KINDS")[&words(&[0])], words(&[0b110]));
        assert!(!dataplane.remove_route(6, net("10.1.2.0/26")).unwrap());
        assert!(dataplane.remove_route(5, net("10.1.2.0/26")).unwrap());
        assert!(dataplane.remove_set(11).unwrap() && dataplane.remove_ports(key).unwrap());
        assert!(dataplane.remove_peer(PeerKey { set: 11, peer: 3 }).unwrap());
        for (name, left) in [("ENDPOINTS", 0), ("ADDRESSES", 1), ("BLOCKS", 1)] {
            assert_eq!(map(name).len(), left, "{name}");
        }
        for (name, left) in [
            ("PREFIXES4", 2),
            ("PREFIXES6", 0),
            ("SETS", 0),
            ("PEERS", 0),
            ("PORTS", 0),
        ] {
            assert_eq!(map(name).len(), left, "{name}");
        }
        let used: Vec<_> = dataplane.fill().iter().map(|fill| fill.entries).collect();
        assert_eq!(used, [0, 1, 1, 2, 0, 4, 0, 0, 0, 0, 0]);
    });
}
