//! What a neighbour's sockets are told.

use super::{Invalid, Problem};
use std::fmt;

/// How far away a neighbour may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// On the same link, where it is of another AS; anywhere, where it is of the same.
    Usual,
    /// Packets to it live for so many hops: 1 to 255.
    Hops(u8),
    /// Packets that came over more hops are dropped by the kernel (RFC 5082): 1 to 254. Packets to it have a TTL of
    /// 255. Attempts from further away than that cannot even connect.
    Security(u8),
}

impl Ttl {
    /// The least TTL that a packet of the neighbour may have (IP_MINTTL).
    pub fn least(self) -> Option<u8> {
        match self {
            Ttl::Security(hops) => Some(255 - hops.saturating_sub(1)),
            Ttl::Usual | Ttl::Hops(_) => None,
        }
    }

    /// Whether a neighbour of another AS is on the same link.
    pub fn is_one_hop(self) -> bool {
        matches!(self, Ttl::Usual | Ttl::Hops(1) | Ttl::Security(1))
    }

    /// The TTL of packets to a neighbour. `external`: of another AS.
    pub fn sent(self, external: bool) -> Option<u8> {
        match self {
            Ttl::Usual => external.then_some(1),
            Ttl::Hops(hops) => Some(hops),
            Ttl::Security(_) => Some(255),
        }
    }
}

/// A key that nobody gets to see: it has no `Display`, and its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Box<[u8]>);

impl Password {
    /// What Linux takes (TCP_MD5SIG_MAXKEYLEN).
    pub const LONGEST: usize = 80;

    /// 1 to 80 octets.
    ///
    /// # Errors
    /// Where it is empty or longer. The error does not have it.
    pub fn new(key: &[u8]) -> Result<Password, Invalid> {
        match key.len() {
            1..=Password::LONGEST => Ok(Password(key.into())),
            length => Err(Invalid::new("password", Problem::PasswordLength(length))),
        }
    }

    /// For the kernel alone.
    pub fn key(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}
