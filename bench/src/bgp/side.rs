//! The four speakers, with configurations that say the same: each peer is of an AS of its own and everything is taken from
//! it and told to it; nothing goes into the kernel; peers connect.

use super::crowd::{SINK, SPEAKER, peer};
use super::handshake::Who;
use super::relay;
use anyhow::{Context as _, Result};
use fairway_bgp_bed::{Bird, Frr, Gobgp};
use fairway_lab::{Guarded, Ns};
use std::fmt::Write as _;
use std::net::Ipv4Addr;

pub(super) const ASN: u32 = 65_000;
pub(super) const ROUTER: Ipv4Addr = SPEAKER[0];

/// The program that is our speaker and nothing else; it is built beside this one.
const OURS: &str = "fairway-bench-speaker";

/// Whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Maker {
    Bird,
    Frr,
    Gobgp,
    Ours,
    /// None: what is told is passed on.
    Relay,
}

/// One that runs.
pub(super) enum Side {
    Bird(Bird),
    Frr(Frr),
    Gobgp(Gobgp),
    Ours(Guarded),
    Relay,
}

impl Side {
    pub(super) fn start(maker: Maker, ns: &Ns, peers: u32) -> Result<Side> {
        let all = || (0..peers).map(peer).chain([SINK]);
        Ok(match maker {
            Maker::Bird => Side::Bird(Bird::start(ns, &bird(all()))?),
            Maker::Frr => Side::Frr(Frr::start_with(ns, &frr(all()), &["--no_kernel"])?),
            Maker::Gobgp => Side::Gobgp(Gobgp::start(ns, &gobgp(all()))?),
            Maker::Ours => {
                let own = ns.command(std::env::current_exe()?.with_file_name(OURS));
                let who = [ASN.to_string(), ROUTER.to_string()];
                let neighbours = all().map(|who| format!("{}@{}", who.asn, who.address));
                Side::Ours(own.args(who.into_iter().chain(neighbours)).spawn()?)
            }
            Maker::Relay => {
                relay::start(ns, peers)?;
                Side::Relay
            }
        })
    }

    /// Of the process that speaks. FRR's zebra, which has nothing to do, is not counted.
    pub(super) fn pid(&self) -> Result<Option<i32>> {
        let pid = match self {
            Side::Bird(bird) => bird.pid(),
            Side::Frr(frr) => frr.pid(),
            Side::Gobgp(gobgp) => gobgp.pid(),
            Side::Ours(process) => Some(process.pid()),
            Side::Relay => return Ok(None),
        };
        pid.context("it does not run").map(Some)
    }

    pub(super) fn log(&self) -> String {
        match self {
            Side::Bird(bird) => bird.log(),
            Side::Frr(frr) => frr.log(),
            Side::Gobgp(gobgp) => gobgp.log(),
            Side::Ours(process) => process.log(),
            Side::Relay => String::new(),
        }
    }
}

fn own(who: Who) -> Ipv4Addr {
    let [near, far] = SPEAKER;
    if who.address == SINK.address {
        far
    } else {
        near
    }
}

fn bird(all: impl Iterator<Item = Who>) -> String {
    let mut text = format!("router id {ROUTER};\nprotocol device {{}}\n");
    for (who, number) in all.zip(0..) {
        let (Who { asn, address }, own) = (who, own(who));
        let _ = writeln!(
            text,
            "protocol bgp p{number} {{ local {own} as {ASN}; neighbor {address} as {asn}; passive yes;
               hold time 1800; ipv4 {{ import all; export all; }}; }}"
        );
    }
    text
}

fn frr(all: impl Iterator<Item = Who>) -> String {
    let mut text = format!(
        "router bgp {ASN}\n bgp router-id {ROUTER}\n no bgp ebgp-requires-policy\n no bgp network import-check\n"
    );
    for Who { asn, address } in all {
        let _ = writeln!(text, " neighbor {address} remote-as {asn}");
        let _ = writeln!(text, " neighbor {address} passive");
        let _ = writeln!(text, " neighbor {address} timers 60 1800");
    }
    text
}

fn gobgp(all: impl Iterator<Item = Who>) -> String {
    let mut text = format!("[global.config]\n as = {ASN}\n router-id = \"{ROUTER}\"\n");
    for Who { asn, address } in all {
        let _ = writeln!(
            text,
            "[[neighbors]]
               [neighbors.config]
                 neighbor-address = \"{address}\"
                 peer-as = {asn}
               [neighbors.transport.config]
                 passive-mode = true
               [neighbors.timers.config]
                 hold-time = 1800.0
               [[neighbors.afi-safis]]
                 [neighbors.afi-safis.config]
                   afi-safi-name = \"ipv4-unicast\""
        );
    }
    text
}
