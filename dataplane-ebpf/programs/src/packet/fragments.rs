//! Only a packet's first fragment says its ports; later ones are judged by what it has said.

use super::{Packet, Part};
use crate::maps::FRAGMENTS;
use crate::skb;
use fairway_dataplane_abi::{Fragment, FragmentKey, Reason, seconds};

/// Gets the ports for a later one.
#[inline(always)]
pub(crate) fn resolve<const IN: bool>(packet: &mut Packet) -> Result<(), Reason> {
    if packet.part == Part::Later && !load::<IN>(packet) {
        return Err(Reason::Fragment);
    }
    Ok(())
}

/// Keeps the ports of a first one that is let through. Those of one that is not have no business here: they
/// would push out others'.
#[inline(always)]
pub(crate) fn remember<const IN: bool>(packet: &Packet) {
    if packet.part == Part::First {
        store::<IN>(packet);
    }
}

#[inline(always)]
fn key<const IN: bool>(packet: &Packet) -> FragmentKey {
    let (source, destination) = if IN {
        (packet.key.remote, packet.key.local)
    } else {
        (packet.key.local, packet.key.remote)
    };
    FragmentKey {
        source,
        destination,
        link: packet.key.link,
        id: packet.id,
        protocol: u32::from(packet.carried),
    }
}

#[inline(always)]
fn now() -> u32 {
    (skb::now() / 1_000_000_000) as u32
}

#[inline(never)]
fn store<const IN: bool>(packet: &Packet) {
    let value = Fragment {
        source: if IN {
            packet.key.remote_port
        } else {
            packet.key.local_port
        },
        destination: if IN {
            packet.key.local_port
        } else {
            packet.key.remote_port
        },
        seen: now(),
    };
    // Where this fails the later ones are dropped.
    let _ = FRAGMENTS.insert(key::<IN>(packet), value, 0);
}

#[expect(unsafe_code, reason = "a map's entry is read through a pointer")]
#[inline(never)]
fn load<const IN: bool>(packet: &mut Packet) -> bool {
    let Some(found) = FRAGMENTS.get_ptr(key::<IN>(packet)) else {
        return false;
    };
    // SAFETY: It points to the map's entry; another processor may give it to another packet meanwhile, of
    // this link's too, which is a wrong port at worst where the map is far too small.
    let found = unsafe { *found };
    packet.ports::<IN>(found.source, found.destination);
    u64::from(now().wrapping_sub(found.seen)) <= seconds::FRAGMENTS
}
