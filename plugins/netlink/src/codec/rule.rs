//! Rules of policy routing.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use netlink_packet_route::route::RouteProtocol;
use netlink_packet_route::rule::{RuleAction as Action, RuleAttribute, RuleMessage};
use nix::libc;

use super::{address_family, emit};
use crate::raw::attr::Attrs;
use crate::route::Family;
use crate::rule::{Rule, RuleAction};

/// Length of `struct fib_rule_hdr`.
const HEADER: usize = 12;
const FRA_DST: u16 = 1;
const FRA_SRC: u16 = 2;
const FRA_IIFNAME: u16 = 3;
const FRA_PRIORITY: u16 = 6;
const FRA_TUN_ID: u16 = 12;
const FRA_SUPPRESS_IFGROUP: u16 = 13;
const FRA_SUPPRESS_PREFIXLEN: u16 = 14;
const FRA_TABLE: u16 = 15;
const FRA_PAD: u16 = 18;
const FRA_PROTOCOL: u16 = 21;
/// The packets that are not as the rule says.
const FIB_RULE_INVERT: u32 = 2;
/// What the two FRA_SUPPRESS are where nothing is suppressed.
const NO: u32 = u32::MAX;

const TO_TABLE: u8 = 1;
const BLACKHOLE: u8 = 6;
const UNREACHABLE: u8 = 7;
const PROHIBIT: u8 = 8;

/// Asks for those of all families: that fails in no kernel for the want of one.
pub(crate) fn list() -> Vec<u8> {
    vec![0; HEADER]
}

/// Adds or deletes a rule.
pub(crate) fn of(rule: &Rule) -> Vec<u8> {
    let mut message = RuleMessage::default();
    let header = &mut message.header;
    header.family = address_family(rule.family);
    header.src_len = rule.src.map_or(0, |net| net.prefix());
    header.dst_len = rule.dst.map_or(0, |net| net.prefix());
    header.action = Action::from(number(rule.action));
    let attributes = &mut message.attributes;
    attributes.push(RuleAttribute::Priority(rule.priority));
    attributes.extend(rule.src.map(|net| RuleAttribute::Source(net.ip())));
    attributes.extend(rule.dst.map(|net| RuleAttribute::Destination(net.ip())));
    attributes.extend(rule.iif.clone().map(RuleAttribute::Iifname));
    attributes.extend(rule.tun_id.map(RuleAttribute::TunId));
    attributes.extend(rule.action.table().map(RuleAttribute::Table));
    let protocol = RouteProtocol::from(rule.protocol);
    attributes.push(RuleAttribute::Protocol(protocol));
    emit(&message)
}

const fn number(action: RuleAction) -> u8 {
    match action {
        RuleAction::Lookup(_) => TO_TABLE,
        RuleAction::Blackhole => BLACKHOLE,
        RuleAction::Unreachable => UNREACHABLE,
        RuleAction::Prohibit => PROHIBIT,
        RuleAction::Other(other) => other,
    }
}

/// Reads an RTM_NEWRULE. None if it is of another family, or asks for more than
/// can be told.
pub(crate) fn decode(body: &[u8]) -> Option<Rule> {
    let (rule, whole) = read(body)?;
    whole.then_some(rule)
}

/// Reads an RTM_NEWRULE, and says whether that is all of it. None if it is of
/// another family.
pub(crate) fn read(body: &[u8]) -> Option<(Rule, bool)> {
    let [
        family,
        dst_len,
        src_len,
        tos,
        table,
        _,
        _,
        action,
        f0,
        f1,
        f2,
        f3,
    ] = *body.first_chunk::<HEADER>()?;
    let family = match i32::from(family) {
        libc::AF_INET => Family::V4,
        libc::AF_INET6 => Family::V6,
        _ => return None,
    };
    let prefix = |ip: IpAddr, length| {
        let net = IpNetwork::new(ip, length).ok()?;
        (Family::of(ip) == family).then_some(net)
    };
    let flags = u32::from_ne_bytes([f0, f1, f2, f3]);
    let mut whole = tos == 0 && flags & FIB_RULE_INVERT == 0;
    let mut rule = Rule::new(family, 0, RuleAction::Other(action));
    let mut table = u32::from(table);
    for attr in Attrs::after(HEADER, body) {
        match attr.kind {
            FRA_SRC => rule.src = Some(prefix(attr.ip()?, src_len)?),
            FRA_DST => rule.dst = Some(prefix(attr.ip()?, dst_len)?),
            FRA_IIFNAME => rule.iif = Some(attr.text()),
            FRA_PRIORITY => rule.priority = attr.u32()?,
            FRA_TUN_ID => rule.tun_id = Some(attr.u64_be()?),
            FRA_TABLE => table = attr.u32()?,
            FRA_PROTOCOL => rule.protocol = attr.u8()?,
            FRA_SUPPRESS_IFGROUP | FRA_SUPPRESS_PREFIXLEN => whole &= attr.u32() == Some(NO),
            FRA_PAD => {}
            _ => whole = false,
        }
    }
    rule.action = match action {
        TO_TABLE => RuleAction::Lookup(table),
        BLACKHOLE => RuleAction::Blackhole,
        UNREACHABLE => RuleAction::Unreachable,
        PROHIBIT => RuleAction::Prohibit,
        other => RuleAction::Other(other),
    };
    Some((rule, whole))
}
