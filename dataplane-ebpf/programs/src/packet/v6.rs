//! IPv6 (RFC 8200).

use super::{Packet, Part, extensions, transport};
use crate::skb::{ETHER, FAR, Skb};
use fairway_dataplane_abi::{Addr, Reason};

/// Bytes of the fixed header.
const HEADER: u32 = 40;

#[inline(always)]
pub(super) fn parse<const IN: bool>(packet: &mut Packet, skb: &mut Skb) -> Result<(), Reason> {
    let there = packet.length - ETHER;
    let segmented = skb.segment() != 0;
    let head = skb.view::<54>(0).ok_or(Reason::Truncated)?;
    let version = head.byte::<14>() >> 4;
    let mut payload = u32::from(head.half::<18>());
    let next = head.byte::<20>();
    packet.hops = head.byte::<21>();
    packet.set_protocol(next);
    packet.ends::<IN>(
        Addr([
            head.word::<22>(),
            head.word::<26>(),
            head.word::<30>(),
            head.word::<34>(),
        ]),
        Addr([
            head.word::<38>(),
            head.word::<42>(),
            head.word::<46>(),
            head.word::<50>(),
        ]),
    );
    // ::ffff:a.b.c.d is how the maps write IPv4; nobody sends from or to it (RFC 6890).
    if packet.key.local.is_v4() || packet.key.remote.is_v4() {
        return Err(Reason::Malformed);
    }
    if payload == 0 && segmented {
        // More than 64 KiB, to be cut later.
        payload = there - HEADER;
    }
    if version != 6 {
        return Err(Reason::Malformed);
    }
    if payload + HEADER > there {
        return Err(Reason::Truncated);
    }
    let end = ETHER + HEADER + payload;
    let mut offset = ETHER + HEADER;
    if extensions::is_extension(next) {
        packet.plain = false;
        extensions::walk(packet, skb, end)?;
        if packet.part == Part::Later {
            return Ok(());
        }
        offset = packet.transport;
        // The verifier knows no longer how far that is.
        if offset > FAR || offset > end {
            return Err(Reason::Truncated);
        }
    }
    transport::parse::<IN>(packet, skb, offset, end - offset, true)
}
