//! `listen`: where neighbours may connect to.

use crate::Prefix;
use crate::object::fill;
use crate::object::read::{self, Fields};
use fairway_policy::object::{
    Reason, cidr, clip,
    field::{self, Faults, Path},
};
use serde_json::{Map, Value};
use std::net::IpAddr;

/// BGP's.
pub(in crate::object) const PORT: u16 = 179;

/// Where neighbours may connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// The port.
    pub port: u16,
    /// Those of a node's addresses that are in one of these; none: all.
    pub addresses: Vec<Prefix>,
}

pub(super) fn parse(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Listen> {
    let listen = Fields::of(value, &["port", "addresses"], at, faults)?;
    let port = listen.or(("port", PORT), faults, port);
    let addresses = listen.or(("addresses", Vec::new()), faults, |value, at, faults| {
        read::each(value, at, faults, place)
    });
    Some(Listen {
        port: port?,
        addresses: addresses?,
    })
}

pub(in crate::object) fn port(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<u16> {
    field::number(value, (1, u16::MAX), at, faults)
}

/// An address, or all of a prefix. 0.0.0.0 and :: are all of their family, as everywhere where one listens.
fn place(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Prefix> {
    let given = field::text(value, at, faults)?;
    if given.contains('/') {
        let net = cidr::parse(value, at, faults)?;
        return Prefix::new(net.ip(), net.prefix());
    }
    let Ok(ip) = given.parse::<IpAddr>() else {
        let form = "an IP address or a prefix";
        let given = clip(given);
        return faults.add(at, Reason::Form { given, form });
    };
    if ip.is_unspecified() {
        return Prefix::new(ip, 0);
    }
    let ip = read::address(value, at, faults)?;
    Prefix::new(ip, if ip.is_ipv4() { 32 } else { 128 })
}

pub(super) fn defaults(listen: &mut Map<String, Value>) {
    fill(listen, "port", PORT);
}
