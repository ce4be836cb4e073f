//! Two containers, and a node that delivers between them past its own forwarding.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use fairway_dataplane::abi::{Config, Direction, Endpoint, Peer, Reason, Sent, Set, Sets, Side};
use fairway_dataplane::shaper::Hook;
use fairway_dataplane::{Dataplane, Options, Shaper, addr_of};
use fairway_lab::traffic::{Kind, Load};
use fairway_lab::{Lab, Ns};
use fairway_netlink::Netlink;

use crate::common::{config, handle, sizes};

/// The slot of what the second container gets, and of what the first one sends.
pub(crate) const IN: u32 = 1;
pub(crate) const BACK: u32 = 2;
pub(crate) const MEGABIT: u64 = 1_000_000;

/// Two containers of a network, between which a node delivers directly.
pub(crate) struct Bed {
    pub(crate) lab: Lab,
    pub(crate) containers: [Ns; 2],
    pub(crate) links: [u32; 2],
    pub(crate) endpoints: [Endpoint; 2],
    pub(crate) dataplane: Dataplane,
    pub(crate) shaper: Shaper,
}

pub(crate) fn address(container: usize, v6: bool) -> IpAddr {
    let number = container as u16 + 1;
    match v6 {
        false => [10, 0, number as u8, 2].into(),
        true => [0xfd00, number, 0, 0, 0, 0, 0, 2].into(),
    }
}

impl Bed {
    pub(crate) fn new() -> Self {
        let lab = Lab::new().unwrap();
        let containers = [lab.container().unwrap(), lab.container().unwrap()];
        let node = lab.node();
        let sizes = sizes();
        let mut dataplane = Dataplane::load(&Options { sizes, pins: None }).unwrap();
        let mut settings = config(1);
        settings.flags = Config::DELIVER;
        dataplane.set_config(&settings).unwrap();
        let (mut links, mut endpoints) = ([0; 2], [Endpoint::default(); 2]);
        for (at, container) in containers.iter().enumerate() {
            let link = format!("fw{at}");
            lab.wire(node, &link, container, "eth0").unwrap();
            let (near, net) = (handle(node), at + 1);
            let found = |mut handle: fairway_netlink::Handle, link: &str| {
                handle.link_by_name(link).unwrap().unwrap()
            };
            let (near, far) = (found(near, &link), found(handle(container), "eth0"));
            node.addr(&link, &format!("10.0.{net}.1/24")).unwrap();
            let sure = |ns: &Ns, line: String| drop(ns.run(&line).unwrap());
            sure(
                node,
                format!("ip addr add fd00:{net}::1/64 dev {link} nodad"),
            );
            let [v4, v6] = [address(at, false), address(at, true)];
            container.addr("eth0", &format!("{v4}/24")).unwrap();
            sure(container, format!("ip addr add {v6}/64 dev eth0 nodad"));
            sure(container, format!("ip route add default via 10.0.{net}.1"));
            sure(container, format!("ip route add default via fd00:{net}::1"));
            let IpAddr::V4(v4) = v4 else { panic!() };
            endpoints[at] = Endpoint {
                identity: net as u32,
                flags: Endpoint::OPEN | Endpoint::DELIVER,
                vni: 5,
                mtu: 1500,
                v4: u32::from_ne_bytes(v4.octets()),
                v6: addr_of(v6).0,
                mac: far.mac.unwrap().0,
                host_mac: near.mac.unwrap().0,
                ..Endpoint::default()
            };
            links[at] = near.index;
            dataplane.put_endpoint(near.index, &endpoints[at]).unwrap();
            for ip in [v4.into(), v6] {
                let (identity, link, flags) = (net as u32, near.index, 0);
                let peer = Peer {
                    identity,
                    link,
                    flags,
                };
                dataplane.put_address(ip, &peer).unwrap();
            }
            dataplane.attach(&mut handle(node), near.index).unwrap();
        }
        let shaper = Shaper::load().unwrap();
        for (hook, slot, link) in [
            (Hook::Egress, IN, links[1]),
            (Hook::Backstop, BACK, links[0]),
        ] {
            let mut netlink = handle(node);
            shaper.attach(&mut netlink, link, hook, slot).unwrap();
        }
        Self {
            lab,
            containers,
            links,
            endpoints,
            dataplane,
            shaper,
        }
    }

    /// Whether the second container's link has a limit.
    pub(crate) fn limited(&mut self, on: bool) {
        let flags = &mut self.endpoints[1].flags;
        *flags = match on {
            true => *flags | Endpoint::SHAPED,
            false => *flags & !Endpoint::SHAPED,
        };
        self.put();
    }

    fn put(&mut self) {
        let endpoint = &self.endpoints[1];
        self.dataplane
            .put_endpoint(self.links[1], endpoint)
            .unwrap();
    }

    /// Nobody may talk to the second container.
    pub(crate) fn close(&mut self) {
        let set = Set {
            otherwise: Side::DENY,
            rule: 100,
            ..Set::default()
        };
        self.dataplane.put_set(1, &set).unwrap();
        self.endpoints[1].sets = Sets {
            ingress: 1,
            ..Sets::default()
        };
        self.put();
    }

    pub(crate) fn counted(&self, reason: Reason, direction: Direction) -> u64 {
        let counters = self.dataplane.counters().unwrap().into_iter();
        let mut of = counters.filter(|one| (one.reason, one.direction) == (reason, direction));
        of.next().unwrap().count.packets
    }

    /// All packets that policy has let through to containers.
    pub(crate) fn passed(&self) -> u64 {
        self.counted(Reason::Forwarded, Direction::Ingress)
    }

    pub(crate) fn sent(&self, slot: u32) -> Sent {
        self.shaper.sent(slot).unwrap()
    }

    /// A connection from the first container to the second.
    pub(crate) fn connect(&self, v6: bool) -> [TcpStream; 2] {
        let to = SocketAddr::new(address(1, v6), 80);
        let listener = self.containers[1].inside(|| TcpListener::bind(to));
        let listener = listener.unwrap().unwrap();
        let limit = Duration::from_secs(5);
        let client = self.containers[0].inside(|| TcpStream::connect_timeout(&to, limit));
        let (server, _) = listener.accept().unwrap();
        let ends = [client.unwrap().unwrap(), server];
        for end in &ends {
            end.set_read_timeout(Some(limit)).unwrap();
            end.set_nodelay(true).unwrap();
        }
        ends
    }

    pub(crate) fn load(&self, kind: Kind, flows: u32, seconds: u32) -> Load {
        let [from, to] = self.containers.clone();
        Load {
            from,
            to,
            address: address(1, false),
            port: 5201,
            kind,
            flows,
            seconds,
            reverse: false,
        }
    }
}

/// There and back.
pub(crate) fn talk([one, two]: &[TcpStream; 2]) {
    let mut said = [0; 4];
    for (mut from, mut to) in [(one, two), (two, one)] {
        from.write_all(b"ahoy").unwrap();
        to.read_exact(&mut said).unwrap();
        assert_eq!(&said, b"ahoy");
    }
}
