//! What goes to another node and comes from it past the host, and what must not.

use std::net::IpAddr;

use fairway_dataplane::abi::{Config, Endpoint, Peer, State};
use fairway_dataplane::{Hook, Way};
use fairway_netlink::{Handle, Netlink};
use ipnetwork::IpNetwork;

use crate::bed::{Bed, NEXT, REDIRECT, bed, datagram, far, ip, segment, small};
use crate::frame::{ACK, FIN, Frame, RST, SYN};

const NETS: [&str; 2] = ["10.9.0.0/16", "fd09::/64"];

fn net(text: &str) -> IpNetwork {
    text.parse().unwrap()
}

/// The second container's link stands for the underlay's.
struct Uplink<'a> {
    bed: &'a mut Bed,
    mac: [u8; 6],
}

impl Uplink<'_> {
    fn run(test: impl FnOnce(&mut Uplink<'_>) + Send) {
        bed(small(), |bed| {
            bed.reconfigure(|config| config.flags |= Config::DELIVER | Config::ROUTE);
            bed.change(bed.a, |endpoint| endpoint.flags |= Endpoint::DELIVER);
            let link = Handle::open().unwrap().link_by_index(bed.b.link);
            let mac = link.unwrap().unwrap().mac.unwrap();
            let mut uplink = Uplink {
                bed,
                mac: mac.octets(),
            };
            NETS.iter().for_each(|net| uplink.lead(net));
            test(&mut uplink);
        });
    }

    fn lead(&mut self, text: &str) {
        let net = net(text);
        let gateway = if net.is_ipv4() {
            "192.0.2.9"
        } else {
            "fe80::9"
        };
        let way = Way::Neighbour {
            device: self.bed.b.link,
            mtu: 1500,
            gateway: ip(gateway),
        };
        self.bed.dataplane.put_route(5, net, Some(&way)).unwrap();
    }

    fn leads_no_more(&mut self) {
        for text in NETS {
            assert!(self.bed.dataplane.remove_route(5, net(text)).unwrap());
        }
    }

    /// By the underlay's link, addressed to the node.
    fn comes(&self, mut frame: Frame) -> u32 {
        frame.macs[0] = self.mac;
        let bytes = frame.bytes();
        self.bed
            .run(Hook::FromUplink, &bytes, self.bed.b.link)
            .verdict
    }

    fn goes(&self, frame: &Frame) -> u32 {
        self.bed.from(self.bed.a, frame)
    }

    fn pairs(&self) -> [(IpAddr, IpAddr); 2] {
        far().map(|far| (self.bed.a.like(far), far))
    }

    /// A connection from A, to its end.
    fn done(&self, near: IpAddr, far: IpAddr, port: u16) {
        let goes = |flags| self.goes(&segment(near, far, (port, 80), flags));
        let comes = |flags| self.comes(segment(far, near, (80, port), flags));
        assert_eq!([goes(SYN), comes(SYN | ACK), goes(ACK)], [REDIRECT; 3]);
        assert_eq!([goes(FIN | ACK), comes(FIN | ACK)], [REDIRECT; 2]);
    }
}

#[test]
fn what_has_its_way_back_goes_past_the_host() {
    Uplink::run(|uplink| {
        for (near, far) in uplink.pairs() {
            uplink.done(near, far, 5000);
            let comes = |flags| uplink.comes(segment(far, near, (6000, 80), flags));
            assert_eq!(comes(ACK), NEXT, "a part of a connection");
            assert_eq!(comes(SYN), REDIRECT);
            let answer = segment(near, far, (80, 6000), SYN | ACK);
            assert_eq!(uplink.goes(&answer), REDIRECT);
            assert_eq!(comes(ACK), REDIRECT);
            // It could be an answer to what the host has rewritten.
            assert_eq!(uplink.comes(datagram(far, near, (53, 7000))), NEXT);
            assert_eq!(uplink.goes(&datagram(near, far, (7001, 53))), REDIRECT);
            assert_eq!(uplink.comes(datagram(far, near, (53, 7001))), REDIRECT);
            // Not for this node.
            let mut frame = segment(far, near, (6001, 80), SYN);
            frame.macs[0] = [2, 0, 0, 0, 9, 9];
            let bytes = frame.bytes();
            let ran = uplink.bed.run(Hook::FromUplink, &bytes, uplink.bed.b.link);
            assert_eq!(ran.verdict, NEXT);
        }
    });
}

