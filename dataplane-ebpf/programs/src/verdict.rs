//! Verdicts: what a policy set says of a peer and a port.
//!
//! All is found by hashes: who the peer is, what the set says of it, of the prefix that it is in and of
//! anybody, and what that is for the port. So a verdict takes as many steps with ten rules as with ten
//! thousand.

use crate::packet::Packet;
use crate::{maps, prefix, tell};
use core::mem::{offset_of, transmute};
use fairway_dataplane_abi::{
    Addr, Class, Config, Decision, Direction, Endpoint, FlowKind, Lengths, NO_ORDER, NOBODY, Peer,
    PeerKey, PortKey, Reason, Set, Side,
};

/// Of what comes back from a global function.
#[inline(always)]
pub(crate) fn reason(number: u32) -> Reason {
    match number {
        FORWARDED => Reason::Forwarded,
        DENIED => Reason::Denied,
        NOT_ALLOWED => Reason::NotAllowed,
        _ => Reason::Internal,
    }
}

/// Judges a packet of a flow to the endpoint (`inbound`) or from it; says by which rule in the packet.
#[inline(always)]
pub(crate) fn judge(packet: &mut Packet, endpoint: &Endpoint, inbound: bool) -> Reason {
    packet.rule = NOBODY;
    let sets = &endpoint.sets;
    let (set, audit) = if inbound {
        (sets.ingress, sets.ingress_audit)
    } else {
        (sets.egress, sets.egress_audit)
    };
    if set | audit == 0 || is_own(packet, endpoint) {
        return Reason::Forwarded;
    }
    let key = &packet.key;
    let mut identity = 0;
    // A copy: see the crate's head.
    let remote = key.remote;
    if let Some(peer) = maps::address(&remote) {
        if peer.link == key.link || peer.flags & Peer::HOST != 0 && !host_is_judged() {
            return Reason::Forwarded;
        }
        identity = peer.identity;
    }
    let class = Class::of(key.protocol);
    let port = match class {
        Class::OTHER => 0,
        _ if inbound => key.local_port,
        _ => key.remote_port,
    };
    let what = u32::from(class) << 16 | u32::from(port);
    if set != 0 {
        let found = decide(set, identity, &packet.key.remote, what);
        packet.rule = found.rule();
        if found.reason() != FORWARDED {
            return found.into_reason();
        }
    }
    if audit != 0 {
        let found = Found(fairway_evaluate(audit, identity, &packet.key.remote, what));
        if found.reason() != FORWARDED {
            audited(packet, found, inbound);
        }
    }
    Reason::Forwarded
}

/// A container may talk to itself, also where a service's address leads it back.
#[inline(always)]
fn is_own(packet: &Packet, endpoint: &Endpoint) -> bool {
    let [a, b, c, d] = packet.key.remote.0;
    let [e, f, g, h] = endpoint.v6;
    if packet.key.remote.is_v4() {
        d == endpoint.v4
    } else {
        a == e && b == f && c == g && d == h
    }
}

#[inline(always)]
fn host_is_judged() -> bool {
    maps::config().is_some_and(|config| config.flags & Config::JUDGE_HOST != 0)
}

/// It is let through, but would not be were the policies in audit in force.
#[inline(never)]
fn audited(packet: &mut Packet, found: Found, inbound: bool) {
    let decided = packet.rule;
    packet.rule = found.rule();
    tell::rule(packet.rule, 1, packet.length);
    let direction = if inbound {
        Direction::Ingress
    } else {
        Direction::Egress
    };
    tell::event(packet, FlowKind::Audited, found.into_reason(), direction);
    packet.rule = decided;
}

/// A rule and a reason, in one register.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Found(u64);

const FORWARDED: u32 = Reason::Forwarded as u32;
const DENIED: u32 = Reason::Denied as u32;
const NOT_ALLOWED: u32 = Reason::NotAllowed as u32;

impl Found {
    #[inline(always)]
    fn new(rule: u32, reason: Reason) -> Self {
        Found(u64::from(rule) << 32 | u64::from(reason as u32))
    }

    #[inline(always)]
    fn rule(self) -> u32 {
        (self.0 >> 32) as u32
    }

    #[inline(always)]
    fn reason(self) -> u32 {
        self.0 as u32
    }

    #[inline(always)]
    fn into_reason(self) -> Reason {
        reason(self.reason())
    }
}

/// What a set has said last of a peer and a port; an entry of `DECIDED`, where each processor has its own.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Decided {
    epoch: u32,
    set: u32,
    identity: u32,
    what: u32,
    remote: Addr,
    found: Found,
}

