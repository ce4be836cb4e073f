//! What can go wrong with a limit.

use fairway_netlink::TcHandle;

use crate::Means;

/// Shorthand for this crate's results.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a limit is not as it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused something, or does not answer.
    #[error(transparent)]
    Netlink(#[from] fairway_netlink::Error),
    /// No link of that index in this namespace.
    #[error("there is no link {index}")]
    NoLink {
        /// Which.
        index: u32,
    },
    /// Somebody else's qdisc is in place.
    #[error(
        "link {index} has a root qdisc {kind} {handle} that is somebody else's; \
         a limit would throw it away"
    )]
    Foreign {
        /// Of which link.
        index: u32,
        /// What it is: "htb", "fq".
        kind: String,
        /// Its number.
        handle: TcHandle,
    },
    /// This kernel can keep no limit.
    #[error("this kernel has neither of the qdiscs htb and tbf (CONFIG_NET_SCH_HTB, _TBF)")]
    NoMeans,
    /// A full frame would be more than what may go at once.
    #[error(
        "a burst of {burst} bytes is less than a packet on link {index}, whose MTU is {mtu} bytes"
    )]
    BurstBelowMtu {
        /// Which link.
        index: u32,
        /// Bytes.
        burst: u32,
        /// Bytes.
        mtu: u32,
    },
    /// There is no limit of ours.
    #[error("link {index} has no limit")]
    Missing {
        /// Which.
        index: u32,
    },
    /// There is a limit, and it is another.
    #[error("the limit on link {index} is not as it should be: {what} is {found}, not {wanted}")]
    Differs {
        /// Which link.
        index: u32,
        /// What differs: "the rate of class fa17:1".
        what: String,
        /// How it should be.
        wanted: String,
        /// How it is.
        found: String,
    },
}

impl Means {
    /// The kernel's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Htb => "htb",
            Self::Tbf => "tbf",
        }
    }
}
