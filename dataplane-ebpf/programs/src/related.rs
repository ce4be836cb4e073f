//! ICMP errors: they pass if they are about a packet of a flow that passes.

use crate::packet::{ICMP, ICMP6, Packet};
use crate::skb::{FAR, Skb};
use crate::track;
use aya_ebpf::bindings::__sk_buff;
use fairway_dataplane_abi::{Addr, TrackKey};

/// Is the error about a known flow of this endpoint? What it quotes went the other way. `IN`: it goes to the
/// endpoint.
#[inline(always)]
pub(crate) fn is_related<const IN: bool>(packet: &Packet, skb: &Skb, now: u64) -> bool {
    fairway_related(skb.raw(), packet, u32::from(IN), now) != 0
}

#[expect(unsafe_code, reason = "a global function, see the crate's head")]
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn fairway_related(
    skb: *mut __sk_buff,
    packet: *const Packet,
    inbound: u32,
    now: u64,
) -> u32 {
    let skb = Skb::of(skb);
    // SAFETY: It is a reference, see `is_related`.
    let Some(packet) = (unsafe { packet.as_ref() }) else {
        return 0;
    };
    let related = if inbound != 0 {
        related::<true>(packet, &skb, now)
    } else {
        related::<false>(packet, &skb, now)
    };
    u32::from(related)
}

#[inline(always)]
fn related<const IN: bool>(packet: &Packet, skb: &Skb, now: u64) -> bool {
    let Some(quoted) = quoted::<IN>(packet, skb) else {
        return false;
    };
    // To the endpoint: it has sent what is quoted; routers on the way may be anybody. From the endpoint: it
    // says only what its receiver has sent.
    let same = quoted.local == packet.key.local && (IN || quoted.remote == packet.key.remote);
    same && track::find(&quoted, now).is_some_and(|found| !found.is_refused())
}

/// The flow of what is quoted.
#[inline(always)]
fn quoted<const IN: bool>(packet: &Packet, skb: &Skb) -> Option<TrackKey> {
    let start = packet.transport + 8;
    if start > FAR {
        return None;
    }
    let v6 = packet.key.protocol == ICMP6;
    let (source, destination, protocol, transport) = if v6 {
        let [first, next, a, b, c, d, e, f, g, h] = skb.copy_words::<10>(start)?;
        if u32::from_be(first) >> 28 != 6 {
            return None;
        }
        let protocol = (u32::from_be(next) >> 8) as u8;
        (Addr([a, b, c, d]), Addr([e, f, g, h]), protocol, start + 40)
    } else {
        let [first, part, protocol, source, destination] = skb.copy_words::<5>(start)?;
        let first = u32::from_be(first) >> 24;
        let later = u32::from_be(part) & 0x1fff != 0;
        if first >> 4 != 4 || later {
            return None;
        }
        let protocol = (u32::from_be(protocol) >> 16) as u8;
        (
            Addr::v4(source),
            Addr::v4(destination),
            protocol,
            start + (first & 0xf) * 4,
        )
    };
    let (from, to) = match protocol {
        6 | 17 | 132 => {
            let [word] = skb.copy_words::<1>(transport)?;
            let word = u32::from_be(word);
            ((word >> 16) as u16, word as u16)
        }
        ICMP if !v6 => echo(skb, transport, [0, 8])?,
        ICMP6 if v6 => echo(skb, transport, [128, 129])?,
        _ => (0, 0),
    };
    // A packet to the endpoint quotes one that the endpoint has sent, and the other way round.
    let (local, remote, local_port, remote_port) = if IN {
        (source, destination, from, to)
    } else {
        (destination, source, to, from)
    };
    Some(TrackKey {
        local,
        remote,
        local_port,
        remote_port,
        protocol,
        ..packet.key
    })
}

/// The identifier of an echo, as both ports.
#[inline(always)]
fn echo(skb: &Skb, offset: u32, kinds: [u8; 2]) -> Option<(u16, u16)> {
    let [kind, id] = skb.copy_words::<2>(offset)?;
    let kind = (u32::from_be(kind) >> 24) as u8;
    let id = (u32::from_be(id) >> 16) as u16;
    Some(if kind == kinds[0] || kind == kinds[1] {
        (id, id)
    } else {
        (0, 0)
    })
}