/// What a set says. Who has talked to a port will talk to it again by its next connection: that costs one step
/// then, however long the way was at first. What is kept is of one epoch, and of one identity, since addresses
/// find new owners at any time.
#[expect(
    unsafe_code,
    reason = "a processor's own entry is read and written in place"
)]
#[inline(always)]
fn decide(set: u32, identity: u32, remote: &Addr, what: u32) -> Found {
    // Read before the set is: what is found is of this epoch or a later one.
    let epoch = maps::config().map_or(0, |config| config.epoch);
    let [a, b, c, d] = remote.0;
    // Any mixture does; sets that it fits badly are slower, and no less right.
    let mixed = (a ^ b ^ c ^ d ^ set ^ identity ^ what.rotate_left(16)).wrapping_mul(0x9e37_79b1);
    let Some(slot) = maps::DECIDED.get_ptr_mut(mixed >> 22) else {
        return Found(fairway_evaluate(set, identity, remote, what));
    };
    // SAFETY: The entry is this processor's, and nothing else runs on it meanwhile that writes to it.
    let kept = unsafe { &mut *slot };
    let [e, f, g, h] = kept.remote.0;
    if kept.epoch == epoch
        && (kept.set == set && kept.identity == identity && kept.what == what)
        && (a == e && b == f && c == g && d == h)
    {
        return kept.found;
    }
    let found = Found(fairway_evaluate(set, identity, remote, what));
    if found.reason() == Reason::Internal as u32 {
        return found;
    }
    kept.epoch = epoch;
    kept.set = set;
    kept.identity = identity;
    kept.what = what;
    kept.remote = *remote;
    kept.found = found;
    found
}

/// The best of what rules say, of one tier.
struct Best {
    order: u32,
    rule: u32,
    action: u32,
}

impl Best {
    #[inline(always)]
    fn consider(&mut self, side: &Side) {
        if side.order < self.order {
            self.order = side.order;
            self.rule = side.rule;
            self.action = side.action;
        }
    }

    #[inline(always)]
    fn decides(&self) -> bool {
        self.order != NO_ORDER
    }

    #[inline(always)]
    fn found(&self) -> Found {
        match self.action {
            Side::ALLOW => Found::new(self.rule, Reason::Forwarded),
            _ => Found::new(self.rule, Reason::Denied),
        }
    }
}

#[expect(unsafe_code, reason = "a global function, see the crate's head")]
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn fairway_evaluate(set: u32, identity: u32, remote: *const Addr, what: u32) -> u64 {
    // SAFETY: It is a reference, see `judge`.
    match unsafe { remote.as_ref() } {
        Some(remote) => evaluate(set, identity, remote, what).0,
        None => Found::new(NOBODY, Reason::Internal).0,
    }
}

#[inline(always)]
fn evaluate(number: u32, identity: u32, remote: &Addr, what: u32) -> Found {
    let Some(set) = maps::set(&number) else {
        return Found::new(NOBODY, Reason::Internal);
    };
    let none = || Best {
        order: NO_ORDER,
        rule: NOBODY,
        action: Side::DENY,
    };
    let (mut high, mut low) = (none(), none());
    let mut consider = |lengths: &Lengths| {
        if let Some(decision) = ports(lengths, what) {
            high.consider(&decision.high);
            low.consider(&decision.low);
        }
    };
    consider(&set.anybody);
    if identity != 0 {
        let key = PeerKey {
            set: number,
            peer: identity,
        };
        if let Some(lengths) = maps::peer(&key) {
            consider(lengths);
        }
    }
    if set.flags & Set::PREFIXES != 0 {
        let peer = prefix::longest(remote);
        let key = PeerKey { set: number, peer };
        if peer != 0
            && let Some(lengths) = maps::peer(&key)
        {
            consider(lengths);
        }
    }
    if high.decides() && high.action != Side::PASS {
        high.found()
    } else if low.decides() {
        low.found()
    } else if set.otherwise == Side::ALLOW {
        Found::new(set.rule, Reason::Forwarded)
    } else {
        Found::new(set.rule, Reason::NotAllowed)
    }
}

/// The entry of the longest prefix of a port. Single ports and "all ports" are what most rules name: they are
/// looked for by themselves, ranges only where a table has some.
#[inline(always)]
fn ports(lengths: &Lengths, what: u32) -> Option<&'static Decision> {
    const EXACT: u32 = 1 << 16;
    const ANY: u32 = 1;
    const RANGES: u32 = EXACT - 1 - ANY;
    let Lengths { table, lengths } = *lengths;
    if table == 0 {
        return None;
    }
    if lengths & EXACT != 0
        && let Some(found) = look(table, what, 16)
    {
        return Some(found);
    }
    if lengths & RANGES != 0
        && let Some(found) = ranges(table, lengths, what)
    {
        return Some(found);
    }
    if lengths & ANY != 0 {
        return look(table, what, 0);
    }
    None
}

#[inline(never)]
fn ranges(table: u32, lengths: u32, what: u32) -> Option<&'static Decision> {
    for short in 1..16 {
        let length = 16 - short;
        if lengths >> length & 1 != 0
            && let Some(found) = look(table, what, length)
        {
            return Some(found);
        }
    }
    None
}

#[expect(unsafe_code, reason = "a key is put together as one number")]
#[inline(always)]
fn look(table: u32, what: u32, length: u32) -> Option<&'static Decision> {
    const {
        assert!(offset_of!(PortKey, port) == 4 && offset_of!(PortKey, class) == 6);
        assert!(offset_of!(PortKey, length) == 7 && cfg!(target_endian = "little"));
    };
    // The class, and of the port its first bits.
    let kept = what & (0xffff_0000 | 0xffff_0000 >> length);
    let key = u64::from(kept | length << 24) << 32 | u64::from(table);
    // SAFETY: The fields stand where the number has them, and all numbers are good for them.
    maps::port(&unsafe { transmute::<u64, PortKey>(key) })
}
