//! Whose a link's root qdisc is.

use fairway_netlink::{Qdisc, QdiscKind, Qdiscs, TcHandle};

use crate::error::{Error, Result};
use crate::tree::{BULK, HALFWAY, HANDLE};

/// What of ours is at a link's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ours {
    /// A tree, or the beginning of one.
    Tree,
    /// A token bucket.
    Bucket(Qdisc),
    /// Departure times; or what they stopped at half way, or an earlier version has left.
    Other(Qdisc),
}

impl Ours {
    pub(crate) const fn handle(&self) -> TcHandle {
        match self {
            Self::Tree => HANDLE,
            Self::Bucket(qdisc) | Self::Other(qdisc) => qdisc.handle,
        }
    }
}

/// None where the root is free for us: there is none, or the kernel has chosen it.
pub(crate) fn ours(netlink: &mut (impl Qdiscs + ?Sized), index: u32) -> Result<Option<Ours>> {
    let Some(root) = netlink.qdisc(index, TcHandle::ROOT)? else {
        return Ok(None);
    };
    if root.handle != HANDLE && root.handle != HALFWAY {
        return Err(Error::Foreign {
            index,
            kind: root.kind.name().to_owned(),
            handle: root.handle,
        });
    }
    Ok(Some(match root.kind {
        _ if root.handle != HANDLE => Ours::Other(root),
        QdiscKind::Htb { default } if default == BULK.minor() => Ours::Tree,
        QdiscKind::Tbf(_) => Ours::Bucket(root),
        _ => Ours::Other(root),
    }))
}
