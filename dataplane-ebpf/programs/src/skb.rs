//! A packet's bytes.
//!
//! Headers are read where they lie: [`Skb::view`] checks once that so many bytes are there, and hands out what
//! the verifier then lets be read without another check. Where the kernel keeps them in pages (seldom, and
//! never for plain headers), they are pulled together first.

use aya_ebpf::bindings::__sk_buff;
use aya_ebpf::helpers;
use core::arch::asm;
use core::marker::PhantomData;
use fairway_dataplane_abi::Route;

/// Let it pass, if whoever is behind this program has nothing against it.
pub(crate) const NEXT: i32 = -1;
/// Drop it.
pub(crate) const SHOT: i32 = 2;
/// Bytes of an Ethernet header.
pub(crate) const ETHER: u32 = 14;
/// No packet's headers reach beyond this; tells the verifier how far offsets go.
pub(crate) const FAR: u32 = 0x3fff;

/// The mark of a packet on its way from one program to the other. It only says which way the packet came, and
/// it is judged like any other, so that a socket of the host that bears the same mark gains nothing by it. One of
/// a container cannot: packets lose their marks when they leave a namespace.
const DIRECT: u32 = 0xfa17_d17e;

/// A packet.
pub(crate) struct Skb(*mut __sk_buff);

/// The first `N` bytes from somewhere in a packet.
pub(crate) struct View<'a, const N: usize> {
    start: *const u8,
    of: PhantomData<&'a Skb>,
}

/// Makes a load from a view. IP headers lie two bytes off in a frame; the processors that this is for do not
/// mind, but the language does, and would put words together of bytes.
macro_rules! load {
    ($view:expr, $at:expr, $size:literal, $bytes:literal) => {{
        const { assert!(N - $at >= $bytes) };
        let value: u64;
        // SAFETY: N bytes are there, see `Skb::view`.
        unsafe {
            asm!(
                concat!("{} = *(", $size, " *)({} + {})"),
                out(reg) value,
                in(reg) $view.start,
                const $at,
                options(readonly, nostack, preserves_flags)
            );
        }
        value
    }};
}

#[expect(
    unsafe_code,
    reason = "packets are read through pointers that the verifier checks"
)]
impl<const N: usize> View<'_, N> {
    /// A byte.
    #[inline(always)]
    pub(crate) fn byte<const AT: usize>(&self) -> u8 {
        load!(self, AT, "u8", 1) as u8
    }

    /// Two bytes, host order.
    #[inline(always)]
    pub(crate) fn half<const AT: usize>(&self) -> u16 {
        u16::from_be(load!(self, AT, "u16", 2) as u16)
    }

    /// Four bytes as they stand, network order.
    #[inline(always)]
    pub(crate) fn word<const AT: usize>(&self) -> u32 {
        load!(self, AT, "u32", 4) as u32
    }

    /// Is that hardware address at this place?
    #[inline(always)]
    pub(crate) fn has_mac<const AT: usize>(&self, mac: &[u8; 6]) -> bool {
        let [a, b, c, d, e, f] = *mac;
        let head = load!(self, AT, "u32", 4) as u32;
        let tail = load!(self, AT + 4, "u16", 2) as u16;
        head == u32::from_ne_bytes([a, b, c, d]) && tail == u16::from_ne_bytes([e, f])
    }
}

#[expect(unsafe_code, reason = "the kernel's helpers take pointers")]
impl Skb {
    /// What the kernel has handed to the program.
    #[inline(always)]
    pub(crate) fn of(skb: *mut __sk_buff) -> Self {
        Skb(skb)
    }

    /// For global functions, which take nothing else of it.
    #[inline(always)]
    pub(crate) fn raw(&self) -> *mut __sk_buff {
        self.0
    }

    /// Bytes with the Ethernet header.
    #[inline(always)]
    pub(crate) fn len(&self) -> u32 {
        // SAFETY: The kernel hands a valid context to the program.
        unsafe { (*self.0).len }
    }

    /// The link that it came from or goes to.
    #[inline(always)]
    pub(crate) fn link(&self) -> u32 {
        // SAFETY: As above.
        unsafe { (*self.0).ifindex }
    }

    /// Is it in a VLAN whose tag the kernel has taken off already?
    #[inline(always)]
    pub(crate) fn in_vlan(&self) -> bool {
        // SAFETY: As above.
        unsafe { (*self.0).vlan_present != 0 }
    }

