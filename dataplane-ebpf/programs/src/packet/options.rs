//! IPv4's options: all may pass but those that name a route of the sender's choice, which would go around
//! what the policy sees as the destination (as routing headers of type 0 do in IPv6).

use crate::skb::Skb;
use fairway_dataplane_abi::Reason;

/// Where they begin in a frame.
const START: u32 = 34;

#[inline(always)]
pub(super) fn check(skb: &Skb, length: u32) -> Result<(), Reason> {
    if source_routed(skb, length) {
        return Err(Reason::Malformed);
    }
    Ok(())
}

#[inline(never)]
fn source_routed(skb: &Skb, length: u32) -> bool {
    const END: u8 = 0;
    const NOTHING: u8 = 1;
    const LOOSE: u8 = 131;
    const STRICT: u8 = 137;
    let mut at = 0;
    // At most 40 bytes, one an option.
    for _ in 0..40 {
        if at >= length {
            return false;
        }
        let Some([kind]) = skb.copy::<1>(START + at) else {
            return true;
        };
        match kind {
            END => return false,
            NOTHING => at += 1,
            LOOSE | STRICT => return true,
            _ => match skb.copy::<1>(START + at + 1) {
                Some([bytes @ 2..=40]) => at += u32::from(bytes),
                _ => return true,
            },
        }
    }
    false
}
