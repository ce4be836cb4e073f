//! To other nodes, by the ways that the node's own routes have: into the overlay, or to a neighbour.

use crate::maps::ROUTES;
use crate::packet::Packet;
use crate::readdress;
use crate::skb::{Skb, redirect, redirect_neighbour};
use aya_ebpf::bindings::__sk_buff;
use aya_ebpf::btf_maps::lpm_trie::Key;
use fairway_dataplane_abi::{Addr, Reason, Route, RouteKey};

/// The way to an address of a network, if it leads to another node.
#[inline(always)]
pub(crate) fn find(vni: u32, addr: &Addr) -> Option<&'static Route> {
    let key = RouteKey {
        network: RouteKey::network(vni, addr.is_v4()),
        addr: *addr,
    };
    let found = ROUTES.get(&Key::new(RouteKey::NETWORK + 128, key));
    found.filter(|route| route.device != 0)
}

/// Sends a packet that was let through.
#[inline(always)]
pub(crate) fn send(skb: &mut Skb, packet: &Packet, route: &Route) -> Result<i32, Reason> {
    if !readdress::frame(skb, &route.macs, packet) {
        return Err(Reason::Internal);
    }
    match fairway_send(skb.raw(), route) {
        0 => Err(Reason::Internal),
        action => Ok(action as i32),
    }
}

#[expect(unsafe_code, reason = "a global function, see the crate's head")]
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn fairway_send(skb: *mut __sk_buff, route: *const Route) -> u32 {
    // SAFETY: It is a reference, see `send`.
    let Some(route) = (unsafe { route.as_ref() }) else {
        return 0;
    };
    if route.flags & Route::DIRECT != 0 {
        return redirect_neighbour(route) as u32;
    }
    if !Skb::of(skb).set_tunnel(route) {
        return 0;
    }
    redirect(route.device) as u32
}
