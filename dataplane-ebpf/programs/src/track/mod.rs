//! Conntrack: flows that have been judged pass without another verdict.
//!
//! An entry that another epoch has judged is judged anew when its next packet comes, in the direction that it
//! began in. If it is refused now it stays known as refused: else the rest of the connection would pass as a
//! new flow of the other direction, where that is allowed.
//!
//! Several processors may work on one flow. Bits of its state are set by atomic operations; what else is
//! written may get lost to another processor's write, which the next packet makes good.

mod found;

pub(crate) use found::{Found, find};

use crate::maps::{TRACK_NEW, TRACK_OPEN};
use crate::packet::{Packet, TCP, tcp};
use crate::{maps, tell, verdict};
use fairway_dataplane_abi::{Config, Direction, Endpoint, Reason, State, Track, seconds};
use found::{is_closed, restarts};

const SECOND: u64 = 1_000_000_000;

#[inline(always)]
fn is_reset_alone(state: u32) -> bool {
    const ALL: u32 = State::RESET | State::CONFIRMED | State::FIN | State::FIN_BACK;
    state & ALL == State::RESET | State::CONFIRMED
}

/// How long a refused flow is known: of TCP for as long as its ends may try to go on, or what they send later
/// would pass as another flow, of the other direction.
#[inline(always)]
fn refused(protocol: u8) -> u64 {
    let seconds = match protocol {
        TCP => seconds::TCP,
        _ => seconds::REFUSED,
    };
    seconds * SECOND
}

#[inline(always)]
fn lifetime(protocol: u8, state: u32) -> u64 {
    let seconds = match protocol {
        // Whoever can guess its ports can forge an RST; the ends may go on, and go by this entry still.
        TCP if is_reset_alone(state) => seconds::TCP_RESET,
        TCP if is_closed(state) => seconds::TCP_CLOSED,
        TCP if state & State::CONFIRMED != 0 => seconds::TCP,
        TCP => seconds::TCP_NEW,
        _ if state & State::ANSWERED != 0 => seconds::OTHER,
        _ => seconds::OTHER_NEW,
    };
    seconds * SECOND
}

/// Lets a packet pass, or says why not: by its flow's entry, or by a verdict. `IN`: it goes to the endpoint.
/// `direct`: it passes the node's own forwarding by.
#[inline(always)]
pub(crate) fn settle<const IN: bool>(
    packet: &mut Packet,
    endpoint: &Endpoint,
    found: Option<Found>,
    now: u64,
    direct: bool,
) -> Reason {
    let Some(config) = maps::config() else {
        return Reason::Internal;
    };
    let how = u32::from(IN) | if direct { DIRECT } else { 0 };
    let Some(found) = found else {
        return verdict::reason(fairway_begin(packet, endpoint, now, how));
    };
    let state = found.state();
    let current = config.flags & Config::JUDGE_ALL == 0 && found.epoch() == config.epoch;
    if !current || state & State::REFUSED != 0 || restarts(packet, state) {
        let reason = verdict::reason(fairway_again(packet, endpoint, found.track, now, how));
        if reason != Reason::Forwarded {
            return reason;
        }
    }
    let state = found.state();
    let bits = seen::<IN>(packet, state);
    let until = now + lifetime(packet.key.protocol, state | bits);
    // An entry's line is in all processors' caches as long as nobody writes to it.
    if bits & !state != 0 || until > found.expires() + SECOND {
        found.set(bits);
        found.set_expires(until);
        if found.new && answers(packet.key.protocol, state | bits) {
            fairway_open(packet, found.track);
        }
    }
    Reason::Forwarded
}

const INBOUND: u32 = State::INBOUND;
const DIRECT: u32 = 2;

/// What a packet says of its flow.
#[inline(always)]
fn seen<const IN: bool>(packet: &Packet, state: u32) -> u32 {
    let answer = (state & State::INBOUND != 0) != IN;
    let mut bits = 0;
    if answer {
        bits |= State::ANSWERED;
    }
    if packet.key.protocol == TCP {
        // A forged SYN that is sent again confirms nothing.
        if !answer && state & State::ANSWERED != 0 && packet.flags & tcp::SYN == 0 {
            bits |= State::CONFIRMED;
        }
        if packet.flags & tcp::RST != 0 {
            bits |= State::RESET;
        }
        if packet.flags & tcp::FIN != 0 {
            bits |= if answer { State::FIN_BACK } else { State::FIN };
        }
    }
    bits
}

/// Is its place among the open flows?
#[inline(always)]
fn answers(protocol: u8, state: u32) -> bool {
    let what = if protocol == TCP {
        State::CONFIRMED
    } else {
        State::ANSWERED
    };
    state & what != 0
}

