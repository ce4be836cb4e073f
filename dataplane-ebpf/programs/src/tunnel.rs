//! Into the overlay: by the tunnel key that the node's own route to the destination has.

use crate::maps::ROUTES;
use crate::packet::Packet;
use crate::readdress;
use crate::skb::{Skb, redirect};
use aya_ebpf::bindings::__sk_buff;
use aya_ebpf::btf_maps::lpm_trie::Key;
use fairway_dataplane_abi::{Addr, Reason, Route, RouteKey};

/// The way to an address of a network, if it leads to another node.
#[inline(always)]
pub(crate) fn route(vni: u32, addr: &Addr) -> Option<&'static Route> {
    let key = RouteKey {
        vni: vni.to_be(),
        addr: *addr,
    };
    let found = ROUTES.get(&Key::new(RouteKey::VNI + 128, key));
    found.filter(|route| route.device != 0)
}

/// Sends a packet that was let through.
#[inline(always)]
pub(crate) fn send(skb: &mut Skb, packet: &Packet, route: &Route) -> Result<i32, Reason> {
    let done = readdress::frame(skb, &route.macs, packet);
    if !done || fairway_tunnel(skb.raw(), route) == 0 {
        return Err(Reason::Internal);
    }
    Ok(redirect(route.device))
}

#[expect(unsafe_code, reason = "a global function, see the crate's head")]
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn fairway_tunnel(skb: *mut __sk_buff, route: *const Route) -> u32 {
    // SAFETY: It is a reference, see `send`.
    match unsafe { route.as_ref() } {
        Some(route) => u32::from(Skb::of(skb).set_tunnel(route)),
        None => 0,
    }
}
