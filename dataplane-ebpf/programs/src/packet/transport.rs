//! Ports, TCP's flags, ICMP's kinds.

use super::{ICMP, ICMP6, Kind, Packet, Part, SCTP, TCP, UDP, is_multicast};
use crate::skb::Skb;
use fairway_dataplane_abi::Reason;

/// TCP's flags.
pub(crate) mod tcp {
    pub(crate) const FIN: u8 = 1;
    pub(crate) const SYN: u8 = 2;
    pub(crate) const RST: u8 = 4;
    pub(crate) const ACK: u8 = 16;
}

/// Reads the header at `offset`, of which `there` bytes are there. A first fragment has to have all of it,
/// else a later one could still change it (RFC 1858).
#[inline(always)]
pub(super) fn parse<const IN: bool>(
    packet: &mut Packet,
    skb: &mut Skb,
    offset: u32,
    there: u32,
    v6: bool,
) -> Result<(), Reason> {
    packet.transport = offset;
    match packet.key.protocol {
        TCP => {
            let head = enough::<20>(skb, offset, there)?;
            let header = u32::from(head.byte::<12>() >> 4) * 4;
            packet.both_ports::<IN>(u32::from_be(head.word::<0>()));
            packet.flags = head.byte::<13>();
            packet.payload = offset + header;
            if header < 20 {
                return Err(Reason::Malformed);
            }
            if header > there {
                return Err(Reason::Truncated);
            }
        }
        UDP => {
            let head = enough::<8>(skb, offset, there)?;
            packet.both_ports::<IN>(u32::from_be(head.word::<0>()));
            packet.payload = offset + 8;
        }
        SCTP => {
            let head = enough::<12>(skb, offset, there)?;
            packet.both_ports::<IN>(u32::from_be(head.word::<0>()));
        }
        ICMP if !v6 => {
            let head = enough::<8>(skb, offset, there)?;
            let (kind, id) = (head.byte::<0>(), head.half::<4>());
            packet.icmp = [kind, head.byte::<1>()];
            match kind {
                // Echo and its reply.
                0 | 8 => packet.ports::<IN>(id, id),
                // Unreachable, time exceeded, parameter problem.
                3 | 11 | 12 if packet.part == Part::Whole => packet.kind = Kind::Error,
                _ => {}
            }
        }
        ICMP6 if v6 => {
            let head = enough::<8>(skb, offset, there)?;
            let (kind, id) = (head.byte::<0>(), head.half::<4>());
            packet.icmp = [kind, head.byte::<1>()];
            match kind {
                128 | 129 => packet.ports::<IN>(id, id),
                _ => packet.kind = icmp6::<IN>(packet, kind, there),
            }
        }
        _ => {}
    }
    Ok(())
}

#[inline(always)]
fn enough<const N: usize>(
    skb: &mut Skb,
    offset: u32,
    there: u32,
) -> Result<crate::skb::View<'_, N>, Reason> {
    if there < N as u32 {
        return Err(Reason::Truncated);
    }
    skb.view::<N>(offset).ok_or(Reason::Truncated)
}

/// Neighbour discovery is what has not passed a router (RFC 4861: hop limit 255), and is not in fragments
/// (RFC 6980); anything else of these types is judged as any packet. Not so what says that it comes from a
/// router: that is told however it is wrapped.
#[inline(always)]
fn icmp6<const IN: bool>(packet: &Packet, kind: u8, there: u32) -> Kind {
    let whole = packet.part == Part::Whole;
    let near = whole && packet.hops == 255;
    match kind {
        1..=4 if whole => Kind::Error,
        134 => Kind::Router,
        137 => Kind::Redirect,
        133 | 135 if near => Kind::Neighbour,
        136 if near && there >= 24 => Kind::Advertisement,
        130..=132 | 143 if whole && is_multicast(packet.destination::<IN>()) => Kind::Listener,
        _ => Kind::Flow,
    }
}
