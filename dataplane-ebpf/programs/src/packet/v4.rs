//! IPv4 (RFC 791).

use super::{Packet, Part, options, transport};
use crate::skb::{ETHER, Skb};
use fairway_dataplane_abi::{Addr, Reason};

#[inline(always)]
pub(super) fn parse<const IN: bool>(packet: &mut Packet, skb: &mut Skb) -> Result<(), Reason> {
    const PLAIN: u32 = 20;
    const MORE: u16 = 0x2000;
    const OFFSET: u16 = 0x1fff;
    let there = packet.length - ETHER;
    let segmented = skb.segment() != 0;
    let head = skb.view::<34>(0).ok_or(Reason::Truncated)?;
    let first = head.byte::<14>();
    let header = u32::from(first & 0xf) * 4;
    let mut total = u32::from(head.half::<16>());
    let fragment = head.half::<20>();
    packet.id = u32::from(head.half::<18>());
    packet.hops = head.byte::<22>();
    let protocol = head.byte::<23>();
    packet.set_protocol(protocol);
    packet.carried = protocol;
    packet.ends::<IN>(Addr::v4(head.word::<26>()), Addr::v4(head.word::<30>()));
    if total == 0 && segmented {
        // More than 64 KiB, to be cut later.
        total = there;
    }
    if first >> 4 != 4 || header < PLAIN || total < header {
        return Err(Reason::Malformed);
    }
    if total > there {
        return Err(Reason::Truncated);
    }
    if header > PLAIN {
        packet.plain = false;
        options::check(skb, header - PLAIN)?;
    }
    if fragment & (MORE | OFFSET) != 0 {
        packet.plain = false;
        packet.part = Part::First;
        let offset = u32::from(fragment & OFFSET) * 8;
        if offset + total > 0xffff {
            return Err(Reason::Malformed);
        }
        if offset != 0 {
            packet.part = Part::Later;
            // It would overwrite TCP's flags (RFC 1858, section 4.2).
            let overlaps = protocol == super::TCP && offset == 8;
            return if overlaps {
                Err(Reason::Malformed)
            } else {
                Ok(())
            };
        }
    }
    transport::parse::<IN>(packet, skb, ETHER + header, total - header, false)
}
