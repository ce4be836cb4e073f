//! macvlan: a hardware address of its own on the master's wire.

use crate::conf::{Announce, Conf, Make};
use fairway_cni::{Context, FieldError};
use fairway_iface::keys;
use fairway_netlink::{ChildKind, Link, LinkKind, MacvlanMode};

pub(crate) fn parse(context: &Context<'_>) -> Result<Conf, FieldError> {
    let root = context.conf.root();
    let mode = root.parse("mode")?.unwrap_or(MacvlanMode::Bridge);
    let length = root.integer("bcqueuelen", 0..=u32::MAX.into())?;
    let bc_queue_len = length
        .and_then(|length| u32::try_from(length).ok())
        .filter(|length| *length != 0);
    let make = Make::Child(ChildKind::Macvlan { mode, bc_queue_len });
    let conf = Conf {
        mac: keys::mac(context, root.get("mac"))?,
        announce: Announce::Both,
        ..Conf::new(&root, make)?.with_master(&root)?
    };
    match (mode, conf.mac) {
        (MacvlanMode::Passthru, Some(mac)) => Err(root.invalid(
            "mac",
            mac,
            "cannot go with mode passthru: there the interface has the master's hardware address",
        )),
        _ => Ok(conf),
    }
}

pub(crate) fn is_kind(link: &Link) -> bool {
    match &link.kind {
        Some(LinkKind::Macvlan(_)) => true,
        // A mode that somebody has changed it to.
        Some(LinkKind::Other(kind)) => kind == "macvlan",
        _ => false,
    }
}