#[test]
fn without_a_way_back_nothing_begins_past_the_host() {
    Uplink::run(|uplink| {
        let opens = |uplink: &Uplink<'_>, port| {
            let pairs = uplink.pairs();
            pairs.map(|(near, far)| uplink.comes(segment(far, near, (port, 80), SYN)))
        };
        assert_eq!(opens(uplink, 6000), [REDIRECT; 2]);
        // Routes that are not complete are none.
        uplink
            .bed
            .reconfigure(|config| config.flags &= !Config::ROUTE);
        assert_eq!(opens(uplink, 6001), [NEXT; 2]);
        uplink
            .bed
            .reconfigure(|config| config.flags |= Config::ROUTE);
        for (near, far) in uplink.pairs() {
            let reset = segment(far, near, (6000, 80), RST);
            assert_eq!(uplink.comes(reset), REDIRECT);
        }
        uplink.leads_no_more();
        assert_eq!(opens(uplink, 6002), [NEXT; 2]);
        // Nor does one begin anew that did so with one.
        assert_eq!(opens(uplink, 6000), [NEXT; 2]);
    });
}

#[test]
fn nobody_elsewhere_has_an_address_of_this_node() {
    Uplink::run(|uplink| {
        let (a, b) = (uplink.bed.a, uplink.bed.b);
        uplink
            .bed
            .change(b, |endpoint| endpoint.flags |= Endpoint::DELIVER);
        for (own, near) in [(b.v4, a.v4), (b.v6, a.v6)] {
            let open = segment(near, own, (5000, 80), SYN);
            assert_eq!(uplink.goes(&open), REDIRECT, "to the other container");
            let forged = segment(own, near, (80, 5000), SYN | ACK);
            assert_eq!(uplink.comes(forged), NEXT);
        }
    });
}

#[test]
fn answers_to_a_service_are_left_to_the_host() {
    Uplink::run(|uplink| {
        for (near, far) in uplink.pairs() {
            // A connection has ended; the same ports are used for one by a service's address, which the host
            // leads to the same place.
            uplink.done(near, far, 5000);
            let comes = |flags| uplink.comes(segment(far, near, (80, 5000), flags));
            assert_eq!(comes(SYN | ACK), NEXT);
            assert_eq!(comes(ACK), NEXT, "the rest of it");
            // One that is open goes on, and sends its answer again.
            let goes = |flags| uplink.goes(&segment(near, far, (5001, 80), flags));
            let comes = |flags| uplink.comes(segment(far, near, (80, 5001), flags));
            assert_eq!([goes(SYN), comes(SYN | ACK), goes(ACK)], [REDIRECT; 3]);
            assert_eq!([comes(SYN | ACK), comes(ACK)], [REDIRECT; 2]);
            // One that nobody has heard of for long, and that has not ended.
            let [open, _] = uplink.bed.dataplane.tracks().unwrap();
            let of = |key: &fairway_dataplane::abi::TrackKey| key.local_port == 5001;
            let (key, mut track) = open.into_iter().find(|(key, _)| of(key)).unwrap();
            assert!(track.state & State::CONFIRMED != 0);
            track.expires -= 61_000_000_000;
            uplink.bed.dataplane.put_track(true, key, &track).unwrap();
            let comes = |flags| uplink.comes(segment(far, near, (80, 5001), flags));
            assert_eq!([comes(SYN | ACK), comes(ACK)], [NEXT; 2]);
            uplink
                .bed
                .dataplane
                .remove_tracks_of(&[uplink.bed.a.link].into())
                .unwrap();
        }
    });
}

#[test]
fn what_is_the_hosts_is_left_to_it() {
    Uplink::run(|uplink| {
        for (n, (near, far)) in uplink.pairs().into_iter().enumerate() {
            let port = 5000 + n as u16;
            // An address of this very node, though a route leads elsewhere with it.
            uplink.bed.peer(far, 1, 0, Peer::HOST);
            assert_eq!(uplink.goes(&segment(near, far, (port, 80), SYN)), NEXT);
            uplink.bed.peer(far, 7, 0, 0);
            assert_eq!(
                uplink.goes(&segment(near, far, (port + 10, 80), SYN)),
                REDIRECT
            );
            // One that lies in another.
            let own = IpNetwork::new(far, if far.is_ipv4() { 32 } else { 128 }).unwrap();
            uplink.bed.dataplane.put_route(5, own, None).unwrap();
            assert_eq!(uplink.goes(&segment(near, far, (port + 20, 80), SYN)), NEXT);
            assert!(uplink.bed.dataplane.remove_route(5, own).unwrap());
        }
        // No prefix of IPv6 holds an IPv4 address.
        uplink.leads_no_more();
        uplink.lead("::/0");
        let [(near4, far4), (near6, far6)] = uplink.pairs();
        assert_eq!(
            uplink.goes(&segment(near6, far6, (7000, 80), SYN)),
            REDIRECT
        );
        assert_eq!(uplink.goes(&segment(near4, far4, (7000, 80), SYN)), NEXT);
    });
}