/// Moves it there. Where they are too many it stays where it is, and goes on.
#[expect(unsafe_code, reason = "a global function, see the crate's head")]
#[unsafe(no_mangle)]
#[expect(
    clippy::needless_borrows_for_generic_args,
    reason = "a borrowed copy stays on this frame, which is what the verifier is to see"
)]
#[inline(never)]
extern "C" fn fairway_open(packet: *const Packet, track: *const Track) -> u32 {
    // SAFETY: A reference and a map's entry, see `settle`.
    let (Some(packet), Some(track)) = (unsafe { (packet.as_ref(), track.as_ref()) }) else {
        return 0;
    };
    // Copies: see the crate's head.
    let (key, track) = (packet.key, *track);
    if TRACK_OPEN.insert(&key, &track, 0).is_ok() {
        let _ = TRACK_NEW.remove(&key);
    }
    0
}

#[expect(unsafe_code, reason = "a global function, see the crate's head")]
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn fairway_begin(
    packet: *mut Packet,
    endpoint: *const Endpoint,
    now: u64,
    how: u32,
) -> u32 {
    // SAFETY: Both are references, see `settle`.
    match unsafe { (packet.as_mut(), endpoint.as_ref()) } {
        (Some(packet), Some(endpoint)) => begin(packet, endpoint, now, how) as u32,
        _ => Reason::Internal as u32,
    }
}

/// A flow's first packet.
#[inline(always)]
#[expect(
    clippy::needless_borrows_for_generic_args,
    reason = "a borrowed copy stays on this frame, which is what the verifier is to see"
)]
fn begin(packet: &mut Packet, endpoint: &Endpoint, now: u64, how: u32) -> Reason {
    let inbound = how & INBOUND != 0;
    // Before the verdict: what changes meanwhile has it judged anew.
    let epoch = maps::config().map_or(0, |config| config.epoch);
    let reason = verdict::judge(packet, endpoint, inbound);
    tell::rule(packet.rule, 0, packet.length);
    if reason != Reason::Forwarded {
        return reason;
    }
    let direction = if inbound {
        Direction::Ingress
    } else {
        Direction::Egress
    };
    tell::sampled(packet, direction);
    // Where the table has no room the next packet is judged as well.
    let (key, track) = (packet.key, fresh(packet, now, how, epoch));
    let _ = TRACK_NEW.insert(&key, &track, 0);
    Reason::Forwarded
}

#[inline(always)]
fn fresh(packet: &Packet, now: u64, how: u32, epoch: u32) -> Track {
    let mut state = 0;
    if how & INBOUND != 0 {
        state |= State::INBOUND;
    }
    if how & DIRECT != 0 {
        state |= State::DIRECT;
    }
    Track {
        expires: now + lifetime(packet.key.protocol, state),
        epoch,
        rule: packet.rule,
        state,
        zero: 0,
    }
}

#[expect(unsafe_code, reason = "a global function, see the crate's head")]
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn fairway_again(
    packet: *mut Packet,
    endpoint: *const Endpoint,
    track: *mut Track,
    now: u64,
    how: u32,
) -> u32 {
    // SAFETY: References and a map's entry, see `settle`.
    match unsafe { (packet.as_mut(), endpoint.as_ref()) } {
        (Some(packet), Some(endpoint)) if !track.is_null() => {
            again(packet, endpoint, track, now, how) as u32
        }
        _ => Reason::Internal as u32,
    }
}

/// A flow that is refused, or was judged before what verdicts follow from has changed, or begins anew.
#[inline(always)]
fn again(
    packet: &mut Packet,
    endpoint: &Endpoint,
    track: *mut Track,
    now: u64,
    how: u32,
) -> Reason {
    let found = Found { track, new: false };
    let state = found.state();
    let anew = restarts(packet, state);
    let Some(config) = maps::config() else {
        return Reason::Internal;
    };
    // Before the verdict, as in `begin`.
    let epoch = config.epoch;
    let was_refused = state & State::REFUSED != 0;
    if was_refused
        && !anew
        && found.epoch() == config.epoch
        && config.flags & Config::JUDGE_ALL == 0
    {
        packet.rule = found.rule();
        found.set_expires(now + refused(packet.key.protocol));
        return if state & State::DENIED != 0 {
            Reason::Denied
        } else {
            Reason::NotAllowed
        };
    }
    let inbound = if anew {
        how & INBOUND
    } else {
        state & State::INBOUND
    };
    let reason = verdict::judge(packet, endpoint, inbound != 0);
    if anew || packet.rule != found.rule() || was_refused == (reason == Reason::Forwarded) {
        tell::rule(packet.rule, 0, packet.length);
    }
    match reason {
        Reason::Forwarded if anew => {
            found.begins(&fresh(packet, now, how, epoch));
            return reason;
        }
        // What was refused stays so.
        _ if anew => return reason,
        Reason::Forwarded => {
            if was_refused {
                found.clear(State::REFUSED | State::DENIED);
                found.set_expires(now);
            }
        }
        Reason::Denied | Reason::NotAllowed => {
            let denied = if reason == Reason::Denied {
                State::DENIED
            } else {
                0
            };
            found.clear(State::DENIED);
            found.set(State::REFUSED | denied);
            found.set_expires(now + refused(packet.key.protocol));
        }
        // The daemon is about to put it right.
        _ => return reason,
    }
    found.judged(packet.rule, epoch);
    reason
}
