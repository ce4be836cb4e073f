//! vlan: one VLAN of the master, without its tag.

use crate::{
    conf::{Conf, Make},
    require_ipam,
};
use fairway_cni::{Context, FieldError};
use fairway_netlink::{ChildKind, Link, LinkKind};

/// Identifiers; 4095 is reserved, and 0 is a priority without a VLAN.
const IDS: std::ops::RangeInclusive<i64> = 0..=4094;

pub(crate) fn parse(context: &Context<'_>) -> Result<Conf, FieldError> {
    let root = context.conf.root();
    let id = root.integer("vlanId", IDS)?;
    let id = id.and_then(|id| u16::try_from(id).ok()).unwrap_or(0);
    require_ipam(context)?;
    let make = Make::Child(ChildKind::Vlan { id });
    let conf = Conf::new(&root, make)?.with_master(&root)?;
    match conf.master {
        Some(_) => Ok(conf),
        None => Err(FieldError::Missing {
            path: "master".to_owned(),
        }),
    }
}

pub(crate) fn is_kind(link: &Link) -> bool {
    matches!(link.kind, Some(LinkKind::Vlan { .. }))
}