    /// Comes it straight from [`send_by`]? Says so once.
    #[inline(always)]
    pub(crate) fn take_direct(&mut self) -> bool {
        // SAFETY: As above.
        let mark = unsafe { &mut (*self.0).mark };
        if *mark != DIRECT {
            return false;
        }
        *mark = 0;
        true
    }

    /// The action that sends it by a container's link, past the host's own forwarding.
    #[inline(always)]
    pub(crate) fn send_by(&mut self, link: u32) -> i32 {
        // SAFETY: As above.
        unsafe { (*self.0).mark = DIRECT };
        redirect(link)
    }

    /// Bytes of payload in each packet that it will be cut into; 0: it is one packet.
    #[inline(always)]
    pub(crate) fn segment(&self) -> u32 {
        // SAFETY: As above.
        unsafe { (*self.0).gso_size }
    }

    /// `N` bytes from `offset` (at most [`FAR`]) on, where the packet has them.
    #[inline(always)]
    pub(crate) fn view<const N: usize>(&mut self, offset: u32) -> Option<View<'_, N>> {
        if let Some(start) = self.linear::<N>(offset) {
            return Some(View {
                start,
                of: PhantomData,
            });
        }
        if !self.pull(offset + N as u32) {
            return None;
        }
        let start = self.linear::<N>(offset)?;
        Some(View {
            start,
            of: PhantomData,
        })
    }

    #[inline(always)]
    fn linear<const N: usize>(&self, offset: u32) -> Option<*const u8> {
        let (data, end): (usize, usize);
        // The verifier makes pointers of these two words, whatever their width: a compiler that sees them
        // loaded would cut them down to 32 bits.
        // SAFETY: The kernel hands a valid context to the program.
        unsafe {
            asm!(
                "{data} = *(u32 *)({skb} + {at})",
                "{end} = *(u32 *)({skb} + {at_end})",
                skb = in(reg) self.0,
                data = out(reg) data,
                end = out(reg) end,
                at = const core::mem::offset_of!(__sk_buff, data),
                at_end = const core::mem::offset_of!(__sk_buff, data_end),
                options(readonly, nostack, preserves_flags)
            );
        }
        let start = data + offset as usize;
        (start + N <= end).then_some(start as *const u8)
    }

    /// Sees to it that so many bytes can be read directly.
    #[inline(never)]
    fn pull(&mut self, bytes: u32) -> bool {
        // SAFETY: The helper checks the length.
        self.len() >= bytes && unsafe { helpers::bpf_skb_pull_data(self.0, bytes) } == 0
    }

    /// Copies bytes from `offset` on, wherever the kernel keeps them.
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

    /// Copies words, as they stand.
    #[inline(always)]
    pub(crate) fn copy_words<const N: usize>(&self, offset: u32) -> Option<[u32; N]> {
        let mut words = [0; N];
        // SAFETY: The buffer has N words.
        let result = unsafe {
            let to = words.as_mut_ptr().cast();
            helpers::bpf_skb_load_bytes(self.0.cast(), offset, to, N as u32 * 4)
        };
        (result == 0).then_some(words)
    }

    /// Overwrites the first bytes, of the Ethernet header: what a network card has summed up begins after it.
    #[inline(always)]
    pub(crate) fn store_ether<const N: usize>(&mut self, bytes: &[u8; N]) -> bool {
        const { assert!(N <= ETHER as usize) };
        self.store_at(0, bytes, 0)
    }

    /// Overwrites bytes of what comes after the Ethernet header.
    #[inline(always)]
    pub(crate) fn store<const N: usize>(&mut self, offset: u32, bytes: &[u8; N]) -> bool {
        const RECOMPUTE: u64 = aya_ebpf::bindings::BPF_F_RECOMPUTE_CSUM as u64;
        self.store_at(offset, bytes, RECOMPUTE)
    }

    #[inline(always)]
    fn store_at<const N: usize>(&mut self, offset: u32, bytes: &[u8; N], flags: u64) -> bool {
        let from = bytes.as_ptr().cast();
        // SAFETY: The buffer has N bytes.
        unsafe { helpers::bpf_skb_store_bytes(self.0, offset, from, N as u32, flags) == 0 }
    }

    /// Is it addressed to this host, by its hardware address?
    #[inline(always)]
    pub(crate) fn to_this_host(&self) -> bool {
        const PACKET_HOST: u32 = 0;
        // SAFETY: As above.
        unsafe { (*self.0).pkt_type == PACKET_HOST }
    }

    /// It is for this host, whatever its hardware address was.
    #[inline(always)]
    pub(crate) fn is_for_us(&mut self) -> bool {
        // SAFETY: As above; the helper takes any type from 0 (PACKET_HOST) to 3.
        unsafe { (*self.0).pkt_type == 0 || helpers::bpf_skb_change_type(self.0, 0) == 0 }
    }

    /// Says by which tunnel it goes.
    #[inline(always)]
    pub(crate) fn set_tunnel(&mut self, route: &Route) -> bool {
        use aya_ebpf::bindings::{BPF_F_TUNINFO_IPV6, bpf_tunnel_key};
        const TTL: u8 = 64;
        // SAFETY: All fields are numbers.
        let mut key: bpf_tunnel_key = unsafe { core::mem::zeroed() };
        key.tunnel_id = route.vni;
        key.tunnel_ttl = TTL;
        key.__bindgen_anon_1.remote_ipv6 = route.remote;
        key.__bindgen_anon_3.local_ipv6 = route.local;
        let size = size_of::<bpf_tunnel_key>() as u32;
        let flags = if route.flags & Route::V6 != 0 {
            u64::from(BPF_F_TUNINFO_IPV6)
        } else {
            0
        };
        // SAFETY: The size is that of the key.
        unsafe { helpers::bpf_skb_set_tunnel_key(self.0, &raw mut key, size, flags) == 0 }
    }

    /// The VNI of the tunnel that it came by.
    #[inline(always)]
    pub(crate) fn vni(&self) -> Option<u32> {
        use aya_ebpf::bindings::{BPF_F_TUNINFO_IPV6, bpf_tunnel_key};
        // SAFETY: All fields are numbers.
        let mut key: bpf_tunnel_key = unsafe { core::mem::zeroed() };
        let size = size_of::<bpf_tunnel_key>() as u32;
        for flags in [0, u64::from(BPF_F_TUNINFO_IPV6)] {
            // SAFETY: The size is that of the key.
            if unsafe { helpers::bpf_skb_get_tunnel_key(self.0, &raw mut key, size, flags) } == 0 {
                return Some(key.tunnel_id);
            }
        }
        None
    }
}

