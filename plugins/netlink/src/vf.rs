//! Virtual functions of a network card (SR-IOV), as the function that they belong to sets them.
//!
//! Each has an index below its physical function's link, wherever its own link is, and also where it has none because
//! a process drives it. What a driver does not support it refuses, mostly with EOPNOTSUPP, sometimes with EINVAL; so
//! each setting goes in a request of its own, which tells the one that was refused.

use std::fmt;
use std::str::FromStr;

use crate::error::Result;
use crate::mac::MacAddr;

/// A virtual function's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vf {
    /// Its number below the physical function, from 0.
    pub index: u32,
    /// The hardware address that the administrator has set; all zero where it is the function's own choice. With some
    /// drivers the one that it has, whoever set it.
    pub mac: MacAddr,
    /// The VLAN that its frames are tagged with on their way out.
    pub vlan: VfVlan,
    /// Whether frames from other hardware addresses are dropped; None where the driver does not tell.
    pub spoofchk: Option<bool>,
    /// Whether it may do what only a trusted one may; None where the driver does not tell.
    pub trust: Option<bool>,
    /// Which state its link has.
    pub link_state: VfLinkState,
    /// Its rates.
    pub rate: VfRate,
}

impl Vf {
    /// One that nobody has set anything of.
    pub fn new(index: u32) -> Self {
        Self {
            index,
            mac: MacAddr::default(),
            vlan: VfVlan::default(),
            spoofchk: None,
            trust: None,
            link_state: VfLinkState::default(),
            rate: VfRate::default(),
        }
    }
}

/// A VLAN that is invisible to who has the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VfVlan {
    /// 802.1Q's identifier; 0 is none.
    pub id: u16,
    /// Priority, 0 to 7.
    pub qos: u8,
    /// The tag's type.
    pub proto: VlanProto,
}

/// A VLAN tag's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VlanProto {
    /// 802.1Q, 0x8100.
    #[default]
    Dot1q,
    /// 802.1ad, 0x88a8.
    Dot1ad,
}

impl VlanProto {
    /// The Ethernet type.
    pub const fn ether_type(self) -> u16 {
        match self {
            Self::Dot1q => 0x8100,
            Self::Dot1ad => 0x88a8,
        }
    }

    pub(crate) const fn from_ether_type(number: u16) -> Self {
        match number {
            0x88a8 => Self::Dot1ad,
            _ => Self::Dot1q,
        }
    }
}

/// The state of a virtual function's link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VfLinkState {
    /// The wire's.
    #[default]
    Auto,
    /// Up, whatever the wire's is.
    Enable,
    /// Down, whatever the wire's is.
    Disable,
}

/// Rates in Mbit/s; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VfRate {
    /// What it is sure of.
    pub min: u32,
    /// The most that it may send.
    pub max: u32,
}

/// The text names none of the values there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is none of {0}")]
pub struct UnknownWord(&'static str);

/// A type whose values are words, both ways.
macro_rules! words {
    ($type:ident, $all:literal, $($value:ident = $word:literal),+) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$value => $word),+ })
            }
        }

        impl FromStr for $type {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text.to_ascii_lowercase().as_str() {
                    $($word => Ok(Self::$value),)+
                    _ => Err(UnknownWord($all)),
                }
            }
        }
    };
}

words!(
    VlanProto,
    "802.1q, 802.1ad",
    Dot1q = "802.1q",
    Dot1ad = "802.1ad"
);
words!(
    VfLinkState,
    "auto, enable, disable",
    Auto = "auto",
    Enable = "enable",
    Disable = "disable"
);

/// One setting to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VfChange {
    /// The hardware address; all zero leaves it to the function.
    Mac(MacAddr),
    /// The VLAN.
    Vlan(VfVlan),
    /// Both rates: the kernel has one request for them.
    Rate(VfRate),
    /// Whether frames from other hardware addresses are dropped.
    Spoofchk(bool),
    /// Whether it is trusted.
    Trust(bool),
    /// The link's state.
    LinkState(VfLinkState),
}

impl VfChange {
    /// What it is called, as `ip link set … vf` has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mac(_) => "mac",
            Self::Vlan(_) => "vlan",
            Self::Rate(_) => "rate",
            Self::Spoofchk(_) => "spoofchk",
            Self::Trust(_) => "trust",
            Self::LinkState(_) => "state",
        }
    }
}

/// The virtual functions of physical ones in one network namespace.
pub trait Vfs {
    /// The virtual functions of the link of that index, in ascending order; none where it has none.
    fn vfs(&mut self, pf: u32) -> Result<Vec<Vf>>;
    /// Changes one setting of one of them.
    fn set_vf(&mut self, pf: u32, vf: u32, change: VfChange) -> Result<()>;
}
