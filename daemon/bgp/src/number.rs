//! Numbers that name things.

use std::fmt;
use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::time::Duration;

/// The number of an autonomous system (RFC 6793). 0 is none (RFC 7607).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asn(NonZeroU32);

impl Asn {
    /// What a speaker of two-octet numbers is told instead of a longer one (RFC 6793).
    pub const TRANS: Asn = Asn(NonZeroU32::new(23_456).expect("it is not 0"));

    /// Any but 0.
    pub const fn new(number: u32) -> Option<Asn> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Asn(number)),
            None => None,
        }
    }

    /// As a number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// Whether it does not fit into two octets.
    pub const fn is_long(self) -> bool {
        self.get() > 0xFFFF
    }

    /// As a speaker of two-octet numbers is told it: [`Asn::TRANS`] where it is long.
    pub fn short(self) -> u16 {
        u16::try_from(self.get()).unwrap_or(23_456)
    }
}

impl fmt::Display for Asn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The BGP identifier of a speaker (RFC 6286): four octets, of its AS alone, not 0. It is written as an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouterId(NonZeroU32);

impl RouterId {
    /// Any but 0.
    pub const fn new(number: u32) -> Option<RouterId> {
        match NonZeroU32::new(number) {
            Some(number) => Some(RouterId(number)),
            None => None,
        }
    }

    /// As a number, by which two are compared.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for RouterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ipv4Addr::from_bits(self.0.get()).fmt(f)
    }
}

/// How long a neighbour may be silent: never mind (0), or three seconds and more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldTime(u16);

impl HoldTime {
    /// Silence is no sign, and no keepalives are sent.
    pub const NEVER: HoldTime = HoldTime(0);

    /// 1 and 2 seconds are no hold times.
    pub const fn new(seconds: u16) -> Option<HoldTime> {
        match seconds {
            1 | 2 => None,
            seconds => Some(HoldTime(seconds)),
        }
    }

    /// In seconds.
    pub const fn seconds(self) -> u16 {
        self.0
    }

    /// None where silence is no sign.
    pub const fn time(self) -> Option<Duration> {
        match self.0 {
            0 => None,
            seconds => Some(Duration::from_secs(seconds as u64)),
        }
    }
}
