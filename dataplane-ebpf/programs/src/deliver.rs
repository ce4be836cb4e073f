//! Between containers of one node, to those of other nodes and from them: past the host's own forwarding.
//!
//! Only flows that began this way go on this way. One that began through the host may have been given other
//! addresses there (a service's), and an answer that goes around the host would not get the old ones back.

use crate::packet::{Kind, Packet, TCP};
use crate::skb::{NEXT, Skb, now, redirect_peer};
use crate::track::{self, Found};
use crate::{maps, readdress, route, tell};
use fairway_dataplane_abi::{Config, Direction, Endpoint, Peer, Reason, Route};

/// Where a packet goes that the host need not see.
#[derive(Clone, Copy)]
enum Way {
    /// Nowhere: the host decides.
    Host,
    /// To another container of this node.
    Near(u32, &'static Endpoint),
    /// To another node.
    Far(&'static Route),
}

/// Judges what a container sends, and hands it on directly if that is possible.
#[inline(always)]
pub(crate) fn from_container(
    skb: &mut Skb,
    packet: &mut Packet,
    endpoint: &'static Endpoint,
) -> Result<i32, Reason> {
    let time = now();
    let found = track::find(&packet.key, time);
    let own = packet.key.link;
    // What began by the host goes on by the host, without a look where else it could go.
    let mut way = match is_direct(packet, found) {
        true => way(skb, packet, endpoint),
        false => Way::Host,
    };
    let mut other = None;
    if let Way::Near(link, _) = way {
        packet.turn(link);
        other = track::find(&packet.key, time);
        packet.turn(own);
        if !is_direct(packet, other) {
            way = Way::Host;
        }
    }
    let direct = !matches!(way, Way::Host);
    match track::settle::<false>(packet, endpoint, found, time, direct) {
        Reason::Forwarded => {}
        why => return Err(why),
    }
    match way {
        Way::Host => Ok(NEXT),
        Way::Near(link, receiver) => {
            // This end has let it through; what follows is the other's.
            packet.turn(link);
            Ok(hand_over(skb, packet, receiver, other, time))
        }
        Way::Far(way) => route::send(skb, packet, way),
    }
}

#[inline(always)]
fn is_direct(packet: &Packet, found: Option<Found>) -> bool {
    match found {
        Some(found) => found.is_direct(packet),
        None => packet.key.protocol != TCP || packet.opens(),
    }
}

/// The way past the host, if there is one.
#[inline(always)]
fn way(skb: &mut Skb, packet: &Packet, endpoint: &Endpoint) -> Way {
    const OF_THESE: u32 = Endpoint::DELIVER | Endpoint::BRIDGED;
    let flags = maps::config().map_or(0, |config| config.flags);
    if flags & Config::DELIVER == 0
        || endpoint.flags & OF_THESE != Endpoint::DELIVER
        || !can_go(packet)
        || !is_to_host(skb, endpoint)
    {
        return Way::Host;
    }
    let (link, to_node) = match maps::address(&packet.key.remote) {
        Some(peer) => (peer.link, peer.flags & Peer::HOST != 0),
        None => (0, false),
    };
    if link != 0 {
        return match takes(link, endpoint.vni) {
            Some(receiver) if endpoint.mtu <= receiver.mtu && link != packet.key.link => {
                Way::Near(link, receiver)
            }
            _ => Way::Host,
        };
    }
    if to_node || flags & Config::ROUTE == 0 {
        return Way::Host;
    }
    match route::find(endpoint.vni, &packet.key.remote) {
        Some(way) if longest(skb, packet) <= way.mtu => Way::Far(way),
        _ => Way::Host,
    }
}

#[inline(always)]
fn is_to_host(skb: &mut Skb, endpoint: &Endpoint) -> bool {
    let ether = skb.view::<14>(0);
    ether.is_some_and(|ether| ether.has_mac::<0>(&endpoint.host_mac))
}

#[inline(always)]
fn delivers() -> bool {
    maps::config().is_some_and(|config| config.flags & Config::DELIVER != 0)
}

/// What the host's stack would have nothing to do with but to pass it on.
#[inline(always)]
fn can_go(packet: &Packet) -> bool {
    packet.kind == Kind::Flow && packet.plain && packet.hops > 1
}

/// The endpoint at a link, if it takes packets of this network directly.
#[inline(always)]
fn takes(link: u32, vni: u32) -> Option<&'static Endpoint> {
    const ALL: u32 = Endpoint::OPEN | Endpoint::DELIVER | Endpoint::BRIDGED;
    if link == 0 || vni == 0 {
        return None;
    }
    let endpoint = maps::endpoint(&link)?;
    let ready = endpoint.flags & ALL == Endpoint::OPEN | Endpoint::DELIVER;
    (ready && endpoint.vni == vni).then_some(endpoint)
}

/// Judges a packet to an endpoint, and hands it over. Where its link has a limit the packet goes by the link,
/// whose program judges it then: it waits in the link's qdisc, and belongs to its socket meanwhile.
#[inline(always)]
fn hand_over(
    skb: &mut Skb,
    packet: &mut Packet,
    endpoint: &Endpoint,
    found: Option<Found>,
    time: u64,
) -> i32 {
    let shaped = endpoint.flags & Endpoint::SHAPED != 0;
    if !shaped {
        match track::settle::<true>(packet, endpoint, found, time, true) {
            Reason::Forwarded => {}
            why => return tell::dropped(packet, why, Direction::Ingress),
        }
    }
    if !readdress::frame(skb, readdress::of(endpoint), packet) || !skb.is_for_us() {
        return tell::dropped(packet, Reason::Internal, Direction::Ingress);
    }
    if shaped {
        return skb.send_by(packet.key.link);
    }
    tell::count(Reason::Forwarded, Direction::Ingress, packet);
    redirect_peer(packet.key.link)
}

/// Hands on what another node's container has sent to one of this node. What cannot go directly, or is not
/// as it should be, is left to the host and to the container's own link.
#[inline(always)]
pub(crate) fn from_overlay(mut skb: Skb) -> i32 {
    let mut packet = Packet::new(&skb);
    overlay(&mut skb, &mut packet).unwrap_or(NEXT)
}

#[inline(always)]
fn overlay(skb: &mut Skb, packet: &mut Packet) -> Option<i32> {
    if !delivers() || packet.parse::<true>(skb).is_err() || !can_go(packet) {
        return None;
    }
    let link = maps::address(&packet.key.local)?.link;
    let vni = skb.vni()?;
    let endpoint = takes(link, vni)?;
    arrives(skb, packet, (link, endpoint), 0)
}

/// The same without a tunnel.
#[inline(always)]
pub(crate) fn from_uplink(mut skb: Skb) -> i32 {
    let mut packet = Packet::new(&skb);
    uplink(&mut skb, &mut packet).unwrap_or(NEXT)
}

#[inline(always)]
fn uplink(skb: &mut Skb, packet: &mut Packet) -> Option<i32> {
    if !delivers() || !skb.to_this_host() || packet.parse::<true>(skb).is_err() || !can_go(packet) {
        return None;
    }
    let link = maps::address(&packet.key.local)?.link;
    let endpoint = takes(link, maps::endpoint(&link)?.vni)?;
    arrives(skb, packet, (link, endpoint), Route::DIRECT)
}

/// A packet from another node, by a tunnel or not.
#[inline(always)]
fn arrives(
    skb: &mut Skb,
    packet: &mut Packet,
    (link, endpoint): (u32, &'static Endpoint),
    how: u32,
) -> Option<i32> {
    if longest(skb, packet) > endpoint.mtu {
        return None;
    }
    // Nobody elsewhere has an address of a container of this node.
    if maps::address(&packet.key.remote).is_some_and(|peer| peer.link != 0) {
        return None;
    }
    packet.key.link = link;
    let time = now();
    let found = track::find(&packet.key, time);
    let direct = match found {
        Some(found) if !found.restarts(packet) => found.goes_on(packet, time),
        // Answers have to find the way back, past this host: else it sees them alone.
        _ => begins(packet) && has_way_back(skb, packet, endpoint.vni, how),
    };
    if !direct {
        return None;
    }
    Some(hand_over(skb, packet, endpoint, found, time))
}

/// Do answers go past this host, and the way that it came?
#[inline(always)]
fn has_way_back(skb: &Skb, packet: &Packet, vni: u32, how: u32) -> bool {
    let routes = maps::config().is_some_and(|config| config.flags & Config::ROUTE != 0);
    routes
        && route::find(vni, &packet.key.remote)
            .is_some_and(|way| way.flags & Route::DIRECT == how && way.device == skb.link())
}

/// Does a flow begin with it? What could be an answer goes through the host, which may have sent the question
/// on under another address.
#[inline(always)]
fn begins(packet: &Packet) -> bool {
    const ECHO: u8 = 8;
    const ECHO6: u8 = 128;
    match packet.key.protocol {
        TCP => packet.opens(),
        crate::packet::ICMP => packet.icmp[0] == ECHO,
        crate::packet::ICMP6 => packet.icmp[0] == ECHO6,
        _ => false,
    }
}

/// Bytes of the largest packet that it will be cut into, with its IP header.
#[inline(always)]
fn longest(skb: &Skb, packet: &Packet) -> u32 {
    const ETHER: u32 = crate::skb::ETHER;
    match skb.segment() {
        0 => packet.length - ETHER,
        segment => packet.payload - ETHER + segment,
    }
}
