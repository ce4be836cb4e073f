//! What the kernel means when it refuses a link: it says no more than a number, and the same one for many things.

use crate::conf::{Conf, Make};
use fairway_cni::FieldError;
use fairway_iface::Error;
use fairway_netlink::{ChildKind, Link, MacvlanMode};

/// What was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// To make it.
    Create,
    /// To set it up, or to give it addresses.
    Up,
}

// Linux, as its man pages number them.
const EBUSY: i32 = 16;
const EEXIST: i32 = 17;
const EINVAL: i32 = 22;
const EADDRINUSE: i32 = 98;
const ENETDOWN: i32 = 100;

/// The field that is to blame, where the number tells; any other error as it is.
pub(crate) fn error(conf: &Conf, parent: Option<&Link>, moment: Moment, error: Error) -> Error {
    let (Error::Netlink(kernel), Make::Child(kind), Some(parent)) = (&error, &conf.make, parent)
    else {
        return error;
    };
    let Some(errno) = kernel.errno() else {
        return error;
    };
    let field = |path: &str, value: String, reason: &str| FieldError::Value {
        path: path.to_owned(),
        value,
        reason: format!("{reason} ({kernel})"),
    };
    let master = |reason| field("master", format!("{:?}", parent.name), reason);
    match (kind, moment, errno as i32) {
        (ChildKind::Macvlan { .. }, Moment::Create, EBUSY) => Error::InUse(master(
            "is in use otherwise: as a port of a bridge or of a bond, or by ipvlan links",
        )),
        (ChildKind::Ipvlan { .. }, Moment::Create, EBUSY) => Error::InUse(master(
            "is in use otherwise: as a port of a bridge or of a bond, or by macvlan links",
        )),
        (
            ChildKind::Macvlan {
                mode: MacvlanMode::Passthru,
                ..
            },
            Moment::Create,
            EINVAL,
        ) => Error::InUse(field(
            "mode",
            "\"passthru\"".to_owned(),
            &format!(
                "wants master {} for itself: it has macvlan links, or is no Ethernet link",
                parent.name
            ),
        )),
        (ChildKind::Macvlan { .. }, Moment::Create, EINVAL) => Error::InUse(master(
            "takes no macvlan: one in mode passthru has it for itself, or it is no Ethernet link",
        )),
        (ChildKind::Ipvlan { .. }, Moment::Create, EINVAL) => {
            Error::Field(master("takes no ipvlan: it is no Ethernet link"))
        }
        (ChildKind::Vlan { id }, Moment::Create, EEXIST) => Error::InUse(field(
            "vlanId",
            id.to_string(),
            &format!(
                "master {} has a link for this VLAN already, on the host or in a container",
                parent.name
            ),
        )),
        (ChildKind::Vlan { .. }, Moment::Up, ENETDOWN) => {
            Error::InUse(master("is down, and so are its VLANs"))
        }
        // The first of them is what kernels say now.
        (ChildKind::Macvlan { .. }, Moment::Up, EADDRINUSE | EBUSY) => {
            let mac = conf.mac.map_or_else(String::new, |mac| mac.to_string());
            let reason = format!("another macvlan of master {} has it", parent.name);
            Error::InUse(field("mac", mac, &reason))
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests;
