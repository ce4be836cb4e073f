//! What passes a container's link, in both directions.

use crate::packet::{Kind, Packet, is_link_local, is_multicast, remember, resolve};
use crate::skb::{NEXT, Skb, now};
use crate::{deliver, maps, related, spoof, tell, track};
use fairway_dataplane_abi::{Direction, Endpoint, Peer, Reason};

/// What the container sends.
#[inline(always)]
pub(crate) fn from_container(mut skb: Skb) -> i32 {
    let mut packet = Packet::new(&skb);
    let result = outgoing(&mut skb, &mut packet);
    finish(&packet, result, Direction::Egress)
}

/// What the container gets.
#[inline(always)]
pub(crate) fn to_container(mut skb: Skb) -> i32 {
    let mut packet = Packet::new(&skb);
    let result = incoming(&mut skb, &mut packet).map(|()| NEXT);
    finish(&packet, result, Direction::Ingress)
}

#[inline(always)]
fn finish(packet: &Packet, result: Result<i32, Reason>, direction: Direction) -> i32 {
    match result {
        Ok(action) => {
            tell::count(Reason::Forwarded, direction, packet);
            action
        }
        Err(reason) => tell::dropped(packet, reason, direction),
    }
}

#[inline(always)]
fn open(packet: &Packet) -> Result<&'static Endpoint, Reason> {
    match maps::endpoint(&packet.key.link) {
        Some(endpoint) if endpoint.flags & Endpoint::OPEN != 0 => Ok(endpoint),
        _ => Err(Reason::Closed),
    }
}

#[inline(always)]
fn outgoing(skb: &mut Skb, packet: &mut Packet) -> Result<i32, Reason> {
    let endpoint = open(packet)?;
    spoof::frame(skb, endpoint)?;
    packet.parse::<false>(skb)?;
    if packet.kind == Kind::Arp {
        return spoof::arp(skb, packet, endpoint).map(|()| NEXT);
    }
    spoof::packet(skb, packet, endpoint)?;
    match packet.kind {
        Kind::Neighbour | Kind::Advertisement if stays_near(packet, endpoint) => return Ok(NEXT),
        Kind::Listener => return Ok(NEXT),
        Kind::Error if related::is_related::<false>(packet, skb, now()) => return Ok(NEXT),
        _ => {}
    }
    resolve::<false>(packet)?;
    let action = deliver::from_container(skb, packet, endpoint)?;
    remember::<false>(packet);
    Ok(action)
}

/// Does it go to a neighbour? A router passes it on to anybody, if its destination is not on the link.
#[inline(always)]
fn stays_near(packet: &Packet, endpoint: &Endpoint) -> bool {
    let to = &packet.key.remote;
    is_multicast(to)
        || is_link_local(to)
        || is_here(packet, endpoint.flags & Endpoint::BRIDGED != 0)
}

/// Has this node its destination, or, from a port of a bridge, a container of this node? Any other would be
/// routed, and get out of here unjudged.
#[inline(never)]
fn is_here(packet: &Packet, bridged: bool) -> bool {
    maps::address(&packet.key.remote)
        .is_some_and(|peer| peer.flags & Peer::HOST != 0 || bridged && peer.link != 0)
}

#[inline(always)]
fn incoming(skb: &mut Skb, packet: &mut Packet) -> Result<(), Reason> {
    let direct = skb.take_direct();
    let endpoint = open(packet)?;
    packet.parse::<true>(skb)?;
    let time = now();
    match packet.kind {
        Kind::Arp | Kind::Neighbour | Kind::Advertisement | Kind::Listener => return Ok(()),
        // From a router of this link (RFC 4861, section 6.1.2).
        Kind::Router if packet.hops == 255 => return Ok(()),
        Kind::Error if related::is_related::<true>(packet, skb, time) => return Ok(()),
        _ => {}
    }
    resolve::<true>(packet)?;
    let found = track::find(&packet.key, time);
    match track::settle::<true>(packet, endpoint, found, time, direct) {
        Reason::Forwarded => {
            remember::<true>(packet);
            Ok(())
        }
        why => Err(why),
    }
}
