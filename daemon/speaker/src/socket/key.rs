//! TCP-MD5 (RFC 2385): segments are signed with a key that both ends know.

use fairway_bgp::session::config::{Password, Peer};
use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt::SetStruct};
use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;

/// `TCP_MD5SIG_MAXKEYLEN`.
const MOST: usize = Password::LONGEST;
/// `TCP_MD5SIG_FLAG_PREFIX`: the address is a prefix.
const PREFIX: u8 = 1;

/// Who has a key: an address, or all of a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Whose {
    address: IpAddr,
    length: u8,
}

impl Whose {
    /// One address.
    pub fn of(address: IpAddr) -> Whose {
        let length = match address {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        Whose { address, length }
    }

    /// Of IPv4.
    pub fn is_ipv4(self) -> bool {
        self.address.is_ipv4()
    }

    /// One, or all of a prefix.
    pub fn peer(peer: Peer) -> Whose {
        match peer {
            Peer::At(address) => Whose::of(address),
            Peer::Within(prefix) => Whose {
                address: prefix.address(),
                length: prefix.length(),
            },
        }
    }
}

/// `struct tcp_md5sig` of linux/tcp.h.
#[repr(C, align(8))]
struct Signature {
    /// A `sockaddr_storage`.
    address: [u8; 128],
    flags: u8,
    length: u8,
    key_length: u16,
    /// Of which link; 0: of any.
    link: u32,
    key: [u8; MOST],
}

#[derive(Clone, Copy)]
struct Md5;
nix::setsockopt_impl!(
    Md5,
    libc::IPPROTO_TCP,
    libc::TCP_MD5SIG_EXT,
    Signature,
    SetStruct<'_, Signature>
);

/// Sets somebody's key on a socket, or takes it away; one that is not there is gone already.
pub(super) fn set(socket: &impl AsFd, whose: Whose, key: Option<&Password>) -> io::Result<()> {
    let mut signature = Signature {
        address: [0; 128],
        flags: PREFIX,
        length: whose.length,
        key_length: 0,
        link: 0,
        key: [0; MOST],
    };
    // Family, port, and for IPv6 the flow, then the address.
    let (family, at, octets) = match whose.address {
        IpAddr::V4(ip) => (libc::AF_INET, 4, ip.octets().to_vec()),
        IpAddr::V6(ip) => (libc::AF_INET6, 8, ip.octets().to_vec()),
    };
    signature.address[..2].copy_from_slice(&(family as u16).to_ne_bytes());
    signature.address[at..at + octets.len()].copy_from_slice(&octets);
    if let Some(key) = key.map(Password::key) {
        // It is 80 at most.
        signature.key_length = key.len() as u16;
        signature.key[..key.len()].copy_from_slice(key);
    }
    match setsockopt(socket, Md5, &signature) {
        Err(Errno::ENOENT) if key.is_none() => Ok(()),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_structure_has_its_size() {
        assert_eq!(size_of::<Signature>(), 216);
    }
}
