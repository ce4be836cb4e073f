//! The DSCP of a packet (RFC 2474), which leaves the two bits of ECN beside it as they are.

use crate::skb::Skb;

const ETHER: u32 = 14;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// Writes it. What is no IP packet, or too short for its header, stays as it is.
#[inline(always)]
pub(crate) fn set(skb: &mut Skb, dscp: u32) {
    let dscp = (dscp as u8) << 2;
    match skb.protocol() {
        IPV4 => v4(skb, dscp),
        IPV6 => v6(skb, dscp),
        _ => {}
    }
}

#[inline(always)]
fn v4(skb: &mut Skb, dscp: u8) {
    const CHECKSUM: u32 = ETHER + 10;
    let Some([version, old]) = skb.copy::<2>(ETHER) else {
        return;
    };
    let new = dscp | old & 3;
    if new == old || version >> 4 != 4 {
        return;
    }
    let word = |tos| u16::from_ne_bytes([version, tos]);
    if skb.sum(CHECKSUM, word(old), word(new)) {
        let _ = skb.store(ETHER + 1, &[new], true);
    }
}

#[inline(always)]
fn v6(skb: &mut Skb, dscp: u8) {
    let Some([first, second]) = skb.copy::<2>(ETHER) else {
        return;
    };
    let class = dscp | (first << 4 | second >> 4) & 3;
    let new = [first & 0xf0 | class >> 4, class << 4 | second & 0x0f];
    if first >> 4 == 6 && new != [first, second] {
        let _ = skb.store(ETHER, &new, false);
    }
}
