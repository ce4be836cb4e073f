//! IPv6's extension headers. Each is walked past, so that a packet cannot hide its transport behind them; one
//! with more of them than anybody has use for is dropped (RFC 8504, section 5.3).

use super::{Packet, Part};
use crate::skb::{ETHER, FAR, Skb};
use aya_ebpf::bindings::__sk_buff;
use fairway_dataplane_abi::Reason;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;
/// So many are looked at.
const MOST: u32 = 6;

#[inline(always)]
pub(super) const fn is_extension(next: u8) -> bool {
    matches!(
        next,
        HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION
    )
}

/// Goes from the first (whose number is the packet's protocol) to the transport header, which begins before
/// `end`.
#[inline(always)]
pub(super) fn walk(packet: &mut Packet, skb: &Skb, end: u32) -> Result<(), Reason> {
    match fairway_extensions(skb.raw(), packet, end) {
        FORWARDED => Ok(()),
        TRUNCATED => Err(Reason::Truncated),
        EXTENSIONS => Err(Reason::Extensions),
        _ => Err(Reason::Malformed),
    }
}

const FORWARDED: u32 = Reason::Forwarded as u32;
const TRUNCATED: u32 = Reason::Truncated as u32;
const EXTENSIONS: u32 = Reason::Extensions as u32;

#[expect(unsafe_code, reason = "a global function, see the crate's head")]
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn fairway_extensions(skb: *mut __sk_buff, packet: *mut Packet, end: u32) -> u32 {
    // SAFETY: It is a reference, see `walk`.
    match unsafe { packet.as_mut() } {
        Some(packet) => steps(packet, &Skb::of(skb), end) as u32,
        None => Reason::Malformed as u32,
    }
}

#[inline(always)]
fn steps(packet: &mut Packet, skb: &Skb, end: u32) -> Reason {
    let mut next = packet.key.protocol;
    let mut offset = ETHER + 40;
    for step in 0..=MOST {
        if !is_extension(next) {
            packet.set_protocol(next);
            packet.transport = offset;
            return Reason::Forwarded;
        }
        if step == MOST {
            break;
        }
        if offset > FAR || offset + 8 > end {
            return Reason::Truncated;
        }
        let Some(head) = skb.copy::<8>(offset) else {
            return Reason::Truncated;
        };
        let mut bytes = (u32::from(head[1]) + 1) * 8;
        match next {
            // Only the first may be one (RFC 8200, section 4.1), and type 0 is gone (RFC 5095).
            HOP_BY_HOP if step != 0 => return Reason::Malformed,
            ROUTING if head[2] == 0 => return Reason::Malformed,
            FRAGMENT => {
                bytes = 8;
                if packet.part != Part::Whole {
                    return Reason::Malformed;
                }
                let place = u16::from_be_bytes([head[2], head[3]]);
                packet.id = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
                packet.carried = head[0];
                // A whole packet with such a header is a fragment of itself (RFC 6946).
                if place & 0xfff9 != 0 {
                    packet.part = Part::First;
                }
                if place & 0xfff8 != 0 {
                    packet.part = Part::Later;
                    packet.set_protocol(head[0]);
                    return Reason::Forwarded;
                }
            }
            AUTHENTICATION => bytes = (u32::from(head[1]) + 2) * 4,
            _ => {}
        }
        offset += bytes;
        if offset > end {
            return Reason::Truncated;
        }
        next = head[0];
    }
    Reason::Extensions
}
