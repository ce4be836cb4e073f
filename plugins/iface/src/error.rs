//! What can go wrong with an interface, and the code each has.

use fairway_cni::{Code, Fault, FieldError};
use fairway_netlink::{NsError, sysctl::SysctlError};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

/// An interface could not be made, configured, found as expected, or removed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel, or the way to it.
    #[error(transparent)]
    Netlink(fairway_netlink::Error),
    /// A kernel setting.
    #[error(transparent)]
    Sysctl(#[from] SysctlError),
    /// The container's namespace.
    #[error("CNI_NETNS: {0}")]
    Namespace(#[from] NsError),
    /// A firewall rule.
    #[error(transparent)]
    Netfilter(#[from] fairway_netfilter::Error),
    /// A limit.
    #[error(transparent)]
    Shape(#[from] fairway_shape::Error),
    /// A field that only the kernel shows to be wrong.
    #[error(transparent)]
    Field(FieldError),
    /// A field that asks for what cannot be had of this plugin.
    #[error(transparent)]
    Unsupported(FieldError),
    /// A field names a link that somebody else uses, or has a use for.
    #[error(transparent)]
    InUse(FieldError),
    /// A tap for another SELinux context.
    #[error("selinuxContext: {context:?}: {what}")]
    Labelled {
        /// The context.
        context: String,
        /// Which step, and the system's word on it.
        what: String,
    },
    /// A tap.
    #[error(transparent)]
    Tap(#[from] fairway_netlink::tap::TapError),
    /// The container has an interface of that name.
    #[error("CNI_IFNAME: container interface {ifname:?} already exists")]
    AlreadyAttached {
        /// Its name.
        ifname: String,
    },
    /// No free name for the host's end.
    #[error(
        "no free name for the host's end of {ifname:?}: {tried} names are taken by other attachments"
    )]
    NoHostName {
        /// The container's interface.
        ifname: String,
        /// How many were tried.
        tried: u32,
    },
    /// A link that was there a moment ago.
    #[error("link {name:?} vanished while it was being set up")]
    Vanished {
        /// Its name.
        name: String,
    },
    /// A link of that name is something else.
    #[error("{name:?} already exists and {reason}")]
    Conflict {
        /// Its name.
        name: String,
        /// In what it differs.
        reason: String,
    },
    /// Another node on the link has the address.
    #[error("address {address} on {ifname:?}: duplicate address detection found it in use")]
    DuplicateAddress {
        /// The address.
        address: IpNetwork,
        /// The interface.
        ifname: String,
    },
    /// Duplicate address detection, or the link itself, did not settle.
    #[error("{what} of {ifname:?} did not settle within {seconds} s")]
    Unsettled {
        /// What was waited for.
        what: &'static str,
        /// The interface.
        ifname: String,
        /// How long.
        seconds: u64,
    },
    /// The IPAM plugin gave no address.
    #[error("IPAM plugin returned missing IP config")]
    NoAddress,
    /// A gateway is needed and the IPAM plugin named none.
    #[error("IPAM plugin named no gateway for {address}, which this plugin needs")]
    NoGateway {
        /// The address without one.
        address: IpNetwork,
    },
    /// Gateway and address are of different families.
    #[error("IPAM plugin named gateway {gateway} for {address}: the families differ")]
    GatewayFamily {
        /// The address.
        address: IpNetwork,
        /// Its gateway.
        gateway: IpAddr,
    },
    /// CHECK found something other than what `prevResult` says.
    #[error("{subject}: {problem}")]
    Mismatch {
        /// Which link, address or route.
        subject: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Error {
    /// A difference that CHECK found.
    pub fn mismatch(subject: impl std::fmt::Display, problem: impl std::fmt::Display) -> Self {
        Error::Mismatch {
            subject: subject.to_string(),
            problem: problem.to_string(),
        }
    }
}

impl From<fairway_netlink::Error> for Error {
    /// A namespace that only entering shows to be none is still the field's fault.
    fn from(error: fairway_netlink::Error) -> Self {
        match error {
            fairway_netlink::Error::Namespace(source) => Error::Namespace(source),
            error => Error::Netlink(error),
        }
    }
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Error::Namespace(_) => Code::INVALID_NETNS,
            Error::Netlink(_) => Code::KERNEL,
            Error::Field(error) => error.code(),
            Error::Unsupported(_) => Code::UNSUPPORTED_FIELD,
            Error::InUse(_) => Code::LINK_CONFLICT,
            Error::Tap(_) | Error::Labelled { .. } => Code::KERNEL,
            Error::Shape(error) => match error {
                fairway_shape::Error::Foreign { .. } => Code::LINK_CONFLICT,
                fairway_shape::Error::NoLink { .. } => Code::TRY_AGAIN,
                fairway_shape::Error::Missing { .. } | fairway_shape::Error::Differs { .. } => {
                    Code::CHECK_FAILED
                }
                _ => Code::KERNEL,
            },
            Error::Netfilter(
                fairway_netfilter::Error::MissingRule { .. }
                | fairway_netfilter::Error::ChangedChain { .. },
            ) => Code::CHECK_FAILED,
            Error::Netfilter(_) => Code::FIREWALL,
            Error::Sysctl(_) => Code::IO,
            Error::AlreadyAttached { .. } => Code::ALREADY_ATTACHED,
            Error::NoHostName { .. } | Error::Conflict { .. } => Code::LINK_CONFLICT,
            Error::Vanished { .. } | Error::Unsettled { .. } => Code::TRY_AGAIN,
            Error::DuplicateAddress { .. } => Code::DUPLICATE_ADDRESS,
            Error::NoAddress | Error::NoGateway { .. } | Error::GatewayFamily { .. } => {
                Code::INVALID_CONFIG
            }
            Error::Mismatch { .. } => Code::CHECK_FAILED,
        }
    }
}
