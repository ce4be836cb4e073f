//! Between containers of one node, and from the overlay to a container: past the host's own forwarding.
//!
//! Only flows that began this way go on this way. One that began through the host may have been given other
//! addresses there (a service's), and an answer that goes around the host would not get the old ones back.

use crate::packet::{Kind, Packet, TCP};
use crate::skb::{PASS, Skb, now, redirect_peer};
use crate::track::{self, Found};
use crate::{maps, tell};
use aya_ebpf::bindings::__sk_buff;
use fairway_dataplane_abi::{Config, Direction, Endpoint, Reason};

/// Judges what a container sends, and hands it to another one of this node if that is possible.
#[inline(always)]
pub(crate) fn from_container(
    skb: &mut Skb,
    packet: &mut Packet,
    endpoint: &'static Endpoint,
) -> Result<i32, Reason> {
    let time = now();
    let found = track::find(&packet.key, time);
    let own = packet.key.link;
    let mut to = receiver(skb, packet, endpoint);
    let mut other = None;
    if let Some((link, _)) = to {
        packet.turn(link);
        other = track::find(&packet.key, time);
        packet.turn(own);
        to = to.filter(|_| is_direct(packet, found) && is_direct(packet, other));
    }
    match track::settle::<false>(packet, endpoint, found, time, to.is_some()) {
        Reason::Forwarded => {}
        why => return Err(why),
    }
    let Some((link, receiver)) = to else {
        return Ok(PASS);
    };
    // This end has let it through; what follows is the other's.
    packet.turn(link);
    Ok(hand_over(skb, packet, receiver, other, time))
}

#[inline(always)]
fn is_direct(packet: &Packet, found: Option<Found>) -> bool {
    match found {
        Some(found) => found.is_direct(packet),
        None => packet.key.protocol != TCP || packet.opens(),
    }
}

/// The endpoint of this node that the packet is for, if it can get it directly.
#[inline(always)]
fn receiver(
    skb: &mut Skb,
    packet: &Packet,
    endpoint: &Endpoint,
) -> Option<(u32, &'static Endpoint)> {
    const OF_THESE: u32 = Endpoint::DELIVER | Endpoint::BRIDGED;
    if !delivers() || endpoint.flags & OF_THESE != Endpoint::DELIVER || !can_go(packet) {
        return None;
    }
    let link = maps::address(&packet.key.remote)?.link;
    let receiver = takes(link, endpoint.vni)?;
    let to_host = skb.view::<14>(0)?.has_mac::<0>(&endpoint.host_mac);
    let fits = endpoint.mtu <= receiver.mtu && link != packet.key.link;
    (to_host && fits).then_some((link, receiver))
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

/// Judges a packet to an endpoint, and hands it over.
#[inline(always)]
fn hand_over(
    skb: &mut Skb,
    packet: &mut Packet,
    endpoint: &Endpoint,
    found: Option<Found>,
    time: u64,
) -> i32 {
    match track::settle::<true>(packet, endpoint, found, time, true) {
        Reason::Forwarded => {}
        why => return tell::dropped(packet, why, Direction::Ingress),
    }
    let v4 = u32::from(packet.key.local.is_v4());
    if fairway_readdress(skb.raw(), endpoint, v4) == 0 {
        return tell::dropped(packet, Reason::Internal, Direction::Ingress);
    }
    tell::count(Reason::Forwarded, Direction::Ingress, packet);
    redirect_peer(packet.key.link)
}

#[expect(unsafe_code, reason = "a global function, see the crate's head")]
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn fairway_readdress(skb: *mut __sk_buff, endpoint: *const Endpoint, v4: u32) -> u32 {
    // SAFETY: It is a reference, see `hand_over`.
    match unsafe { endpoint.as_ref() } {
        Some(endpoint) => u32::from(readdress(Skb::of(skb), endpoint, v4 != 0).is_some()),
        None => 0,
    }
}

/// Does what a router does: one hop less, and the next link's hardware addresses.
#[inline(always)]
fn readdress(mut skb: Skb, endpoint: &Endpoint, v4: bool) -> Option<()> {
    let done = if v4 {
        let mut head = skb.copy::<26>(0)?;
        head[..6].copy_from_slice(&endpoint.mac);
        head[6..12].copy_from_slice(&endpoint.host_mac);
        head[22] -= 1;
        // The checksum is that of a header whose word of TTL and protocol is 0x100 less (RFC 1624).
        let sum = u32::from(u16::from_be_bytes([head[24], head[25]])) + 0x100;
        let sum = (sum + u32::from(sum >= 0xffff)) as u16;
        [head[24], head[25]] = sum.to_be_bytes();
        skb.store(&head)
    } else {
        let mut head = skb.copy::<22>(0)?;
        head[..6].copy_from_slice(&endpoint.mac);
        head[6..12].copy_from_slice(&endpoint.host_mac);
        head[21] -= 1;
        skb.store(&head)
    };
    (done && skb.is_for_us()).then_some(())
}

/// Hands on what another node's container has sent to one of this node. What cannot go directly, or is not
/// as it should be, is left to the host and to the container's own link.
#[inline(always)]
pub(crate) fn from_overlay(mut skb: Skb) -> i32 {
    let mut packet = Packet::new(&skb);
    overlay(&mut skb, &mut packet).unwrap_or(PASS)
}

#[inline(always)]
fn overlay(skb: &mut Skb, packet: &mut Packet) -> Option<i32> {
    if !delivers() || packet.parse::<true>(skb).is_err() || !can_go(packet) {
        return None;
    }
    let link = maps::address(&packet.key.local)?.link;
    let endpoint = takes(link, skb.vni()?)?;
    if longest(skb, packet) > endpoint.mtu {
        return None;
    }
    packet.key.link = link;
    let time = now();
    let found = track::find(&packet.key, time);
    let direct = match found {
        Some(found) => found.is_direct(packet),
        None => begins(packet),
    };
    if !direct {
        return None;
    }
    Some(hand_over(skb, packet, endpoint, found, time))
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