/// Nanoseconds of the monotonic clock, as of the last tick: a few milliseconds late, and a tenth of the cost.
#[expect(unsafe_code, reason = "the kernel's helpers are foreign functions")]
#[inline(always)]
pub(crate) fn now() -> u64 {
    // SAFETY: It takes nothing.
    unsafe { helpers::bpf_ktime_get_coarse_ns() }
}

/// The action that sends a packet by a link.
#[expect(unsafe_code, reason = "the kernel's helpers are foreign functions")]
#[inline(always)]
pub(crate) fn redirect(link: u32) -> i32 {
    // SAFETY: The helper checks the link when the packet goes.
    (unsafe { helpers::bpf_redirect(link, 0) }) as i32
}

/// The action that sends a packet to a neighbour, whose hardware address the kernel knows or asks for.
#[expect(unsafe_code, reason = "the kernel's helpers are foreign functions")]
#[inline(always)]
pub(crate) fn redirect_neighbour(route: &Route) -> i32 {
    use aya_ebpf::bindings::bpf_redir_neigh;
    const INET: u32 = 2;
    const INET6: u32 = 10;
    // SAFETY: All fields are numbers.
    let mut next: bpf_redir_neigh = unsafe { core::mem::zeroed() };
    next.nh_family = if route.flags & Route::V6 != 0 {
        INET6
    } else {
        INET
    };
    next.__bindgen_anon_1.ipv6_nh = route.remote;
    let size = size_of::<bpf_redir_neigh>() as i32;
    // SAFETY: The size is that of the parameters.
    (unsafe { helpers::bpf_redirect_neigh(route.device, &raw mut next, size, 0) }) as i32
}

/// The action that hands a packet to the other end of a link, past the host's own.
#[expect(unsafe_code, reason = "the kernel's helpers are foreign functions")]
#[inline(always)]
pub(crate) fn redirect_peer(link: u32) -> i32 {
    // SAFETY: The helper checks the link when the packet goes.
    (unsafe { helpers::bpf_redirect_peer(link, 0) }) as i32
}
