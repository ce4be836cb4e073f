//! A container speaks for itself only: in frames, in packets, in ARP and in neighbour discovery.

use crate::maps;
use crate::packet::{ICMP6, Kind, Packet, is_link_local, is_multicast};
use crate::skb::Skb;
use fairway_dataplane_abi::{Addr, Endpoint, Reason};

/// The frame's source.
#[inline(always)]
pub(crate) fn frame(skb: &mut Skb, endpoint: &Endpoint) -> Result<(), Reason> {
    let ether = skb.view::<14>(0).ok_or(Reason::Truncated)?;
    if ether.has_mac::<6>(&endpoint.mac) {
        Ok(())
    } else {
        Err(Reason::ForgedMac)
    }
}

/// The packet's source, and what it claims in neighbour discovery.
#[inline(always)]
pub(crate) fn packet(skb: &mut Skb, packet: &Packet, endpoint: &Endpoint) -> Result<(), Reason> {
    if !owns(endpoint, &packet.key.local, packet.key.link) && !near(packet) {
        return Err(Reason::ForgedAddress);
    }
    match packet.kind {
        Kind::Router | Kind::Redirect => Err(Reason::RouterAdvertisement),
        Kind::Advertisement => target(skb, packet, endpoint),
        _ => Ok(()),
    }
}

#[inline(always)]
fn owns(endpoint: &Endpoint, address: &Addr, link: u32) -> bool {
    let v4 = address.is_v4();
    let [a, b, c, d] = address.0;
    let [e, f, g, h] = endpoint.v6;
    if v4 && d == endpoint.v4 && d != 0 {
        return true;
    }
    if !v4 && a == e && b == f && c == g && d == h && a | b | c | d != 0 {
        return true;
    }
    endpoint.flags & Endpoint::MORE != 0 && owns_more(address, link)
}

#[inline(never)]
fn owns_more(address: &Addr, link: u32) -> bool {
    maps::address(address).is_some_and(|peer| peer.link == link)
}

/// Link-local and unspecified sources, as ICMPv6 has them on the link.
#[inline(always)]
fn near(packet: &Packet) -> bool {
    let (from, to) = (&packet.key.local, &packet.key.remote);
    let [a, b, c, d] = from.0;
    packet.key.protocol == ICMP6
        && (is_link_local(from) || a | b | c | d == 0)
        && (is_link_local(to) || is_multicast(to))
}

/// A neighbour advertisement is of an address of its own.
#[inline(always)]
fn target(skb: &mut Skb, packet: &Packet, endpoint: &Endpoint) -> Result<(), Reason> {
    let offset = packet.transport;
    if offset > crate::skb::FAR {
        return Err(Reason::Truncated);
    }
    let head = skb.view::<24>(offset).ok_or(Reason::Truncated)?;
    let target = Addr([
        head.word::<8>(),
        head.word::<12>(),
        head.word::<16>(),
        head.word::<20>(),
    ]);
    if owns(endpoint, &target, packet.key.link) || is_link_local(&target) {
        Ok(())
    } else {
        Err(Reason::ForgedAddress)
    }
}

/// ARP (RFC 826): the sender's addresses are the container's; 0.0.0.0 asks whether an address is free
/// (RFC 5227).
#[inline(always)]
pub(crate) fn arp(skb: &mut Skb, packet: &Packet, endpoint: &Endpoint) -> Result<(), Reason> {
    const ETHERNET_AND_IPV4: (u16, u16, u16) = (1, 0x0800, 0x0604);
    let head = skb.view::<42>(0).ok_or(Reason::Truncated)?;
    if (head.half::<14>(), head.half::<16>(), head.half::<18>()) != ETHERNET_AND_IPV4 {
        return Err(Reason::Malformed);
    }
    if !head.has_mac::<22>(&endpoint.mac) {
        return Err(Reason::ForgedMac);
    }
    let sender = head.word::<28>();
    if sender == 0 || owns(endpoint, &Addr::v4(sender), packet.key.link) {
        Ok(())
    } else {
        Err(Reason::ForgedAddress)
    }
}
