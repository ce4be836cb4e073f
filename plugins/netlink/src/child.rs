//! Links that stand on another one (macvlan, ipvlan, 802.1Q), and dummies, which stand on nothing.

use std::fmt;
use std::os::fd::BorrowedFd;
use std::str::FromStr;

use crate::mac::MacAddr;

/// A link to create, down, in one request.
#[derive(Debug, Clone)]
pub struct ChildSpec<'ns> {
    /// Name, 1 to 15 bytes.
    pub name: String,
    /// Its index; None: the kernel's next one. Before 6.15 kernels refuse a name that
    /// the handle's own namespace has, though the link goes elsewhere, unless the
    /// request says an index.
    pub index: Option<u32>,
    /// Index of the link that it stands on, in the handle's namespace; none for a dummy.
    pub parent: Option<u32>,
    /// Where it goes; None: the handle's namespace.
    pub netns: Option<BorrowedFd<'ns>>,
    /// Bytes; None: as the parent has, or 1500.
    pub mtu: Option<u32>,
    /// None leaves it to the kernel: random, or the parent's.
    pub mac: Option<MacAddr>,
    /// Which driver, and its settings.
    pub kind: ChildKind,
}

/// Which driver makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChildKind {
    /// A hardware address of its own on the parent's wire.
    Macvlan {
        /// Whom it talks to.
        mode: MacvlanMode,
        /// Broadcasts that may wait, in packets; the most that any macvlan of the parent
        /// asks for counts. None: 1000. Kernels before 5.11 do not know it.
        bc_queue_len: Option<u32>,
    },
    /// The parent's hardware address with IP addresses of its own.
    Ipvlan {
        /// At which layer. All of one parent have the mode that was asked for last.
        mode: IpvlanMode,
    },
    /// What a VLAN has of the parent.
    Vlan {
        /// 802.1Q's identifier, 0 to 4094.
        id: u16,
    },
    /// Sends into the void.
    Dummy,
}

impl ChildKind {
    /// The kernel's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Macvlan { .. } => "macvlan",
            Self::Ipvlan { .. } => "ipvlan",
            Self::Vlan { .. } => "vlan",
            Self::Dummy => "dummy",
        }
    }
}

macro_rules! modes {
    ($(#[$doc:meta])+ $type:ident: $number:ty, $wanted:literal,
     $($(#[$mode_doc:meta])+ $mode:ident = $value:literal, $text:literal;)+) => {
        $(#[$doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $type {
            $($(#[$mode_doc])+ $mode,)+
        }

        impl $type {
            /// As the kernel numbers it.
            pub const fn number(self) -> $number {
                match self { $(Self::$mode => $value,)+ }
            }

            /// The mode of that number.
            pub const fn from_number(number: $number) -> Option<Self> {
                match number {
                    $($value => Some(Self::$mode),)+
                    _ => None,
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$mode => $text,)+ })
            }
        }

        impl FromStr for $type {
            type Err = UnknownMode;

            fn from_str(text: &str) -> Result<Self, UnknownMode> {
                match text {
                    $($text => Ok(Self::$mode),)+
                    _ => Err(UnknownMode($wanted)),
                }
            }
        }
    };
}

/// No mode of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is none of {0}")]
pub struct UnknownMode(&'static str);

modes! {
    /// Whom a macvlan talks to besides the wire.
    MacvlanMode: u32, "bridge, private, vepa, passthru",
    /// Nobody on the same parent.
    Private = 1, "private";
    /// Others on the parent by way of the switch behind the wire.
    Vepa = 2, "vepa";
    /// Others on the parent directly.
    Bridge = 4, "bridge";
    /// It has the parent, and its hardware address, for itself.
    Passthru = 8, "passthru";
}

modes! {
    /// What an ipvlan's parent sorts by.
    IpvlanMode: u16, "l2, l3, l3s",
    /// Frames: neighbours are asked for on the wire.
    L2 = 0, "l2";
    /// Packets, routed in the parent's namespace; no broadcasts.
    L3 = 1, "l3";
    /// As L3, past the parent's netfilter.
    L3s = 2, "l3s";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_have_names_and_numbers() {
        for mode in ["private", "vepa", "bridge", "passthru"] {
            let parsed: MacvlanMode = mode.parse().unwrap();
            assert_eq!(parsed.to_string(), mode);
            assert_eq!(MacvlanMode::from_number(parsed.number()), Some(parsed));
        }
        for mode in ["l2", "l3", "l3s"] {
            let parsed: IpvlanMode = mode.parse().unwrap();
            assert_eq!(parsed.to_string(), mode);
            assert_eq!(IpvlanMode::from_number(parsed.number()), Some(parsed));
        }
        let error = "L2".parse::<IpvlanMode>().unwrap_err();
        assert_eq!(error.to_string(), "is none of l2, l3, l3s");
        assert!("source".parse::<MacvlanMode>().is_err());
        assert_eq!(MacvlanMode::from_number(16), None);
    }
}
