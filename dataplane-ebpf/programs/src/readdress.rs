//! What a router does to a packet that it passes on: one hop less, and the next link's hardware addresses.

use crate::packet::Packet;
use crate::skb::Skb;
use aya_ebpf::bindings::__sk_buff;
use core::mem::offset_of;
use fairway_dataplane_abi::{Endpoint, Macs};

/// The addresses of a frame to an endpoint.
#[expect(unsafe_code, reason = "two fields beside each other are taken as one")]
#[inline(always)]
pub(crate) fn of(endpoint: &Endpoint) -> &Macs {
    const {
        assert!(offset_of!(Endpoint, host_mac) == offset_of!(Endpoint, mac) + 6);
        assert!(align_of::<Macs>() == 1 && size_of::<Macs>() == 12);
    };
    // SAFETY: Both stand within the endpoint, as they do in the other.
    unsafe { &*(&raw const endpoint.mac).cast() }
}

/// Does it to a packet without options or extension headers, which has hops left; false where the kernel
/// cannot.
#[inline(always)]
pub(crate) fn frame(skb: &mut Skb, macs: &Macs, packet: &Packet) -> bool {
    fairway_readdress(skb.raw(), macs, u32::from(packet.key.local.is_v4())) != 0
}

#[expect(unsafe_code, reason = "a global function, see the crate's head")]
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn fairway_readdress(skb: *mut __sk_buff, macs: *const Macs, v4: u32) -> u32 {
    // SAFETY: It is a reference, see `frame`.
    match unsafe { macs.as_ref() } {
        Some(macs) => u32::from(readdress(Skb::of(skb), macs, v4 != 0).is_some()),
        None => 0,
    }
}

#[inline(always)]
fn readdress(mut skb: Skb, macs: &Macs, v4: bool) -> Option<()> {
    let done = if v4 {
        const TTL: u32 = 22;
        let [ttl, protocol, high, low] = skb.copy::<4>(TTL)?;
        // The checksum is that of a header whose word of TTL and protocol is 0x100 less (RFC 1624).
        let sum = u32::from(u16::from_be_bytes([high, low])) + 0x100;
        let [high, low] = ((sum + u32::from(sum >= 0xffff)) as u16).to_be_bytes();
        skb.store(TTL, &[ttl - 1, protocol, high, low])
    } else {
        const HOPS: u32 = 21;
        let [hops] = skb.copy::<1>(HOPS)?;
        skb.store(HOPS, &[hops - 1])
    };
    let mut ether = [0; 12];
    ether[..6].copy_from_slice(&macs.to);
    ether[6..].copy_from_slice(&macs.from);
    (done && skb.store_ether(&ether)).then_some(())
}
