//! TTLs: what is sent reaches so many hops, and what came from further away is not taken (GTSM, RFC 5082).

use super::Reach;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::{self, SetStruct};
use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;

/// What a packet begins with where its distance is to be told.
pub(super) const MOST: u8 = 255;
/// Of linux/in6.h.
const IPV6_MINHOPCOUNT: libc::c_int = 73;

/// What is further away is dropped.
#[derive(Clone, Copy)]
struct MinTtl;
nix::setsockopt_impl!(
    MinTtl,
    libc::IPPROTO_IP,
    libc::IP_MINTTL,
    libc::c_int,
    SetStruct<'_, libc::c_int>
);

/// Likewise, of IPv6.
#[derive(Clone, Copy)]
struct MinHops;
nix::setsockopt_impl!(
    MinHops,
    libc::IPPROTO_IPV6,
    IPV6_MINHOPCOUNT,
    libc::c_int,
    SetStruct<'_, libc::c_int>
);

/// On a socket that speaks, or is to speak, with that address.
pub(super) fn set(socket: &impl AsFd, with: IpAddr, reach: Reach) -> io::Result<()> {
    let Reach { ttl, external } = reach;
    if let Some(sent) = ttl.sent(external) {
        send(socket, with, sent)?;
    }
    if let Some(least) = ttl.least().map(libc::c_int::from) {
        match with {
            IpAddr::V4(_) => setsockopt(socket, MinTtl, &least)?,
            IpAddr::V6(_) => setsockopt(socket, MinHops, &least)?,
        }
    }
    Ok(())
}

pub(super) fn send(socket: &impl AsFd, with: IpAddr, ttl: u8) -> io::Result<()> {
    let ttl = libc::c_int::from(ttl);
    match with {
        IpAddr::V4(_) => setsockopt(socket, sockopt::Ipv4Ttl, &ttl)?,
        IpAddr::V6(_) => setsockopt(socket, sockopt::Ipv6Ttl, &ttl)?,
    }
    Ok(())
}
