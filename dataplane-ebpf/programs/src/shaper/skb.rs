//! What the program reads of a packet, and what it writes.

use aya_ebpf::bindings::__sk_buff;
use aya_ebpf::helpers;

/// Whoever is next decides.
pub(crate) const NEXT: i32 = -1;
/// Drop it.
pub(crate) const SHOT: i32 = 2;

/// A packet.
pub(crate) struct Skb(*mut __sk_buff);

#[expect(
    unsafe_code,
    reason = "the context is read and written through a pointer, and the kernel's helpers take pointers"
)]
impl Skb {
    /// What the kernel has handed to the program.
    #[inline(always)]
    pub(crate) fn of(skb: *mut __sk_buff) -> Self {
        Skb(skb)
    }

    /// The class of the filter that asks: the number of a slot.
    #[inline(always)]
    pub(crate) fn slot(&self) -> u32 {
        // SAFETY: The kernel hands a valid context to the program.
        unsafe { (*self.0).tc_classid }
    }

    /// Bytes of the frames that it will be cut into. On its way out the kernel has reckoned them, on its way in
    /// it has not.
    #[inline(always)]
    pub(crate) fn bytes(&self, packets: u32) -> u32 {
        // SAFETY: As above.
        let (whole, wire) = unsafe { ((*self.0).len, (*self.0).wire_len) };
        if wire > whole {
            wire
        } else if packets > 1 {
            whole + (packets - 1) * self.headers()
        } else {
            whole
        }
    }

    /// Bytes of the headers that each packet has which it will be cut into: extension headers, which such
    /// packets hardly ever have, are left out.
    #[inline(never)]
    fn headers(&self) -> u32 {
        const ETHER: u32 = 14;
        const V6: u16 = 0x86dd;
        const TCP: u8 = 6;
        const UDP: u32 = 8;
        let (transport, offset) = if self.protocol() == V6 {
            (ETHER + 6, ETHER + 40)
        } else {
            let [first] = self.copy::<1>(ETHER).unwrap_or([0x45]);
            (ETHER + 9, ETHER + u32::from(first & 15) * 4)
        };
        match self.copy::<1>(transport) {
            Some([TCP]) => {
                let [words] = self.copy::<1>(offset + 12).unwrap_or([0x50]);
                offset + u32::from(words >> 4) * 4
            }
            _ => offset + UDP,
        }
    }

    /// Packets that it will be cut into.
    #[inline(always)]
    pub(crate) fn packets(&self) -> u32 {
        // SAFETY: As above.
        let segments = unsafe { (*self.0).gso_segs };
        if segments > 1 { segments } else { 1 }
    }

    /// The time before which its sender does not want it to go; 0: none.
    #[inline(always)]
    pub(crate) fn departs(&self) -> u64 {
        // SAFETY: As above.
        unsafe { (*self.0).tstamp }
    }

    /// Says when it goes.
    #[inline(always)]
    pub(crate) fn depart(&mut self, time: u64) {
        // SAFETY: As above.
        unsafe { (*self.0).tstamp = time };
    }

    /// Says by which class of the qdisc.
    #[inline(always)]
    pub(crate) fn class(&mut self, class: u32) {
        // SAFETY: As above.
        unsafe { (*self.0).priority = class };
    }

    /// Has it a socket on this machine, which lets no more than a little of its data wait?
    #[inline(always)]
    pub(crate) fn has_socket(&self) -> bool {
        // SAFETY: As above.
        unsafe { !(*self.0).__bindgen_anon_2.sk.is_null() }
    }

    /// The protocol, as the frame has it.
    #[inline(always)]
    pub(crate) fn protocol(&self) -> u16 {
        // SAFETY: As above.
        u16::from_be(unsafe { (*self.0).protocol } as u16)
    }

    /// The same for all packets of a flow.
    #[inline(always)]
    pub(crate) fn hash(&self) -> u32 {
        // SAFETY: As above.
        unsafe { helpers::bpf_get_hash_recalc(self.0) }
    }

    /// Marks it as one that was in a queue (RFC 3168); false where its ends do not know such marks.
    #[inline(always)]
    pub(crate) fn mark_congestion(&mut self) -> bool {
        // SAFETY: As above.
        unsafe { helpers::bpf_skb_ecn_set_ce(self.0) == 1 }
    }

    /// Copies bytes from `offset` on.
    #[inline(always)]
    pub(crate) fn copy<const N: usize>(&self, offset: u32) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        // SAFETY: The buffer has N bytes.
        let result = unsafe {
            let to = bytes.as_mut_ptr().cast();
            helpers::bpf_skb_load_bytes(self.0.cast(), offset, to, N as u32)
        };
        (result == 0).then_some(bytes)
    }

    /// Overwrites bytes from `offset` on. What a network card has summed up of the packet follows, unless `summed`:
    /// then a checksum in the packet has followed already, so that the sum of all is what it was.
    #[inline(always)]
    pub(crate) fn store<const N: usize>(
        &mut self,
        offset: u32,
        bytes: &[u8; N],
        summed: bool,
    ) -> bool {
        let flags = if summed {
            0
        } else {
            u64::from(aya_ebpf::bindings::BPF_F_RECOMPUTE_CSUM)
        };
        let from = bytes.as_ptr().cast();
        // SAFETY: The buffer has N bytes.
        unsafe { helpers::bpf_skb_store_bytes(self.0, offset, from, N as u32, flags) == 0 }
    }

    /// Follows up the checksum at `offset` of an IPv4 header, of which two bytes have changed.
    #[inline(always)]
    pub(crate) fn sum(&mut self, offset: u32, from: u16, to: u16) -> bool {
        // SAFETY: The helper checks the offset.
        unsafe { helpers::bpf_l3_csum_replace(self.0, offset, from.into(), to.into(), 2) == 0 }
    }
}

/// Nanoseconds of the monotonic clock.
#[expect(unsafe_code, reason = "the kernel's helpers are foreign functions")]
#[inline(always)]
pub(crate) fn now() -> u64 {
    // SAFETY: It takes nothing.
    unsafe { helpers::bpf_ktime_get_ns() }
}

/// One in `n`.
#[expect(unsafe_code, reason = "the kernel's helpers are foreign functions")]
#[inline(always)]
pub(crate) fn one_in(n: u32) -> bool {
    // SAFETY: It takes nothing.
    let random = unsafe { helpers::bpf_get_prandom_u32() };
    (u64::from(random) * u64::from(n)) >> 32 == 0
}
